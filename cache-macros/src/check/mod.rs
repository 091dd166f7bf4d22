//! Stage two: what may be written, turned into the model.

mod attribute;
mod background;
mod clashes;
mod companion;
mod format;
mod function;
mod key;
mod key_part;
mod keys;
mod lifetimes;
mod load;
mod many;
mod names;
mod occurrences;
mod options;
mod parameters;
mod placeholders;
mod repeated;
mod retry;
mod scope;
mod tags;
mod template;
mod windows;
mod with_redis;
mod write;

pub(crate) use attribute::Attribute;
pub(crate) use key_part::key_part;
pub(crate) use keys::keys;
pub(crate) use load::load;
pub(crate) use retry::retry;
pub(crate) use with_redis::with_redis;
pub(crate) use write::write;
