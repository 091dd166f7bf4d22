//! Where entries live: a few verbs, over Redis and over this process's memory.
//!
//! *Read*; *lease*, the right to load; *publish*, which stores only if the lease still stands;
//! *release*; *invalidate*, which voids leases too; *fence* and *unfence*, around a write. Whoever
//! holds no standing lease changes nothing, so a load that began before an invalidation can never
//! end as an entry.

mod candidate;
#[cfg(test)]
mod conformance;
mod glob;
mod memory;
mod records;
mod redis;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use crate::client::Budget;
use crate::entry::{Generation, Token};
use crate::error::Fault;

pub(crate) use candidate::Candidate;
#[cfg(test)]
pub(crate) use conformance::RedisServer;
pub(crate) use glob::matches;
#[cfg(test)]
pub(crate) use memory::Inspected;
pub(crate) use memory::{Content, Memory, MemoryEntry};
pub(crate) use records::{LockKeys, Locking, Window};
pub(crate) use redis::Redis;
pub(crate) use sessions::{
    ANONYMOUS, Change, Creation, Digest, Found, Head, Idle, LOGIN, Locator, MOST, NewSession,
    Rotation, Saving, SessionAt, SessionCursor, SessionField, SessionLimit, SessionTally,
    StoredSession, locator_of, session_key,
};

/// A store of either kind.
pub(crate) enum Store {
    Memory(Box<Memory>),
    Redis(Arc<Redis>),
    /// Shared by the processes of a run of the model.
    #[cfg(test)]
    Sim(Arc<crate::model::Sim>),
}

/// A key, and the keys of the tags that its entry carries.
#[derive(Clone, Copy)]
pub(crate) struct Keyed<'a> {
    pub(crate) key: &'a Arc<str>,
    pub(crate) tags: &'a [Arc<str>],
}

/// What a key holds, and the generations of its tags as they are now.
#[derive(Clone)]
pub(crate) struct Read {
    pub(crate) reading: Reading,
    /// One for each tag; a tag without one makes every entry under it a miss.
    pub(crate) generations: Vec<Option<Generation>>,
}

/// What a key holds.
#[derive(Clone)]
pub(crate) enum Reading {
    Nothing,
    Entry(Arc<MemoryEntry>),
    Bytes(Vec<u8>),
    /// In memory: somebody holds the lease.
    Leased(Held),
    /// In memory: somebody is writing; the epoch changes with whatever happens to the key.
    Fenced(u64),
}

/// A lease in memory, seen from outside.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) kept: Option<Arc<MemoryEntry>>,
    /// Nobody holds it: the load failed, and nobody is to try again for a while.
    pub(crate) is_cooling: bool,
}

impl Read {
    /// Whether neither the key nor a tag was touched since this was read before.
    pub(crate) fn is_same(&self, before: &Self) -> bool {
        self.reading.is_same(&before.reading) && self.generations == before.generations
    }
}

impl Reading {
    /// Whether this is the very content that was read before.
    pub(crate) fn is_same(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Bytes(now), Self::Bytes(before)) => now == before,
            (Self::Entry(now), Self::Entry(before)) => Arc::ptr_eq(now, before),
            (Self::Fenced(now), Self::Fenced(before)) => now == before,
            _ => false,
        }
    }
}

/// What a lease may take the place of. An abandoned lease may always be replaced: one whose
/// deadline has passed, or that has cooled down; the entry that it keeps goes on with the new one.
#[derive(Clone, Copy)]
pub(crate) enum Take<'a> {
    Absent,
    /// The very content that was read and found unusable.
    Exactly(&'a Reading),
    /// The very entry that was read, or what a failed load has left it behind; the entry is kept
    /// beside the lease.
    Keeping(&'a Reading),
    /// Whatever it is, leases too, but for an entry of a higher version and for a fence.
    Steal {
        version: u32,
    },
    /// As `Steal`, but an entry is kept beside the lease.
    Refresh {
        version: u32,
    },
}

/// What came of asking for a lease.
pub(crate) enum Leasing {
    Taken {
        /// What the lease has taken the place of, if it is kept and was not told before.
        kept: Option<Reading>,
        /// Of each tag; those that had none have got one, and one that is being written has
        /// something that changes with it.
        generations: Vec<Generation>,
        /// Whether a tag is being written: then nothing can be published, but a release tells
        /// whether anything has happened meanwhile.
        is_written: bool,
    },
    /// Somebody else has put something there.
    Instead(Read),
    /// The key holds something that may not be replaced: no string, or a newer entry.
    Unfit,
}

/// What a lease that is given back leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    Nothing,
    /// The entry that it kept, if there is one.
    Kept,
    /// That entry too, and nobody is to load it anew for so long.
    Cooling(Duration),
}

