//! Out of the cache: what becomes of a loaded value, for the store and for those who wait.

use std::time::{Duration, Instant};

use tokio::sync::SemaphorePermit;

use super::enter::Fallback;
use super::found::Outcomes;
use super::hooks::Hooks;
use super::lifetime::{Keep, Ttl};
use super::limits::Ended;
use super::ops::Ops;
use super::read::Call;
use super::shape::Shape;
use crate::cache::Cache;
use crate::entry::Generation;
use crate::entry::{Age, EncodeError, Fingerprint, Kind, Stamp};
use crate::error::{Error, Fault};
use crate::flight::{Leader, Outcome};
use crate::lease::{Lease, tag_life};
use crate::observe::Event;
use crate::store::{Entry, Keyed, Leave, MemoryEntry, Read};

/// The right to run the body.
pub(super) struct Load {
    pub(super) cache: Cache,
    pub(super) way: Way,
    pub(super) permit: Option<SemaphorePermit<'static>>,
    pub(super) fallback: Option<Fallback>,
    pub(super) began: Instant,
}

/// For whom the body runs.
pub(super) enum Way {
    /// For this caller only.
    Alone,
    /// For all who wait in this process, though Redis can't confirm that the value is current.
    Unconfirmed(Leader),
    /// For all who wait in this process, if what newer code wrote, or the fence of a write, is
    /// still there at the end: then nobody has invalidated it meanwhile.
    Beside(Leader, Read),
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

/// What is to become of a lease.
enum Settling {
    Publish(Entry, Duration),
    Release(Leave),
}

/// An entry to be stored, and for how long the store is to keep it.
pub(super) type Storable = (Entry, Duration);

impl<S: Shape, H: Hooks<S::Value>> Call<S, H> {
    /// Stores what was loaded, tells those who wait, and gives it back to the caller.
    pub(super) async fn finish(&self, load: Load, ended: Ended<S::Output>) -> S::Output {
        let cache = load.cache.clone();
        let (outcome, older) = self.conclude(load, ended).await;
        let Some(value) = older else {
            return S::join(outcome);
        };
        cache.count(Event::FailSafe);
        S::join(Ok(value))
    }

    /// Stores what was loaded and tells those who wait; if it failed, says what older value may
    /// be answered instead.
    pub(super) async fn conclude(
        &self,
        load: Load,
        ended: Ended<S::Output>,
    ) -> (Outcomes<S>, Option<S::Value>) {
        load.cache.count(Event::Load);
        self.settle_load(load, ended).await
    }

    /// [`conclude`](Self::conclude) of one load of several that the body ran for at once.
    pub(super) async fn settle_load(
        &self,
        load: Load,
        ended: Ended<S::Output>,
    ) -> (Outcomes<S>, Option<S::Value>) {
        let Load {
            cache,
            way,
            permit,
            fallback,
            began,
        } = load;
        drop(permit);
        let outcome = self.outcome(&cache, ended);
        let fallback = fallback.filter(|_| outcome.is_err() && self.errors.is_none());
        let older = fallback.and_then(|fallback| ((self.ops)().open)(&*fallback.value));
        match way {
            Way::Alone => {}
            Way::Unconfirmed(leader) => {
                cache.count(Event::Unwritten);
                leader.close();
                leader.land(self.copy(&outcome));
            }
            Way::Beside(leader, seen) => {
                let copy = self.copy(&outcome);
                self.land_if_still_there(&cache, leader, &seen, copy).await;
            }
            Way::Leased(leased) => {
                let load_time = began.elapsed();
                self.settle(&cache, leased, &outcome, older.as_ref(), load_time)
                    .await;
            }
        }
        (outcome, older)
    }

    /// What the body came to; one that was given up is an error of the function's own type.
    fn outcome(&self, cache: &Cache, ended: Ended<S::Output>) -> Outcomes<S> {
        match (ended, self.gives_up) {
            (Ended::With(output), _) => S::split(output),
            (Ended::TooLate, Some(error)) => {
                cache.count(Event::HardTimeout);
                let site = self.site.name;
                Err(error(Error::LoadTimedOut { site }))
            }
            (Ended::TooLate, None) => unreachable!("a limit comes with an error to give"),
        }
    }

