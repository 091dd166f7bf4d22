//! The invalidations that wait for Redis, and those that it may have to be told again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::recent::{Recent, Replay};
use crate::store::{Keyed, matches};

/// Keys sent at a time.
const BATCH: usize = 512;
/// How often a server that answers may refuse a target before it counts as refused for good.
const REFUSALS: u32 = 10;

/// What an invalidation names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    Key(Arc<str>),
    Pattern(Arc<str>),
}

/// How an invalidation is to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Terms {
    /// How long the key stays fenced afterwards.
    pub(crate) settle: Duration,
    /// How many replicas must have it before it counts as applied.
    pub(crate) replicas: u32,
}

impl Terms {
    /// The stricter of both, in each respect.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            settle: self.settle.max(other.settle),
            replicas: self.replicas.max(other.replicas),
        }
    }
}

/// How many invalidations wait, as [`Cache::journal`](crate::Cache::journal) says it.
///
/// ```
/// let journal = cache_runtime::Cache::in_memory().journal();
/// assert_eq!((journal.queued, journal.distrusted, journal.recent), (0, 0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct JournalStats {
    /// Keys and patterns whose invalidation waits for Redis; this process bypasses them.
    pub queued: usize,
    /// Keys and patterns whose invalidation Redis has refused for good; this process bypasses
    /// them until no entry can be left of them.
    pub distrusted: usize,
    /// Keys and patterns that would be invalidated again if another server took over now.
    pub recent: usize,
}

/// The invalidations of one cache that wait for Redis, each once.
pub(crate) struct Journal {
    queue: Mutex<Queue>,
    /// What the hot path looks at: nought if nothing is held.
    held: AtomicUsize,
    capacity: usize,
    window: Duration,
    recent: Mutex<Recent>,
    /// Up to which change of the server all that is recent has been queued again.
    seen: AtomicU64,
    is_watching: AtomicBool,
}

#[derive(Default)]
struct Queue {
    waiting: HashMap<Target, Asked>,
    /// Of what waits, and of what is distrusted, the patterns: each key is held against them.
    patterns: HashSet<Arc<str>>,
    distrusted: HashMap<Target, Instant>,
    all_until: Option<Instant>,
    turn: u64,
    is_draining: bool,
}

/// What was asked for, how often it was.
struct Asked {
    /// When it was last asked for.
    turn: u64,
    since: Instant,
    /// The strictest that were asked for.
    terms: Terms,
    refusals: u32,
    is_replay: bool,
}

/// There is no room for all of them.
pub(super) struct Full;

/// What to send next.
pub(super) struct Batch {
    pub(super) due: Vec<Due>,
    pub(super) turn: u64,
}

pub(super) struct Due {
    pub(super) target: Target,
    pub(super) terms: Terms,
    /// Whether it was applied before, and may be lost since.
    pub(super) is_replay: bool,
}

/// Why a target is still to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Redis is away, or refuses for a while.
    Away,
    /// Redis refuses it, and will.
    Refused,
    /// It is applied, and too few replicas have it.
    Unconfirmed,
}

/// What is done about a target that is still to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Again,
    /// It is given up: this process bypasses what it names.
    Distrust,
    /// It counts as applied: this process has bypassed it for the whole window.
    Unconfirmed,
}

impl Queue {
    fn len(&self) -> usize {
        self.waiting.len() + self.distrusted.len()
    }

    fn held(&self) -> usize {
        self.len() + usize::from(self.all_until.is_some())
    }

    fn holds(&self, key: &Arc<str>, now: Instant) -> bool {
        if self.all_until.is_some_and(|until| until > now) {
            return true;
        }
        let target = Target::Key(key.clone());
        self.waiting.contains_key(&target)
            || self.distrusted.contains_key(&target)
            || self.patterns.iter().any(|pattern| matches(pattern, key))
    }

    fn ask(&mut self, target: &Target, terms: Terms, is_replay: bool) {
        if let Target::Pattern(pattern) = target {
            self.patterns.insert(pattern.clone());
        }
        let turn = self.turn;
        let asked = self.waiting.entry(target.clone()).or_insert(Asked {
            turn,
            since: Instant::now(),
            terms,
            refusals: 0,
            is_replay,
        });
        asked.turn = turn;
        asked.terms = asked.terms.and(terms);
        asked.is_replay &= is_replay;
    }

