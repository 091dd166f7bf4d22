//! The key of one id of a batch.

use std::collections::{BTreeMap, HashMap};
use std::marker::PhantomData;
use std::time::Duration;

use super::types::ManyReturn;
use crate::cache_key::{IntoKey, Key, KeyOf};
use crate::call::Cacheable;

type ValueOf<R> = <R as ManyReturn>::Value;

/// In place of what a function under `#[cache_many]` returns: what it returns for one id.
///
/// It stands in the type of the function's companion, and is never made.
///
/// ```
/// use cache_runtime::{Each, KeyOf};
/// use std::collections::HashMap;
///
/// fn forget(key: &KeyOf<Each<HashMap<u64, String>>>) -> &str {
///     key.text()
/// }
/// ```
pub struct Each<R>(PhantomData<fn() -> R>);

impl<R: ManyReturn> KeyOf<Each<R>> {
    /// The key of the value of one id.
    ///
    /// ```
    /// # use std::collections::HashMap;
    /// # use cache_runtime::{Key, cache_many};
    /// # #[cache_many(key = "name:<id>", by = id in ids, ttl = 60)]
    /// # async fn names(ids: &[u64]) -> HashMap<u64, String> { HashMap::new() }
    /// let key: Key<String> = names_key(7).key();
    /// assert_eq!(key.text(), "name:7");
    /// ```
    pub fn key(&self) -> Key<ValueOf<R>> {
        self.retyped_as()
    }
}

impl<R: ManyReturn> KeyOf<Each<R>>
where
    ValueOf<R>: Cacheable,
{
    /// [`Key::get`] of the value of one id.
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
    /// # use std::collections::HashMap;
    /// # use cache_runtime::{Cache, cache_many};
    /// # #[cache_many(key = "name:<id>", by = id in ids, ttl = 60)]
    /// # async fn names(ids: &[u64]) -> HashMap<u64, String> { HashMap::new() }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// assert_eq!(Cache::in_memory().scope(names_key(7).get()).await?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self) -> Result<Option<ValueOf<R>>, crate::Error> {
        self.key().get().await
    }

    /// [`Key::put`] of the value of one id.
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
    /// # use std::collections::HashMap;
    /// # use std::time::Duration;
    /// # use cache_runtime::{Cache, cache_many};
    /// # #[cache_many(key = "name:<id>", by = id in ids, ttl = 60)]
    /// # async fn names(ids: &[u64]) -> HashMap<u64, String> { HashMap::new() }
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// let put = async { names_key(7).put(&"Ada".to_owned(), Duration::from_secs(60)).await };
    /// Cache::in_memory().scope(put).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "set")]
    pub async fn put(&self, value: &ValueOf<R>, ttl: Duration) -> Result<(), crate::Error> {
        self.key().put(value, ttl).await
    }
}

macro_rules! keys_of_one {
    ($([$($generics:tt)*] $returns:ty;)*) => {$(
        impl<$($generics)*> IntoKey<V> for KeyOf<Each<$returns>> {
            fn into_key(self) -> Key<V> {
                self.retyped_as()
            }
        }
    )*};
}

keys_of_one! {
    [K, V, S] HashMap<K, V, S>;
    [K, V] BTreeMap<K, V>;
    [K, V, S, E] Result<HashMap<K, V, S>, E>;
    [K, V, E] Result<BTreeMap<K, V>, E>;
}
