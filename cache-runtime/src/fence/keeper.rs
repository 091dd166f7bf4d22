//! What puts a fence on Redis, renews it and ends it.
//!
//! One task for each fence does all of it, in order, on the process's own runtime: a renewal can
//! never arrive after the end, a body that blocks its thread does not stop it, and nothing that
//! is dropped takes it along.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::cache::{Cache, Target};
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
    /// How long it stays.
    pub(super) settle: Duration,
    pub(super) ended: oneshot::Sender<()>,
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
            Some(End { settle, ended }) => {
                self.end(settle).await;
                // Its writer may be gone.
                let _ = ended.send(());
            }
            None => self.end(Duration::ZERO).await,
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

    async fn end(&self, settle: Duration) {
        let Self {
            cache, keys, site, ..
        } = self;
        if cache
            .0
            .store
            .unfence(keys, self.token, settle)
            .await
            .is_ok()
        {
            return cache.count_invalidated(keys.len());
        }
        cache.count(Event::Fault);
        // Counted and logged where it fails.
        let _ = cache.enqueue(&targets(keys), settle, site);
    }
}