    fn remove(&mut self, target: &Target) {
        self.waiting.remove(target);
        self.distrusted.remove(target);
        self.forget_pattern(target);
    }

    fn forget_pattern(&mut self, target: &Target) {
        if let Target::Pattern(pattern) = target
            && !self.waiting.contains_key(target)
            && !self.distrusted.contains_key(target)
        {
            self.patterns.remove(pattern);
        }
    }

    /// Trusts again what no entry can be left of.
    fn expire(&mut self, now: Instant) {
        self.all_until = self.all_until.filter(|until| *until > now);
        let over = self.distrusted.extract_if(|_, until| *until <= now);
        let over: Vec<_> = over.map(|(target, _)| target).collect();
        for target in over {
            self.forget_pattern(&target);
        }
    }
}

impl Journal {
    /// `capacity` bounds what waits, and what is remembered for `window`, each.
    pub(super) fn new(capacity: usize, window: Duration) -> Self {
        Self {
            queue: Mutex::default(),
            held: AtomicUsize::new(0),
            capacity,
            window,
            recent: Mutex::new(Recent::new(window, capacity)),
            seen: AtomicU64::new(0),
            is_watching: AtomicBool::new(false),
        }
    }

    /// Whether the invalidation of this key is still queued, or was refused.
    pub(crate) fn holds(&self, key: &Arc<str>) -> bool {
        if self.held.load(Ordering::Acquire) == 0 {
            #[cfg(test)]
            crate::model::look();
            return false;
        }
        #[cfg(test)]
        crate::model::touch();
        let (mut queue, now) = (self.queue.lock(), Instant::now());
        if queue.waiting.is_empty() {
            queue.expire(now);
            self.held.store(queue.held(), Ordering::Release);
        }
        queue.holds(key, now)
    }

    /// Whether the invalidation of this key, or of one of its tags, is still queued.
    pub(crate) fn holds_any(&self, keyed: Keyed<'_>) -> bool {
        let Keyed { key, tags } = keyed;
        self.holds(key) || tags.iter().any(|tag| self.holds(tag))
    }

    /// Queues all targets or none, and says whether somebody has to start draining.
    pub(super) fn push(&self, targets: &[Target], terms: Terms) -> Result<bool, Full> {
        #[cfg(test)]
        crate::model::touch();
        let mut queue = self.queue.lock();
        queue.expire(Instant::now());
        let is_new = |target: &&Target| !queue.waiting.contains_key(*target);
        if queue.len() + targets.iter().filter(is_new).count() > self.capacity {
            return Err(Full);
        }
        queue.turn += 1;
        for target in targets {
            queue.ask(target, terms, false);
        }
        self.held.store(queue.held(), Ordering::Release);
        Ok(!std::mem::replace(&mut queue.is_draining, true))
    }

    /// What to send next; nothing ends the draining.
    pub(super) fn next(&self) -> Option<Batch> {
        #[cfg(test)]
        crate::model::touch();
        let mut queue = self.queue.lock();
        let waiting = queue.waiting.iter().take(BATCH);
        let due = waiting.map(|(target, asked)| Due {
            target: target.clone(),
            terms: asked.terms,
            is_replay: asked.is_replay,
        });
        let due: Vec<_> = due.collect();
        if due.is_empty() {
            queue.is_draining = false;
            return None;
        }
        let turn = queue.turn;
        Some(Batch { due, turn })
    }

