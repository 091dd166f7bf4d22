//! The embedded store: decoded values in this process, bounded by bytes, exact in their lifetimes.
//!
//! Entries lie in a concurrent cache that evicts by weight; leases and fences lie beside it, because
//! losing one to eviction would lose its load. Whatever changes a key does so under the lock on its
//! claims; reads of fresh entries take none.

mod records;
mod sessions;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::{Held, Keyed, Leasing, Leave, Read, Reading, Remaining, Take, matches};
use crate::clock::Clock;
use crate::entry::{Age, Generation, Kind, Stamp, Token};
use crate::flight::Shared;
use records::Records;
#[cfg(test)]
pub(super) use sessions::Users;

const SHARDS: usize = 16;
/// What an entry costs beside its value and key: pointers, counters, its place in the table.
const OVERHEAD: usize = 96;
/// Entries whose size the table is first laid out for.
const TYPICAL: u64 = 512;
/// What an entry of the usual `max_entry` needs, the parts of a shard that are reserved included.
const LARGE: u64 = 2 << 20;

/// A decoded value, a cached error, a counter, or the generation of a tag.
#[derive(Clone)]
pub(crate) struct MemoryEntry {
    pub(crate) kind: Kind,
    pub(crate) content: Content,
    pub(crate) version: u32,
    pub(crate) weight: usize,
    age: Age,
    is_aged: bool,
    generations: Box<[Generation]>,
    /// When its time to live is over, on the store's clock.
    fresh_until: Duration,
    /// When it ends; nothing means never.
    deadline: Option<Duration>,
}

#[derive(Clone)]
pub(crate) enum Content {
    Value(Shared),
    Counter(i64),
    Generation(Generation),
}

#[derive(Clone)]
struct ByWeight;

impl Weighter<Arc<str>, Arc<MemoryEntry>> for ByWeight {
    fn weight(&self, key: &Arc<str>, entry: &Arc<MemoryEntry>) -> u64 {
        (entry.weight + key.len() + OVERHEAD) as u64
    }
}

/// Who has a say in what becomes of a key.
enum Claim {
    /// A load, which gives it back when it is dropped.
    Lease(Token),
    /// Nobody: a load has failed, and nobody is to try again before then.
    Cooling(Duration),
    /// Writes, each until a time; the epoch is that of the last change.
    Fence(u64, Vec<(Token, Duration)>),
}

type Claims = HashMap<Arc<str>, Claim>;

pub(crate) struct Memory {
    entries: Cache<Arc<str>, Arc<MemoryEntry>, ByWeight>,
    claims: [Mutex<Claims>; SHARDS],
    epochs: AtomicU64,
    hasher: RandomState,
    clock: Clock,
    records: Records,
}

impl MemoryEntry {
    pub(crate) fn new(
        kind: Kind,
        value: Shared,
        version: u32,
        weight: usize,
        stamp: &Stamp<'_>,
    ) -> Self {
        Self {
            kind,
            version,
            weight,
            age: stamp.age,
            is_aged: stamp.is_aged,
            generations: stamp.generations.into(),
            ..Self::of(Content::Value(value))
        }
    }

    fn of(content: Content) -> Self {
        Self {
            kind: Kind::Value,
            content,
            version: 0,
            weight: 8,
            age: Age::default(),
            is_aged: false,
            generations: Box::default(),
            fresh_until: Duration::MAX,
            deadline: None,
        }
    }

    pub(crate) fn age(&self) -> Age {
        self.age
    }

    /// Whether it may be found after its time to live.
    pub(crate) fn is_aged(&self) -> bool {
        self.is_aged
    }

    pub(crate) fn generations(&self) -> &[Generation] {
        &self.generations
    }