/// What is to be forgotten.
#[derive(Clone, Copy)]
pub(crate) enum What<'a> {
    Keys(&'a [Arc<str>]),
    Pattern(&'a str),
}

/// Whether something is invalidated for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    First,
    /// Another server may have taken over, wherever a connection leads.
    Again,
}

/// An entry ready to be stored.
pub(crate) enum Entry {
    Memory(MemoryEntry),
    Bytes(Vec<u8>),
}

/// What is left of an entry's time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remaining {
    NoEntry,
    For(Duration),
    /// Only counters have no end.
    ForEver,
}

impl Store {
    /// Whether entries are bytes in it, and not values.
    pub(crate) fn holds_bytes(&self) -> bool {
        match self {
            Self::Memory(_) => false,
            Self::Redis(_) => true,
            #[cfg(test)]
            Self::Sim(sim) => sim.holds_bytes(),
        }
    }

    /// The store's time, in milliseconds: Redis', as far as it is known, or the clock's.
    pub(crate) fn now(&self) -> u64 {
        match self {
            Self::Memory(memory) => memory.now(),
            Self::Redis(redis) => redis.now(),
            #[cfg(test)]
            Self::Sim(sim) => sim.now(),
        }
    }

    pub(crate) async fn read(&self, at: Keyed<'_>, budget: &mut Budget) -> Result<Read, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.read(at)),
            Self::Redis(redis) => {
                let (time, start) = budget.start()?;
                let read = redis.read(at, time).await;
                budget.spend(start);
                read
            }
            #[cfg(test)]
            Self::Sim(sim) => sim.read(at).await,
        }
    }

    /// Reads several keys, in their order, at once.
    pub(crate) async fn read_many(
        &self,
        all: &[Keyed<'_>],
        budget: &mut Budget,
    ) -> Result<Vec<Read>, Fault> {
        if let [at] = all {
            return Ok(vec![self.read(*at, budget).await?]);
        }
        match self {
            Self::Memory(memory) => Ok(all.iter().map(|at| memory.read(*at)).collect()),
            Self::Redis(redis) => {
                let (time, start) = budget.start()?;
                let read = redis.read_many(all, time).await;
                budget.spend(start);
                read
            }
            #[cfg(test)]
            Self::Sim(sim) => sim.read_many(all).await,
        }
    }

    /// Takes the lease on a key, and captures the generations of its tags, which live for
    /// `tag_life` at least.
    pub(crate) async fn lease(
        &self,
        at: Keyed<'_>,
        token: Token,
        take: Take<'_>,
        tag_life: Duration,
        budget: &mut Budget,
    ) -> Result<Leasing, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.lease(at, token, take, tag_life)),
            Self::Redis(redis) => {
                let (time, start) = budget.start()?;
                let leasing = redis.lease(at, token, take, tag_life, time).await;
                budget.spend(start);
                leasing
            }
            #[cfg(test)]
            Self::Sim(sim) => sim.lease(at, token, take, tag_life).await,
        }
    }

    /// Stores `entry` for `time` if the lease stands and no tag was invalidated since; says
    /// whether it did.
    pub(crate) async fn publish(
        &self,
        at: Keyed<'_>,
        token: Token,
        generations: &[Generation],
        entry: Entry,
        time: Duration,
    ) -> Result<bool, Fault> {
        match (self, entry) {
            (Self::Memory(memory), Entry::Memory(entry)) => {
                Ok(memory.publish(at, token, generations, entry, time))
            }
            (Self::Redis(redis), Entry::Bytes(bytes)) => {
                redis.publish(at, token, generations, &bytes, time).await
            }
            #[cfg(test)]
            (Self::Sim(sim), entry) => sim.publish(at, token, generations, entry, time).await,
            _ => unreachable!("an entry is prepared for the store it is published to"),
        }
    }

    /// Stores entries for `time` each, whatever their keys hold: the last writer wins.
    pub(crate) async fn put_many(
        &self,
        entries: Vec<(Arc<str>, Entry)>,
        time: Duration,
    ) -> Result<(), Fault> {
        match self {
            Self::Memory(memory) => {
                for (key, entry) in entries {
                    if let Entry::Memory(entry) = entry {
                        memory.put(&key, entry, time);
                    }
                }
                Ok(())
            }
            Self::Redis(redis) => {
                let entries = entries.into_iter().filter_map(|(key, entry)| match entry {
                    Entry::Bytes(bytes) => Some((key, bytes)),
                    Entry::Memory(_) => None,
                });
                redis.put_many(&entries.collect::<Vec<_>>(), time).await
            }
            #[cfg(test)]
            Self::Sim(sim) => sim.put_many(entries, time).await,
        }
    }

    /// Gives the lease back, and says whether it stood and no tag was invalidated since.
    pub(crate) async fn release(
        &self,
        at: Keyed<'_>,
        token: Token,
        generations: &[Generation],
        leave: Leave,
    ) -> Result<bool, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.release(at, token, generations, leave)),
            Self::Redis(redis) => redis.release(at, token, generations, leave).await,
            #[cfg(test)]
            Self::Sim(sim) => sim.release(at, token, generations, leave).await,
        }
    }

    /// Deletes keys, entries and leases alike, or fences them for `settle`; says whether that many
    /// replicas have confirmed it. Fences stay.
    pub(crate) async fn forget(
        &self,
        what: What<'_>,
        settle: Duration,
        replicas: u32,
        occasion: Occasion,
    ) -> Result<bool, Fault> {
        match (self, what) {
            (Self::Redis(redis), what) => redis.forget(what, settle, replicas, occasion).await,
            #[cfg(test)]
            (Self::Sim(sim), What::Keys(keys)) if settle.is_zero() => {
                sim.invalidate(keys).await.map(|_| true)
            }
            #[cfg(test)]
            (Self::Sim(sim), What::Keys(keys)) => sim
                .fence(keys, Token::random(), settle)
                .await
                .map(|()| true),
            #[cfg(test)]
            (Self::Sim(_), What::Pattern(_)) => unreachable!("no scenario has patterns"),
            (Self::Memory(memory), What::Keys(keys)) if settle.is_zero() => {
                for key in keys {
                    memory.invalidate(key);
                }
                Ok(true)
            }
            (Self::Memory(memory), What::Keys(keys)) => {
                memory.fence(keys, Token::random(), settle);
                Ok(true)
            }
            (Self::Memory(memory), What::Pattern(pattern)) => {
                memory.sweep(pattern);
                Ok(true)
            }
        }
    }

    /// Deletes the keys, entries and leases alike, and says how many there were. A fence stays.
    #[cfg(test)]
    pub(crate) async fn invalidate(&self, keys: &[Arc<str>]) -> Result<u64, Fault> {
        match self {
            Self::Memory(memory) => Ok(keys
                .iter()
                .map(|key| u64::from(memory.invalidate(key)))
                .sum()),
            Self::Redis(redis) => redis.invalidate(keys).await,
            Self::Sim(sim) => sim.invalidate(keys).await,
        }
    }

    /// Says whether that many replicas have all that was written so far.
    pub(crate) async fn confirm(&self, replicas: u32) -> Result<bool, Fault> {
        match self {
            Self::Memory(_) => Ok(true),
            Self::Redis(redis) => redis.confirm_all(replicas).await,
            #[cfg(test)]
            Self::Sim(_) => Ok(true),
        }
    }

    /// Deletes every key that matches the pattern, and says how many there were. Fences stay.
    pub(crate) async fn sweep(&self, pattern: &str) -> Result<u64, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.sweep(pattern)),
            Self::Redis(redis) => redis.sweep(pattern).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable!("no scenario sweeps"),
        }
    }

    /// Puts a fence on the keys in place of what they hold, or prolongs it: until `time` is over,
    /// or every writer has taken its own away, nobody publishes.
    pub(crate) async fn fence(
        &self,
        keys: &[Arc<str>],
        writer: Token,
        time: Duration,
    ) -> Result<(), Fault> {
        match self {
            Self::Memory(memory) => {
                memory.fence(keys, writer, time);
                Ok(())
            }
            Self::Redis(redis) => redis.fence(keys, writer, time).await,
            #[cfg(test)]
            Self::Sim(sim) => sim.fence(keys, writer, time).await,
        }
    }

    /// Takes a writer's fence away after `settle` more, and with the last one the key.
    pub(crate) async fn unfence(
        &self,
        keys: &[Arc<str>],
        writer: Token,
        settle: Duration,
    ) -> Result<(), Fault> {
        match self {
            Self::Memory(memory) => {
                memory.unfence(keys, writer, settle);
                Ok(())
            }
            Self::Redis(redis) => redis.unfence(keys, writer, settle).await,
            #[cfg(test)]
            Self::Sim(sim) => sim.unfence(keys, writer, settle).await,
        }
    }

    /// Lets the very entry that was read live for `time` from now.
    pub(crate) async fn touch(
        &self,
        key: &Arc<str>,
        reading: &Reading,
        time: Duration,
    ) -> Result<(), Fault> {
        match (self, reading) {
            (Self::Memory(memory), Reading::Entry(entry)) => {
                memory.touch(key, entry, time);
                Ok(())
            }
            (Self::Redis(redis), Reading::Bytes(bytes)) => redis.touch(key, bytes, time).await,
            _ => Ok(()),
        }
    }
}