    /// Takes out what was sent, unless it was asked for again since.
    pub(super) fn sent<'a>(&self, targets: impl Iterator<Item = &'a Target>, turn: u64) {
        #[cfg(test)]
        crate::model::touch();
        let mut queue = self.queue.lock();
        for target in targets {
            let asked = queue.waiting.get(target);
            if asked.is_some_and(|asked| asked.turn <= turn) {
                queue.remove(target);
            }
        }
        self.held.store(queue.held(), Ordering::Release);
    }

    /// Decides about a target that was sent in vain; `distrust` is how long entries may live.
    pub(super) fn failed(&self, target: &Target, why: Left, distrust: Duration) -> Verdict {
        #[cfg(test)]
        crate::model::touch();
        let mut queue = self.queue.lock();
        let Some(asked) = queue.waiting.get_mut(target) else {
            return Verdict::Again;
        };
        let verdict = match why {
            Left::Refused => {
                asked.refusals += 1;
                if asked.refusals < REFUSALS {
                    Verdict::Again
                } else {
                    Verdict::Distrust
                }
            }
            Left::Unconfirmed if asked.since.elapsed() > self.window => Verdict::Unconfirmed,
            Left::Unconfirmed | Left::Away => Verdict::Again,
        };
        match verdict {
            Verdict::Again => {}
            Verdict::Distrust => {
                queue.waiting.remove(target);
                let until = Instant::now().checked_add(distrust);
                let until = until.unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400));
                queue.distrusted.insert(target.clone(), until);
            }
            Verdict::Unconfirmed => queue.remove(target),
        }
        self.held.store(queue.held(), Ordering::Release);
        verdict
    }

    /// Remembers what is being sent, or was just now, for a server that may come to lack it. Says
    /// whether somebody has to begin to watch for one.
    pub(super) fn remember<'a>(&self, targets: impl Iterator<Item = (&'a Target, Terms)>) -> bool {
        let (mut recent, now) = (self.recent.lock(), Instant::now());
        for (target, terms) in targets {
            recent.remember(target, terms, now);
        }
        !self.is_watching.swap(true, Ordering::Relaxed)
    }

    /// Whether there is anything to send again, should another server take over now.
    pub(super) fn remembers(&self) -> bool {
        self.recent.lock().remembers(Instant::now())
    }

    pub(super) fn has_seen(&self, changes: u64) -> bool {
        self.seen.load(Ordering::Acquire) == changes
    }

    /// Queues again all that is recent, for a server that may lack it.
    pub(super) fn replay(&self, changes: u64) -> Replayed {
        let mut recent = self.recent.lock();
        if self.has_seen(changes) {
            return Replayed::default();
        }
        let Replay {
            targets,
            distrusts_all_until,
        } = recent.replay(Instant::now());
        let mut queue = self.queue.lock();
        queue.turn += 1;
        for (target, terms) in &targets {
            // Beyond the capacity of the queue, too: what is recent is bounded by itself.
            queue.ask(target, *terms, true);
        }
        queue.all_until = queue.all_until.max(distrusts_all_until);
        self.held.store(queue.held(), Ordering::Release);
        let must_drain =
            !queue.waiting.is_empty() && !std::mem::replace(&mut queue.is_draining, true);
        // Last: whoever sees that nothing has changed also sees what is held.
        self.seen.store(changes, Ordering::Release);
        Replayed {
            must_drain,
            distrusts_all: distrusts_all_until.is_some(),
        }
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.queue.lock().waiting.len()
    }

    pub(super) fn stats(&self) -> JournalStats {
        let mut queue = self.queue.lock();
        queue.expire(Instant::now());
        self.held.store(queue.held(), Ordering::Release);
        let (queued, distrusted) = (queue.waiting.len(), queue.distrusted.len());
        drop(queue);
        JournalStats {
            queued,
            distrusted,
            recent: self.recent.lock().len(),
        }
    }
}

/// What came of a replay.
#[derive(Default)]
pub(super) struct Replayed {
    pub(super) must_drain: bool,
    /// More was invalidated than could be remembered.
    pub(super) distrusts_all: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(10);
    const PLAIN: Terms = Terms {
        settle: Duration::ZERO,
        replicas: 0,
    };

    fn journal(capacity: usize) -> Journal {
        Journal::new(capacity, WINDOW)
    }

    fn key(text: &str) -> Target {
        Target::Key(Arc::from(text))
    }

    fn holds(journal: &Journal, key: &str) -> bool {
        journal.holds(&Arc::from(key))
    }

    /// Takes out what there is to send, as if it had been.
    fn send(journal: &Journal) -> Vec<Due> {
        let Batch { due, turn } = journal.next().unwrap();
        journal.sent(due.iter().map(|due| &due.target), turn);
        due
    }

    #[test]
    fn holds_what_was_pushed_until_it_was_sent() {
        let journal = journal(10);
        let targets = [key("a"), Target::Pattern(Arc::from("b:*"))];
        assert!(journal.push(&targets, PLAIN).is_ok_and(|first| first));
        assert!(holds(&journal, "a") && holds(&journal, "b:1") && !holds(&journal, "c"));
        let tagged = Keyed {
            key: &Arc::from("c"),
            tags: &[Arc::from("a")],
        };
        assert!(journal.holds_any(tagged), "by its tag");
        send(&journal);
        assert!(!holds(&journal, "a") && !holds(&journal, "b:1"));
        assert!(journal.next().is_none());
    }

