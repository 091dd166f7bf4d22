//! What users do with several keys, with patterns, and with Redis itself.

use std::time::Duration;

use super::{Cache, Invalidation, PLAIN, Target, by_cache};
use crate::cache_key::Key;
use crate::call::{Cacheable, HasOps};
use crate::entry::{self, EncodeError, Kind, Stored};
use crate::error::{Error, Fault};
use crate::observe::Event;
use crate::store::{Content, MemoryEntry, Store};

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

const SITE: &str = "Cache";

impl Cache {
    /// The values of several keys, in their order, in one round trip.
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
    ///
    /// let names = Cache::in_memory().get_many(&[NAME.key(1), NAME.key(2)]).await?;
    /// assert_eq!(names, [None, None]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_many<V: Cacheable>(&self, keys: &[Key<V>]) -> Result<Vec<Option<V>>, Error> {
        let values = self.get_many_on(keys).await;
        values.map_err(|fault| {
            self.count(Event::Fault);
            fault.during("reading several entries through", SITE)
        })
    }

    pub(crate) async fn get_many_on<V: Cacheable>(
        &self,
        keys: &[Key<V>],
    ) -> Result<Vec<Option<V>>, Fault> {
        match &self.0.store {
            Store::Memory(memory) => Ok(keys
                .iter()
                .map(|key| self.read_memory(key, &*memory.entry(key.text())?))
                .collect()),
            Store::Redis(redis) => {
                let bytes = if let [key] = keys {
                    vec![redis.get(key.shared_text()).await?]
                } else {
                    let texts: Vec<_> = keys.iter().map(|key| key.shared_text().clone()).collect();
                    redis.get_many(&texts).await?
                };
                let values = keys.iter().zip(bytes);
                Ok(values
                    .map(|(key, bytes)| {
                        // Queued: what is there is known to be stale.
                        let bytes = bytes.filter(|_| !self.0.journal.holds(key.text()))?;
                        self.read_bytes(key, &bytes)
                    })
                    .collect())
            }
        }
    }

    fn read_memory<V: Cacheable>(&self, key: &Key<V>, entry: &MemoryEntry) -> Option<V> {
        let Content::Value(value) = &entry.content else {
            return None;
        };
        let readable = entry.kind == Kind::Value && entry.version == key.format.schema_version();
        let value = readable.then(|| (V::ops().open)(&**value)).flatten();
        self.counted(value)
    }

    fn read_bytes<V: Cacheable>(&self, key: &Key<V>, bytes: &[u8]) -> Option<V> {
        let ours = (V::ops().fingerprint)(key.format).hash;
        match entry::parse(bytes) {
            Ok(Stored::Entry(entry)) => {
                let readable = entry.kind() == Kind::Value
                    && entry.version() == key.format.schema_version()
                    && entry.fingerprint() == ours;
                let decode = || (V::ops().decode)(&entry, key.format.entry_limit()).ok();
                self.counted(readable.then(decode).flatten())
            }
            Ok(_) => None,
            Err(_) => self.counted(None),
        }
    }

    fn counted<V>(&self, value: Option<V>) -> Option<V> {
        if value.is_none() {
            self.count(Event::Unreadable);
        }
        value
    }

    /// Stores several values for `ttl` each, in one round trip; the last writer of each key wins.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] for a value that can't be encoded or is too big: then none is stored.
    /// [`Error::Unavailable`] or [`Error::Refused`]: then some may be.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, some values may be stored.
    ///
    /// ```
    /// # use cache_runtime::{Cache, KeyTemplate};
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>:name");
    ///
    /// let cache = Cache::in_memory();
    /// let names = [(NAME.key(1), "Ada".to_owned()), (NAME.key(2), "Grace".to_owned())];
    /// cache.put_many(&names, Duration::from_secs(60)).await?;
    /// assert_eq!(cache.get_many(&[NAME.key(2)]).await?, [Some("Grace".to_owned())]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "set_many")]
    pub async fn put_many<V: Cacheable>(
        &self,
        entries: &[(Key<V>, V)],
        ttl: Duration,
    ) -> Result<(), Error> {
        self.put_many_on(entries.iter().map(|(key, value)| (key, value)), ttl)
            .await
    }

    pub(crate) async fn put_many_on<'a, V: Cacheable>(
        &self,
        entries: impl Iterator<Item = (&'a Key<V>, &'a V)>,
        ttl: Duration,
    ) -> Result<(), Error> {
        // A lifetime that has ended leaves nothing to store, and `PX 0` is an error.
        let ttl = ttl.max(Duration::from_millis(1));
        match &self.0.store {
            Store::Memory(memory) => {
                let entries = entries.map(|(key, value)| {
                    let weight = entry::encoded_len(value, &key.format);
                    let weight = weight.map_err(|error| unencodable(key, &error))?;
                    let shared = (V::ops().share)(value);
                    Ok((
                        key,
                        MemoryEntry::new(Kind::Value, shared, key.format.schema_version(), weight),
                    ))
                });
                for (key, entry) in entries.collect::<Result<Vec<_>, Error>>()? {
                    self.0.flights.close(key.text());
                    memory.put(key.shared_text(), entry, ttl);
                }
                Ok(())
            }
            Store::Redis(redis) => {
                let entries = entries.map(|(key, value)| {
                    let fingerprint = (V::ops().fingerprint)(key.format);
                    let bytes = entry::encode(value, Kind::Value, &key.format, fingerprint);
                    let bytes = bytes.map_err(|error| unencodable(key, &error))?;
                    Ok((key.shared_text().clone(), bytes))
                });
                let entries = entries.collect::<Result<Vec<_>, Error>>()?;
                for (key, _) in &entries {
                    self.0.flights.close(key);
                }
                redis.put_many(&entries, ttl).await.map_err(|fault| {
                    self.count(Event::Fault);
                    fault.during("storing entries through", SITE)
                })
            }
        }
    }

    /// Deletes every key of this cache's namespace that matches a Redis glob, in bounded steps,
    /// and says how many there were.
    ///
    /// It looks at every key of the server, so it is for maintenance; to invalidate on a write,
    /// name the keys.
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
        self.0.flights.close_all();
        self.0.store.sweep(pattern).await.map_err(|fault| {
            self.count(Event::Fault);
            fault.during("clearing a pattern through", SITE)
        })
    }

    /// Invalidates several keys at once, whatever their value types; the key of a function that
    /// names a cache, there.
    ///
    /// # Errors
    ///
    /// Only if Redis is away and the queue for its return is full.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, the invalidations may or may not have been sent.
    ///
    /// ```
    /// # use cache_runtime::{Cache, Invalidation, KeyTemplate};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
    ///
    /// let keys = (1..=3_u64).map(|id| USER.key(id));
    /// assert_eq!(Cache::in_memory().invalidate_many(keys).await?, Invalidation::Applied);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn invalidate_many(
        &self,
        keys: impl crate::cache_key::IntoKeys,
    ) -> Result<Invalidation, Error> {
        let mut targets = Vec::new();
        keys.each(&mut |key| {
            targets.push((key.cache().cloned(), Target::Key(key.shared_text().clone())));
        });
        let mut outcome = Invalidation::Applied;
        for (cache, targets) in by_cache(self.clone(), targets) {
            if cache.invalidate(&targets, SITE).await? == Invalidation::Queued {
                outcome = Invalidation::Queued;
            }
        }
        Ok(outcome)
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
        };
        Ok(StoreStats { keys, bytes })
    }

    /// The connection that this cache uses, for all else that Redis can do: hashes, lists, sets,
    /// scripts. It is multiplexed: no blocking commands, and no `SELECT`.
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
    pub async fn connection(&self) -> Result<redis::aio::MultiplexedConnection, Error> {
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
        let bytes = entry::encode(value, Kind::Value, &PLAIN, fingerprint);
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

fn unencodable<V>(key: &Key<V>, error: &EncodeError) -> Error {
    Error::Encode {
        site: key.template(),
        reason: error.to_string(),
    }
}
