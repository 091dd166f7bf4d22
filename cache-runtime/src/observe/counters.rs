//! Counters that threads do not fight over.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const STRIPES: usize = 8;

macro_rules! events {
    ($($(#[$doc:meta])* $event:ident => $field:ident,)+) => {
        /// Something a cache counts.
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum Event { $($event,)+ }

        const EVENTS: usize = [$(Event::$event,)+].len();

        /// What a cache has counted since it was built.
        ///
        /// ```
        /// let cache = cache_runtime::Cache::in_memory();
        /// assert_eq!(cache.stats().hits, 0);
        /// ```
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
        #[non_exhaustive]
        pub struct Stats { $($(#[$doc])* pub $field: u64,)+ }

        impl Stats {
            /// What was counted since an earlier look.
            ///
            /// ```
            /// let cache = cache_runtime::Cache::in_memory();
            /// let before = cache.stats();
            /// assert_eq!(cache.stats().since(&before), before);
            /// ```
            #[must_use]
            pub fn since(&self, earlier: &Self) -> Self {
                Self { $($field: self.$field.saturating_sub(earlier.$field),)+ }
            }
        }

        impl Counters {
            pub(crate) fn snapshot(&self) -> Stats {
                Stats { $($field: self.total(Event::$event),)+ }
            }
        }
    };
}

events! {
    /// Reads answered from the store.
    Hit => hits,
    /// Reads that found no usable entry.
    Miss => misses,
    /// Function bodies run by `#[cache_result]`, for whatever reason.
    Load => loads,
    /// Calls answered by another call's load in this process.
    Joined => joined,
    /// Calls that waited for a load in another process.
    Waited => waited,
    /// Waits that ended at their limit; the caller then loaded for itself.
    WaitTimeout => wait_timeouts,
    /// Entries stored.
    Published => published,
    /// Loads whose value was not stored, because the key was invalidated meanwhile.
    Discarded => discarded,
    /// Loads whose outcome was not to be stored (an error, `store_if`, `none = skip`).
    Unstored => unstored,
    /// Values bigger than `max_entry`: answered, not stored.
    Oversized => oversized,
    /// Values that would not come back as they are (`NaN` in JSON), or that refuse to be encoded:
    /// answered, not stored.
    Unencodable => unencodable,
    /// Entries that could not be read: foreign, truncated, corrupted, or of another shape.
    Unreadable => unreadable,
    /// Entries of a higher `version`, left alone by this older code.
    Newer => newer,
    /// Keys that hold something that is not a string; never overwritten.
    Unfit => unfit,
    /// Calls that did not use the cache, by mode, scope, or a key whose invalidation is queued.
    Bypassed => bypassed,
    /// Blocking calls on a runtime's thread, which ran uncached rather than block it.
    BlockingUncached => blocking_uncached,
    /// Commands that Redis did not answer, or refused.
    Fault => faults,
    /// Calls answered with an entry past its time to live, within `stale`.
    Stale => stale,
    /// Loads of entries that can still be answered: in the background, or by the caller who won.
    Refresh => refreshes,
    /// Refreshes that did not begin because too many are under way.
    RefreshSkipped => refreshes_skipped,
    /// Calls answered with an older entry because the load failed, within `fail_safe`.
    FailSafe => fail_safe,
    /// Calls answered with an older entry because the load took longer than `soft_timeout`.
    SoftTimeout => soft_timeouts,
    /// Loads given up at `hard_timeout`.
    HardTimeout => hard_timeouts,
    /// Calls of a function by its own load, for the same key; they ran uncached.
    Recursive => recursive,
    /// Hits on which the body ran as well, by `verify`.
    Verified => verified,
    /// Of these, how many times the body answered something else, and the entry stayed.
    Mismatch => mismatches,
    /// Calls whose key needs a part of the key context that the caller has not set.
    ContextMissing => context_missing,
    /// Calls that met the fence of a write: they loaded and stored nothing.
    Fenced => fenced,
    /// Entries whose life a hit has prolonged, by `sliding`.
    Touched => touched,
    /// Operations under `#[redis_retry]` or [`Retry`](crate::Retry) that ran again.
    Retried => retries,
    /// Of these operations, how many failed to the last try.
    RetriesExhausted => retries_exhausted,
    /// Locks that were lost while they were held.
    LockLost => locks_lost,
    /// Amounts that a limit refused.
    Limited => limited,
    /// Invalidations held back until their transaction has been committed.
    Deferred => deferred,
    /// Invalidations that the store has applied.
    Invalidated => invalidations,
    /// Invalidations queued because Redis was away.
    Queued => queued,
    /// Invalidations refused because that queue was full.
    JournalFull => journal_full,
    /// Invalidations sent again because another server had taken over, or may have.
    Replayed => replayed,
    /// Times that more was to be sent again than was remembered; all keys were bypassed then.
    ReplayOverflow => replay_overflows,
    /// Invalidations that Redis refused for good; what they name is bypassed in this process.
    Refused => refused,
    /// Invalidations that were applied, and that too few replicas have confirmed in time.
    Unconfirmed => unconfirmed,
    /// Loaded values that could not be stored because Redis was away, or refused them.
    Unwritten => unwritten,
    /// How often the circuit breaker has opened.
    BreakerOpened => breaker_openings,
}

#[repr(align(128))]
struct Stripe([AtomicU64; EVENTS]);

impl Default for Stripe {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

/// One row of counters a stripe, so that a hit on one core does not slow a hit on another.
#[derive(Default)]
pub(crate) struct Counters {
    stripes: [Stripe; STRIPES],
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static STRIPE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
}

impl Counters {
    pub(crate) fn count(&self, event: Event) {
        self.add(event, 1);
    }

    pub(crate) fn add(&self, event: Event, by: u64) {
        // A thread that is ending has no stripe of its own any more.
        let stripe = STRIPE.try_with(|stripe| *stripe).unwrap_or(0);
        self.stripes[stripe].0[event as usize].fetch_add(by, Ordering::Relaxed);
    }

    fn total(&self, event: Event) -> u64 {
        self.stripes
            .iter()
            .map(|stripe| stripe.0[event as usize].load(Ordering::Relaxed))
            .sum()
    }
}
