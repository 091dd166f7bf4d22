//! What puts a fence on Redis, renews it and ends it.
//!
//! One task for each fence does all of it, in order, on the process's own runtime: a renewal can
//! never arrive after the end, a body that blocks its thread does not stop it, and nothing that
//! is dropped takes it along.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::cache::{Cache, Invalidation, Target, Terms};
use crate::client::engine;
use crate::entry::Token;
use crate::observe::Event;

pub(super) struct Keeper {
    pub(super) cache: Cache,
    pub(super) keys: Arc<[Arc<str>]>,
    pub(super) token: Token,
    pub(super) site: &'static str,
}

/// How a fence is to end.
pub(super) struct End {
    /// How long it stays, and who has to know.
    pub(super) terms: Terms,
    pub(super) ended: oneshot::Sender<Invalidation>,
}

pub(super) fn targets(keys: &[Arc<str>]) -> Vec<Target> {
    keys.iter().cloned().map(Target::Key).collect()
}

impl Keeper {
    /// Gives what ends the fence, and what tells whether Redis has taken it.
    pub(super) fn start(self) -> (oneshot::Sender<End>, oneshot::Receiver<bool>) {
        let (end, ends) = oneshot::channel();
        let (put, is_put) = oneshot::channel();
        engine::spawn(self.keep(put, ends));
        (end, is_put)
    }

    async fn keep(self, put: oneshot::Sender<bool>, mut ends: oneshot::Receiver<End>) {
        // Nobody listens to a fence that is put detached, or whose writer is gone.
        let _ = put.send(self.fence().await);
        let third = self.cache.0.lease / 3;
        let end = loop {
            match tokio::time::timeout(third, &mut ends).await {
                Ok(end) => break end.ok(),
                Err(_) => self.fence().await,
            };
        };
        match end {
            Some(End { terms, ended }) => {
                // Its writer may be gone.
                let _ = ended.send(self.end(terms).await);
            }
            None => drop(self.end(Terms::default()).await),
        }
    }

    /// Fences the keys for the lease time from now, and says whether Redis has.
    async fn fence(&self) -> bool {
        let time = self.cache.0.lease;
        let fenced = self.cache.0.store.fence(&self.keys, self.token, time).await;
        if fenced.is_err() {
            self.cache.count(Event::Fault);
        }
        fenced.is_ok()
    }

    async fn end(&self, terms: Terms) -> Invalidation {
        let Self {
            cache, keys, site, ..
        } = self;
        let targets = targets(keys);
        // Before: a server that has ended it may be replaced before it has said so.
        cache.remember(&targets, terms);
        let store = &cache.0.store;
        let unfenced = store.unfence(keys, self.token, terms.settle).await;
        let confirmed = match unfenced {
            Ok(()) if terms.replicas == 0 => Ok(true),
            Ok(()) => store.confirm(terms.replicas).await,
            Err(fault) => Err(fault),
        };
        if matches!(confirmed, Ok(true)) {
            cache.count_invalidated(keys.len());
            return Invalidation::Applied;
        }
        cache.count(Event::Fault);
        // Counted and logged where it fails.
        let _ = cache.enqueue(&targets, terms, site);
        Invalidation::Queued
    }
}
