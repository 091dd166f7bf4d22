//! What prolongs a lock while it is held, notices that it is lost, and gives it back.
//!
//! One task for each lock does all of it, in order, on the process's own runtime: nothing that is
//! dropped takes it along.

use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::cache::Cache;
use crate::client::engine;
use crate::entry::Token;
use crate::observe::Event;
use crate::store::{LockKeys, Store};

/// What is known of a lock.
pub(super) enum Report {
    HeldUntil(Instant),
    Lost,
}

impl Report {
    pub(super) fn is_held(&self) -> bool {
        matches!(self, Self::HeldUntil(until) if *until > Instant::now())
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(self, Self::Lost)
    }
}

/// A lock that may have been taken; given back when it is dropped.
pub(super) struct Claim {
    pub(super) cache: Cache,
    pub(super) keys: LockKeys,
    pub(super) token: Token,
    pub(super) is_taken: bool,
}

impl Claim {
    /// A token belongs to one sending of the command.
    pub(super) fn new(cache: Cache, keys: LockKeys) -> Self {
        Self {
            cache,
            keys,
            token: Token::random(),
            is_taken: true,
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_taken {
            return;
        }
        let (cache, keys, token) = (self.cache.clone(), self.keys.clone(), self.token);
        if let Store::Memory(memory) = &cache.0.store {
            memory.records().unlock(&keys.holder, token);
            return;
        }
        // From the process's own runtime: this drop may be the shutdown of the caller's.
        engine::spawn(async move {
            // Unreachable: then the lock ends with its lease.
            let _ = cache.0.store.unlock(&keys, token).await;
        });
    }
}

pub(super) struct Keeper {
    pub(super) claim: Claim,
    pub(super) lease: Duration,
    /// Until when it is surely held: the lease counts from before the command was sent.
    pub(super) until: Instant,
}

type End = oneshot::Sender<oneshot::Sender<bool>>;

impl Keeper {
    /// Gives what tells of the lock, and what ends it.
    pub(super) fn start(self) -> Option<(watch::Receiver<Report>, End)> {
        let (report, reported) = watch::channel(Report::HeldUntil(self.until));
        let (end, ends) = oneshot::channel();
        engine::spawn(self.keep(report, ends))?;
        Some((reported, end))
    }

    async fn keep(
        mut self,
        report: watch::Sender<Report>,
        mut ends: oneshot::Receiver<oneshot::Sender<bool>>,
    ) {
        let mut pause = self.lease / 3;
        while !report.borrow().is_lost() {
            let left = self.until.saturating_duration_since(Instant::now());
            if let Ok(end) = timeout(pause.min(left), &mut ends).await {
                return self.end(end.ok()).await;
            }
            pause = self.prolong(&report).await;
        }
        self.claim.cache.count(Event::LockLost);
        tracing::warn!("a lock was lost while it was held");
        // It may still be ours in Redis, if that was away and is back.
        let end = ends.await.ok();
        self.end(end).await;
    }

    /// Asks for another lease, and says when to ask again.
    async fn prolong(&mut self, report: &watch::Sender<Report>) -> Duration {
        let Claim {
            cache, keys, token, ..
        } = &self.claim;
        let asked = Instant::now();
        let left = self.until.saturating_duration_since(asked);
        let prolong = cache.0.store.prolong_lock(keys, *token, self.lease);
        match timeout(left, prolong).await {
            Ok(Ok(true)) => {
                self.until = asked + self.lease;
                report.send_replace(Report::HeldUntil(self.until));
                return self.lease / 3;
            }
            Ok(Err(_)) if self.until > Instant::now() => cache.count(Event::Fault),
            Ok(Ok(false) | Err(_)) | Err(_) => drop(report.send_replace(Report::Lost)),
        }
        self.lease / 10
    }

    async fn end(mut self, told: Option<oneshot::Sender<bool>>) {
        let Claim {
            cache, keys, token, ..
        } = &self.claim;
        let unlocked = cache.0.store.unlock(keys, *token).await;
        if unlocked.is_err() {
            cache.count(Event::Fault);
        }
        self.claim.is_taken = false;
        if let (Ok(was_held), Some(told)) = (unlocked, told) {
            // Nobody may wait for it.
            let _ = told.send(was_held);
        }
    }
}
