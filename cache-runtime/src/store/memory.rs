//! The embedded store: decoded values in this process, bounded by bytes, exact in their lifetimes.
//!
//! Entries lie in a concurrent cache that evicts by weight; leases lie beside it, because losing
//! one to eviction would lose its load. Whatever changes a key does so under that key's lease
//! lock; reads take none.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::{Leasing, Reading, Remaining, Replace, matches};
use crate::clock::Clock;
use crate::entry::{Kind, Token};
use crate::flight::Shared;

const SHARDS: usize = 16;
/// What an entry costs beside its value and key: pointers, counters, its place in the table.
const OVERHEAD: usize = 96;
/// Entries whose size the table is first laid out for.
const TYPICAL: u64 = 512;
/// What an entry of the usual `max_entry` needs, the parts of a shard that are reserved included.
const LARGE: u64 = 2 << 20;

/// A decoded value, a cached error, or a counter.
pub(crate) struct MemoryEntry {
    pub(crate) kind: Kind,
    pub(crate) content: Content,
    pub(crate) version: u32,
    pub(crate) weight: usize,
    /// On the store's clock; nothing means never.
    pub(super) deadline: Option<Duration>,
}

pub(crate) enum Content {
    Value(Shared),
    Counter(i64),
}

#[derive(Clone)]
struct ByWeight;

impl Weighter<Arc<str>, Arc<MemoryEntry>> for ByWeight {
    fn weight(&self, key: &Arc<str>, entry: &Arc<MemoryEntry>) -> u64 {
        (entry.weight + key.len() + OVERHEAD) as u64
    }
}

type Leases = HashMap<Arc<str>, Token>;

pub(crate) struct Memory {
    entries: Cache<Arc<str>, Arc<MemoryEntry>, ByWeight>,
    leases: [Mutex<Leases>; SHARDS],
    hasher: RandomState,
    clock: Clock,
}

impl MemoryEntry {
    pub(crate) fn new(kind: Kind, value: Shared, version: u32, weight: usize) -> Self {
        Self {
            kind,
            content: Content::Value(value),
            version,
            weight,
            deadline: None,
        }
    }
}

/// Each shard has its part of the bytes, and takes nothing larger: with one for every core, a
/// large entry would fit into none of them.
fn layout(items: usize, bytes: u64) -> quick_cache::Options {
    let cores = std::thread::available_parallelism().map_or(4, usize::from);
    let roomy = usize::try_from(bytes / LARGE).unwrap_or(usize::MAX).max(1);
    // Rounded down: the library rounds up to a power of two.
    let shards = (4 * cores).min(1 << roomy.ilog2());
    let mut options = quick_cache::OptionsBuilder::new();
    options
        .estimated_items_capacity(items)
        .weight_capacity(bytes)
        .shards(shards);
    options
        .build()
        .unwrap_or_else(|_| unreachable!("all that is required is given"))
}

impl Memory {
    pub(crate) fn new(bytes: u64, clock: Clock) -> Self {
        let items = usize::try_from(bytes / TYPICAL)
            .unwrap_or(usize::MAX)
            .clamp(64, 1 << 20);
        Self {
            entries: Cache::with_options(
                layout(items, bytes),
                ByWeight,
                quick_cache::DefaultHashBuilder::default(),
                quick_cache::sync::DefaultLifecycle::default(),
            ),
            leases: Default::default(),
            hasher: RandomState::new(),
            clock,
        }
    }

    /// The entry at `key`, if its time has not come.
    pub(crate) fn entry(&self, key: &str) -> Option<Arc<MemoryEntry>> {
        let entry = self.entries.get(key)?;
        match entry.deadline {
            Some(deadline) if deadline <= self.clock.now() => {
                self.entries
                    .remove_if(key, |current| Arc::ptr_eq(current, &entry));
                None
            }
            _ => Some(entry),
        }
    }

    pub(super) fn read(&self, key: &str) -> Reading {
        match self.entry(key) {
            Some(entry) => Reading::Entry(entry),
            None => Reading::Nothing,
        }
    }

