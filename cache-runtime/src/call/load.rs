//! Out of the cache: what becomes of a loaded value, for the store and for those who wait.

use std::time::Duration;

use tokio::sync::SemaphorePermit;

use super::hooks::Hooks;
use super::lifetime::{Keep, Ttl};
use super::ops::Ops;
use super::read::Call;
use super::shape::Shape;
use crate::cache::Cache;
use crate::entry::{EncodeError, Fingerprint, Kind};
use crate::error::Fault;
use crate::flight::{Leader, Outcome};
use crate::lease::Lease;
use crate::observe::Event;
use crate::store::{Entry, MemoryEntry, Reading, Store};

/// The right to run the body.
pub(super) struct Load {
    pub(super) cache: Cache,
    pub(super) way: Way,
    pub(super) permit: Option<SemaphorePermit<'static>>,
}

/// For whom the body runs.
pub(super) enum Way {
    /// For this caller only.
    Alone,
    /// For all who wait in this process, though Redis can't confirm that the value is current.
    Unconfirmed(Leader),
    /// For all who wait in this process, if what newer code wrote is still there at the end: then
    /// nobody has invalidated it meanwhile.
    Beside(Leader, Reading),
    /// For everybody, if the lease stands to the end.
    Leased(Leased),
}

/// A load whose value will be stored.
pub(super) struct Leased {
    pub(super) leader: Leader,
    pub(super) lease: Lease,
    /// How long the caller may still wait for Redis; storing goes on without it.
    pub(super) left: Duration,
}

type Outcomes<S> = Result<<S as Shape>::Value, <S as Shape>::Error>;

impl<S: Shape, H: Hooks<S::Value>> Call<S, H> {
    /// Stores what was loaded, tells those who wait, and gives it back to the caller.
    pub(super) async fn finish(&self, load: Load, output: S::Output) -> S::Output {
        let Load { cache, way, permit } = load;
        drop(permit);
        cache.count(Event::Load);
        let result = S::split(output);
        match way {
            Way::Alone => {}
            Way::Unconfirmed(leader) => {
                leader.close();
                leader.land(self.copy(&result));
            }
            Way::Beside(leader, seen) => {
                self.land_if_still_there(&cache, leader, &seen, &result)
                    .await;
            }
            Way::Leased(leased) => self.settle(&cache, leased, &result).await,
        }
        S::join(result)
    }

    /// What those who wait are given if the value proves current.
    fn copy(&self, result: &Outcomes<S>) -> Outcome {
        match result {
            Ok(value) => Outcome::Value(((self.ops)().share)(value)),
            Err(error) => self
                .shape
                .share(error)
                .map_or(Outcome::NoEntry, Outcome::Error),
        }
    }

    async fn land_if_still_there(
        &self,
        cache: &Cache,
        leader: Leader,
        seen: &Reading,
        result: &Outcomes<S>,
    ) {
        leader.close();
        let Some(key) = self.key.as_ref().filter(|_| leader.has_joiners()) else {
            return;
        };
        let now = cache.0.store.read(key, &mut cache.fresh_budget()).await;
        leader.land(if now.is_ok_and(|now| now.is_same(seen)) {
            self.copy(result)
        } else {
            Outcome::Again
        });
    }

    async fn settle(&self, cache: &Cache, leased: Leased, result: &Outcomes<S>) {
        let Leased {
            leader,
            lease,
            left,
        } = leased;
        let entry = self.entry(cache, result);
        // Before the publish: who boards after it may have come after an invalidation.
        leader.close();
        let outcome = if leader.has_joiners() {
            self.copy(result)
        } else {
            Outcome::Again
        };
        let settling = settle(cache.clone(), leader, lease, entry, outcome);
        if let Store::Memory(_) = cache.0.store {
            return settling.await;
        }
        // A task of its own: it goes on when the caller is dropped or its budget is spent. An
        // error means that its runtime is going, and with it the caller's.
        let _ = tokio::time::timeout(left, tokio::spawn(settling)).await;
    }

    /// The entry to store and its time to live, if there is to be one.
    pub(super) fn entry(&self, cache: &Cache, result: &Outcomes<S>) -> Option<(Entry, Duration)> {
        let ttl = match result {
            Ok(value) => self.ttl_of_value(value),
            Err(_) => self.errors.as_ref().map(|(ttl, _)| *ttl),
        };
        let ttl = ttl
            .map(|ttl| ttl.resolve(&cache.0.lifetimes))
            .filter(|ttl| !ttl.is_zero());
        let Some(ttl) = ttl else {
            cache.count(Event::Unstored);
            return None;
        };
        let entry = match (result, &self.errors) {
            (Ok(value), _) => {
                self.encode(cache, &(self.ops)(), value, Kind::Value, self.fingerprint())
            }
            (Err(error), Some((_, ops))) => {
                let ops = ops();
                let fingerprint = (ops.fingerprint)(self.site.format);
                self.encode(cache, &ops, error, Kind::Error, fingerprint)
            }
            (Err(_), None) => return None,
        };
        let ttl = self.jitter.map_or(ttl, |jitter| jitter.shorten(ttl));
        entry.map(|entry| (entry, ttl))
    }

    fn ttl_of_value(&self, value: &S::Value) -> Option<Ttl> {
        if !self.hooks.stores(value) {
            return None;
        }
        match &self.none {
            Some(none) if (none.is_absent)(value) => match none.keep {
                Keep::Never => None,
                Keep::For(ttl) => Some(ttl),
            },
            _ => Some(self.hooks.ttl(value).unwrap_or(self.ttl)),
        }
    }

    fn encode<T>(
        &self,
        cache: &Cache,
        ops: &Ops<T>,
        value: &T,
        kind: Kind,
        fingerprint: Fingerprint,
    ) -> Option<Entry> {
        let format = &self.site.format;
        let entry = match cache.0.store {
            Store::Memory(_) => (ops.encoded_len)(value, format).map(|weight| {
                let shared = (ops.share)(value);
                Entry::Memory(MemoryEntry::new(
                    kind,
                    shared,
                    format.schema_version(),
                    weight,
                ))
            }),
            Store::Redis(_) => (ops.encode)(value, kind, format, fingerprint).map(Entry::Bytes),
        };
        if let Err(error) = &entry {
            cache.count(match error {
                EncodeError::TooBig { .. } => Event::Oversized,
                _ => Event::Unencodable,
            });
        }
        entry.ok()
    }
}

/// Publishes, or gives the lease back, and lands the flight by what came of it.
async fn settle(
    cache: Cache,
    leader: Leader,
    lease: Lease,
    entry: Option<(Entry, Duration)>,
    outcome: Outcome,
) {
    // Its invalidation is still on the way, so the lease may stand though it should not.
    let is_stale = cache.0.journal.holds(lease.key());
    let stood = match entry.filter(|_| !is_stale) {
        Some((entry, ttl)) => {
            let stood = lease.publish(entry, ttl).await;
            count_published(&cache, &stood);
            stood
        }
        None => lease.release().await,
    };
    leader.land(match stood {
        Ok(true) if !is_stale => outcome,
        Ok(_) => Outcome::Again,
        // Unreachable: nobody can confirm the value, and it is the best there is.
        Err(_) => outcome,
    });
}

fn count_published(cache: &Cache, stood: &Result<bool, Fault>) {
    cache.count(match stood {
        Ok(true) => Event::Published,
        Ok(false) => Event::Discarded,
        Err(_) => Event::Fault,
    });
}
