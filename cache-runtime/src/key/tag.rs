//! The key behind a tag: it holds the tag's generation.

use std::sync::Arc;

use super::{KeyPart, Template};

/// No template and no value begins like this: brackets are a glob's.
const MARK: &str = "[tag]";

/// The key of a tag's generation.
pub fn tag_key(template: &Template, parts: &[&dyn KeyPart]) -> Arc<str> {
    template.render_after(MARK, parts, |key| Arc::from(key))
}

pub(crate) fn is_tag(key: &str) -> bool {
    key.starts_with(MARK)
}
