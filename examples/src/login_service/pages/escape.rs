//! What users have typed, as text in HTML and never as HTML.

use std::fmt::{self, Display, Write as _};

/// Text for between tags and for between double quotes of an attribute.
pub(crate) struct Escaped<T>(pub(crate) T);

impl<T: AsRef<str>> Display for Escaped<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.as_ref().chars() {
            match letter {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                letter => out.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Escaped;

    #[test]
    fn no_text_becomes_a_tag_or_ends_an_attribute() {
        let typed = r#"<b title='a'>"Ada" & co</b>"#;
        let escaped = Escaped(typed).to_string();
        assert_eq!(
            escaped,
            "&lt;b title=&#39;a&#39;&gt;&quot;Ada&quot; &amp; co&lt;/b&gt;"
        );
    }
}
