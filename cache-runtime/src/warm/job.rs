//! One thing to load, which may panic.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::cache::Cache;
use crate::cache_key::Key;
use crate::call::{Cacheable, scope};
use crate::lease::{Lease, Taking, tag_life};
use crate::store::{Leave, Take};

/// What came of one.
#[derive(Clone, Copy)]
pub(super) enum Done {
    Loaded,
    /// There was an entry.
    Present,
    Failed,
}

/// A future whose panic is a failure.
pub(super) struct Job<'a>(Option<Pin<Box<dyn Future<Output = Done> + Send + 'a>>>);

pub(super) fn job<'a>(work: impl Future<Output = Done> + Send + 'a) -> Job<'a> {
    Job(Some(Box::pin(work)))
}

impl Future for Job<'_> {
    type Output = Done;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Done> {
        let Some(work) = &mut self.0 else {
            return Poll::Ready(Done::Failed);
        };
        // Nothing of it is looked at after a panic.
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(task)));
        polled.unwrap_or_else(|_| {
            self.0 = None;
            Poll::Ready(Done::Failed)
        })
    }
}

/// Loads the value of a key that has no entry.
pub(super) async fn missing<V: Cacheable, E>(
    cache: &Cache,
    key: &Key<V>,
    value: impl Future<Output = Result<V, E>>,
    ttl: Duration,
) -> Done {
    // What a transaction sees may be nobody else's yet; what waits to be invalidated is stale.
    let is_held_back = scope::transaction().is_some() || cache.0.journal.holds_any(key.keyed());
    if is_held_back || key.complete().is_err() {
        return Done::Failed;
    }
    let mut budget = cache.fresh_budget();
    let life = tag_life(ttl);
    let lease = match Lease::take(cache, key.keyed(), Take::Absent, life, &mut budget).await {
        Ok(Taking::Taken(lease, _)) => lease,
        Ok(Taking::Instead(_)) => return Done::Present,
        Ok(Taking::Unfit) | Err(_) => return Done::Failed,
    };
    let Ok(value) = value.await else {
        // It may be gone already: then there is nothing to give back.
        let _ = lease.release(Leave::Nothing).await;
        return Done::Failed;
    };
    let Ok(entry) = cache.entry_of(key, &value, ttl, lease.generations()) else {
        let _ = lease.release(Leave::Nothing).await;
        return Done::Failed;
    };
    match lease.publish(entry, ttl).await {
        Ok(true) => Done::Loaded,
        Ok(false) | Err(_) => Done::Failed,
    }
}
