//! A store, its clock, and what a scenario puts there and finds there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::server::Server;
use crate::client::Budget;
use crate::clock::Clock;
use crate::entry::{
    Age, Format, Generation, Kind, Stamp, Stored, Token, Unreadable, encode, fingerprint, parse,
};
use crate::flight::Shared;
use crate::store::{
    Content, Entry, Keyed, Leasing, Leave, Memory, MemoryEntry, Read, Reading, Redis, Remaining,
    Store, Take,
};

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const LEASE: Duration = Duration::from_secs(60);
/// How long an entry is of use, and how long a fence and the time after a failed load last.
pub(super) const LIFE: Duration = Duration::from_secs(600);
pub(super) const HELD: Duration = Duration::from_secs(30);
pub(super) const TAG_LIFE: Duration = Duration::from_secs(86_400);
pub(super) const OURS: u32 = 5;
pub(super) const NEWER: u32 = 6;

/// A store of any kind.
pub(super) struct Stage {
    pub(super) store: Store,
    clock: Clock,
    name: &'static str,
    server: Option<Server>,
    places: AtomicU32,
}

/// A key that nobody else uses, and the keys of its tags.
pub(super) struct Place {
    pub(super) key: Arc<str>,
    pub(super) tags: Vec<Arc<str>>,
}

impl Place {
    pub(super) fn at(&self) -> Keyed<'_> {
        Keyed {
            key: &self.key,
            tags: &self.tags,
        }
    }
}

/// What is at a key; entries are told by their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    Entry(u32),
    Lease(Option<u32>),
    /// A lease whose time is over, which shows only where an entry is kept.
    Abandoned(u32),
    Cooling(Option<u32>),
    Fence,
    Foreign,
}

/// How an entry is written.
#[derive(Clone, Copy)]
pub(super) struct Made {
    pub(super) number: u32,
    pub(super) version: u32,
    /// Nothing for one from before entries had an age.
    pub(super) life: Option<Duration>,
}

pub(super) const ENTRY: Made = Made {
    number: 1,
    version: OURS,
    life: Some(LIFE),
};

/// What a load comes to.
pub(super) const LOADED: Made = Made { number: 2, ..ENTRY };

impl Stage {
    pub(super) async fn all() -> [Self; 3] {
        [Self::memory(), Self::redis().await, Self::cluster().await]
    }

    pub(super) fn memory() -> Self {
        let clock = Clock::manual();
        Self {
            store: Store::Memory(Box::new(Memory::new(1 << 20, clock.clone()))),
            clock,
            name: "memory",
            server: None,
            places: AtomicU32::new(0),
        }
    }

    pub(super) async fn redis() -> Self {
        Self::on(Server::start(), "Redis").await
    }

    pub(super) async fn cluster() -> Self {
        Self::on(Server::start_cluster(), "a cluster").await
    }

    async fn on(server: Server, name: &'static str) -> Self {
        let clock = Clock::manual();
        let (namespace, budget) = (Arc::from("test:"), 10 * SECOND);
        let redis = Redis::new(&server.settings(), namespace, budget, LEASE, clock.clone());
        let stage = Self {
            store: Store::Redis(Arc::new(redis)),
            clock,
            name,
            server: Some(server),
            places: AtomicU32::new(0),
        };
        stage.see(&stage.place(0)).await;
        // Until the server has said what time it is, the store goes by the machine's clock.
        loop {
            let before = stage.store.now();
            tokio::time::sleep(Duration::from_millis(5)).await;
            if stage.store.now() == before {
                return stage;
            }
        }
    }