    /// What those who wait are given if the value proves current. Never an older value: each knows
    /// its own, and whether it may be answered.
    fn copy(&self, outcome: &Outcomes<S>) -> Outcome {
        match outcome {
            Ok(value) => Outcome::Value(((self.ops)().share)(value)),
            Err(error) => Outcome::Failed(self.shape.share(error)),
        }
    }

    pub(super) async fn land_if_still_there(
        &self,
        cache: &Cache,
        leader: Leader,
        seen: &Read,
        copy: Outcome,
    ) {
        leader.close();
        let Some(key) = self.key.as_ref().filter(|_| leader.has_joiners()) else {
            return;
        };
        if seen.generations.contains(&None) {
            // Its invalidation leaves nothing that could be seen, so nobody can confirm the value.
            return leader.land(Outcome::NoEntry);
        }
        let tags = &self.tags;
        let keyed = Keyed { key, tags };
        let now = cache.0.store.read(keyed, &mut cache.fresh_budget()).await;
        leader.land(if now.is_ok_and(|now| now.is_same(seen)) {
            copy
        } else {
            Outcome::Again
        });
    }

    /// Ends a load of which there is no value, and leaves what the lease has kept.
    pub(super) async fn end_without_value(&self, cache: &Cache, way: Way, outcome: Outcome) {
        match way {
            Way::Alone => {}
            Way::Unconfirmed(leader) => leader.land(outcome),
            Way::Beside(leader, seen) => {
                self.land_if_still_there(cache, leader, &seen, outcome)
                    .await;
            }
            Way::Leased(Leased { leader, lease, .. }) => {
                leader.close();
                leader.land(match lease.release(Leave::Kept).await {
                    Ok(false) => Outcome::Again,
                    _ => outcome,
                });
            }
        }
    }

    async fn settle(
        &self,
        cache: &Cache,
        leased: Leased,
        outcome: &Outcomes<S>,
        older: Option<&S::Value>,
        load_time: Duration,
    ) {
        let Leased {
            leader,
            lease,
            left,
        } = leased;
        #[cfg(cache_mutant = "capture_before_load")]
        let lease = lease.captured_again().await;
        let settling = match self.entry(cache, outcome, load_time, lease.generations()) {
            Some((entry, kept_for)) => Settling::Publish(entry, kept_for),
            // The value has changed to one that is not to be stored.
            None if outcome.is_ok() => Settling::Release(Leave::Nothing),
            None if older.is_some() => Settling::Release(Leave::Cooling(cache.0.throttle)),
            None => Settling::Release(Leave::Kept),
        };
        // Before the publish: who boards after it may have come after an invalidation.
        if !cfg!(cache_mutant = "close_before_publish") {
            leader.close();
        }
        let copy = if leader.has_joiners() || cfg!(cache_mutant = "close_before_publish") {
            match older.filter(|_| cfg!(cache_mutant = "stale_payload_from_lease")) {
                Some(older) => Outcome::Value(((self.ops)().share)(older)),
                None => self.copy(outcome),
            }
        } else {
            Outcome::Again
        };
        let settling = settle(cache.clone(), leader, lease, settling, copy);
        if !cache.is_redis() {
            return settling.await;
        }
        #[cfg(test)]
        let Some(settling) = crate::model::adopt(settling, "settling") else {
            return;
        };
        // A task of its own: it goes on when the caller is dropped or its budget is spent. An
        // error means that its runtime is going, and with it the caller's.
        let _ = tokio::time::timeout(left, tokio::spawn(settling)).await;
    }

