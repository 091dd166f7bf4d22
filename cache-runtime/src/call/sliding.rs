//! `sliding`: a hit prolongs the entry's life.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use super::read::Call;
use super::shape::Shape;
use crate::cache::Cache;
use crate::entry::Age;
use crate::observe::Event;
use crate::store::{Read, Reading};

/// Keys whose last touch this process remembers; one that is forgotten is touched once more.
const REMEMBERED: usize = 4_096;
/// A touch for every hit would be a command for every hit: what an entry lives without being read
/// is exact to this part of it.
const TOUCHES_IN_A_LIFE: u32 = 8;

/// When this process last touched which key.
pub(crate) struct Touches {
    hasher: RandomState,
    last: quick_cache::sync::Cache<u64, u64>,
}

impl Touches {
    pub(crate) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            last: quick_cache::sync::Cache::new(REMEMBERED),
        }
    }

    /// Whether it is time for another touch, which then counts as made.
    fn is_due(&self, key: &str, age: Age, idle: Duration, now: u64) -> bool {
        let hash = self.hasher.hash_one(key);
        let last = self.last.get(&hash).unwrap_or(0).max(age.stored_at);
        let pause = u64::try_from((idle / TOUCHES_IN_A_LIFE).as_millis()).unwrap_or(u64::MAX);
        let is_due = now.saturating_sub(last) >= pause;
        if is_due {
            self.last.insert(hash, now);
        }
        is_due
    }
}

/// An entry to be prolonged.
pub(super) struct Touch {
    cache: Cache,
    key: Arc<str>,
    reading: Reading,
    time: Duration,
}

impl<S: Shape, H> Call<S, H> {
    /// What a hit on this reading prolongs, if it is time to.
    pub(super) fn touch(&self, cache: &Cache, read: &Read) -> Option<Touch> {
        let idle = self.site.windows.idle_time()?;
        let key = self.key.as_ref()?;
        let now = cache.0.store.now();
        let age = read.fresh_entry(now).ok()??.age();
        // One that an older build has stored says nothing of its time.
        if age.kept_for == 0 || !cache.0.touches.is_due(key, age, idle, now) {
            return None;
        }
        // Its time to live bounds it all.
        let end = age.stored_at.saturating_add(age.kept_for);
        let left = Duration::from_millis(end.saturating_sub(now));
        Some(Touch {
            cache: cache.clone(),
            key: key.clone(),
            reading: read.reading.clone(),
            time: idle.min(left),
        })
    }
}

impl Touch {
    /// Prolongs the entry without anybody waiting for Redis. Where there is no room for that in the
    /// background, a later hit does it.
    pub(super) async fn run(self) {
        if !self.cache.is_redis() {
            self.finish().await;
        } else if let Some(permit) = self.cache.0.background.permit() {
            permit.spawn(self.finish());
        }
    }

    async fn finish(self) {
        let Self {
            cache,
            key,
            reading,
            time,
        } = self;
        let touched = cache.0.store.touch(&key, &reading, time).await;
        cache.count(match touched {
            Ok(()) => Event::Touched,
            Err(_) => Event::Fault,
        });
    }
}
