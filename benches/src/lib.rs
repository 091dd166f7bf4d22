//! What a hit costs beside the code that one would write by hand, measured side by side.
//!
//! `cargo run --release -p cache-benches --bin hits` prints Markdown. Every subject runs once a
//! round, in an order that alternates; ratios are medians over rounds of one subject to another
//! of the same round, divided by the same ratio of the hand-written code to itself. The server
//! and whatever else the machine does share the processors, so the processor time of this
//! process per call is the steadiest figure.
//!
//! `--bin allocations` counts allocations: its allocator would slow the timings.

pub mod comparison;
pub mod cpu;
pub mod drive;
pub mod embedded;
pub mod options;
pub mod redis_hits;
pub mod stampede;
pub mod table;
pub mod tags;
pub mod values;
