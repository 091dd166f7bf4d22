//! What may stand where a key is expected.

use super::{AnyKey, Key, KeyOf};

/// An expression that gives a [`Key`] of `V`, for `key = ..` of `#[cache_result]`.
///
/// ```
/// use cache_runtime::{IntoKey, Key, KeyTemplate};
///
/// fn text_of(key: impl IntoKey<String>) -> String {
///     key.into_key().text().to_owned()
/// }
///
/// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
/// assert_eq!(text_of(USER.key(7)), "user:7");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a key of `{V}`",
    label = "expected a `Key<{V}>`",
    note = "write a template as a string literal, `TEMPLATE.key(..)` of a `KeyTemplate` whose value \
            type is `{V}`, or the companion `<function>_key(..)` of a function that returns it"
)]
pub trait IntoKey<V> {
    /// The key.
    fn into_key(self) -> Key<V>;
}

impl<V> IntoKey<V> for Key<V> {
    fn into_key(self) -> Key<V> {
        self
    }
}

impl<V> IntoKey<V> for &Key<V> {
    fn into_key(self) -> Key<V> {
        self.clone()
    }
}

impl<V> IntoKey<V> for KeyOf<V> {
    fn into_key(self) -> Key<V> {
        (*self).clone()
    }
}

impl<T, E> IntoKey<T> for KeyOf<Result<T, E>> {
    fn into_key(self) -> Key<T> {
        self.key()
    }
}

/// A key, or several, for `keys = ..` of `#[invalidate_cache]`.
///
/// ```
/// use cache_runtime::{IntoKeys, KeyTemplate};
///
/// fn count(keys: impl IntoKeys) -> usize {
///     let mut count = 0;
///     keys.each(&mut |_| count += 1);
///     count
/// }
///
/// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
/// assert_eq!(count(USER.key(7)), 1);
/// assert_eq!(count([1, 2, 3].map(|id| USER.key(id))), 3);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a key nor a collection of keys",
    label = "expected a `Key`, or something that iterates over `Key`s",
    note = "write a template as a string literal, `TEMPLATE.key(..)`, or `<function>_key(..)`"
)]
pub trait IntoKeys {
    /// Hands out every key.
    fn each(self, take: &mut dyn FnMut(&AnyKey));
}

impl IntoKeys for AnyKey {
    fn each(self, take: &mut dyn FnMut(&AnyKey)) {
        take(&self);
    }
}

impl<V> IntoKeys for Key<V> {
    fn each(self, take: &mut dyn FnMut(&AnyKey)) {
        take(self.any());
    }
}

impl<V> IntoKeys for &Key<V> {
    fn each(self, take: &mut dyn FnMut(&AnyKey)) {
        take(self.any());
    }
}

impl<R> IntoKeys for KeyOf<R> {
    fn each(self, take: &mut dyn FnMut(&AnyKey)) {
        take(self.any());
    }
}

#[diagnostic::do_not_recommend]
impl<I: IntoIterator> IntoKeys for I
where
    I::Item: IntoKeys,
{
    fn each(self, take: &mut dyn FnMut(&AnyKey)) {
        self.into_iter().for_each(|key| key.each(take));
    }
}