    /// The same, to end at another time.
    fn until(mut self, now: Duration, time: Option<Duration>) -> Self {
        self.deadline = time.and_then(|time| now.checked_add(time));
        let end = self.deadline.unwrap_or(Duration::MAX);
        self.fresh_until = if self.is_aged {
            Duration::from_millis(self.age.stored_at.saturating_add(self.age.fresh_for)).min(end)
        } else {
            end
        };
        self
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
            claims: Default::default(),
            epochs: AtomicU64::new(0),
            hasher: RandomState::new(),
            records: Records::new(clock.clone()),
            clock,
        }
    }

    /// Locks and limits.
    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    /// The entry at `key`, if its time has not come.
    pub(crate) fn entry(&self, key: &str) -> Option<Arc<MemoryEntry>> {
        self.live(key, self.clock.now())
    }

    /// [`entry`](Self::entry) for who has looked at the clock.
    fn live(&self, key: &str, now: Duration) -> Option<Arc<MemoryEntry>> {
        let entry = self.entries.get(key)?;
        match entry.deadline {
            Some(deadline) if deadline <= now => {
                self.entries
                    .remove_if(key, |current| Arc::ptr_eq(current, &entry));
                None
            }
            _ => Some(entry),
        }
    }

    /// The entry at `key` if it is fresh and none of these tags was invalidated since. All that
    /// a hit costs: a lookup for the key and for each tag, and one look at the clock.
    pub(crate) fn fresh(&self, key: &str, tags: &[Arc<str>]) -> Option<Arc<MemoryEntry>> {
        let entry = self.entries.get(key)?;
        let now = self.clock.now();
        let is_current = entry.fresh_until > now
            && entry.generations.len() == tags.len()
            && entry
                .generations
                .iter()
                .zip(tags)
                .all(|(stored, tag)| self.generation(tag, now) == Some(*stored));
        is_current.then_some(entry)
    }

    /// The store's time in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.clock.now().as_millis()).unwrap_or(u64::MAX)
    }

    fn generation(&self, tag: &str, now: Duration) -> Option<Generation> {
        match self.live(tag, now)?.content {
            Content::Generation(generation) => Some(generation),
            _ => None,
        }
    }

    fn are_current(&self, at: Keyed<'_>, generations: &[Generation]) -> bool {
        let now = self.clock.now();
        let mut tags = at.tags.iter().zip(generations);
        tags.all(|(tag, generation)| self.generation(tag, now) == Some(*generation))
    }

    /// Whether nothing has happened to the tags since they were captured; one may be written still.
    fn are_unchanged(&self, at: Keyed<'_>, generations: &[Generation]) -> bool {
        let now = self.clock.now();
        let mut tags = at.tags.iter().zip(generations);
        tags.all(|(tag, generation)| {
            self.generation(tag, now)
                .or_else(|| epoch(&self.claims(tag), tag, now))
                == Some(*generation)
        })
    }

    fn observe(&self, tags: &[Arc<str>], now: Duration) -> Vec<Option<Generation>> {
        tags.iter().map(|tag| self.generation(tag, now)).collect()
    }

    pub(crate) fn read(&self, at: Keyed<'_>) -> Read {
        let now = self.clock.now();
        Read {
            generations: self.observe(at.tags, now),
            reading: self.reading(at.key, now),
        }
    }

    fn reading(&self, key: &str, now: Duration) -> Reading {
        if let Some(entry) = self.live(key, now).filter(|entry| entry.fresh_until > now) {
            return Reading::Entry(entry);
        }
        let claims = self.claims(key);
        // Once more: what was there may have made way for the lease.
        claimed(&claims, key, self.live(key, now), now)
    }

    fn claims(&self, key: &str) -> MutexGuard<'_, Claims> {
        let hash = self.hasher.hash_one(key);
        self.claims[usize::from(hash.to_le_bytes()[0]) % SHARDS].lock()
    }

    pub(crate) fn lease(
        &self,
        at: Keyed<'_>,
        token: Token,
        take: Take<'_>,
        tag_life: Duration,
    ) -> Leasing {
        // Before the lock on the key: a tag may be in the same shard.
        let captured = at.tags.iter().map(|tag| self.capture(tag, tag_life));
        let captured: Vec<_> = captured.collect();
        let now = self.clock.now();
        let mut claims = self.claims(at.key);
        let found = claimed(&claims, at.key, self.live(at.key, now), now);
        let kept = match may_take(&found, take) {
            May::Take(kept) => kept,
            May::Not => return Leasing::Unfit,
            May::NotNow => {
                return Leasing::Instead(Read {
                    reading: found,
                    generations: self.observe(at.tags, now),
                });
            }
        };
        if kept.is_none() {
            self.entries.remove(at.key);
        }
        claims.insert(at.key.clone(), Claim::Lease(token));
        Leasing::Taken {
            kept: kept.map(Reading::Entry),
            is_written: captured.iter().any(|(_, is_fenced)| *is_fenced),
            generations: captured.into_iter().map(|(tag, _)| tag).collect(),
        }
    }

    /// The generation of a tag, a new one if it has none; or the epoch of the fence on it.
    fn capture(&self, tag: &Arc<str>, life: Duration) -> (Generation, bool) {
        let now = self.clock.now();
        let claims = self.claims(tag);
        if let Some(epoch) = epoch(&claims, tag, now) {
            return (epoch, true);
        }
        let known = self.live(tag, now);
        let left = known.as_ref().and_then(|entry| entry.deadline);
        let generation = match known.as_ref().map(|entry| &entry.content) {
            Some(Content::Generation(generation)) => {
                if left.is_some_and(|end| end.saturating_sub(now) >= life / 2) {
                    return (*generation, false);
                }
                *generation
            }
            _ => new_generation(),
        };
        let entry = MemoryEntry::of(Content::Generation(generation)).until(now, Some(life));
        self.entries.insert(tag.clone(), Arc::new(entry));
        (generation, false)
    }

    pub(crate) fn publish(
        &self,
        at: Keyed<'_>,
        token: Token,
        generations: &[Generation],
        entry: MemoryEntry,
        time: Duration,
    ) -> bool {
        let is_current = self.are_current(at, generations);
        let mut claims = self.claims(at.key);
        if !holds(&claims, at.key, token) {
            return false;
        }
        claims.remove(at.key);
        if !is_current {
            self.entries.remove(at.key);
            return false;
        }
        let entry = entry.until(self.clock.now(), Some(time));
        self.entries.insert(at.key.clone(), Arc::new(entry));
        true
    }

    pub(crate) fn release(
        &self,
        at: Keyed<'_>,
        token: Token,
        generations: &[Generation],
        leave: Leave,
    ) -> bool {
        let is_current = self.are_unchanged(at, generations);
        let mut claims = self.claims(at.key);
        if !holds(&claims, at.key, token) {
            return false;
        }
        claims.remove(at.key);
        let now = self.clock.now();
        match leave {
            _ if !is_current => drop(self.entries.remove(at.key)),
            Leave::Nothing => drop(self.entries.remove(at.key)),
            Leave::Cooling(time) if self.live(at.key, now).is_some() => {
                prune(&mut claims, now);
                claims.insert(at.key.clone(), Claim::Cooling(now.saturating_add(time)));
            }
            Leave::Kept | Leave::Cooling(_) => {}
        }
        is_current
    }

    pub(crate) fn invalidate(&self, key: &str) -> bool {
        let mut claims = self.claims(key);
        let now = self.clock.now();
        match claims.get_mut(key) {
            Some(Claim::Fence(epoch, writers)) if is_fenced(writers, now) => {
                *epoch = self.next_epoch();
            }
            Some(_) => drop(claims.remove(key)),
            None => {}
        }
        let live = self.live(key, now).is_some();
        self.entries.remove(key);
        live
    }

    pub(crate) fn fence(&self, keys: &[Arc<str>], writer: Token, time: Duration) {
        for key in keys {
            self.set_writer(key, writer, Some(time));
        }
    }

    pub(crate) fn unfence(&self, keys: &[Arc<str>], writer: Token, settle: Duration) {
        let settle = (!settle.is_zero()).then_some(settle);
        for key in keys {
            self.set_writer(key, writer, settle);
        }
    }

    /// Lets a writer hold the fence on a key for so long, or no more.
    fn set_writer(&self, key: &Arc<str>, writer: Token, time: Option<Duration>) {
        let mut claims = self.claims(key);
        self.entries.remove(key);
        let now = self.clock.now();
        let mut writers = match claims.remove(key) {
            Some(Claim::Fence(_, writers)) => writers,
            _ => Vec::new(),
        };
        writers.retain(|(other, until)| *other != writer && *until > now);
        if let Some(time) = time {
            writers.push((writer, now.saturating_add(time)));
        }
        if !writers.is_empty() {
            let fence = Claim::Fence(self.next_epoch(), writers);
            prune(&mut claims, now);
            claims.insert(key.clone(), fence);
        }
    }

    fn next_epoch(&self) -> u64 {
        self.epochs.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn touch(&self, key: &Arc<str>, read: &Arc<MemoryEntry>, time: Duration) {
        let _claims = self.claims(key);
        let now = self.clock.now();
        let found = self.live(key, now);
        if found.is_some_and(|found| Arc::ptr_eq(&found, read)) {
            let entry = MemoryEntry::clone(read).until(now, Some(time));
            self.entries.insert(key.clone(), Arc::new(entry));
        }
    }

    pub(crate) fn sweep(&self, pattern: &str) -> u64 {
        let claimed = self.claims.iter().flat_map(|shard| {
            let claims = shard.lock();
            let keys = claims.keys().filter(|key| matches(pattern, key));
            keys.cloned().collect::<Vec<_>>()
        });
        let stored = self.entries.iter().map(|(key, _)| key);
        let mut keys: Vec<Arc<str>> = claimed.collect();
        keys.extend(stored.filter(|key| matches(pattern, key)));
        keys.iter().map(|key| u64::from(self.invalidate(key))).sum()
    }

    /// Stores an entry whatever the key holds; the last writer wins.
    pub(crate) fn put(&self, key: &Arc<str>, entry: MemoryEntry, ttl: Duration) {
        let mut claims = self.claims(key);
        claims.remove(key);
        let entry = entry.until(self.clock.now(), Some(ttl));
        self.entries.insert(key.clone(), Arc::new(entry));
    }

    /// Gives the entry another time to live, and says whether there was one.
    pub(crate) fn expire(&self, key: &Arc<str>, ttl: Duration) -> bool {
        let _claims = self.claims(key);
        let now = self.clock.now();
        let Some(entry) = self.live(key, now) else {
            return false;
        };
        let renewed = MemoryEntry::clone(&entry).until(now, Some(ttl));
        self.entries.insert(key.clone(), Arc::new(renewed));
        true
    }

    pub(crate) fn remaining(&self, key: &str) -> Remaining {
        let now = self.clock.now();
        match self.live(key, now).map(|entry| entry.deadline) {
            None => Remaining::NoEntry,
            Some(None) => Remaining::ForEver,
            Some(Some(deadline)) => Remaining::For(deadline.saturating_sub(now)),
        }
    }

    /// Adds to a counter; a new one starts at 0 and lives for `ttl`, or for ever. Nothing if the
    /// key holds something else, or the sum overflows.
    pub(crate) fn count(&self, key: &Arc<str>, by: i64, ttl: Option<Duration>) -> Option<i64> {
        let claims = self.claims(key);
        let now = self.clock.now();
        let (before, deadline) = match claimed(&claims, key, self.live(key, now), now) {
            Reading::Nothing => (0, ttl.and_then(|ttl| now.checked_add(ttl))),
            Reading::Entry(entry) => match entry.content {
                Content::Counter(count) => (count, entry.deadline),
                Content::Value(_) | Content::Generation(_) => return None,
            },
            _ => return None,
        };
        let after = before.checked_add(by)?;
        let left = deadline.map(|deadline| deadline.saturating_sub(now));
        let entry = MemoryEntry::of(Content::Counter(after)).until(now, left);
        self.entries.insert(key.clone(), Arc::new(entry));
        Some(after)
    }

    /// How many entries there are, and what they weigh.
    pub(crate) fn size(&self) -> (u64, u64) {
        (self.entries.len() as u64, self.entries.weight())
    }

    /// How many bytes it may hold.
    pub(crate) fn capacity(&self) -> u64 {
        self.entries.capacity()
    }
}

