//! The cache for code that does not await, and has no runtime of its own.

mod connection;

use std::time::Duration;

pub use connection::BlockingConnection;

use crate::cache::{Cache, Invalidation, StoreStats};
use crate::cache_key::{AnyKey, IntoKeys, Key};
use crate::call::{Cacheable, engine_to_wait_on};
use crate::error::Error;
use crate::limit::Limit;
use crate::lock::Lock;

/// A cache for code that does not await: the operations by hand, under the same names.
///
/// [`Cache::blocking`] gives it. Each call waits on its own thread while the process's own
/// runtime does the work; on a thread of an async runtime, which must not be blocked, it fails
/// with [`Error::WouldBlock`] before it has done anything. What tokio runs by `spawn_blocking` is
/// such a thread, too, unless [`allow_blocking`](crate::allow_blocking) says otherwise.
///
/// ```
/// use std::time::Duration;
/// use cache_runtime::{Cache, KeyTemplate};
///
/// const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>:name");
///
/// fn main() -> Result<(), cache_runtime::Error> {
///     let cache = Cache::in_memory();
///     let cache = cache.blocking();
///     cache.put(&NAME.key(7), &"Ada".to_owned(), Duration::from_secs(60))?;
///     assert_eq!(cache.get(&NAME.key(7))?.as_deref(), Some("Ada"));
///     cache.invalidate(&NAME.key(7))?;
///     assert_eq!(cache.get(&NAME.key(7))?, None);
///     Ok(())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct BlockingCache {
    cache: Cache,
}

impl Cache {
    /// This cache for code that does not await.
    ///
    /// ```
    /// # fn main() -> Result<(), cache_runtime::Error> {
    /// let cache = cache_runtime::Cache::in_memory();
    /// assert_eq!(cache.blocking().store_stats()?.keys, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub fn blocking(&self) -> BlockingCache {
        BlockingCache {
            cache: self.clone(),
        }
    }
}

/// Waits for a future on this thread, if it may be blocked.
pub(crate) fn wait<T>(
    act: &'static str,
    future: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    match engine_to_wait_on() {
        Some(engine) => engine.block_on(future),
        None => Err(Error::WouldBlock { act }),
    }
}

impl BlockingCache {
    fn wait<T>(
        &self,
        act: &'static str,
        future: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        wait(act, self.cache.scope(future))
    }

    /// [`Key::get`].
    ///
    /// # Errors
    ///
    /// As there, and [`Error::WouldBlock`]; so for all of these.
    pub fn get<V: Cacheable>(&self, key: &Key<V>) -> Result<Option<V>, Error> {
        self.wait("reading an entry", key.get())
    }

    /// [`Cache::get_many`].
    pub fn get_many<V: Cacheable>(&self, keys: &[Key<V>]) -> Result<Vec<Option<V>>, Error> {
        self.wait("reading entries", self.cache.get_many(keys))
    }

    /// [`Key::put`].
    #[doc(alias = "set")]
    pub fn put<V: Cacheable>(&self, key: &Key<V>, value: &V, ttl: Duration) -> Result<(), Error> {
        self.wait("storing an entry", key.put(value, ttl))
    }

    /// [`Cache::put_many`].
    #[doc(alias = "set_many")]
    pub fn put_many<V: Cacheable>(
        &self,
        entries: &[(Key<V>, V)],
        ttl: Duration,
    ) -> Result<(), Error> {
        self.wait("storing entries", self.cache.put_many(entries, ttl))
    }

    /// [`AnyKey::invalidate`].
    pub fn invalidate(&self, key: &AnyKey) -> Result<Invalidation, Error> {
        self.wait("invalidating an entry", key.invalidate())
    }

    /// [`Cache::invalidate_many`].
    pub fn invalidate_many(&self, keys: impl IntoKeys) -> Result<Invalidation, Error> {
        self.wait("invalidating entries", self.cache.invalidate_many(keys))
    }

    /// [`AnyKey::delete`].
    pub fn delete(&self, key: &AnyKey) -> Result<bool, Error> {
        self.wait("deleting an entry", key.delete())
    }

    /// [`AnyKey::exists`].
    pub fn exists(&self, key: &AnyKey) -> Result<bool, Error> {
        self.wait("looking for an entry", key.exists())
    }

    /// [`AnyKey::expire`].
    pub fn expire(&self, key: &AnyKey, ttl: Duration) -> Result<bool, Error> {
        self.wait("expiring an entry", key.expire(ttl))
    }

    /// [`AnyKey::remaining_ttl`].
    pub fn remaining_ttl(&self, key: &AnyKey) -> Result<Option<Duration>, Error> {
        self.wait("reading a time to live", key.remaining_ttl())
    }

    /// [`Cache::clear`].
    pub fn clear(&self, pattern: &str) -> Result<u64, Error> {
        self.wait("clearing a pattern", self.cache.clear(pattern))
    }

    /// [`Cache::store_stats`].
    pub fn store_stats(&self) -> Result<StoreStats, Error> {
        self.wait("measuring the store", self.cache.store_stats())
    }

    /// [`Cache::drained`].
    pub fn drained(&self, time: Duration) -> Result<bool, Error> {
        self.wait("waiting for the queue", async {
            Ok(self.cache.drained(time).await)
        })
    }

    /// [`Cache::lock`]; [`Lock::release_blocking`] gives it back.
    pub fn lock(&self, name: &str, lease: Duration) -> Result<Lock, Error> {
        self.wait("taking a lock", self.cache.lock(name, lease))
    }

    /// [`Cache::lock_within`].
    pub fn lock_within(&self, name: &str, lease: Duration, wait: Duration) -> Result<Lock, Error> {
        self.wait("taking a lock", self.cache.lock_within(name, lease, wait))
    }

    /// [`Cache::try_lock`].
    pub fn try_lock(&self, name: &str, lease: Duration) -> Result<Option<Lock>, Error> {
        self.wait("taking a lock", self.cache.try_lock(name, lease))
    }

    /// [`Cache::limit`], to be asked by [`Limit::take_blocking`].
    pub fn limit(&self, name: &str, most: u64, per: Duration) -> Limit {
        self.cache.limit(name, most, per)
    }

    /// [`Cache::connection`], as what `redis::Commands` asks for.
    pub fn connection(&self) -> Result<BlockingConnection, Error> {
        let act = "connecting";
        let engine = engine_to_wait_on().ok_or(Error::WouldBlock { act })?;
        let connection = engine.block_on(self.cache.connection())?;
        Ok(BlockingConnection::new(connection, engine))
    }
}
