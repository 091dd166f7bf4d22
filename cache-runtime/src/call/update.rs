//! One call of a function under `#[update_cache]`.
//!
//! The lease is taken before the body, which drops what could be read; afterwards the value is
//! stored if the lease still stands. Else somebody else wrote too, and the key is deleted: nobody
//! knows whose value is the last.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::blocking::engine_to_wait_on;
use super::ending::report;
use super::found::Outcomes;
use super::guard::Guard;
use super::hooks::Hooks;
use super::read::Call;
use super::scope::{self, Usage};
use super::shape::Shape;
use crate::cache::{Cache, Target, Terms, current};
use crate::lease::{Lease, Taking};
use crate::observe::Event;
use crate::store::{Entry, Keyed, Take};

/// A write under way.
struct Updating {
    cache: Cache,
    guard: Guard,
    lease: Option<Lease>,
    began: Instant,
}

impl<S: Shape, H: Hooks<S::Value>> Call<S, H> {
    /// Runs the body and stores what it returns.
    pub async fn update<B, F>(self, body: B) -> S::Output
    where
        B: FnOnce() -> F,
        F: Future<Output = S::Output>,
    {
        let Some(updating) = Box::pin(self.begin_update()).await else {
            return body().await;
        };
        let output = body().await;
        Box::pin(self.finish_update(updating, output)).await
    }

    /// Runs the body and stores what it returns; on a runtime's thread, where it may not wait for
    /// Redis, it only invalidates.
    pub fn update_blocking(self, body: impl FnOnce() -> S::Output) -> S::Output {
        let Some(engine) = engine_to_wait_on() else {
            return self.invalidate_detached(body);
        };
        let Some(updating) = engine.block_on(self.begin_update()) else {
            return body();
        };
        let output = body();
        engine.block_on(self.finish_update(updating, output))
    }

    fn invalidate_detached(&self, body: impl FnOnce() -> S::Output) -> S::Output {
        let key = self.key.as_ref();
        let guard = key.map(|key| self.guard(&current(self.cache.as_ref()), key));
        let output = body();
        if let Some(mut guard) = guard {
            guard.end();
            guard.fire_blocking();
        }
        output
    }

    fn guard(&self, cache: &Cache, key: &Arc<str>) -> Guard {
        let targets = vec![(None, Target::Key(key.clone()))];
        Guard::arm(cache.clone(), self.site, targets)
    }

    async fn begin_update(&self) -> Option<Updating> {
        let key = self.key.as_ref()?;
        let cache = current(self.cache.as_ref()).clone();
        let lease = self.take_for_update(&cache, key).await;
        Some(Updating {
            // Not before: until here nothing can have been written.
            guard: self.guard(&cache, key),
            cache,
            lease,
            began: Instant::now(),
        })
    }

    /// The lease, if the value may be stored: not one that is not committed yet, and none while
    /// another write has fenced the key.
    async fn take_for_update(&self, cache: &Cache, key: &Arc<str>) -> Option<Lease> {
        let usage = scope::context().usage_of(cache, key, &self.tags);
        if matches!(usage, Usage::Bypass | Usage::ReadOnly) {
            return None;
        }
        cache.0.flights.close(key);
        let steal = Take::Steal {
            version: self.site.format.schema_version(),
        };
        let tags = &self.tags;
        let (at, life) = (Keyed { key, tags }, self.tag_life(cache));
        match Lease::take(cache, at, steal, life, &mut cache.fresh_budget()).await {
            Ok(Taking::Taken(lease, _)) => Some(lease),
            Ok(_) => None,
            Err(_) => {
                cache.count(Event::Fault);
                None
            }
        }
    }

    /// Stores the value, and says whether it did.
    async fn publish_update(
        &self,
        cache: &Cache,
        lease: Lease,
        result: &Outcomes<S>,
        load_time: Duration,
    ) -> bool {
        match self.entry(cache, result, load_time, lease.generations()) {
            Some((entry, time)) if cfg!(cache_mutant = "fenced_update") => {
                let entries = vec![(lease.keyed().key.clone(), entry)];
                cache.0.store.put_many(entries, time).await.is_ok()
            }
            Some((entry, time)) => self.publish_confirmed(cache, lease, entry, time).await,
            None => false,
        }
    }

    /// Stores the entry, and says whether all have it that have to.
    async fn publish_confirmed(
        &self,
        cache: &Cache,
        lease: Lease,
        entry: Entry,
        time: Duration,
    ) -> bool {
        let Terms { replicas, .. } = self.site.terms;
        // A server that takes over may have what was there before; it is better without.
        cache.remember(&[Target::Key(lease.keyed().key.clone())], self.site.terms);
        if !lease.publish(entry, time).await.unwrap_or(false) {
            return false;
        }
        replicas == 0 || cache.confirm(replicas).await
    }

    async fn finish_update(&self, updating: Updating, output: S::Output) -> S::Output {
        let Updating {
            cache,
            mut guard,
            lease,
            began,
        } = updating;
        guard.end();
        let result = S::split(output);
        let published = match lease.filter(|_| result.is_ok()) {
            Some(lease) => {
                self.publish_update(&cache, lease, &result, began.elapsed())
                    .await
            }
            None => false,
        };
        if published {
            cache.count(Event::Published);
            guard.disarm();
        } else {
            // Nobody asked to be told.
            report(guard.fire().await);
        }
        S::join(result)
    }
}
