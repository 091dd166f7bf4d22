//! How a type parameter stands in a key.

use super::{KeyPart, KeyWriter};

/// The name of a type in a key, for functions that are generic over it.
///
/// `fn load<T: Entity>(id: Id)` with the key `entity:<id>` would keep users and
/// classes under one key; `entity:<T>:<id>` keeps them apart. Names of types that
/// share a function must differ, and a name in use must stay: it is in the keys.
///
/// ```
/// use cache_runtime::KeyName;
///
/// struct User;
///
/// impl KeyName for User {
///     const NAME: &'static str = "user";
/// }
///
/// assert_eq!(User::NAME, "user");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no name for cache keys",
    label = "implement `KeyName` for it",
    note = "write `impl KeyName for {Self} {{ const NAME: &'static str = \"..\"; }}`, and bound the type parameter with `KeyName`"
)]
pub trait KeyName {
    /// The text that stands for the type.
    const NAME: &'static str;
}

/// The part that a type parameter is.
#[derive(Clone, Copy, Debug)]
pub struct TypeName(pub(super) &'static str);

impl KeyPart for TypeName {
    fn render(&self, out: &mut KeyWriter<'_>) {
        out.name(self.0);
    }
}
