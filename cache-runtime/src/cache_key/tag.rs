//! The key behind a tag: it holds the tag's generation.

use std::sync::Arc;

use crate::key::{KeyPart, Template};

/// No template and no value can begin like this: brackets are a glob's.
const MARK: &str = "[tag]";

/// The key of a tag's generation.
pub fn tag_key(template: &Template, parts: &[&dyn KeyPart]) -> Arc<str> {
    template.render_with(parts, |tag| Arc::from([MARK, tag].concat()))
}
