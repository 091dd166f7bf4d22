//! Invalidations: applied at once, or queued until Redis is back, never lost while we live.

use std::time::Duration;

use super::Cache;
use super::journal::Target;
use crate::client::engine;
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
    /// Invalidates all targets, or queues them all.
    pub(crate) async fn invalidate(
        &self,
        targets: &[Target],
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        self.close_flights(targets);
        let left = self.apply(targets).await;
        let applied = targets.len() - left.len();
        self.0.counters.add(Event::Invalidated, applied as u64);
        if left.is_empty() {
            return Ok(Invalidation::Applied);
        }
        self.count(Event::Fault);
        self.enqueue(&left, site)
    }

    /// [`invalidate`](Self::invalidate) where nothing can be awaited: memory at once, Redis from
    /// the process's own runtime.
    pub(crate) fn invalidate_detached(
        &self,
        targets: &[Target],
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        self.close_flights(targets);
        let Store::Memory(memory) = &self.0.store else {
            return self.enqueue(targets, site);
        };
        for target in targets {
            match target {
                Target::Key(key) => drop(memory.invalidate(key)),
                Target::Pattern(pattern) => drop(memory.sweep(pattern)),
            }
        }
        self.0
            .counters
            .add(Event::Invalidated, targets.len() as u64);
        Ok(Invalidation::Applied)
    }

    /// No later call may join a load that is under way: it began before the invalidation.
    fn close_flights(&self, targets: &[Target]) {
        for target in targets {
            match target {
                Target::Key(key) => self.0.flights.close(key),
                Target::Pattern(_) => self.0.flights.close_all(),
            }
        }
    }

    /// Applies what it can, and says what is left. One that is refused (a user without `SCAN`)
    /// must not hold up the others.
    async fn apply(&self, targets: &[Target]) -> Vec<Target> {
        let mut left = Vec::new();
        let (mut keys, mut patterns) = (Vec::new(), Vec::new());
        for target in targets {
            match target {
                Target::Key(key) => keys.push(key.clone()),
                Target::Pattern(pattern) => patterns.push(pattern),
            }
        }
        if !keys.is_empty() && self.0.store.invalidate(&keys).await.is_err() {
            left.extend(keys.into_iter().map(Target::Key));
        }
        for pattern in patterns {
            if self.0.store.sweep(pattern).await.is_err() {
                left.push(Target::Pattern(pattern.clone()));
            }
        }
        left
    }

    fn enqueue(&self, targets: &[Target], site: &'static str) -> Result<Invalidation, Error> {
        let Ok(must_drain) = self.0.journal.push(targets) else {
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
        while let Some((targets, turn)) = self.0.journal.next() {
            let left = self.apply(&targets).await;
            let mut sent = targets;
            sent.retain(|target| !left.contains(target));
            self.0.journal.sent(&sent, turn);
            self.0.counters.add(Event::Invalidated, sent.len() as u64);
            if left.is_empty() {
                pause = FIRST_PAUSE;
            } else {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Waits until no invalidation is queued any more, at most `time`; says whether that is so.
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
        let empty = async {
            while self.0.journal.len() > 0 {
                tokio::time::sleep(FIRST_PAUSE).await;
            }
        };
        self.0.journal.len() == 0 || tokio::time::timeout(time, empty).await.is_ok()
    }
}
