//! Keys: how argument values become text that no other values can become.
//!
//! `template` holds the text between the placeholders, `part` says which values
//! may stand in one, `writer` and `escape` write them, `typed` is what users name.

mod arg;
mod compound;
pub(crate) mod context;
mod digest;
pub(crate) mod escape;
mod fault;
mod grammar;
mod message;
mod name;
mod part;
pub(crate) mod plumbing;
mod scalar;
mod scratch;
mod secret;
mod tag;
mod template;
mod typed;
mod writer;

#[cfg(test)]
mod injectivity;

pub use arg::KeyArg;
pub use context::key_context;
pub(crate) use digest::push_base64url;
pub use escape::EscapeTable;
pub(crate) use escape::escaped;
pub use name::KeyName;
pub use part::KeyPart;
pub use secret::Secret;
pub(crate) use tag::is_tag;
pub use tag::tag_key;
pub use template::Template;
pub use typed::{KeyArguments, KeyTemplate};
pub use writer::KeyWriter;
