//! Which values a caller may pass where a key wants a certain type.

use std::sync::Arc;

use super::{KeyPart, KeyWriter};

/// A value that may be given for the key argument `A`.
///
/// It lets callers of a typed template or a companion function pass what they
/// have: `A`, `&A` or `&&A`; any string where `String` or `str` is wanted; any
/// vector, array or slice where a slice is. All render as `A` does.
///
/// ```
/// use cache_runtime::{KeyArg, KeyPart, KeyWriter};
///
/// fn name_key(name: impl KeyArg<String>) -> String {
///     struct Name<T>(T);
///     impl<T: KeyArg<String>> KeyPart for Name<T> {
///         fn render(&self, out: &mut KeyWriter<'_>) {
///             self.0.render_as(out);
///         }
///     }
///     KeyWriter::text_of(&Name(name))
/// }
///
/// assert_eq!(name_key("ada"), "ada");
/// assert_eq!(name_key(&"ada".to_owned()), "ada");
/// assert_eq!(name_key("ada".to_owned()), "ada");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be given for the key argument `{A}`",
    label = "expected `{A}` or a reference to it",
    note = "the types of a key's arguments stand in its template or its cached function"
)]
pub trait KeyArg<A: ?Sized> {
    /// Writes the value as an `A` would write itself.
    fn render_as(&self, out: &mut KeyWriter<'_>);
}

impl<A: KeyPart + ?Sized> KeyArg<A> for A {
    #[inline]
    fn render_as(&self, out: &mut KeyWriter<'_>) {
        self.render(out);
    }
}

impl<A: KeyPart + ?Sized> KeyArg<A> for &A {
    #[inline]
    fn render_as(&self, out: &mut KeyWriter<'_>) {
        A::render(self, out);
    }
}

impl<A: KeyPart + ?Sized> KeyArg<A> for &&A {
    #[inline]
    fn render_as(&self, out: &mut KeyWriter<'_>) {
        A::render(self, out);
    }
}

/// One type that stands for another and renders alike.
macro_rules! stand_ins {
    ($([$($generic:tt)*] $given:ty => $wanted:ty;)*) => {$(
        impl<$($generic)*> KeyArg<$wanted> for $given {
            fn render_as(&self, out: &mut KeyWriter<'_>) {
                KeyPart::render(&self[..], out);
            }
        }
    )*};
}

stand_ins! {
    [] str => String;
    [] &str => String;
    [] &&str => String;
    [] Arc<str> => String;
    [] String => str;
    [] &String => str;
    [] &&String => str;
    [] Arc<str> => str;
    [] String => Arc<str>;
    [] &String => Arc<str>;
    [] str => Arc<str>;
    [] &str => Arc<str>;
    [T: KeyPart] Vec<T> => [T];
    [T: KeyPart] &Vec<T> => [T];
    [T: KeyPart] &&Vec<T> => [T];
    [T: KeyPart, const N: usize] [T; N] => [T];
    [T: KeyPart, const N: usize] &[T; N] => [T];
}

impl KeyArg<Option<String>> for Option<&str> {
    fn render_as(&self, out: &mut KeyWriter<'_>) {
        self.render(out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::plumbing::arg;
    use super::*;

    #[expect(
        clippy::needless_pass_by_value,
        reason = "as a companion takes its arguments"
    )]
    fn text_as<A: ?Sized>(value: impl KeyArg<A>) -> String {
        KeyWriter::text_of(&arg::<A, _>(&value))
    }

    #[test]
    fn takes_a_value_or_references_to_it() {
        assert_eq!(text_as::<u64>(7), "7");
        assert_eq!(text_as::<u64>(&7), "7");
        assert_eq!(text_as::<u64>(&&7), "7");
        assert_eq!(text_as::<(u8, bool)>((7, true)), "(7,true,)");
    }

    #[test]
    fn takes_any_string_for_a_string() {
        let owned = "a b".to_owned();
        let shared = Arc::<str>::from("a b");
        let texts = [
            text_as::<String>("a b"),
            text_as::<String>(&"a b"),
            text_as::<String>(&owned),
            text_as::<String>(Arc::clone(&shared)),
            text_as::<str>("a b"),
            text_as::<str>(&owned),
            text_as::<str>(&&owned),
            text_as::<str>(owned.clone()),
            text_as::<Arc<str>>("a b"),
            text_as::<Arc<str>>(&shared),
            text_as::<Option<String>>(Some("a b")),
            text_as::<&str>(owned.as_str()),
        ];
        assert!(texts.iter().all(|text| text == "a%20b"), "{texts:?}");
    }

    #[test]
    fn takes_any_list_for_a_slice() {
        let texts = [
            text_as::<[u8]>(vec![1, 2]),
            text_as::<[u8]>(&vec![1, 2]),
            text_as::<[u8]>([1, 2]),
            text_as::<[u8]>(&[1, 2]),
            text_as::<[u8]>([1, 2].as_slice()),
        ];
        assert!(texts.iter().all(|text| text == "(1,2,)"), "{texts:?}");
    }
}
