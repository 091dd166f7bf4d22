//! Which values may be part of a key: the trait that is the allow-list.

use super::KeyWriter;

/// A value that may stand in a placeholder of a key.
///
/// Implemented for integers, `bool`, `char`, strings, `Uuid` (feature `uuid`),
/// [`Secret`](crate::Secret), and references, smart pointers, `Option`s, tuples,
/// arrays and slices of these. `#[derive(KeyPart)]` adds newtypes, structs and enums.
///
/// Two values that differ must render differently, or one of them is answered
/// with the other's entry. That is why floats (`0.0 == -0.0`), `Debug` output and
/// maps (no order) are left out. Write an implementation by hand only where the
/// derive does not fit, and with one call of the [`KeyWriter`] for each value:
/// [`KeyWriter::group`] keeps several apart.
///
/// ```
/// use cache_runtime::{KeyPart, KeyWriter};
///
/// struct Page { number: u32, size: u32 }
///
/// impl KeyPart for Page {
///     fn render(&self, out: &mut KeyWriter<'_>) {
///         out.group(&[&self.number, &self.size]);
///     }
/// }
///
/// assert_eq!(KeyWriter::text_of(&Page { number: 2, size: 50 }), "(2,50,)");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "not a part of a key",
    note = "a type of your own: add `#[derive(KeyPart)]` to it",
    note = "a float: use an integer (cents, milliseconds), because equal floats can be written differently",
    note = "a `Vec`: take a slice `&[T]` of it; a map or set: pass the few values that decide the result"
)]
pub trait KeyPart {
    /// Writes the value into the key.
    fn render(&self, out: &mut KeyWriter<'_>);
}
