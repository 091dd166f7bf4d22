//! What a cache counts about itself.

mod counters;

pub use counters::Stats;
pub(crate) use counters::{Counters, Event};
