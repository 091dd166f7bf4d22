//! What a worker does: which calls, on which keys, how slow, dropped when. A seed decides it all.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Few, so that calls meet.
pub(crate) const KEYS: u32 = 200;
/// Half of the calls go to these.
const HOT: u32 = 20;
/// Keys that share a tag: those whose remainder by this number is the same.
pub(crate) const GROUPS: u32 = 20;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Read(View),
    /// Reads some rows of one group in one call.
    Batch(View),
    Write(Write),
}

/// A way to read a row; each has entries of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum View {
    /// With nothing but a time to live.
    Plain,
    /// With a tag.
    Member,
    /// With a tag, and answered past its time to live; its loads may fail or be given up.
    Aged,
}

impl View {
    pub(crate) const ALL: [Self; 3] = [Self::Plain, Self::Member, Self::Aged];
}

/// A way to write a row, or all of a group, and to end what is cached of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    /// `#[invalidate_cache]` by keys, after the write.
    After,
    /// The same within a fence.
    Around,
    /// `#[update_cache]` of one view, `#[invalidate_cache]` of the others.
    Update,
    /// `#[invalidate_cache]` by the tag of a group.
    Tag,
    /// The same within a fence.
    TagAround,
    /// `#[invalidate_cache]` by a pattern.
    Pattern,
    /// `Key::invalidate`, by hand.
    Manual,
    /// `Transaction::commit`.
    Transaction,
}

impl Write {
    pub(crate) const ALL: [Self; 8] = [
        Self::After,
        Self::Around,
        Self::Update,
        Self::Tag,
        Self::TagAround,
        Self::Pattern,
        Self::Manual,
        Self::Transaction,
    ];

    /// Whether it ends the entries of this view.
    pub(crate) fn reaches(self, view: View) -> bool {
        match self {
            Self::After | Self::Around | Self::Update | Self::Transaction => true,
            Self::Tag | Self::TagAround => view != View::Plain,
            Self::Pattern => view == View::Member,
            Self::Manual => view == View::Plain,
        }
    }

    /// Whether it holds even if it does not come to its end.
    pub(crate) fn is_fenced(self) -> bool {
        matches!(self, Self::Around | Self::TagAround)
    }
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) act: Act,
    pub(crate) key: u32,
    /// Between reading a row and answering with it, and between a commit and what follows it.
    pub(crate) pause: Duration,
    /// Whether its load fails, where loads may.
    pub(crate) fails: bool,
    /// At which of its awaits the call is dropped.
    pub(crate) dropped_at: Option<u32>,
}

/// The calls of one task, in order, without end.
pub(crate) struct Choices(StdRng);

/// Who makes choices: tasks that differ in any of these choose differently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    pub(crate) worker: u32,
    pub(crate) incarnation: u32,
    pub(crate) task: u32,
}

impl Choices {
    pub(crate) fn new(seed: u64, who: Who) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..12].copy_from_slice(&who.worker.to_le_bytes());
        bytes[12..16].copy_from_slice(&who.incarnation.to_le_bytes());
        bytes[16..20].copy_from_slice(&who.task.to_le_bytes());
        Self(StdRng::from_seed(bytes))
    }

    fn act(&mut self) -> Act {
        match self.0.random_range(0..2000) {
            0..18 => Act::Write(Write::After),
            18..26 => Act::Write(Write::Around),
            26..32 => Act::Write(Write::Update),
            32..35 => Act::Write(Write::Tag),
            35..37 => Act::Write(Write::TagAround),
            37..38 => Act::Write(Write::Pattern),
            38..44 => Act::Write(Write::Manual),
            44..50 => Act::Write(Write::Transaction),
            50..90 => Act::Batch(View::Plain),
            90..130 => Act::Batch(View::Member),
            130..700 => Act::Read(View::Plain),
            700..1350 => Act::Read(View::Member),
            _ => Act::Read(View::Aged),
        }
    }

    /// Most loads and writes are quick; some leave windows that others surely meet. Writes within a
    /// fence are there to be killed, so each leaves a window for that.
    fn pause(&mut self, act: Act) -> Duration {
        let is_fenced = matches!(act, Act::Write(write) if write.is_fenced());
        if is_fenced || self.0.random_ratio(1, 8) {
            Duration::from_micros(self.0.random_range(0..30_000))
        } else {
            Duration::ZERO
        }
    }
}

impl Iterator for Choices {
    type Item = Choice;

    fn next(&mut self) -> Option<Choice> {
        let act = self.act();
        let most = if self.0.random() { HOT } else { KEYS };
        let key = self.0.random_range(0..most);
        let pause = self.pause(act);
        let fails = self.0.random_ratio(1, 20);
        // A dropped write keeps its keys fenced for a while, in which nothing can go wrong.
        let one_in = if matches!(act, Act::Write(_)) {
            200
        } else {
            30
        };
        let is_dropped = self.0.random_ratio(1, one_in);
        let dropped_at = is_dropped.then(|| self.0.random_range(1..10));
        Some(Choice {
            act,
            key,
            pause,
            fails,
            dropped_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64, worker: u32, incarnation: u32, task: u32) -> Vec<Choice> {
        let who = Who {
            worker,
            incarnation,
            task,
        };
        Choices::new(seed, who).take(10_000).collect()
    }

    #[test]
    fn a_seed_decides_all_choices() {
        assert_eq!(first(7, 1, 2, 3), first(7, 1, 2, 3));
        for other in [
            first(8, 1, 2, 3),
            first(7, 2, 2, 3),
            first(7, 1, 3, 3),
            first(7, 1, 2, 4),
        ] {
            assert_ne!(other, first(7, 1, 2, 3));
        }
    }

    #[test]
    fn every_kind_of_call_is_chosen() {
        let choices = first(7, 0, 0, 0);
        let share = |act| choices.iter().filter(|choice| choice.act == act).count();
        for write in Write::ALL {
            assert!(share(Act::Write(write)) > 0, "{write:?}");
        }
        for view in View::ALL {
            assert!(share(Act::Read(view)) > 1_000, "{view:?}");
        }
        assert!(choices.iter().all(|choice| choice.key < KEYS));
        assert!(choices.iter().any(|choice| choice.dropped_at.is_some()));
        assert!(
            choices
                .iter()
                .any(|choice| choice.pause > Duration::from_millis(25))
        );
    }
}