    #[test]
    fn keeps_what_was_asked_for_again_while_it_was_sent() {
        let journal = journal(10);
        assert!(journal.push(&[key("a")], PLAIN).is_ok());
        let Batch { due, turn } = journal.next().unwrap();
        let again = journal.push(&[key("a")], PLAIN);
        assert!(again.is_ok_and(|first| !first));
        journal.sent(due.iter().map(|due| &due.target), turn);
        assert!(holds(&journal, "a"));
    }

    #[test]
    fn of_what_is_asked_for_twice_the_stricter_terms_count() {
        let journal = journal(10);
        let [short, long] = [1, 2].map(|seconds| Terms {
            settle: Duration::from_secs(seconds),
            replicas: 0,
        });
        let confirmed = Terms {
            replicas: 1,
            ..PLAIN
        };
        for (name, asked) in [("a", [short, long]), ("b", [long, confirmed])] {
            for terms in asked {
                assert!(journal.push(&[key(name)], terms).is_ok());
            }
            let due = send(&journal).pop().unwrap();
            assert_eq!((due.target, due.terms), (key(name), asked[0].and(asked[1])));
        }
    }

    #[test]
    fn takes_all_or_none_when_full() {
        let journal = journal(2);
        assert!(journal.push(&[key("a")], PLAIN).is_ok());
        assert!(journal.push(&[key("b"), key("c")], PLAIN).is_err());
        assert!(!holds(&journal, "b"));
        assert!(
            journal.push(&[key("a"), key("b")], PLAIN).is_ok(),
            "known keys take no room"
        );
    }

    #[test]
    fn what_is_refused_for_good_is_distrusted_and_waits_no_longer() {
        let journal = journal(10);
        let pattern = Target::Pattern(Arc::from("b:*"));
        assert!(journal.push(&[key("a"), pattern.clone()], PLAIN).is_ok());
        for target in [key("a"), pattern] {
            let verdicts = (0..REFUSALS).map(|_| journal.failed(&target, Left::Refused, WINDOW));
            let verdicts: Vec<_> = verdicts.collect();
            assert_eq!(verdicts.last(), Some(&Verdict::Distrust));
            assert_eq!(verdicts[0], Verdict::Again);
        }
        assert!(journal.next().is_none());
        assert_eq!((journal.len(), journal.stats().distrusted), (0, 2));
        assert!(holds(&journal, "a") && holds(&journal, "b:1"));
    }

    #[test]
    fn what_is_distrusted_is_trusted_again_when_its_time_is_over() {
        let journal = journal(10);
        let targets = [key("a"), Target::Pattern(Arc::from("b:*"))];
        assert!(journal.push(&targets, PLAIN).is_ok());
        for target in &targets {
            for _ in 0..REFUSALS {
                journal.failed(target, Left::Refused, Duration::ZERO);
            }
        }
        assert!(!holds(&journal, "a") && !holds(&journal, "b:1"));
        assert_eq!(journal.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_only_lacks_confirmation_waits_for_the_window_at_most() {
        let journal = Journal::new(10, Duration::ZERO);
        assert!(journal.push(&[key("a")], PLAIN).is_ok());
        assert_eq!(
            journal.failed(&key("a"), Left::Away, WINDOW),
            Verdict::Again
        );
        let verdict = journal.failed(&key("a"), Left::Unconfirmed, WINDOW);
        assert_eq!(verdict, Verdict::Unconfirmed);
        assert!(!holds(&journal, "a"));
    }

    #[test]
    fn a_change_of_the_server_queues_what_is_recent_once() {
        let journal = journal(10);
        assert!(journal.remember([(&key("a"), PLAIN)].into_iter()));
        assert!(!journal.remember([(&key("b"), PLAIN)].into_iter()));
        assert!(!holds(&journal, "a"));
        assert!(journal.replay(1).must_drain);
        assert!(holds(&journal, "a") && holds(&journal, "b"));
        assert!(send(&journal).iter().all(|due| due.is_replay));
        assert!(!journal.replay(1).must_drain, "seen");
        assert!(!holds(&journal, "a"));
    }

    #[test]
    fn with_more_than_it_can_remember_it_holds_everything() {
        let journal = journal(1);
        for name in ["a", "b"] {
            journal.remember([(&key(name), PLAIN)].into_iter());
        }
        assert!(journal.replay(1).distrusts_all);
        assert!(holds(&journal, "anything"));
    }
}
