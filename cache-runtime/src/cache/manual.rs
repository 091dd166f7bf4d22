//! What users do with patterns, with other structures, and with Redis itself.

use super::{Cache, PLAIN, Target, Terms};
use crate::call::{Cacheable, HasOps};
use crate::client::RedisConnection;
use crate::entry::{self, Kind, Stamp, Stored};
use crate::error::Error;
use crate::observe::Event;
use crate::store::Store;

/// How much a store holds.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::Error> {
/// let size = cache_runtime::Cache::in_memory().store_stats().await?;
/// assert_eq!((size.keys, size.bytes), (0, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStats {
    /// Keys in the store; on Redis all keys of the database, whoever owns them.
    pub keys: u64,
    /// Bytes in use; on Redis by the whole server.
    pub bytes: u64,
}

/// Where errors of operations on no one key say they come from.
pub(super) const SITE: &str = "Cache";

impl Cache {
    /// Deletes every key of this cache's namespace that matches a Redis glob, in bounded steps,
    /// and says how many there were.
    ///
    /// It looks at every key of the server, so it is for maintenance; to invalidate on a write,
    /// name the keys. In the scope of a [`Transaction`](crate::Transaction) it deletes at once,
    /// and again at the commit.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] or [`Error::Refused`]: some keys may be deleted.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, some keys may be deleted.
    ///
    /// ```
    /// # use cache_runtime::{Cache, KeyTemplate};
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const TEMP: KeyTemplate<(u64,), String> = KeyTemplate::new("temp:<id>");
    ///
    /// let cache = Cache::in_memory();
    /// cache.put_many(&[(TEMP.key(1), String::new())], Duration::from_secs(60)).await?;
    /// assert_eq!(cache.clear("temp:*").await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn clear(&self, pattern: &str) -> Result<u64, Error> {
        // And once more when the transaction of this scope is committed, if there is one.
        let target = Target::Pattern(pattern.into());
        self.remember(std::slice::from_ref(&target), Terms::default());
        let _ = self.defer(vec![target], Terms::default());
        self.0.flights.close_all();
        self.0.store.sweep(pattern).await.map_err(|fault| {
            self.count(Event::Fault);
            fault.during("clearing a pattern through", SITE)
        })
    }

    /// How much the store holds.
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
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// assert_eq!(cache_runtime::Cache::in_memory().store_stats().await?.keys, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn store_stats(&self) -> Result<StoreStats, Error> {
        let (keys, bytes) = match &self.0.store {
            Store::Memory(memory) => memory.size(),
            Store::Redis(redis) => redis
                .size()
                .await
                .map_err(|fault| fault.during("measuring the store of", SITE))?,
            #[cfg(test)]
            Store::Sim(_) => unreachable!("no scenario works by hand"),
        };
        Ok(StoreStats { keys, bytes })
    }

    /// The connection that this cache uses, for all else that Redis can do: hashes, lists, sets,
    /// scripts; see [`RedisConnection`] for a pipeline and a transaction. It is multiplexed: no
    /// blocking commands, and no `SELECT`; for those there is [`dedicated`](Self::dedicated).
    ///
    /// It has no time limit of its own; give it one with `set_response_timeout`.
    ///
    /// # Errors
    ///
    /// [`Error::NoRedis`] on the embedded store, [`Error::Unavailable`] while Redis is away.
    ///
    /// # Cancel safety
    ///
    /// Leaves nothing behind.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() {
    /// use cache_runtime::{Cache, Error};
    ///
    /// let connection = Cache::in_memory().connection().await;
    /// assert!(matches!(connection.err(), Some(Error::NoRedis)));
    /// # }
    /// ```
    pub async fn connection(&self) -> Result<RedisConnection, Error> {
        let Store::Redis(redis) = &self.0.store else {
            return Err(Error::NoRedis);
        };
        redis
            .connection()
            .await
            .map_err(|fault| fault.during("connecting for", SITE))
    }

    /// A name of your own with this cache's namespace in front, for use with
    /// [`connection`](Self::connection).
    ///
    /// ```
    /// # fn main() -> Result<(), cache_runtime::Error> {
    /// # use cache_runtime::Cache;
    /// let cache = Cache::builder().namespace("shop").redis_url("redis://localhost").build()?;
    /// assert_eq!(cache.name_in_redis("online"), "shop:online");
    /// # Ok(())
    /// # }
    /// ```
    pub fn name_in_redis(&self, name: &str) -> String {
        match &self.0.store {
            Store::Memory(_) => name.to_owned(),
            Store::Redis(redis) => format!("{}{name}", redis.namespace()),
            #[cfg(test)]
            Store::Sim(_) => unreachable!("no scenario works by hand"),
        }
    }

    /// A value as this cache writes it, to be kept in a hash, a list or a set.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`].
    ///
    /// ```
    /// # fn main() -> Result<(), cache_runtime::Error> {
    /// let cache = cache_runtime::Cache::in_memory();
    /// let bytes = cache.encode(&vec![1.5, 2.5])?;
    /// assert_eq!(cache.decode::<Vec<f64>>(&bytes)?, [1.5, 2.5]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn encode<V: Cacheable>(&self, value: &V) -> Result<Vec<u8>, Error> {
        let fingerprint = (V::ops().fingerprint)(PLAIN);
        let bytes = entry::encode(value, Kind::Value, &PLAIN, fingerprint, &Stamp::default());
        bytes.map_err(|error| Error::Encode {
            site: SITE,
            reason: error.to_string(),
        })
    }

    /// A value out of what [`encode`](Self::encode) made.
    ///
    /// # Errors
    ///
    /// [`Error::Decode`] for anything else, also for a value of another type.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::in_memory();
    /// assert!(cache.decode::<String>(b"something else").is_err());
    /// ```
    pub fn decode<V: Cacheable>(&self, bytes: &[u8]) -> Result<V, Error> {
        let reason = |reason: &str| Error::Decode {
            reason: reason.to_owned(),
        };
        match entry::parse(bytes) {
            Ok(Stored::Entry(entry))
                if entry.fingerprint() == (V::ops().fingerprint)(PLAIN).hash =>
            {
                (V::ops().decode)(&entry, PLAIN.entry_limit())
                    .map_err(|error| reason(&error.to_string()))
            }
            Ok(_) => Err(reason("the bytes hold a value of another type")),
            Err(error) => Err(reason(&error.to_string())),
        }
    }
}
