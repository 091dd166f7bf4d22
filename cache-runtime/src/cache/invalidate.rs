//! Invalidations: applied at once, or queued until Redis is back, never lost while we live.

use std::collections::HashMap;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use super::Cache;
use super::journal::{Batch, Target};
use crate::call::scope;
use crate::client::engine;
use crate::entry::Token;
use crate::error::Error;
use crate::observe::Event;
use crate::store::Store;

const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What became of an invalidation.
///
/// ```
/// # use cache_runtime::{Cache, Invalidation, KeyTemplate};
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::Error> {
/// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
///
/// let cache = Cache::in_memory();
/// let outcome = cache.scope(USER.key(7).invalidate()).await?;
/// assert_eq!(outcome, Invalidation::Applied);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "`Queued` means that other processes may still read the old entry"]
pub enum Invalidation {
    /// No call that starts from now on, in any process, gets a value loaded before.
    Applied,
    /// Redis is away: this process bypasses the key and sends the invalidation when Redis is
    /// back; others may read the old entry until then, at most for its time to live.
    ///
    /// In the scope of a [`Transaction`](crate::Transaction): its commit sends the invalidation.
    Queued,
}

/// A target, and the cache that its key names, if any.
pub(crate) type Aimed = (Option<Cache>, Target);

/// What is to be invalidated where; the caller's cache comes first.
pub(crate) fn by_cache(callers: Cache, targets: Vec<Aimed>) -> Vec<(Cache, Vec<Target>)> {
    let mut caches = vec![(callers, Vec::new())];
    for (own, target) in targets {
        let known = |own: &Cache| caches.iter().position(|(cache, _)| cache.is_same(own));
        match own.as_ref().map_or(Some(0), known) {
            Some(at) => caches[at].1.push(target),
            None => caches.extend(own.map(|own| (own, vec![target]))),
        }
    }
    caches
}

impl Cache {
    /// What users do by hand: in a transaction it waits for the commit.
    pub(crate) async fn invalidate_by_hand(
        &self,
        targets: Vec<Target>,
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        match self.defer(targets) {
            Ok(()) => Ok(Invalidation::Queued),
            Err(targets) => self.invalidate(&targets, Duration::ZERO, site).await,
        }
    }

    /// Leaves the targets to the transaction of this scope; gives them back if there is none.
    pub(crate) fn defer(&self, targets: Vec<Target>) -> Result<(), Vec<Target>> {
        match scope::transaction() {
            Some(transaction) => transaction.defer(self, targets),
            None => Err(targets),
        }
    }

    /// Invalidates all targets, or queues them all. Keys stay fenced for `settle`.
    pub(crate) async fn invalidate(
        &self,
        targets: &[Target],
        settle: Duration,
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        self.close_flights(targets);
        let targets: Vec<_> = targets.iter().map(|target| (target, settle)).collect();
        let left = self.apply(&targets).await;
        self.count_invalidated(targets.len() - left.len());
        if left.is_empty() {
            return Ok(Invalidation::Applied);
        }
        self.count(Event::Fault);
        self.enqueue(&left, settle, site)
    }

    /// [`invalidate`](Self::invalidate) where nothing can be awaited: memory at once, Redis from
    /// the process's own runtime.
    pub(crate) fn invalidate_detached(
        &self,
        targets: &[Target],
        settle: Duration,
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        self.close_flights(targets);
        let Store::Memory(memory) = &self.0.store else {
            return self.enqueue(targets, settle, site);
        };
        for target in targets {
            match target {
                Target::Key(key) if settle.is_zero() => drop(memory.invalidate(key)),
                Target::Key(key) => memory.fence(slice::from_ref(key), Token::random(), settle),
                Target::Pattern(pattern) => drop(memory.sweep(pattern)),
            }
        }
        self.count_invalidated(targets.len());
        Ok(Invalidation::Applied)
    }

    pub(crate) fn count_invalidated(&self, targets: usize) {
        self.0.counters.add(Event::Invalidated, targets as u64);
    }

    /// No later call may join a load that is under way: it began before the invalidation.
    pub(crate) fn close_flights(&self, targets: &[Target]) {
        for target in targets {
            match target {
                Target::Key(key) => self.0.flights.close(key),
                Target::Pattern(_) => self.0.flights.close_all(),
            }
        }
    }

    /// Applies what it can, and says what is left. One that is refused (a user without `SCAN`)
    /// must not hold up the others.
    async fn apply(&self, targets: &[(&Target, Duration)]) -> Vec<Target> {
        let mut keys: HashMap<Duration, Vec<Arc<str>>> = HashMap::new();
        let mut patterns = Vec::new();
        for (target, settle) in targets {
            match target {
                Target::Key(key) => keys.entry(*settle).or_default().push(key.clone()),
                Target::Pattern(pattern) => patterns.push(pattern),
            }
        }
        let mut left = Vec::new();
        for (settle, keys) in keys {
            let applied = if settle.is_zero() {
                self.0.store.invalidate(&keys).await.map(drop)
            } else {
                self.0.store.fence(&keys, Token::random(), settle).await
            };
            if applied.is_err() {
                left.extend(keys.into_iter().map(Target::Key));
            }
        }
        for pattern in patterns {
            if self.0.store.sweep(pattern).await.is_err() {
                left.push(Target::Pattern(pattern.clone()));
            }
        }
        left
    }

    /// Queues all targets, or none; their keys are to be fenced for `settle` then.
    pub(crate) fn enqueue(
        &self,
        targets: &[Target],
        settle: Duration,
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        let Ok(must_drain) = self.0.journal.push(targets, settle) else {
            self.count(Event::JournalFull);
            tracing::error!(site, "redis is away and the queue of invalidations is full");
            return Err(Error::JournalFull { site });
        };
        self.0.counters.add(Event::Queued, targets.len() as u64);
        if must_drain {
            engine::spawn(self.clone().drain());
        }
        Ok(Invalidation::Queued)
    }

    async fn drain(self) {
        let mut pause = FIRST_PAUSE;
        while let Some(Batch { targets, turn }) = self.0.journal.next() {
            let due: Vec<_> = targets
                .iter()
                .map(|(target, time)| (target, *time))
                .collect();
            let left = self.apply(&due).await;
            let sent = targets.iter().map(|(target, _)| target);
            self.0
                .journal
                .sent(sent.filter(|target| !left.contains(target)), turn);
            self.count_invalidated(targets.len() - left.len());
            if left.is_empty() {
                pause = FIRST_PAUSE;
            } else {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Waits until no load goes on in the background and no invalidation is queued, at most `time`;
    /// says whether that is so.
    ///
    /// For the end of a process: what is still queued then is lost with it, and entries that it
    /// should have deleted live on until their time to live ends.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the queue as it is; it is still worked on.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() {
    /// use std::time::Duration;
    ///
    /// assert!(cache_runtime::Cache::in_memory().drained(Duration::from_secs(1)).await);
    /// # }
    /// ```
    pub async fn drained(&self, time: Duration) -> bool {
        let background = &self.0.background;
        if self.0.journal.len() == 0 && background.is_idle() {
            return true;
        }
        let everything = async {
            background.drained().await;
            while self.0.journal.len() > 0 {
                tokio::time::sleep(FIRST_PAUSE).await;
            }
        };
        tokio::time::timeout(time, everything).await.is_ok()
    }
}
