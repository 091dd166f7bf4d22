//! Invalidations: applied at once, or queued until Redis is back, never lost while we live.

use std::collections::HashMap;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Cache;
use super::journal::{Batch, JournalStats, Left, Target, Terms, Verdict};
use crate::call::scope;
use crate::client::{engine, is_passing, probing};
use crate::entry::Token;
use crate::error::Error;
use crate::observe::Event;
use crate::store::{Occasion, Store, What};

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

/// A target that is still to be invalidated, and why.
type Unapplied = (Target, Left);

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
        terms: Terms,
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        match self.defer(targets, terms) {
            Ok(()) => Ok(Invalidation::Queued),
            Err(targets) => self.invalidate(&targets, terms, site).await,
        }
    }

    /// Leaves the targets to the transaction of this scope; gives them back if there is none.
    pub(crate) fn defer(&self, targets: Vec<Target>, terms: Terms) -> Result<(), Vec<Target>> {
        match scope::transaction() {
            Some(transaction) => transaction.defer(self, targets, terms),
            None => Err(targets),
        }
    }

    /// Invalidates all targets, or queues what is left of them.
    pub(crate) async fn invalidate(
        &self,
        targets: &[Target],
        terms: Terms,
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        self.close_flights(targets);
        // Before: a server that has applied it may be replaced before it has said so.
        self.remember(targets, terms);
        let due = targets.iter().map(|target| (target.clone(), terms));
        let left = self.apply_where_due(due.collect(), terms).await;
        self.count_invalidated(targets.len() - left.len());
        if left.is_empty() {
            return Ok(Invalidation::Applied);
        }
        self.count(Event::Fault);
        let left: Vec<_> = left.into_iter().map(|(target, _)| target).collect();
        self.enqueue(&left, terms, site)
    }

    /// [`invalidate`](Self::invalidate) where nothing can be awaited: memory at once, Redis from
    /// the process's own runtime.
    pub(crate) fn invalidate_detached(
        &self,
        targets: &[Target],
        terms: Terms,
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        self.close_flights(targets);
        let Store::Memory(memory) = &self.0.store else {
            return self.enqueue(targets, terms, site);
        };
        let settle = terms.settle;
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

    /// Applies what it can, and says what is left.
    ///
    /// Waiting for replicas holds up whatever else a connection is for, so that has one of its
    /// own, which the process's own runtime drives.
    async fn apply_where_due(&self, due: Vec<(Target, Terms)>, terms: Terms) -> Vec<Unapplied> {
        if terms.replicas == 0 || !self.is_redis() || engine::is_aboard() {
            return self.apply(&due, Occasion::First).await;
        }
        let (cache, (done, left)) = (self.clone(), oneshot::channel());
        let targets: Vec<_> = due.iter().map(|(target, _)| target.clone()).collect();
        engine::spawn(async move {
            // Nobody waits any more: then it is queued all the same.
            let _ = done.send(cache.apply(&due, Occasion::First).await);
        });
        let away = |_| targets.into_iter().map(|target| (target, Left::Away));
        left.await.unwrap_or_else(|error| away(error).collect())
    }

    /// Applies what it can, and says what is left. One that is refused (a user without `SCAN`)
    /// must not hold up the others.
    async fn apply(&self, due: &[(Target, Terms)], occasion: Occasion) -> Vec<Unapplied> {
        let mut keys: HashMap<Terms, Vec<Arc<str>>> = HashMap::new();
        let mut left = Vec::new();
        for (target, terms) in due {
            match target {
                Target::Key(key) => keys.entry(*terms).or_default().push(key.clone()),
                Target::Pattern(pattern) => {
                    let what = What::Pattern(pattern);
                    let why = self.forget(what, *terms, occasion).await;
                    left.extend(why.map(|why| (target.clone(), why)));
                }
            }
        }
        for (terms, keys) in keys {
            let Some(why) = self.forget(What::Keys(&keys), terms, occasion).await else {
                continue;
            };
            if why != Left::Refused || keys.len() == 1 {
                left.extend(keys.into_iter().map(|key| (Target::Key(key), why)));
                continue;
            }
            for key in keys {
                let one = What::Keys(slice::from_ref(&key));
                let why = self.forget(one, terms, occasion).await;
                left.extend(why.map(|why| (Target::Key(key), why)));
            }
        }
        left
    }

    /// Whether that many replicas have what was written so far.
    pub(crate) async fn confirm(&self, replicas: u32) -> bool {
        if !self.is_redis() || engine::is_aboard() {
            return self.0.store.confirm(replicas).await.unwrap_or(false);
        }
        let (cache, (done, confirmed)) = (self.clone(), oneshot::channel());
        engine::spawn(async move {
            // Nobody waits any more.
            let _ = done.send(cache.0.store.confirm(replicas).await.unwrap_or(false));
        });
        confirmed.await.unwrap_or(false)
    }

    /// Why something is still to be invalidated, if it is.
    async fn forget(&self, what: What<'_>, terms: Terms, occasion: Occasion) -> Option<Left> {
        let Terms { settle, replicas } = terms;
        let forgotten = self.0.store.forget(what, settle, replicas, occasion).await;
        match forgotten {
            Ok(true) => None,
            Ok(false) => Some(Left::Unconfirmed),
            Err(fault) if is_passing(&fault) => Some(Left::Away),
            Err(_) => Some(Left::Refused),
        }
    }

    /// Queues all targets, or none.
    pub(crate) fn enqueue(
        &self,
        targets: &[Target],
        terms: Terms,
        site: &'static str,
    ) -> Result<Invalidation, Error> {
        let Ok(must_drain) = self.0.journal.push(targets, terms) else {
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

    pub(super) async fn drain(self) {
        let mut pause = FIRST_PAUSE;
        while let Some(batch) = self.0.journal.next() {
            // Whether Redis is of use again is for these to find out, too.
            if probing(self.send(batch)).await {
                pause = FIRST_PAUSE;
            } else {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Sends a batch, and says whether none of it is left.
    async fn send(&self, Batch { due, turn }: Batch) -> bool {
        let (again, first): (Vec<_>, Vec<_>) = due.into_iter().partition(|due| due.is_replay);
        let mut all_sent = true;
        for (due, occasion) in [(first, Occasion::First), (again, Occasion::Again)] {
            let due: Vec<_> = due.into_iter().map(|due| (due.target, due.terms)).collect();
            let targets = due.iter().map(|(target, terms)| (target, *terms));
            self.remember_each(targets);
            let left: HashMap<_, _> = self.apply(&due, occasion).await.into_iter().collect();
            let sent = due.iter().map(|(target, _)| target);
            let sent = sent.filter(|target| !left.contains_key(target));
            self.0.journal.sent(sent, turn);
            let event = match occasion {
                Occasion::First => Event::Invalidated,
                Occasion::Again => Event::Replayed,
            };
            self.0.counters.add(event, (due.len() - left.len()) as u64);
            all_sent &= left.is_empty();
            for (target, why) in left {
                self.judge(&target, why);
            }
        }
        all_sent
    }

    /// Gives up what would never be applied.
    fn judge(&self, target: &Target, why: Left) {
        match self
            .0
            .journal
            .failed(target, why, self.0.lifetimes.longest())
        {
            Verdict::Again => {}
            Verdict::Distrust => {
                self.count(Event::Refused);
                if !self.0.has_said_refused.swap(true, Ordering::Relaxed) {
                    tracing::error!(
                        "redis refuses an invalidation for good, as to a user without the right \
                         to it: this process bypasses what it names, others do not (said once)"
                    );
                }
            }
            Verdict::Unconfirmed => self.count(Event::Unconfirmed),
        }
    }

    /// How many invalidations wait for Redis, are distrusted, and would be sent again.
    ///
    /// ```
    /// assert_eq!(cache_runtime::Cache::in_memory().journal().queued, 0);
    /// ```
    pub fn journal(&self) -> JournalStats {
        self.0.journal.stats()
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