    fn leases(&self, key: &str) -> MutexGuard<'_, Leases> {
        let hash = self.hasher.hash_one(key);
        self.leases[usize::from(hash.to_le_bytes()[0]) % SHARDS].lock()
    }

    pub(super) fn lease(&self, key: &Arc<str>, token: Token, replace: Replace<'_>) -> Leasing {
        let mut leases = self.leases(key);
        match (self.entry(key), replace) {
            (Some(found), Replace::Anything { version }) if found.version > version => {
                return Leasing::Unfit;
            }
            (_, Replace::Anything { .. }) => {}
            (Some(found), Replace::Exactly(Reading::Entry(read))) if Arc::ptr_eq(&found, read) => {}
            (Some(found), _) => return Leasing::Instead(Reading::Entry(found)),
            (None, _) if leases.contains_key(key) => return Leasing::Instead(Reading::Leased),
            (None, _) => {}
        }
        self.entries.remove(key);
        leases.insert(key.clone(), token);
        Leasing::Taken
    }

    pub(super) fn publish(
        &self,
        key: &Arc<str>,
        token: Token,
        mut entry: MemoryEntry,
        ttl: Duration,
    ) -> bool {
        let mut leases = self.leases(key);
        if leases.get(key) != Some(&token) {
            return false;
        }
        leases.remove(key);
        entry.deadline = self.clock.now().checked_add(ttl);
        self.entries.insert(key.clone(), Arc::new(entry));
        true
    }

    pub(crate) fn release(&self, key: &str, token: Token) -> bool {
        let mut leases = self.leases(key);
        let stood = leases.get(key) == Some(&token);
        if stood {
            leases.remove(key);
        }
        stood
    }

    pub(crate) fn invalidate(&self, key: &str) -> bool {
        let mut leases = self.leases(key);
        leases.remove(key);
        let live = self.entry(key).is_some();
        self.entries.remove(key);
        live
    }

    pub(crate) fn fence(&self, keys: &[Arc<str>], _: Token, _: Duration) {
        keys.iter().for_each(|key| {
            self.invalidate(key);
        });
    }

    pub(crate) fn unfence(&self, keys: &[Arc<str>], _: Token, _: Duration) {
        keys.iter().for_each(|key| {
            self.invalidate(key);
        });
    }

    pub(crate) fn sweep(&self, pattern: &str) -> u64 {
        for shard in &self.leases {
            shard.lock().retain(|key, _| !matches(pattern, key));
        }
        let keys: Vec<_> = self
            .entries
            .iter()
            .map(|(key, _)| key)
            .filter(|key| matches(pattern, key))
            .collect();
        keys.iter().map(|key| u64::from(self.invalidate(key))).sum()
    }

    /// Stores an entry whatever the key holds; the last writer wins.
    pub(crate) fn put(&self, key: &Arc<str>, mut entry: MemoryEntry, ttl: Duration) {
        let mut leases = self.leases(key);
        leases.remove(key);
        entry.deadline = self.clock.now().checked_add(ttl);
        self.entries.insert(key.clone(), Arc::new(entry));
    }

    /// Gives the entry another time to live, and says whether there was one.
    pub(crate) fn expire(&self, key: &Arc<str>, ttl: Duration) -> bool {
        let _leases = self.leases(key);
        let Some(entry) = self.entry(key) else {
            return false;
        };
        let content = match &entry.content {
            Content::Value(value) => Content::Value(value.clone()),
            Content::Counter(count) => Content::Counter(*count),
        };
        let deadline = self.clock.now().checked_add(ttl);
        let MemoryEntry {
            kind,
            version,
            weight,
            ..
        } = *entry;
        let renewed = MemoryEntry {
            kind,
            content,
            version,
            weight,
            deadline,
        };
        self.entries.insert(key.clone(), Arc::new(renewed));
        true
    }

    pub(crate) fn remaining(&self, key: &str) -> Remaining {
        match self.entry(key).map(|entry| entry.deadline) {
            None => Remaining::NoEntry,
            Some(None) => Remaining::ForEver,
            Some(Some(deadline)) => Remaining::For(deadline.saturating_sub(self.clock.now())),
        }
    }

    /// Adds to a counter; a new one starts at 0 and lives for `ttl`, or for ever. Nothing if the
    /// key holds something else, or the sum overflows.
    pub(crate) fn count(&self, key: &Arc<str>, by: i64, ttl: Option<Duration>) -> Option<i64> {
        let _leases = self.leases(key);
        let (before, deadline) = match self.entry(key) {
            None => (0, ttl.and_then(|ttl| self.clock.now().checked_add(ttl))),
            Some(entry) => match entry.content {
                Content::Counter(count) => (count, entry.deadline),
                Content::Value(_) => return None,
            },
        };
        let content = Content::Counter(before.checked_add(by)?);
        let after = before + by;
        let entry = MemoryEntry {
            kind: Kind::Value,
            content,
            version: 0,
            weight: 8,
            deadline,
        };
        self.entries.insert(key.clone(), Arc::new(entry));
        Some(after)
    }

    /// How many entries there are, and what they weigh.
    pub(crate) fn size(&self) -> (u64, u64) {
        (self.entries.len() as u64, self.entries.weight())
    }
}