/// What a run of the model sees and does that no call can.
#[cfg(test)]
pub(crate) enum Inspected {
    Free,
    Leased(Token),
    Cooling,
    Fenced(u64),
}

#[cfg(test)]
impl Memory {
    pub(crate) fn inspect(&self, key: &str) -> (Option<Arc<MemoryEntry>>, Inspected) {
        let now = self.clock.now();
        let claim = match self.claims(key).get(key) {
            Some(Claim::Lease(token)) => Inspected::Leased(*token),
            Some(Claim::Cooling(until)) if *until > now => Inspected::Cooling,
            Some(Claim::Fence(epoch, writers)) if is_fenced(writers, now) => {
                Inspected::Fenced(*epoch)
            }
            _ => Inspected::Free,
        };
        (self.entry(key), claim)
    }

    /// Its time is over.
    pub(crate) fn end_claim(&self, key: &str) {
        self.claims(key).remove(key);
    }

    /// Its time is over, or it is evicted.
    pub(crate) fn end_entry(&self, key: &str) {
        let _claims = self.claims(key);
        self.entries.remove(key);
    }
}

/// What the claims on a key leave to who asks for the lease.
enum May {
    /// And keep this beside it.
    Take(Option<Arc<MemoryEntry>>),
    NotNow,
    Not,
}

