//! The page for when something does not work.

use super::{Escaped, page};

pub(crate) fn trouble(title: &str, what: &str) -> String {
    page(
        title,
        format_args!(
            r#"<p>{}</p><p class="aside"><a href="/">Try again</a></p>"#,
            Escaped(what)
        ),
    )
}
