//! What a store does, whichever it is: each scenario runs on the embedded one and on Redis, by a
//! clock that stands still until the scenario moves it.

mod before;
mod fences;
mod leases;
mod manual;
mod server;
mod stage;
mod tags;
mod takes;
