//! The way to one Redis: what to connect to, the connection, and reads that ride together.

mod budget;
pub(crate) mod config;
mod connect;
pub(crate) mod engine;
mod link;
mod reads;
mod server_clock;
mod settings;

pub(crate) use budget::Budget;
pub(crate) use link::Link;
pub(crate) use reads::{WireKey, generation};
pub(crate) use server_clock::ServerClock;
pub(crate) use settings::{Address, Login, Settings, Tls, Topology};
