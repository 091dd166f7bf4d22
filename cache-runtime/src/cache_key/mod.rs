//! Keys: what an entry is found by, typed by the value behind it.

mod any;
mod counter;
mod into;
mod of;
mod typed;

pub use any::AnyKey;
pub use counter::{Counter, CounterKey};
pub use into::{IntoKey, IntoKeys};
pub use of::{KeyOf, KeyProbe, NotAKey, companion};
pub use typed::Key;
