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
mod scope;
mod tags;
mod template;
mod windows;
mod write;

pub(crate) use attribute::Attribute;
pub(crate) use key_part::key_part;
pub(crate) use keys::keys;
pub(crate) use load::load;
pub(crate) use write::write;
