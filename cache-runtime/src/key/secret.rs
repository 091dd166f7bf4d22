//! Values that may decide a key but may not be read in it.

use std::fmt;

use super::{KeyPart, KeyWriter};

/// A value that enters keys only as a digest, and prints as `Secret(..)`.
///
/// Keys can be read by everybody who reads Redis, its slow log or its backups.
/// A digest hides a token of many random bits; it does not hide what can be
/// guessed, such as a birthday or a short number.
///
/// ```
/// use cache_runtime::{KeyWriter, Secret};
///
/// let token = Secret::new("3f9c81d2a7".to_owned());
///
/// assert_eq!(format!("{token:?}"), "Secret(..)");
/// assert_eq!(token.expose(), "3f9c81d2a7");
/// assert!(KeyWriter::text_of(&token).starts_with('#'));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Hides a value.
    ///
    /// ```
    /// # use cache_runtime::Secret;
    /// assert_eq!(Secret::new(7).expose(), &7);
    /// ```
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, where it is needed.
    ///
    /// ```
    /// # use cache_runtime::Secret;
    /// assert_eq!(*Secret::new("s3cret").expose(), "s3cret");
    /// ```
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(..)")
    }
}

impl<T: KeyPart> KeyPart for Secret<T> {
    fn render(&self, out: &mut KeyWriter<'_>) {
        out.hashed(|out| self.0.render(out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_renders_its_value() {
        let text = KeyWriter::text_of(&Secret::new("hunter2"));
        assert_eq!(text, "#9S-9MrKzuG_4jvbEkGKChfSCrxXdyylUH5S89Saj9sc");
    }

    #[test]
    fn never_prints_its_value() {
        assert_eq!(
            format!("{:?}", Some(Secret::new("hunter2"))),
            "Some(Secret(..))"
        );
    }

    #[test]
    fn an_absent_secret_is_not_the_secret_of_absence() {
        let absent = KeyWriter::text_of(&None::<Secret<Option<u8>>>);
        let empty = KeyWriter::text_of(&Some(Secret::new(None::<u8>)));
        assert_ne!(absent, empty);
    }
}