    pub(super) fn is_redis(&self) -> bool {
        self.server.is_some()
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn advance(&self, time: Duration) {
        self.clock.advance(time);
        if let Some(server) = &self.server {
            server.advance(time);
        }
    }

    pub(super) fn place(&self, tags: usize) -> Place {
        let number = self.places.fetch_add(1, Ordering::Relaxed);
        let tag = |tag| Arc::from(format!("[tag]{number}:{tag}"));
        Place {
            key: Arc::from(format!("key:{number}")),
            tags: (0..tags).map(tag).collect(),
        }
    }

    /// What another client does to a key of Redis: a command, the key, the rest.
    pub(super) fn foreign(&self, command: &str, key: &str, rest: &[&str]) -> redis::Value {
        let server = self.server.as_ref().expect("only Redis has other clients");
        let mut cmd = redis::cmd(command);
        cmd.arg(format!("test:{key}")).arg(rest);
        server.run(&cmd)
    }

    pub(super) fn run(&self, cmd: &redis::Cmd) -> redis::Value {
        let server = self.server.as_ref().expect("only Redis has other clients");
        server.run(cmd)
    }

    /// Moves the clock, and not the ends of the server's keys.
    pub(super) fn tick(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// When the key itself ends.
    pub(super) fn end(&self, key: &str) -> Duration {
        match self.foreign("PTTL", key, &[]) {
            redis::Value::Int(millis) => Duration::from_millis(millis.try_into().unwrap()),
            other => panic!("{other:?}"),
        }
    }

    pub(super) async fn read(&self, place: &Place) -> Read {
        let mut budget = Budget::new(10 * SECOND);
        self.store.read(place.at(), &mut budget).await.unwrap()
    }

    pub(super) async fn see(&self, place: &Place) -> Seen {
        seen(&self.read(place).await.reading, self.store.now())
    }

    pub(super) fn entry(&self, made: Made, generations: &[Generation]) -> Entry {
        let time = |time: Duration| u64::try_from(time.as_millis()).unwrap();
        let age = made.life.map(|life| Age {
            stored_at: self.store.now(),
            // Old at once, so that a lease beside it shows in memory too.
            fresh_for: 0,
            kept_for: time(life),
            load_ms: 1,
        });
        let stamp = Stamp {
            age: age.unwrap_or_default(),
            is_aged: age.is_some(),
            generations,
        };
        if self.is_redis() {
            let format = Format::new().version(made.version);
            let fingerprint = fingerprint::<u32>(format.readability());
            let entry = encode(&made.number, Kind::Value, &format, fingerprint, &stamp);
            return Entry::Bytes(entry.unwrap());
        }
        let value: Shared = Arc::new(made.number);
        Entry::Memory(MemoryEntry::new(
            Kind::Value,
            value,
            made.version,
            4,
            &stamp,
        ))
    }

    pub(super) async fn put(&self, place: &Place, made: Made) {
        let entry = (place.key.clone(), self.entry(made, &[]));
        let life = made.life.unwrap_or(LIFE);
        self.store.put_many(vec![entry], life).await.unwrap();
    }

    pub(super) async fn take(&self, place: &Place, take: Take<'_>) -> (Token, Leasing) {
        let (token, mut budget) = (Token::random(), Budget::new(10 * SECOND));
        let leasing = self
            .store
            .lease(place.at(), token, take, TAG_LIFE, &mut budget);
        (token, leasing.await.unwrap())
    }

    /// Takes a lease that is there to be taken.
    pub(super) async fn lease(&self, place: &Place, take: Take<'_>) -> (Token, Vec<Generation>) {
        match self.take(place, take).await {
            (token, Leasing::Taken { generations, .. }) => (token, generations),
            _ => panic!("{}: not to be had", self.name()),
        }
    }

    /// Puts an entry there and takes the lease that keeps it.
    pub(super) async fn lease_beside(&self, place: &Place, made: Made) -> Token {
        self.put(place, made).await;
        let read = self.read(place).await;
        self.lease(place, Take::Keeping(&read.reading)).await.0
    }

    pub(super) async fn publish(
        &self,
        place: &Place,
        (token, generations): (Token, &[Generation]),
        made: Made,
    ) -> bool {
        let entry = self.entry(made, generations);
        let published = self
            .store
            .publish(place.at(), token, generations, entry, LIFE);
        published.await.unwrap()
    }

    pub(super) async fn release(
        &self,
        place: &Place,
        (token, generations): (Token, &[Generation]),
        leave: Leave,
    ) -> bool {
        let released = self.store.release(place.at(), token, generations, leave);
        released.await.unwrap()
    }

    pub(super) async fn fence(&self, place: &Place, writer: Token, time: Duration) {
        let keys = std::slice::from_ref(&place.key);
        self.store.fence(keys, writer, time).await.unwrap();
    }

    pub(super) async fn unfence(&self, place: &Place, writer: Token, settle: Duration) {
        let keys = std::slice::from_ref(&place.key);
        self.store.unfence(keys, writer, settle).await.unwrap();
    }

    pub(super) async fn invalidate(&self, key: &Arc<str>) -> u64 {
        let keys = std::slice::from_ref(key);
        self.store.invalidate(keys).await.unwrap()
    }

    pub(super) async fn delete(&self, place: &Place) -> bool {
        match &self.store {
            Store::Memory(memory) => memory.invalidate(&place.key),
            Store::Redis(redis) => redis.delete(&place.key).await.unwrap(),
            Store::Sim(_) => unreachable!("it is not one of the stores"),
        }
    }

    pub(super) async fn expire(&self, place: &Place, time: Duration) -> bool {
        match &self.store {
            Store::Memory(memory) => memory.expire(&place.key, time),
            Store::Redis(redis) => redis.expire(&place.key, time).await.unwrap(),
            Store::Sim(_) => unreachable!("it is not one of the stores"),
        }
    }

    /// What is left of an entry; the server goes on while a scenario runs.
    pub(super) async fn remaining(&self, key: &str) -> Option<Duration> {
        let remaining = match &self.store {
            Store::Memory(memory) => memory.remaining(key),
            Store::Redis(redis) => redis.remaining(key).await.unwrap(),
            Store::Sim(_) => unreachable!("it is not one of the stores"),
        };
        match remaining {
            Remaining::NoEntry => None,
            Remaining::For(left) => Some(left),
            Remaining::ForEver => Some(Duration::MAX),
        }
    }

    /// Whether it could be counted.
    pub(super) async fn count(&self, place: &Place) -> bool {
        match &self.store {
            Store::Memory(memory) => memory.count(&place.key, 1, Some(LIFE)).is_some(),
            Store::Redis(redis) => redis.count(&place.key, 1, Some(LIFE)).await.is_ok(),
            Store::Sim(_) => unreachable!("it is not one of the stores"),
        }
    }
}

/// Whether two times are the same but for what a slow machine takes between two commands.
pub(super) fn about(time: Option<Duration>, expected: Duration) -> bool {
    const SLOW: Duration = Duration::from_secs(10);
    time.is_some_and(|time| time <= expected && time + SLOW >= expected)
}

fn seen(reading: &Reading, now: u64) -> Seen {
    match reading {
        Reading::Nothing => Seen::Nothing,
        Reading::Fenced(_) => Seen::Fence,
        Reading::Entry(entry) => number(entry).map_or(Seen::Foreign, Seen::Entry),
        Reading::Leased(held) => {
            let kept = held.kept.as_deref().and_then(number);
            if held.is_cooling {
                Seen::Cooling(kept)
            } else {
                Seen::Lease(kept)
            }
        }
        Reading::Bytes(bytes) => seen_bytes(bytes, now).unwrap_or(Seen::Foreign),
    }
}

fn seen_bytes(bytes: &[u8], now: u64) -> Result<Seen, Unreadable> {
    Ok(match parse(bytes)? {
        Stored::Fence => Seen::Fence,
        Stored::Entry(entry) => Seen::Entry(entry.decode(100)?),
        Stored::Lease(lease) => {
            let kept = lease.kept.filter(|kept| kept.end > now);
            let is_over = lease.kept.is_some_and(|kept| kept.deadline <= now);
            let kept = kept.map(|kept| kept.entry.decode(100)).transpose()?;
            match kept {
                Some(number) if is_over => Seen::Abandoned(number),
                kept if lease.is_cooling => Seen::Cooling(kept),
                kept => Seen::Lease(kept),
            }
        }
    })
}

fn number(entry: &MemoryEntry) -> Option<u32> {
    match &entry.content {
        Content::Value(value) => value.downcast_ref().copied(),
        _ => None,
    }
}