/// What a key holds that somebody may have a claim on.
fn claimed(claims: &Claims, key: &str, entry: Option<Arc<MemoryEntry>>, now: Duration) -> Reading {
    let held = |kept, is_cooling| Reading::Leased(Held { kept, is_cooling });
    match (claims.get(key), entry) {
        (Some(Claim::Lease(_)), entry) => held(entry, false),
        // Without an entry there is nothing to answer meanwhile.
        (Some(Claim::Cooling(until)), Some(entry)) if *until > now => held(Some(entry), true),
        (Some(Claim::Fence(epoch, writers)), _) if is_fenced(writers, now) => {
            Reading::Fenced(*epoch)
        }
        (_, Some(entry)) => Reading::Entry(entry),
        (_, None) => Reading::Nothing,
    }
}

fn may_take(found: &Reading, take: Take<'_>) -> May {
    let entry = match found {
        Reading::Entry(entry) => Some(entry.clone()),
        Reading::Leased(held) => held.kept.clone(),
        _ => None,
    };
    let newer = |version| entry.as_ref().is_some_and(|entry| entry.version > version);
    match (found, take) {
        (Reading::Fenced(_), _) => May::NotNow,
        (_, Take::Steal { version } | Take::Refresh { version }) if newer(version) => May::Not,
        (_, Take::Refresh { .. }) => May::Take(entry),
        (_, Take::Steal { .. }) | (Reading::Nothing, _) => May::Take(None),
        (Reading::Entry(found), Take::Exactly(Reading::Entry(read)))
            if Arc::ptr_eq(found, read) =>
        {
            May::Take(None)
        }
        (Reading::Entry(found), Take::Keeping(Reading::Entry(read)))
            if Arc::ptr_eq(found, read) =>
        {
            May::Take(entry)
        }
        (Reading::Leased(found), Take::Keeping(Reading::Leased(read)))
            if found.is_cooling && read.is_cooling =>
        {
            May::Take(entry)
        }
        _ => May::NotNow,
    }
}

