//! The way to one Redis: what to connect to, the connection, and reads that ride together.

mod breaker;
mod budget;
pub(crate) mod engine;
mod link;
mod reads;
mod server_clock;

pub use breaker::BreakerState;
pub(crate) use breaker::{Breaker, is_passing, probing};
pub(crate) use budget::Budget;
pub(crate) use link::Link;
pub(crate) use reads::{WireKey, generation};
pub(crate) use server_clock::ServerClock;
