//! The invalidations that wait for Redis.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::store::{Keyed, matches};

/// Keys sent at a time.
const BATCH: usize = 512;

/// What an invalidation names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Key(Arc<str>),
    Pattern(Arc<str>),
}

/// The invalidations of one cache that wait for Redis, each once.
pub(crate) struct Journal {
    queue: Mutex<Queue>,
    /// What the hot path looks at.
    len: AtomicUsize,
    capacity: usize,
}

#[derive(Default)]
struct Queue {
    keys: HashMap<Arc<str>, Asked>,
    patterns: HashMap<Arc<str>, Asked>,
    turn: u64,
    is_draining: bool,
}

/// What was asked for, how often it was.
struct Asked {
    /// When it was last asked for.
    turn: u64,
    /// The longest that was asked for.
    settle: Duration,
}

/// There is no room for all of them.
pub(super) struct Full;

/// What to send next.
pub(super) struct Batch {
    /// Each with the time that its key is to be fenced for.
    pub(super) targets: Vec<(Target, Duration)>,
    pub(super) turn: u64,
}

impl Queue {
    fn len(&self) -> usize {
        self.keys.len() + self.patterns.len()
    }
}

impl Journal {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            queue: Mutex::default(),
            len: AtomicUsize::new(0),
            capacity,
        }
    }

    /// Whether the invalidation of this key is still queued.
    pub(crate) fn holds(&self, key: &str) -> bool {
        if self.len.load(Ordering::Acquire) == 0 {
            #[cfg(test)]
            crate::model::look();
            return false;
        }
        #[cfg(test)]
        crate::model::touch();
        let queue = self.queue.lock();
        queue.keys.contains_key(key) || queue.patterns.keys().any(|pattern| matches(pattern, key))
    }

    /// Whether the invalidation of this key, or of one of its tags, is still queued.
    pub(crate) fn holds_any(&self, keyed: Keyed<'_>) -> bool {
        let Keyed { key, tags } = keyed;
        self.holds(key) || tags.iter().any(|tag| self.holds(tag))
    }

    /// Queues all targets or none, and says whether somebody has to start draining.
    pub(super) fn push(&self, targets: &[Target], settle: Duration) -> Result<bool, Full> {
        #[cfg(test)]
        crate::model::touch();
        let mut queue = self.queue.lock();
        let is_new = |target: &&Target| match target {
            Target::Key(key) => !queue.keys.contains_key(key),
            Target::Pattern(pattern) => !queue.patterns.contains_key(pattern),
        };
        if queue.len() + targets.iter().filter(is_new).count() > self.capacity {
            return Err(Full);
        }
        queue.turn += 1;
        let turn = queue.turn;
        for target in targets {
            let asked = match target {
                Target::Key(key) => queue.keys.entry(key.clone()),
                Target::Pattern(pattern) => queue.patterns.entry(pattern.clone()),
            };
            let asked = asked.or_insert(Asked { turn, settle });
            asked.turn = turn;
            asked.settle = asked.settle.max(settle);
        }
        self.len.store(queue.len(), Ordering::Release);
        Ok(!std::mem::replace(&mut queue.is_draining, true))
    }

    /// What to send next; nothing ends the draining.
    pub(super) fn next(&self) -> Option<Batch> {
        #[cfg(test)]
        crate::model::touch();
        let mut queue = self.queue.lock();
        let keys = queue.keys.iter();
        let keys = keys.map(|(key, asked)| (Target::Key(key.clone()), asked.settle));
        let patterns = queue.patterns.keys();
        let patterns = patterns.map(|pattern| (Target::Pattern(pattern.clone()), Duration::ZERO));
        let targets: Vec<_> = keys.chain(patterns).take(BATCH).collect();
        if targets.is_empty() {
            queue.is_draining = false;
            return None;
        }
        let turn = queue.turn;
        Some(Batch { targets, turn })
    }

    /// Takes out what was sent, unless it was asked for again since.
    pub(super) fn sent<'a>(&self, targets: impl Iterator<Item = &'a Target>, turn: u64) {
        #[cfg(test)]
        crate::model::touch();
        let mut queue = self.queue.lock();
        for target in targets {
            let (map, text) = match target {
                Target::Key(key) => (&mut queue.keys, key),
                Target::Pattern(pattern) => (&mut queue.patterns, pattern),
            };
            if map.get(text).is_some_and(|asked| asked.turn <= turn) {
                map.remove(text);
            }
        }
        self.len.store(queue.len(), Ordering::Release);
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Duration = Duration::ZERO;

    fn key(text: &str) -> Target {
        Target::Key(Arc::from(text))
    }

    /// Takes out what there is to send, as if it had been.
    fn send(journal: &Journal) -> Vec<(Target, Duration)> {
        let Batch { targets, turn } = journal.next().unwrap();
        journal.sent(targets.iter().map(|(target, _)| target), turn);
        targets
    }

    #[test]
    fn holds_what_was_pushed_until_it_was_sent() {
        let journal = Journal::new(10);
        let targets = [key("a"), Target::Pattern(Arc::from("b:*"))];
        assert!(journal.push(&targets, NOTHING).is_ok_and(|first| first));
        assert!(journal.holds("a") && journal.holds("b:1") && !journal.holds("c"));
        let tagged = Keyed {
            key: &Arc::from("c"),
            tags: &[Arc::from("a")],
        };
        assert!(journal.holds_any(tagged), "by its tag");
        send(&journal);
        assert!(!journal.holds("a") && !journal.holds("b:1"));
        assert!(journal.next().is_none());
    }

    #[test]
    fn keeps_what_was_asked_for_again_while_it_was_sent() {
        let journal = Journal::new(10);
        assert!(journal.push(&[key("a")], NOTHING).is_ok());
        let Batch { targets, turn } = journal.next().unwrap();
        let again = journal.push(&[key("a")], NOTHING);
        assert!(again.is_ok_and(|first| !first));
        journal.sent(targets.iter().map(|(target, _)| target), turn);
        assert!(journal.holds("a"));
    }

    #[test]
    fn of_what_is_asked_for_twice_the_longest_fence_counts() {
        let journal = Journal::new(10);
        let [short, long] = [1, 2].map(Duration::from_secs);
        for (name, settles) in [("a", [short, long]), ("b", [long, NOTHING])] {
            for settle in settles {
                assert!(journal.push(&[key(name)], settle).is_ok());
            }
            assert_eq!(send(&journal), [(key(name), long)]);
        }
    }

    #[test]
    fn takes_all_or_none_when_full() {
        let journal = Journal::new(2);
        assert!(journal.push(&[key("a")], NOTHING).is_ok());
        assert!(journal.push(&[key("b"), key("c")], NOTHING).is_err());
        assert!(!journal.holds("b"));
        assert!(
            journal.push(&[key("a"), key("b")], NOTHING).is_ok(),
            "known keys take no room"
        );
    }
}
