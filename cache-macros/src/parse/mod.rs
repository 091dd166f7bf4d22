//! Stage one: what was written, without judging it.

mod attribute;
pub(crate) mod duration;
mod function;
mod future;
pub(crate) mod size;
pub(crate) mod template;

pub(crate) use attribute::{Argument, Value, arguments};
pub(crate) use function::{Body, Function, function};
