//! Reaches into the embedded store.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::hash::{self, mix};
use super::reach::{Claim, Reach};
use super::seam::random_bytes;
use crate::clock::Clock;
use crate::store::{Content, Inspected, Keyed, Memory, MemoryEntry, Read, Reading, Store};

const BYTES: u64 = 1 << 20;

pub(super) struct Embedded {
    clock: Clock,
    /// A name for each epoch, which depends on who has begun it and not on when.
    epochs: Mutex<HashMap<u64, u64>>,
}

impl Embedded {
    /// The store, and how to reach into it.
    pub(super) fn store() -> (Store, Self) {
        let clock = Clock::manual();
        let memory = Memory::new(BYTES, clock.clone());
        let epochs = Mutex::default();
        (Store::Memory(Box::new(memory)), Self { clock, epochs })
    }

    fn epoch(&self, epoch: u64) -> u64 {
        self.epochs.lock().get(&epoch).copied().unwrap_or(epoch)
    }
}

fn memory(store: &Store) -> &Memory {
    match store {
        Store::Memory(memory) => memory,
        _ => unreachable!("it was made with the embedded store"),
    }
}

impl Reach for Embedded {
    fn content(&self, store: &Store, key: &Arc<str>) -> u64 {
        let (entry, claim) = memory(store).inspect(key);
        let entry = entry.map_or(0, |entry| of_entry(store, &entry));
        let claim = match claim {
            Inspected::Free => 0,
            Inspected::Leased(token) => mix(1, hash::of_bytes(token.as_slice())),
            Inspected::Cooling => 2,
            Inspected::Fenced(epoch) => mix(3, self.epoch(epoch)),
        };
        mix(entry, claim)
    }

    fn sum(&self, store: &Store, read: &Read) -> u64 {
        let reading = match &read.reading {
            Reading::Nothing => 1,
            Reading::Entry(entry) => mix(2, of_entry(store, entry)),
            Reading::Bytes(bytes) => mix(3, hash::of_bytes(bytes)),
            Reading::Leased(held) => {
                let kept = held.kept.as_ref().map_or(0, |kept| of_entry(store, kept));
                mix(4 + u64::from(held.is_cooling), kept)
            }
            Reading::Fenced(epoch) => mix(6, self.epoch(*epoch)),
        };
        let generations = read.generations.iter();
        let generations = generations.map(|it| it.map_or(0, |it| hash::of_bytes(&it)));
        generations.fold(reading, mix)
    }

    fn text(&self, store: &Store, read: &Read) -> String {
        match &read.reading {
            Reading::Nothing => "nothing".to_owned(),
            Reading::Entry(entry) => text(store, entry),
            Reading::Bytes(_) => unreachable!("nobody stores bytes here"),
            Reading::Fenced(_) => "a fence".to_owned(),
            Reading::Leased(held) => {
                let claim = if held.is_cooling {
                    "a failed load"
                } else {
                    "a lease"
                };
                match &held.kept {
                    Some(kept) => format!("{claim} and {}", text(store, kept)),
                    None => claim.to_owned(),
                }
            }
        }
    }

    fn claim(&self, store: &Store, key: &Arc<str>) -> Claim {
        match memory(store).inspect(key).1 {
            Inspected::Free => Claim::Nobody,
            Inspected::Leased(_) => Claim::Lease,
            Inspected::Cooling => Claim::Cooling,
            Inspected::Fenced(_) => Claim::Fence,
        }
    }

    fn stored(&self, store: &Store, at: Keyed<'_>) -> Option<u64> {
        let read = memory(store).read(at);
        let entry = match read.reading {
            Reading::Entry(entry) => Some(entry),
            Reading::Leased(held) => held.kept,
            _ => None,
        };
        let is_current = |entry: &Arc<MemoryEntry>| {
            let stored = entry.generations().iter().copied().map(Some);
            stored.eq(read.generations.iter().copied())
        };
        entry.filter(is_current).map(|entry| value(&entry))
    }

    fn holds_entry(&self, store: &Store, key: &Arc<str>) -> bool {
        memory(store).inspect(key).0.is_some()
    }

    fn end_claim(&self, store: &Store, key: &Arc<str>) {
        memory(store).end_claim(key);
    }

    fn end_entry(&self, store: &Store, key: &Arc<str>) {
        memory(store).end_entry(key);
    }

    fn pass_time(&self, time: Duration) {
        self.clock.advance(time);
    }

    fn passed(&self) -> Duration {
        // Its clock says it.
        Duration::ZERO
    }

    fn note(&self, store: &Store, keys: &[Arc<str>]) {
        for key in keys {
            if let (_, Inspected::Fenced(epoch)) = memory(store).inspect(key) {
                let name = || hash::of_bytes(&random_bytes().unwrap_or_default());
                self.epochs.lock().entry(epoch).or_insert_with(name);
            }
        }
    }

    fn clear(&self, store: &Store, keys: &[Arc<str>]) {
        for key in keys {
            self.end_claim(store, key);
            self.end_entry(store, key);
        }
        self.epochs.lock().clear();
    }
}

fn of_entry(store: &Store, entry: &MemoryEntry) -> u64 {
    let content = match &entry.content {
        Content::Generation(generation) => hash::of_bytes(generation),
        _ => mix(1, value(entry)),
    };
    let generations = entry.generations().iter().map(|it| hash::of_bytes(it));
    mix(
        generations.fold(content, mix),
        u64::from(is_fresh(store, entry)),
    )
}

fn is_fresh(store: &Store, entry: &MemoryEntry) -> bool {
    let age = entry.age();
    store.now() < age.stored_at + age.fresh_for
}

fn text(store: &Store, entry: &MemoryEntry) -> String {
    let value = value(entry);
    if is_fresh(store, entry) {
        format!("{value}")
    } else {
        format!("{value}, which is old")
    }
}

fn value(entry: &MemoryEntry) -> u64 {
    let value = match &entry.content {
        Content::Value(value) => value.downcast_ref().copied(),
        _ => None,
    };
    value.unwrap_or_else(|| unreachable!("every loader of the model loads a number"))
}
