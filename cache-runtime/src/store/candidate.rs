//! An entry that was found, in memory or as bytes, before anybody knows whether it is of use.

use std::time::Duration;

use super::{MemoryEntry, Read, Reading};
use crate::entry::{self, Age, Entry, Generation, Stored};

/// An entry of either store.
#[derive(Clone, Copy)]
pub(crate) enum Candidate<'a> {
    Memory(&'a MemoryEntry),
    Bytes(Entry<'a>),
}

impl Candidate<'_> {
    pub(crate) fn version(&self) -> u32 {
        match self {
            Self::Memory(entry) => entry.version,
            Self::Bytes(entry) => entry.version(),
        }
    }

    pub(crate) fn age(&self) -> Age {
        match self {
            Self::Memory(entry) => entry.age(),
            Self::Bytes(entry) => entry.age(),
        }
    }

    /// Whether it may be found after its time to live.
    pub(crate) fn is_aged(&self) -> bool {
        match self {
            Self::Memory(entry) => entry.is_aged(),
            Self::Bytes(entry) => entry.is_aged(),
        }
    }

    /// Whether its time to live is not over yet.
    pub(crate) fn is_fresh(&self, now: u64) -> bool {
        let age = self.age();
        !self.is_aged() || now.saturating_sub(age.stored_at) < age.fresh_for
    }

    /// How much longer it is fresh, as far as it says so itself.
    pub(crate) fn fresh_for(&self, now: u64) -> Duration {
        let age = self.age();
        let passed = now.saturating_sub(age.stored_at);
        if self.is_aged() {
            Duration::from_millis(age.fresh_for.saturating_sub(passed))
        } else {
            Duration::MAX
        }
    }

    /// Whether none of its tags has been invalidated since; one without a generation has.
    pub(crate) fn is_current(&self, current: &[Option<Generation>]) -> bool {
        let stored = match self {
            Self::Memory(entry) => entry.generations(),
            Self::Bytes(entry) => entry.generations(),
        };
        stored.len() == current.len()
            && stored
                .iter()
                .zip(current)
                .all(|(stored, current)| current.as_ref() == Some(stored))
    }
}

impl Read {
    /// The entry, if there is one that may be answered at `now` whatever the windows: fresh, and
    /// under none but current tags. Bytes that are no entry at all are said to be.
    pub(crate) fn fresh_entry(&self, now: u64) -> Result<Option<Candidate<'_>>, entry::Unreadable> {
        let candidate = match &self.reading {
            Reading::Nothing | Reading::Fenced(_) => None,
            Reading::Entry(entry) => Some(Candidate::Memory(entry)),
            Reading::Leased(held) => held.kept.as_deref().map(Candidate::Memory),
            Reading::Bytes(bytes) => match entry::parse(bytes)? {
                Stored::Entry(entry) => Some(Candidate::Bytes(entry)),
                Stored::Lease(lease) => {
                    let kept = lease.kept.filter(|kept| kept.end > now);
                    kept.map(|kept| Candidate::Bytes(kept.entry))
                }
                Stored::Fence => None,
            },
        };
        Ok(candidate.filter(|entry| entry.is_current(&self.generations) && entry.is_fresh(now)))
    }
}
