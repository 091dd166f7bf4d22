//! Several keys at once, and the one-key operations that are their simplest case.

use std::sync::Arc;
use std::time::Duration;

use super::manual::SITE;
use super::{Cache, Invalidation, Target, Terms, by_cache};
use crate::cache_key::Key;
use crate::call::{Cacheable, HasOps, scope};
use crate::entry::{self, Age, EncodeError, Generation, Kind, Stamp};
use crate::error::{Error, Fault};
use crate::lease::{Lease, Taking, tag_life};
use crate::observe::Event;
use crate::store::{Candidate, Content, Entry, Keyed, MemoryEntry, Read, Take};
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
        keys.iter().try_for_each(|key| key.complete())?;
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
        let all: Vec<_> = keys.iter().map(|key| key.keyed()).collect();
        let reads = self
            .0
            .store
            .read_many(&all, &mut self.fresh_budget())
            .await?;
        let transaction = scope::transaction();
        let is_pending = |at: Keyed<'_>| {
            let holds = |transaction: &Arc<Deferred>| transaction.holds(self, at.key, at.tags);
            // Queued: what is there is known to be stale.
            self.distrusts(at) || transaction.as_ref().is_some_and(holds)
        };
        let values = keys.iter().zip(reads);
        Ok(values
            .map(|(key, read)| {
                let value = (!is_pending(key.keyed())).then(|| self.value_of(key, &read));
                value.flatten()
            })
            .collect())
    }

    fn value_of<V: Cacheable>(&self, key: &Key<V>, read: &Read) -> Option<V> {
        let entry = match read.fresh_entry(self.0.store.now()) {
            Ok(entry) => entry?,
            Err(_) => return self.counted(None),
        };
        let is_ours = entry.version() == key.format.schema_version();
        self.counted(match entry {
            Candidate::Memory(entry) => match &entry.content {
                Content::Value(value) if is_ours && entry.kind == Kind::Value => {
                    (V::ops().open)(&**value)
                }
                Content::Value(_) => None,
                _ => return None,
            },
            Candidate::Bytes(entry) => {
                let is_ours = is_ours
                    && entry.kind() == Kind::Value
                    && entry.fingerprint() == (V::ops().fingerprint)(key.format).hash;
                let decode = || (V::ops().decode)(&entry, key.format.entry_limit()).ok();
                is_ours.then(decode).flatten()
            }
        })
    }

    fn counted<V>(&self, value: Option<V>) -> Option<V> {
        if value.is_none() {
            self.count(Event::Unreadable);
        }
        value
    }

    /// Stores several values for `ttl` each, in one round trip; the last writer of each key wins.
    ///
    /// In a transaction as [`Key::put`].
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
            let targets = entries.map(|(key, _)| {
                key.complete()?;
                Ok(Target::Key(key.shared_text().clone()))
            });
            let targets = targets.collect::<Result<Vec<_>, Error>>()?;
            let terms = Terms::default();
            return self
                .invalidate_by_hand(targets, terms, SITE)
                .await
                .map(drop);
        }
        // A lifetime that has ended leaves nothing to store, and `PX 0` is an error.
        let ttl = ttl.max(Duration::from_millis(1));
        let now = self.0.store.now();
        let entries = entries.map(|(key, value)| {
            key.complete()?;
            let entry = self.stamped(key, value, ttl, now, &[]);
            Ok((key, value, entry?))
        });
        let entries = entries.collect::<Result<Vec<_>, Error>>()?;
        for (key, ..) in &entries {
            self.0.flights.close(key.text());
        }
        let (tagged, plain): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|(key, ..)| !key.tags().is_empty());
        let plain = plain
            .into_iter()
            .map(|(key, _, entry)| (key.shared_text().clone(), entry));
        let stored = self.0.store.put_many(plain.collect(), ttl).await;
        let mut failed = stored.err();
        for (key, value, _) in tagged {
            if failed.is_none() {
                failed = self.put_tagged(key, value, ttl).await?.err();
            }
        }
        let Some(fault) = failed else {
            return Ok(());
        };
        self.count(Event::Fault);
        Err(fault.during("storing entries through", SITE))
    }

    /// A value as the store takes it, stored now.
    pub(crate) fn entry_of<V: Cacheable>(
        &self,
        key: &Key<V>,
        value: &V,
        ttl: Duration,
        generations: &[Generation],
    ) -> Result<Entry, Error> {
        let ttl = ttl.max(Duration::from_millis(1));
        self.stamped(key, value, ttl, self.0.store.now(), generations)
    }

    fn stamped<V: Cacheable>(
        &self,
        key: &Key<V>,
        value: &V,
        ttl: Duration,
        now: u64,
        generations: &[Generation],
    ) -> Result<Entry, Error> {
        let time = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
        let stamp = Stamp {
            age: Age {
                stored_at: now,
                fresh_for: time,
                kept_for: time,
                load_ms: 0,
            },
            is_aged: false,
            generations,
        };
        let format = &key.format;
        let entry = if self.is_redis() {
            let fingerprint = (V::ops().fingerprint)(*format);
            entry::encode(value, Kind::Value, format, fingerprint, &stamp).map(Entry::Bytes)
        } else {
            entry::encoded_len(value, format).map(|weight| {
                let (shared, version) = ((V::ops().share)(value), format.schema_version());
                Entry::Memory(MemoryEntry::new(
                    Kind::Value,
                    shared,
                    version,
                    weight,
                    &stamp,
                ))
            })
        };
        entry.map_err(|error| unencodable(key, &error))
    }

    /// The generations of the tags have to be known, so this takes the lease first. One that is
    /// lost meanwhile was invalidated, and so is the value.
    async fn put_tagged<V: Cacheable>(
        &self,
        key: &Key<V>,
        value: &V,
        ttl: Duration,
    ) -> Result<Result<(), Fault>, Error> {
        let steal = Take::Steal {
            version: key.format.schema_version(),
        };
        let life = tag_life(ttl);
        let mut budget = self.fresh_budget();
        let lease = match Lease::take(self, key.keyed(), steal, life, &mut budget).await {
            Ok(Taking::Taken(lease, _)) => lease,
            Ok(_) => return Ok(Ok(())),
            Err(fault) => return Ok(Err(fault)),
        };
        let now = self.0.store.now();
        let entry = self.stamped(key, value, ttl, now, lease.generations())?;
        Ok(lease.publish(entry, ttl).await.map(drop))
    }

    /// Invalidates several keys at once, whatever their value types; the key of a function that
    /// names a cache, there.
    ///
    /// # Errors
    ///
    /// If Redis is away and the queue for its return is full, or if a key lacks a part of the key
    /// context: then none is invalidated.
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
        let mut incomplete = Ok(());
        keys.each(&mut |key| {
            if let Err(error) = key.complete() {
                incomplete = Err(error);
            }
            targets.push((key.cache().cloned(), Target::Key(key.shared_text().clone())));
        });
        incomplete?;
        let mut outcome = Invalidation::Applied;
        for (cache, targets) in by_cache(self.clone(), targets) {
            let invalidated = cache
                .invalidate_by_hand(targets, Terms::default(), SITE)
                .await?;
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
