//! How well Redis is: measured now and then, judged, and told to whoever listens.
//!
//! `info` reads what a server says about itself; `judge` makes a status of it and tells what has
//! changed; `report` is what users get; `monitor` keeps the last measurement and the listeners.

mod info;
mod judge;
mod monitor;
mod report;

pub(crate) use info::{Info, measure, texts};
pub(crate) use judge::{Limits, Local};
pub use monitor::HealthEvents;
pub(crate) use monitor::{Monitor, Outcome};
pub use report::{Health, HealthEvent, HealthReason, HealthStatus, ServerHealth};
