//! A key and the type of what is behind it.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::any::AnyKey;
use crate::cache::PLAIN;
use crate::call::Cacheable;
use crate::entry::Format;
use crate::error::Error;

/// A key that reads and writes values of one type.
///
/// A [`KeyTemplate`](crate::KeyTemplate) makes keys; so does the companion of a cached function.
///
/// ```
/// use cache_runtime::{Cache, KeyTemplate};
/// use std::time::Duration;
///
/// const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>:name");
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::Error> {
/// Cache::in_memory().scope(async {
///     let key = NAME.key(7);
///     key.put(&"Ada".to_owned(), Duration::from_secs(60)).await?;
///     assert_eq!(key.get().await?.as_deref(), Some("Ada"));
///     Ok(())
/// }).await
/// # }
/// ```
pub struct Key<V> {
    any: AnyKey,
    pub(crate) format: Format,
    value: PhantomData<fn() -> V>,
}

impl<V> Key<V> {
    pub(crate) fn rendered(text: Arc<str>, template: &'static str) -> Self {
        let any = AnyKey {
            text,
            template,
            cache: None,
            tags: Vec::new(),
            missing: None,
        };
        Self {
            any,
            format: PLAIN,
            value: PhantomData,
        }
    }

    pub(super) fn retyped<T>(&self) -> Key<T> {
        Key {
            any: self.any.clone(),
            format: self.format,
            value: PhantomData,
        }
    }

    /// A key that lacks a part of the caller's context names nothing.
    pub(crate) fn needing(mut self, missing: Option<&'static str>) -> Self {
        self.any.missing = missing;
        self
    }

    pub(super) fn tagged(mut self, tags: Vec<Arc<str>>) -> Self {
        self.any.tags = tags;
        self
    }

    pub(super) fn on(mut self, cache: crate::Cache) -> Self {
        self.any.cache = Some(cache);
        self
    }

    pub(super) fn written_as(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// The same key, without the type.
    ///
    /// ```
    /// # use cache_runtime::KeyTemplate;
    /// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
    /// let keys = [USER.key(7).any().clone()];
    /// assert_eq!(keys[0].text(), "user:7");
    /// ```
    pub fn any(&self) -> &AnyKey {
        &self.any
    }
}

impl<V: Cacheable> Key<V> {
    /// The value, if there is an entry that can be read as one.
    ///
    /// It never loads, and a load under way is no entry.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] or [`Error::Refused`].
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    ///
    /// ```
    /// # use cache_runtime::{Cache, KeyTemplate};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>:name");
    /// assert_eq!(Cache::in_memory().scope(NAME.key(7).get()).await?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self) -> Result<Option<V>, Error> {
        self.complete()?;
        let cache = self.current();
        let values = cache.get_many_on(std::slice::from_ref(self)).await;
        let values = values.map_err(|fault| self.failed(&cache, "reading the entry of", fault))?;
        Ok(values.into_iter().next().flatten())
    }

    /// Stores a value for `ttl`, whatever is there: the last writer wins.
    ///
    /// A value that was read before an invalidation and put after it is stale; functions under
    /// `#[cache_result]` and `#[update_cache]` can't do that. In the scope of a
    /// [`Transaction`](crate::Transaction) nothing is stored, and the key is invalidated at the
    /// commit.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] for a value that can't be encoded or is too big, [`Error::Unavailable`]
    /// or [`Error::Refused`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, the value may or may not be stored.
    ///
    /// ```
    /// # use cache_runtime::{Cache, KeyTemplate};
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>:name");
    ///
    /// let cache = Cache::in_memory();
    /// cache.scope(NAME.key(7).put(&"Ada".to_owned(), Duration::from_secs(60))).await?;
    /// assert!(cache.scope(NAME.key(7).exists()).await?);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "set")]
    pub async fn put(&self, value: &V, ttl: Duration) -> Result<(), Error> {
        self.current()
            .put_many_on(std::iter::once((self, value)), ttl)
            .await
    }
}

impl<V> Deref for Key<V> {
    type Target = AnyKey;

    fn deref(&self) -> &AnyKey {
        &self.any
    }
}

impl<V> Clone for Key<V> {
    fn clone(&self) -> Self {
        self.retyped()
    }
}

impl<V> fmt::Debug for Key<V> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.any.fmt(out)
    }
}
