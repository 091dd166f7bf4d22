//! One call of a function under `#[update_cache]`.
//!
//! The lease is taken before the body, which drops what could be read; afterwards the value is
//! stored if the lease still stands. Else somebody else wrote too, and the key is deleted: nobody
//! knows whose value is the last.

use std::future::Future;
use std::sync::Arc;

use super::blocking::is_on_runtime;
use super::guard::Guard;
use super::hooks::Hooks;
use super::read::Call;
use super::scope::{self, Usage, usage_in};
use super::shape::Shape;
use crate::cache::{Cache, Target, current};
use crate::client::engine;
use crate::lease::{Lease, Taking};
use crate::observe::Event;
use crate::store::Replace;

/// A write under way.
struct Updating {
    cache: Cache,
    guard: Guard,
    lease: Option<Lease>,
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
        let Some(engine) = engine::get().filter(|_| !is_on_runtime()) else {
            let _guard = self
                .key
                .as_ref()
                .map(|key| self.guard(&current(self.cache.as_ref()), key));
            return body();
        };
        let Some(updating) = engine.block_on(self.begin_update()) else {
            return body();
        };
        let output = body();
        engine.block_on(self.finish_update(updating, output))
    }

    fn guard(&self, cache: &Cache, key: &Arc<str>) -> Guard {
        Guard::arm(
            cache.clone(),
            self.site.name,
            vec![(None, Target::Key(key.clone()))],
        )
    }

    async fn begin_update(&self) -> Option<Updating> {
        let key = self.key.as_ref()?;
        let cache = current(self.cache.as_ref()).clone();
        let guard = self.guard(&cache, key);
        cache.0.flights.close(key);
        let mut budget = cache.fresh_budget();
        let replace = Replace::Anything {
            version: self.site.format.schema_version(),
        };
        let usage = usage_in(cache.mode(), scope::context().usage);
        if matches!(usage, Usage::Bypass | Usage::ReadOnly) {
            let lease = None;
            return Some(Updating {
                cache,
                guard,
                lease,
            });
        }
        let lease = match Lease::take(&cache, key, replace, &mut budget).await {
            Ok(Taking::Taken(lease)) => Some(lease),
            Ok(_) => None,
            Err(_) => {
                cache.count(Event::Fault);
                None
            }
        };
        Some(Updating {
            cache,
            guard,
            lease,
        })
    }

    async fn finish_update(&self, updating: Updating, output: S::Output) -> S::Output {
        let Updating {
            cache,
            guard,
            lease,
        } = updating;
        let result = S::split(output);
        let entry = if result.is_ok() {
            self.entry(&cache, &result)
        } else {
            None
        };
        let published = match (lease, entry) {
            (Some(lease), Some((entry, ttl))) => lease.publish(entry, ttl).await.unwrap_or(false),
            _ => false,
        };
        if published {
            cache.count(Event::Published);
            guard.disarm();
        } else {
            guard.fire().await;
        }
        S::join(result)
    }
}
