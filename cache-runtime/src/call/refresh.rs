//! A load whose caller has been answered with what there was.

use std::future::Future;

use super::background::Permit;
use super::enter::{Fallback, keeping};
use super::hooks::Hooks;
use super::load::{Leased, Load, Way};
use super::read::Call;
use super::shape::Shape;
use crate::cache::Cache;
use crate::flight::{Leader, Outcome};
use crate::lease::{Lease, Taking};
use crate::observe::Event;
use crate::store::{Keyed, Reading};

/// The right to load an entry anew, if the lease is to be had.
pub(super) struct Refresh {
    cache: Cache,
    leader: Leader,
    /// The entry, which is kept beside the lease.
    reading: Reading,
    permit: Permit,
}

impl Refresh {
    pub(super) fn new(cache: Cache, leader: Leader, reading: Reading, permit: Permit) -> Self {
        Self {
            cache,
            leader,
            reading,
            permit,
        }
    }
}

impl<S: Shape, H: Hooks<S::Value>> Call<S, H> {
    /// Loads in the background, if the lease is to be had.
    pub(super) fn refresh_behind<F>(self, refresh: Refresh, body: F)
    where
        Self: Send + Sync + 'static,
        F: Future<Output = S::Output> + Send + 'static,
        S::Output: Send,
        S::Value: Send + Sync,
        S::Error: Send + Sync,
    {
        let Refresh {
            cache,
            leader,
            reading,
            permit,
        } = refresh;
        permit.spawn(async move {
            let Some(load) = self.refreshing(cache, leader, &reading).await else {
                return;
            };
            let ended = self.guarded(&load.cache, body).await;
            drop(self.conclude(load, ended).await);
        });
    }

    async fn refreshing(&self, cache: Cache, leader: Leader, reading: &Reading) -> Option<Load> {
        let key = self.key.as_ref()?;
        let mut budget = cache.fresh_budget();
        let keyed = Keyed {
            key,
            tags: &self.tags,
        };
        let life = self.tag_life(&cache);
        let taking = Lease::take(&cache, keyed, keeping(reading), life, &mut budget).await;
        let Ok(Taking::Taken(lease, kept)) = taking else {
            // Somebody else is at it, or has invalidated it.
            leader.land(Outcome::Again);
            return None;
        };
        cache.count(Event::Refresh);
        let kept = kept.and_then(|kept| self.kept_value(&cache, &lease, kept));
        let way = Way::Leased(Leased {
            leader,
            lease,
            left: budget.left(),
        });
        let fallback = kept.map(|value| Fallback {
            value,
            since: std::time::Instant::now(),
        });
        Some(self.loading(&cache, way, fallback).await)
    }
}