/// Drops what is over, now and then: nobody may ever ask for those keys again.
fn prune(claims: &mut Claims, now: Duration) {
    const NOW_AND_THEN: usize = 64;
    if claims.len() % NOW_AND_THEN != NOW_AND_THEN - 1 {
        return;
    }
    claims.retain(|_, claim| match claim {
        Claim::Lease(_) => true,
        Claim::Cooling(until) => *until > now,
        Claim::Fence(_, writers) => is_fenced(writers, now),
    });
}

fn is_fenced(writers: &[(Token, Duration)], now: Duration) -> bool {
    writers.iter().any(|(_, until)| *until > now)
}

/// What stands for a tag that is being written: as long as it does, nothing else has happened.
fn epoch(claims: &Claims, tag: &str, now: Duration) -> Option<Generation> {
    match claims.get(tag)? {
        Claim::Fence(epoch, writers) if is_fenced(writers, now) => {
            Some(u128::from(*epoch).to_le_bytes())
        }
        _ => None,
    }
}

fn holds(claims: &Claims, key: &str, token: Token) -> bool {
    match claims.get(key) {
        Some(Claim::Lease(held)) => *held == token || cfg!(cache_mutant = "token"),
        Some(Claim::Fence(..)) => false,
        _ => cfg!(cache_mutant = "token"),
    }
}

/// Random, so that a tag that was evicted never has one of its earlier generations again.
pub(super) fn new_generation() -> Generation {
    if cfg!(cache_mutant = "random_generation") {
        return [0; 16];
    }
    #[cfg(test)]
    if let Some(generation) = crate::model::random_bytes() {
        return generation;
    }
    rand::random()
}

#[cfg(test)]
mod tests;
