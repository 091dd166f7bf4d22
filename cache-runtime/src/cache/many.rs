//! Several keys at once, and the one-key operations that are their simplest case.

use std::sync::Arc;
use std::time::Duration;

use super::manual::SITE;
use super::{Cache, Invalidation, Target, by_cache};
use crate::cache_key::Key;
use crate::call::{Cacheable, HasOps, scope};
use crate::entry::{self, EncodeError, Kind, Stored};
use crate::error::{Error, Fault};
use crate::observe::Event;
use crate::store::{Content, MemoryEntry, Store};
use crate::transaction::Deferred;

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
        let transaction = scope::transaction();
        let is_pending = |key: &Key<V>| {
            let holds = |transaction: &Arc<Deferred>| transaction.holds(self, key.text(), &[]);
            // Queued: what is there is known to be stale.
            self.0.journal.holds(key.text()) || transaction.as_ref().is_some_and(holds)
        };
        match &self.0.store {
            Store::Memory(memory) => Ok(keys
                .iter()
                .map(|key| {
                    let entry = (!is_pending(key)).then(|| memory.entry(key.text()))??;
                    self.read_memory(key, &entry)
                })
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
                        let bytes = bytes.filter(|_| !is_pending(key))?;
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
        if scope::transaction().is_some() {
            // Not committed: nobody else may see it.
            let targets = entries.map(|(key, _)| Target::Key(key.shared_text().clone()));
            return self
                .invalidate_by_hand(targets.collect(), SITE)
                .await
                .map(drop);
        }
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
            let invalidated = cache.invalidate_by_hand(targets, SITE).await?;
            if invalidated == Invalidation::Queued {
                outcome = Invalidation::Queued;
            }
        }
        Ok(outcome)
    }
}

fn unencodable<V>(key: &Key<V>, error: &EncodeError) -> Error {
    Error::Encode {
        site: key.template(),
        reason: error.to_string(),
    }
}
