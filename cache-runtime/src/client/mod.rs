//! The way to Redis: what to connect to, the connection, and reads that ride together.

mod budget;
mod cluster;
pub(crate) mod config;
mod connect;
mod connection;
mod dedicated;
pub(crate) mod engine;
mod keeper;
mod layout;
mod link;
mod reads;
mod sentinel;
mod server_clock;
mod settings;
mod tally;
mod upstream;
mod why;
mod wire;

pub(crate) use budget::Budget;
pub(crate) use connect::check;
pub use connection::RedisConnection;
pub use dedicated::Dedicated;
pub(crate) use dedicated::Pool;
pub(crate) use layout::{Layout, Primary};
pub(crate) use link::Link;
pub(crate) use reads::{WireKey, generation};
pub(crate) use server_clock::ServerClock;
pub(crate) use settings::{Address, Login, Settings, Tls, Topology};
pub use tally::Connections;
pub(crate) use upstream::Upstream;
pub(crate) use why::Why;