    /// The entry to store, if there is to be one.
    pub(super) fn entry(
        &self,
        cache: &Cache,
        outcome: &Outcomes<S>,
        load_time: Duration,
        generations: &[Generation],
    ) -> Option<Storable> {
        let ttl = match outcome {
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
        let ttl = self.jitter.map_or(ttl, |jitter| jitter.shorten(ttl));
        let windows = &self.site.windows;
        let window = if outcome.is_ok() {
            windows.longest()
        } else {
            Duration::ZERO
        };
        let age = Age {
            stored_at: cache.0.store.now(),
            fresh_for: whole_millis(ttl),
            kept_for: whole_millis(ttl.saturating_add(window)),
            load_ms: u32::try_from(whole_millis(load_time)).unwrap_or(u32::MAX),
        };
        let stamp = Stamp {
            age,
            is_aged: !window.is_zero() || windows.idle_time().is_some(),
            generations,
        };
        let entry = match (outcome, &self.errors) {
            (Ok(value), _) => {
                let (ops, fingerprint) = ((self.ops)(), self.fingerprint());
                self.encode(cache, &ops, value, Kind::Value, fingerprint, &stamp)
            }
            (Err(error), Some((_, ops))) => {
                let ops = ops();
                let fingerprint = (ops.fingerprint)(self.site.format);
                self.encode(cache, &ops, error, Kind::Error, fingerprint, &stamp)
            }
            (Err(_), None) => return None,
        };
        let kept_for = match windows.idle_time() {
            Some(idle) => idle.min(ttl),
            None => ttl.saturating_add(window),
        };
        entry.map(|entry| (entry, kept_for))
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

    /// How long the generation of a tag lives; the life of an entry may depend on its value, so
    /// this goes by what is written.
    pub(super) fn tag_life(&self, cache: &Cache) -> Duration {
        let ttl = self.ttl.resolve(&cache.0.lifetimes);
        tag_life(ttl.saturating_add(self.site.windows.longest()))
    }

    fn encode<T>(
        &self,
        cache: &Cache,
        ops: &Ops<T>,
        value: &T,
        kind: Kind,
        fingerprint: Fingerprint,
        stamp: &Stamp<'_>,
    ) -> Option<Entry> {
        let format = &self.site.format;
        let entry = if cache.0.store.holds_bytes() {
            (ops.encode)(value, kind, format, fingerprint, stamp).map(Entry::Bytes)
        } else {
            (ops.encoded_len)(value, format).map(|weight| {
                let shared = (ops.share)(value);
                let version = format.schema_version();
                Entry::Memory(MemoryEntry::new(kind, shared, version, weight, stamp))
            })
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
async fn settle(cache: Cache, leader: Leader, held: Lease, settling: Settling, copy: Outcome) {
    // Its invalidation is still on the way, so the lease may stand though it should not.
    let is_stale = cache.distrusts(held.keyed());
    if held.is_written() {
        cache.count(Event::Fenced);
    }
    let stood = match settling {
        // While a tag is being written, those who wait are answered all the same if nothing else
        // has happened.
        Settling::Publish(entry, kept_for) if !is_stale && !held.is_written() => {
            let stood = held.publish(entry, kept_for).await;
            count_published(&cache, &stood);
            stood
        }
        Settling::Publish(..) => held.release(Leave::Nothing).await,
        Settling::Release(leave) => held.release(leave).await,
    };
    let is_confirmed = cfg!(cache_mutant = "publish_before_joiners")
        || matches!(stood, Ok(true)) && !is_stale
        // Unreachable: nobody can confirm the value, and it is the best there is.
        || stood.is_err();
    leader.land(if is_confirmed { copy } else { Outcome::Again });
}

fn count_published(cache: &Cache, stood: &Result<bool, Fault>) {
    cache.count(match stood {
        Ok(true) => Event::Published,
        Ok(false) => Event::Discarded,
        Err(_) => {
            cache.count(Event::Fault);
            Event::Unwritten
        }
    });
}

/// Never nothing: a time that was given is a time.
fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000))
        .unwrap_or(u64::MAX)
        .max(1)
}
