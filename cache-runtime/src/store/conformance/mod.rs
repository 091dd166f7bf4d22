//! What a store does, whichever it is: each scenario runs on the embedded one, on Redis and on
//! a cluster, by a clock that stands still until the scenario moves it.

mod before;
mod fences;
mod leases;
mod manual;
mod server;
mod sessions;
mod stage;
mod tags;
mod takes;

pub(crate) use server::Server as RedisServer;
