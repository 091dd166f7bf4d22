//! Where entries live: five verbs, over Redis and over this process's memory.
//!
//! *Read*; *lease*, the right to load; *publish*, which stores only if the lease still stands;
//! *release*; *invalidate*, which voids leases too. Whoever holds no standing lease changes
//! nothing, so a load that began before an invalidation can never end as an entry.

mod glob;
mod memory;
mod redis;

use std::sync::Arc;
use std::time::Duration;

use crate::client::Budget;
use crate::entry::Token;
use crate::error::Fault;

pub(crate) use glob::matches;
pub(crate) use memory::{Content, Memory, MemoryEntry};
pub(crate) use redis::Redis;

/// A store of either kind.
pub(crate) enum Store {
    Memory(Box<Memory>),
    Redis(Arc<Redis>),
}

/// A key, and the keys of its tags.
#[derive(Clone, Copy)]
pub(crate) struct Keyed<'a> {
    pub(crate) key: &'a Arc<str>,
    pub(crate) tags: &'a [Arc<str>],
}

/// What a key holds.
pub(crate) enum Reading {
    Nothing,
    Entry(Arc<MemoryEntry>),
    Bytes(Vec<u8>),
    /// Somebody in this process holds the lease on a key in memory.
    Leased,
}

impl Reading {
    /// Whether this is the very content that was read before.
    pub(crate) fn is_same(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Bytes(now), Self::Bytes(before)) => now == before,
            (Self::Entry(now), Self::Entry(before)) => Arc::ptr_eq(now, before),
            _ => false,
        }
    }
}

/// What a lease may replace.
#[derive(Clone, Copy)]
pub(crate) enum Replace<'a> {
    Nothing,
    /// The very content that was read and found unusable.
    Exactly(&'a Reading),
    /// Whatever it is, but for an entry of a higher version.
    Anything {
        version: u32,
    },
}

/// What came of asking for a lease.
pub(crate) enum Leasing {
    Taken,
    /// Somebody else has put something there.
    Instead(Reading),
    /// The key holds something that may not be replaced: no string, or a newer entry.
    Unfit,
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
    pub(crate) async fn read(&self, key: &Arc<str>, budget: &mut Budget) -> Result<Reading, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.read(key)),
            Self::Redis(redis) => {
                let (time, start) = budget.start()?;
                let bytes = redis.read(key, time).await;
                budget.spend(start);
                Ok(bytes?.map_or(Reading::Nothing, Reading::Bytes))
            }
        }
    }

    /// Takes the lease on `key`.
    pub(crate) async fn lease(
        &self,
        key: &Arc<str>,
        token: Token,
        replace: Replace<'_>,
        budget: &mut Budget,
    ) -> Result<Leasing, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.lease(key, token, replace)),
            Self::Redis(redis) => {
                let (time, start) = budget.start()?;
                let leasing = redis.lease(key, token, replace, time).await;
                budget.spend(start);
                leasing
            }
        }
    }

    /// Stores `entry` for `ttl` if the lease stands, and says whether it did.
    pub(crate) async fn publish(
        &self,
        key: &Arc<str>,
        token: Token,
        entry: Entry,
        ttl: Duration,
    ) -> Result<bool, Fault> {
        match (self, entry) {
            (Self::Memory(memory), Entry::Memory(entry)) => {
                Ok(memory.publish(key, token, entry, ttl))
            }
            (Self::Redis(redis), Entry::Bytes(bytes)) => {
                redis.publish(key, token, &bytes, ttl).await
            }
            _ => unreachable!("an entry is prepared for the store it is published to"),
        }
    }

    /// Gives the lease back, and says whether it still stood.
    pub(crate) async fn release(&self, key: &Arc<str>, token: Token) -> Result<bool, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.release(key, token)),
            Self::Redis(redis) => redis.release(key, token).await,
        }
    }

    /// Deletes the keys, entries and leases alike, and says how many there were.
    pub(crate) async fn invalidate(&self, keys: &[Arc<str>]) -> Result<u64, Fault> {
        match self {
            Self::Memory(memory) => Ok(keys
                .iter()
                .map(|key| u64::from(memory.invalidate(key)))
                .sum()),
            Self::Redis(redis) => redis.invalidate(keys).await,
        }
    }

    pub(crate) async fn fence(
        &self,
        keys: &[Arc<str>],
        _: Token,
        _: Duration,
    ) -> Result<(), Fault> {
        self.invalidate(keys).await.map(drop)
    }

    pub(crate) async fn unfence(
        &self,
        keys: &[Arc<str>],
        _: Token,
        _: Duration,
    ) -> Result<(), Fault> {
        self.invalidate(keys).await.map(drop)
    }

    /// Deletes every key that matches the pattern, and says how many there were.
    pub(crate) async fn sweep(&self, pattern: &str) -> Result<u64, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.sweep(pattern)),
            Self::Redis(redis) => redis.sweep(pattern).await,
        }
    }
}
