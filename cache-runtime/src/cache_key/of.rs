//! The key of a cached function, typed by what the function returns.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::typed::Key;
use crate::cache::Cache;
use crate::call::Cacheable;
use crate::entry::Format;
use crate::error::Error;
use crate::key::{KeyPart, Template};

/// The key of a call of a function that returns `R`: what its companion `<name>_key` makes.
///
/// The value behind it is `R` without its `Result`. It knows how the function writes its entries,
/// and the cache that its `cache` option names.
///
/// ```
/// use cache_runtime::{Cache, cache_result};
///
/// #[cache_result(key = "user:<id>:name", ttl = 60)]
/// async fn name_of(id: u64) -> Result<String, std::io::Error> {
///     Ok(format!("user {id}"))
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// Cache::in_memory().scope(async {
///     name_of(7).await?;
///     let name: Option<String> = name_of_key(7).get().await?;
///     assert_eq!(name.as_deref(), Some("user 7"));
///     let _ = name_of_key(7).invalidate().await?;
///     Ok(())
/// }).await
/// # }
/// ```
pub struct KeyOf<R>(Key<R>);

/// The key that a companion makes of a template and its parts.
pub fn companion<R>(template: &'static Template, parts: &[&dyn KeyPart]) -> KeyOf<R> {
    let key = Key::rendered(template.render(parts), template.text());
    KeyOf(key.needing(template.missing()))
}

/// An expression that a companion makes its key of.
///
/// The function itself checks that it is a key of the right type; here a wrong one is let
/// through, so that rustc reports it once.
pub struct KeyProbe<K>(pub K);

impl<V> KeyProbe<Key<V>> {
    /// The companion's key.
    pub fn __cache_companion<R>(self) -> KeyOf<R> {
        KeyOf(self.0.retyped())
    }
}

impl<V> KeyProbe<&Key<V>> {
    /// The companion's key.
    pub fn __cache_companion<R>(self) -> KeyOf<R> {
        KeyOf(self.0.retyped())
    }
}

impl<V> KeyProbe<KeyOf<V>> {
    /// The companion's key.
    pub fn __cache_companion<R>(self) -> KeyOf<R> {
        KeyOf(self.0.0.retyped())
    }
}

/// Anything else, which the function has refused already.
pub trait NotAKey: Sized {
    /// Never made.
    fn __cache_companion<R>(self) -> KeyOf<R> {
        unreachable!("the function of this companion does not compile")
    }
}

impl<K> NotAKey for KeyProbe<K> {}

impl<R> KeyOf<R> {
    pub(crate) fn retyped_as<T>(&self) -> Key<T> {
        self.0.retyped()
    }

    /// How the function writes its entries.
    #[doc(hidden)]
    #[must_use]
    pub fn format(self, format: Format) -> Self {
        Self(self.0.written_as(format))
    }

    /// The keys of the function's tags.
    #[doc(hidden)]
    #[must_use]
    pub fn tags(self, tags: &[Arc<str>]) -> Self {
        Self(self.0.tagged(tags.to_vec()))
    }

    /// The cache that the function's `cache` option names.
    #[doc(hidden)]
    #[must_use]
    pub fn cache(self, cache: Cache) -> Self {
        Self(self.0.on(cache))
    }
}

impl<T, E> KeyOf<Result<T, E>> {
    /// The key of the value in the `Ok`.
    ///
    /// ```
    /// # use cache_runtime::{cache_result, Key};
    /// # #[cache_result(key = "user:<id>:name", ttl = 60)]
    /// # async fn name_of(id: u64) -> Result<String, std::io::Error> { Ok(String::new()) }
    /// let key: Key<String> = name_of_key(7).key();
    /// assert_eq!(key.text(), "user:7:name");
    /// ```
    pub fn key(&self) -> Key<T> {
        self.0.retyped()
    }
}

impl<T: Cacheable, E> KeyOf<Result<T, E>> {
    /// [`Key::get`] of the value in the `Ok`.
    ///
    /// # Errors
    ///
    /// As [`Key::get`].
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    ///
    /// ```
    /// # use cache_runtime::{cache_result, Cache};
    /// # #[cache_result(key = "user:<id>:name", ttl = 60)]
    /// # async fn name_of(id: u64) -> Result<String, std::io::Error> { Ok(String::new()) }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// assert_eq!(Cache::in_memory().scope(name_of_key(7).get()).await?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self) -> Result<Option<T>, Error> {
        self.key().get().await
    }

    /// [`Key::put`] of the value in the `Ok`.
    ///
    /// # Errors
    ///
    /// As [`Key::put`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, the value may or may not be stored.
    ///
    /// ```
    /// # use cache_runtime::{cache_result, Cache};
    /// # use std::time::Duration;
    /// # #[cache_result(key = "user:<id>:name", ttl = 60)]
    /// # async fn name_of(id: u64) -> Result<String, std::io::Error> { Ok(String::new()) }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// let put = async { name_of_key(7).put(&"Ada".to_owned(), Duration::from_secs(60)).await };
    /// Cache::in_memory().scope(put).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "set")]
    pub async fn put(&self, value: &T, ttl: Duration) -> Result<(), Error> {
        self.key().put(value, ttl).await
    }
}

impl<R> Deref for KeyOf<R> {
    type Target = Key<R>;

    fn deref(&self) -> &Key<R> {
        &self.0
    }
}

impl<R> Clone for KeyOf<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R> fmt::Debug for KeyOf<R> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}
