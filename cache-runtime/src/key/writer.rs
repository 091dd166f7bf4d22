//! What a part writes itself with: every way into a key escapes or is bounded.

use super::{EscapeTable, KeyPart, digest, scratch};

/// A longer part is digested.
const MAX_PART_BYTES: usize = 256;

/// Whether a placeholder shows its part or a digest of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// As text, unless that is long.
    Spelled,
    /// `|hash`.
    Digested,
}

/// Where a [`KeyPart`] writes itself.
///
/// No method can write a raw separator, glob or control character, so no
/// implementation can reach into the next placeholder.
///
/// ```
/// use cache_runtime::{KeyPart, KeyWriter};
///
/// enum Scope { Everything, Class(u32) }
///
/// impl KeyPart for Scope {
///     fn render(&self, out: &mut KeyWriter<'_>) {
///         match self {
///             Scope::Everything => out.name("Everything"),
///             Scope::Class(id) => {
///                 out.name("Class");
///                 out.group(&[id]);
///             }
///         }
///     }
/// }
///
/// assert_eq!(KeyWriter::text_of(&Scope::Everything), "Everything");
/// assert_eq!(KeyWriter::text_of(&Scope::Class(7)), "Class(7,)");
/// ```
#[derive(Debug)]
pub struct KeyWriter<'a> {
    out: &'a mut String,
    table: &'a EscapeTable,
}

impl<'a> KeyWriter<'a> {
    pub(super) fn new(out: &'a mut String, table: &'a EscapeTable) -> Self {
        Self { out, table }
    }

    /// The text of one part, as it stands in a key: to test an implementation.
    ///
    /// ```
    /// # use cache_runtime::KeyWriter;
    /// assert_eq!(KeyWriter::text_of("a:b"), "a%3Ab");
    /// assert_eq!(KeyWriter::text_of(&(1, Some("x"), None::<u8>)), "(1,x,~,)");
    /// ```
    pub fn text_of<T: KeyPart + ?Sized>(part: &T) -> String {
        scratch::with(|out| {
            KeyWriter::new(out, &EscapeTable::KEYS).place(&part, Shown::Spelled);
            out.clone()
        })
    }

