//! Reaches into a Redis server.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use redis::{Cmd, FromRedisValue, cmd};

use super::hash::{self, mix};
use super::reach::{Claim, Reach};
use crate::clock::Clock;
use crate::entry::{Entry, Stored, parse};
use crate::store::{Candidate, Keyed, Read, Reading, Redis, RedisServer, Store};

pub(super) struct Server {
    server: Arc<RedisServer>,
    passed: Mutex<Duration>,
}

const BUDGET: Duration = Duration::from_secs(10);
const LEASE: Duration = Duration::from_secs(3600);
/// Where the deadline of a lease stands that carries an entry.
const DEADLINE: usize = 36;

impl Server {
    /// The store on this server, and how to reach into it.
    pub(super) fn store(server: &Arc<RedisServer>) -> (Store, Self) {
        let (settings, server) = (server.settings(), server.clone());
        let redis = Redis::new(&settings, Arc::from(""), BUDGET, LEASE, Clock::system());
        let passed = Mutex::default();
        (Store::Redis(Arc::new(redis)), Self { server, passed })
    }

    fn ask<T: FromRedisValue>(&self, cmd: &Cmd) -> T {
        T::from_redis_value(self.server.run(cmd)).unwrap()
    }

    fn get(&self, key: &str) -> Option<Vec<u8>> {
        self.ask(cmd("GET").arg(key))
    }

    fn delete(&self, key: &str) {
        self.ask::<()>(cmd("DEL").arg(key));
    }
}

impl Reach for Server {
    fn content(&self, _store: &Store, key: &Arc<str>) -> u64 {
        self.get(key).map_or(0, |bytes| hash::of_bytes(&bytes))
    }

    fn sum(&self, _store: &Store, read: &Read) -> u64 {
        let reading = bytes(read).map_or(0, hash::of_bytes);
        let generations = read.generations.iter();
        let generations = generations.map(|it| it.map_or(0, |it| hash::of_bytes(&it)));
        generations.fold(reading, mix)
    }

    fn text(&self, store: &Store, read: &Read) -> String {
        let Some(bytes) = bytes(read) else {
            return "nothing".to_owned();
        };
        match parse(bytes) {
            Ok(Stored::Entry(entry)) => text(store, &entry),
            Ok(Stored::Fence) => "a fence".to_owned(),
            Ok(Stored::Lease(lease)) => {
                let claim = if lease.is_cooling {
                    "a failed load"
                } else {
                    "a lease"
                };
                match lease.kept {
                    Some(kept) => format!("{claim} and {}", text(store, &kept.entry)),
                    None => claim.to_owned(),
                }
            }
            Err(error) => error.to_string(),
        }
    }

    fn claim(&self, _store: &Store, key: &Arc<str>) -> Claim {
        match self.get(key).as_deref().map(parse) {
            Some(Ok(Stored::Lease(lease))) if lease.is_cooling => Claim::Cooling,
            Some(Ok(Stored::Lease(_))) => Claim::Lease,
            Some(Ok(Stored::Fence)) => Claim::Fence,
            _ => Claim::Nobody,
        }
    }

    fn stored(&self, _store: &Store, at: Keyed<'_>) -> Option<u64> {
        let bytes = self.get(at.key)?;
        let entry = match parse(&bytes) {
            Ok(Stored::Entry(entry)) => entry,
            Ok(Stored::Lease(lease)) => lease.kept?.entry,
            _ => return None,
        };
        let generations = at.tags.iter();
        let generations: Vec<_> = generations
            .map(|tag| self.get(tag)?.try_into().ok())
            .collect();
        let is_current = Candidate::Bytes(entry).is_current(&generations);
        is_current.then(|| value(&entry))
    }

    fn holds_entry(&self, _store: &Store, key: &Arc<str>) -> bool {
        let bytes = self.get(key);
        bytes.is_some_and(|bytes| matches!(parse(&bytes), Ok(Stored::Entry(_))))
    }

    fn end_claim(&self, _store: &Store, key: &Arc<str>) {
        let Some(bytes) = self.get(key) else {
            return;
        };
        match parse(&bytes) {
            // The entry goes on beside it.
            Ok(Stored::Lease(lease)) if lease.kept.is_some() => {
                let long_ago = [0; 8];
                self.ask::<()>(cmd("SETRANGE").arg(&**key).arg(DEADLINE).arg(&long_ago));
            }
            Ok(Stored::Lease(_) | Stored::Fence) => self.delete(key),
            _ => {}
        }
    }

    fn end_entry(&self, _store: &Store, key: &Arc<str>) {
        self.delete(key);
    }

    fn pass_time(&self, time: Duration) {
        *self.passed.lock() += time;
    }

    fn passed(&self) -> Duration {
        *self.passed.lock()
    }

    fn note(&self, _store: &Store, _keys: &[Arc<str>]) {}

    fn clear(&self, _store: &Store, keys: &[Arc<str>]) {
        for key in keys {
            self.delete(key);
        }
        *self.passed.lock() = Duration::ZERO;
    }
}

fn bytes(read: &Read) -> Option<&[u8]> {
    match &read.reading {
        Reading::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn value(entry: &Entry<'_>) -> u64 {
    const LONGEST: usize = 1024;
    entry.decode(LONGEST).unwrap()
}

fn text(store: &Store, entry: &Entry<'_>) -> String {
    let value = value(entry);
    if Candidate::Bytes(*entry).is_fresh(store.now()) {
        format!("{value}")
    } else {
        format!("{value}, which is old")
    }
}
