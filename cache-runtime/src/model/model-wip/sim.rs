//! A store that every process of a run shares, and that does nothing before it is told to.

use std::sync::Arc;
use std::time::Duration;

use super::access::Thing;
use super::hash::mix;
use super::stage::{Act, Pass, Stage, gate, observe, on};
use crate::clock::Clock;
use crate::entry::Token;
use crate::error::Fault;
use crate::store::{Content, Entry, Leasing, Memory, MemoryEntry, Reading, Replace};

pub(crate) struct Sim {
    memory: Memory,
    clock: Clock,
}

/// A lease whose command is still on its way.
pub(super) struct Late {
    pub(super) key: Arc<str>,
    token: Token,
    replace: LateReplace,
}

enum LateReplace {
    Nothing,
    Exactly(Reading),
    Anything { version: u32 },
}

const BYTES: u64 = 1 << 20;

impl Sim {
    pub(super) fn new() -> Self {
        let clock = Clock::manual();
        let memory = Memory::new(BYTES, clock.clone());
        Self { memory, clock }
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// For the next run.
    pub(super) fn clear(&self, keys: impl Iterator<Item = Arc<str>>) {
        keys.for_each(|key| drop(self.memory.invalidate(&key)));
    }

    pub(crate) async fn read(&self, key: &Arc<str>) -> Reading {
        gate(Act::Read, key).await;
        let reading = self.memory.read(key);
        reads(key);
        observe(sum(&reading), || text(&reading));
        reading
    }

    pub(crate) async fn lease(
        &self,
        key: &Arc<str>,
        token: Token,
        replace: Replace<'_>,
    ) -> Result<Leasing, Fault> {
        if gate(Act::Lease, key).await == Pass::Otherwise {
            let late = Late {
                key: key.clone(),
                token,
                replace: LateReplace::of(replace),
            };
            on(|stage| stage.late = Some(late));
            observe(0, || "no answer, and it is on its way still".to_owned());
            return Err(Fault::Timeout);
        }
        if let Replace::Anything { .. } = replace {
            on(Stage::excuse);
        }
        let leasing = self.memory.lease(key, token, replace);
        match &leasing {
            Leasing::Taken => writes(key),
            _ => reads(key),
        }
        match &leasing {
            Leasing::Taken => observe(1, || "taken".to_owned()),
            Leasing::Unfit => observe(2, || "unfit".to_owned()),
            Leasing::Instead(reading) => observe(mix(3, sum(reading)), || text(reading)),
        }
        Ok(leasing)
    }

    /// Does what was asked long ago.
    pub(super) fn deliver(&self, late: &Late) {
        writes(&late.key);
        let replace = match &late.replace {
            LateReplace::Nothing => Replace::Nothing,
            LateReplace::Exactly(reading) => Replace::Exactly(reading),
            LateReplace::Anything { version } => Replace::Anything { version: *version },
        };
        self.memory.lease(&late.key, late.token, replace);
    }

    pub(crate) async fn publish(
        &self,
        key: &Arc<str>,
        token: Token,
        entry: Entry,
        ttl: Duration,
    ) -> bool {
        let Entry::Memory(entry) = entry else {
            unreachable!("an entry is prepared for the store it is published to");
        };
        gate(Act::Publish, key).await;
        let stood = self.memory.publish(key, token, entry, ttl);
        writes(key);
        observe(u64::from(stood), || said(stood, "stored", "refused"));
        gate(Act::Answer, key).await;
        stood
    }

    pub(crate) async fn release(&self, key: &Arc<str>, token: Token) -> bool {
        gate(Act::Release, key).await;
        let stood = self.memory.release(key, token);
        writes(key);
        observe(u64::from(stood), || said(stood, "given back", "it was lost"));
        gate(Act::Answer, key).await;
        stood
    }

    pub(crate) async fn invalidate(&self, keys: &[Arc<str>]) -> u64 {
        let mut sorted = keys.to_vec();
        sorted.sort();
        let all: Arc<str> = sorted.join(" ").into();
        gate(Act::Invalidate, &all).await;
        let deleted = keys.iter().map(|key| u64::from(self.memory.invalidate(key))).sum();
        keys.iter().for_each(|key| writes(key));
        on(Stage::excuse);
        observe(deleted, || "deleted".to_owned());
        gate(Act::Answer, &all).await;
        deleted
    }

    /// What a key holds, as a number.
    pub(super) fn content(&self, key: &str) -> u64 {
        let (entry, lease) = self.memory.inspect(key);
        let entry = entry.map_or(0, |entry| mix(1, value(&entry)));
        mix(entry, lease.map_or(0, |token| mix(2, token.bits())))
    }

    pub(super) fn entry(&self, key: &str) -> Option<u64> {
        self.memory.inspect(key).0.map(|entry| value(&entry))
    }

    pub(super) fn is_leased(&self, key: &str) -> bool {
        self.memory.inspect(key).1.is_some()
    }

    pub(super) fn end_lease(&self, key: &str) {
        writes(key);
        if let (_, Some(token)) = self.memory.inspect(key) {
            self.memory.release(key, token);
        }
    }

    /// Entries end without taking a lease along: where there is one, there is no entry.
    pub(super) fn end_entry(&self, key: &str) {
        writes(key);
        self.memory.invalidate(key);
    }
}

impl LateReplace {
    fn of(replace: Replace<'_>) -> Self {
        match replace {
            Replace::Nothing => Self::Nothing,
            Replace::Exactly(Reading::Entry(entry)) => Self::Exactly(Reading::Entry(entry.clone())),
            Replace::Exactly(_) => unreachable!("the embedded store reads nothing else"),
            Replace::Anything { version } => Self::Anything { version },
        }
    }
}

fn reads(key: &str) {
    on(|stage| stage.access.reads(Thing::key(key)));
}

fn writes(key: &str) {
    on(|stage| stage.access.writes(Thing::key(key)));
}

fn said(stood: bool, yes: &str, no: &str) -> String {
    if stood { yes } else { no }.to_owned()
}

fn value(entry: &MemoryEntry) -> u64 {
    let Content::Value(value) = &entry.content else {
        unreachable!("a scenario counts nothing");
    };
    let value = value.downcast_ref::<u64>();
    *value.unwrap_or_else(|| unreachable!("every loader of a scenario loads a number"))
}

fn sum(reading: &Reading) -> u64 {
    match reading {
        Reading::Nothing => 0,
        Reading::Leased => 1,
        Reading::Bytes(bytes) => bytes.iter().fold(2, |sum, byte| mix(sum, u64::from(*byte))),
        Reading::Entry(entry) => mix(3, value(entry)),
    }
}

fn text(reading: &Reading) -> String {
    match reading {
        Reading::Nothing => "nothing".to_owned(),
        Reading::Leased => "leased".to_owned(),
        Reading::Bytes(_) => "bytes".to_owned(),
        Reading::Entry(entry) => format!("value {}", value(entry)),
    }
}