    /// Writes text, escaped.
    ///
    /// ```
    /// # use cache_runtime::{KeyPart, KeyWriter};
    /// struct Country([u8; 2]);
    ///
    /// impl KeyPart for Country {
    ///     fn render(&self, out: &mut KeyWriter<'_>) {
    ///         out.text(&String::from_utf8_lossy(&self.0));
    ///     }
    /// }
    ///
    /// assert_eq!(KeyWriter::text_of(&Country(*b"NZ")), "NZ");
    /// ```
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.table.write(text, self.out);
    }

    /// Writes an integer that is never negative.
    ///
    /// ```
    /// # use cache_runtime::{KeyPart, KeyWriter};
    /// struct Timeout(std::time::Duration);
    ///
    /// impl KeyPart for Timeout {
    ///     fn render(&self, out: &mut KeyWriter<'_>) {
    ///         out.unsigned(self.0.as_millis());
    ///     }
    /// }
    ///
    /// assert_eq!(KeyWriter::text_of(&Timeout(std::time::Duration::from_secs(2))), "2000");
    /// ```
    pub fn unsigned(&mut self, value: u128) {
        self.integer(value);
    }

    /// Writes an integer.
    ///
    /// ```
    /// # use cache_runtime::{KeyPart, KeyWriter};
    /// struct Celsius(i16);
    ///
    /// impl KeyPart for Celsius {
    ///     fn render(&self, out: &mut KeyWriter<'_>) {
    ///         out.signed(self.0.into());
    ///     }
    /// }
    ///
    /// assert_eq!(KeyWriter::text_of(&Celsius(-4)), "-4");
    /// ```
    pub fn signed(&mut self, value: i128) {
        self.integer(value);
    }

    /// Writes a name that the program chose, such as that of a variant.
    ///
    /// ```
    /// # use cache_runtime::{KeyPart, KeyWriter};
    /// struct Everything;
    ///
    /// impl KeyPart for Everything {
    ///     fn render(&self, out: &mut KeyWriter<'_>) {
    ///         out.name("everything");
    ///     }
    /// }
    ///
    /// assert_eq!(KeyWriter::text_of(&Everything), "everything");
    /// ```
    pub fn name(&mut self, name: &'static str) {
        self.text(name);
    }

    /// Writes several parts, kept apart: `(a,b,)`.
    ///
    /// ```
    /// # use cache_runtime::{KeyPart, KeyWriter};
    /// struct Range { from: i64, to: Option<i64> }
    ///
    /// impl KeyPart for Range {
    ///     fn render(&self, out: &mut KeyWriter<'_>) {
    ///         out.group(&[&self.from, &self.to]);
    ///     }
    /// }
    ///
    /// assert_eq!(KeyWriter::text_of(&Range { from: 3, to: None }), "(3,~,)");
    /// ```
    pub fn group(&mut self, parts: &[&dyn KeyPart]) {
        self.each(parts);
    }

    /// Writes a digest of what `write` writes: 44 bytes, whatever the length.
    ///
    /// ```
    /// # use cache_runtime::{KeyPart, KeyWriter};
    /// struct Query(String);
    ///
    /// impl KeyPart for Query {
    ///     fn render(&self, out: &mut KeyWriter<'_>) {
    ///         out.hashed(|out| out.text(&self.0));
    ///     }
    /// }
    ///
    /// assert_eq!(KeyWriter::text_of(&Query("select 1".repeat(1000))).len(), 44);
    /// ```
    pub fn hashed(&mut self, write: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        write(self);
        digest::replace_tail(self.out, start);
    }

    /// Writes that there is no value.
    ///
    /// ```
    /// # use cache_runtime::{KeyPart, KeyWriter};
    /// struct Page(u32);
    ///
    /// impl KeyPart for Page {
    ///     fn render(&self, out: &mut KeyWriter<'_>) {
    ///         match self.0 {
    ///             0 => out.absent(),
    ///             number => out.unsigned(number.into()),
    ///         }
    ///     }
    /// }
    ///
    /// assert_eq!(KeyWriter::text_of(&Page(0)), "~");
    /// ```
    pub fn absent(&mut self) {
        self.out.push('~');
    }

    /// Writes a value that could have been absent.
    pub(super) fn present(&mut self, value: &impl KeyPart) {
        let start = self.out.len();
        value.render(self);
        if self
            .out
            .get(start..)
            .is_some_and(|text| text.starts_with('~'))
        {
            self.out.insert(start, '~');
        }
    }

    /// Each part ends with a comma: no part is `()`, one empty part is `(,)`.
    pub(super) fn each<T: KeyPart>(&mut self, parts: &[T]) {
        self.out.push('(');
        for part in parts {
            part.render(self);
            self.out.push(',');
        }
        self.out.push(')');
    }

    #[inline]
    pub(super) fn integer(&mut self, value: impl itoa::Integer) {
        self.out.push_str(itoa::Buffer::new().format(value));
    }

    /// Text that was rendered before, or stands in a template.
    pub(super) fn verbatim(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Writes a part into a placeholder.
    #[inline]
    pub(super) fn place(&mut self, part: &dyn KeyPart, shown: Shown) {
        let start = self.out.len();
        part.render(self);
        if shown == Shown::Digested || self.out.len() - start > MAX_PART_BYTES {
            digest::replace_tail(self.out, start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_a_part_of_more_than_256_bytes() {
        let longest = "a".repeat(256);
        assert_eq!(KeyWriter::text_of(&longest), longest);
        let digested = KeyWriter::text_of(&"a".repeat(257));
        assert_eq!(digested, "#6NlcwrS8GYxUtAvSFN-Vivtl9ec9LC6v4Fk89cY1wfA");
    }

    #[test]
    fn counts_the_bytes_of_a_part_after_escaping() {
        assert_eq!(KeyWriter::text_of(&":".repeat(85)).len(), 255);
        assert_eq!(KeyWriter::text_of(&":".repeat(86)).len(), 44);
    }

    #[test]
    fn digests_a_digest_again() {
        struct Twice;
        impl KeyPart for Twice {
            fn render(&self, out: &mut KeyWriter<'_>) {
                out.hashed(|out| out.hashed(|out| out.text("x")));
            }
        }
        struct Once;
        impl KeyPart for Once {
            fn render(&self, out: &mut KeyWriter<'_>) {
                out.hashed(|out| out.text("x"));
            }
        }
        // Else `hashed` could not tell a plain `x` from an already digested one.
        assert_ne!(KeyWriter::text_of(&Twice), KeyWriter::text_of(&Once));
    }
}
