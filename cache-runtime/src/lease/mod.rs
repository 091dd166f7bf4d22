//! The right to load one key, held against all processes.

use std::sync::Arc;

use tokio::task::AbortHandle;

use crate::cache::Cache;
use crate::client::engine;
use crate::entry::Token;
use crate::error::Fault;
use crate::store::{Entry, Store};
use std::time::Duration;

/// A lease that is kept alive while it is held and given back when it is dropped.
pub(crate) struct Lease {
    cache: Cache,
    key: Arc<str>,
    token: Option<Token>,
    renewal: Option<AbortHandle>,
}

impl Lease {
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Takes over a lease that the store has just given.
    pub(crate) fn new(cache: &Cache, key: &Arc<str>, token: Token) -> Self {
        let renewal = matches!(cache.0.store, Store::Redis(_))
            .then(|| tokio::spawn(renew(cache.clone(), key.clone(), token)).abort_handle());
        Self {
            cache: cache.clone(),
            key: key.clone(),
            token: Some(token),
            renewal,
        }
    }

    /// Stores the entry if the lease stands. Whatever comes of it, the lease is over; after a
    /// fault nobody knows, and it is not sent again: a late duplicate would revive an old load.
    pub(crate) async fn publish(mut self, entry: Entry, ttl: Duration) -> Result<bool, Fault> {
        let Some(token) = self.token.take() else {
            return Ok(false);
        };
        let published = self
            .cache
            .0
            .store
            .publish(&self.key, token, entry, ttl)
            .await;
        if published.is_err() {
            self.token = Some(token);
        }
        published
    }

    /// Gives the lease back and says whether it stood to the end.
    pub(crate) async fn release(mut self) -> Result<bool, Fault> {
        let Some(token) = self.token.take() else {
            return Ok(false);
        };
        self.cache.0.store.release(&self.key, token).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(renewal) = self.renewal.take() {
            renewal.abort();
        }
        let Some(token) = self.token.take() else {
            return;
        };
        match &self.cache.0.store {
            Store::Memory(memory) => drop(memory.release(&self.key, token)),
            Store::Redis(_) => {
                // From the process's own runtime: this drop may be the shutdown of the caller's.
                let (cache, key) = (self.cache.clone(), self.key.clone());
                engine::spawn(async move {
                    // Unreachable: then the lease ends by itself.
                    let _ = cache.0.store.release(&key, token).await;
                });
            }
        }
    }
}

/// Keeps the lease until it is lost; a load may take longer than the lease of a killed process.
async fn renew(cache: Cache, key: Arc<str>, token: Token) {
    loop {
        tokio::time::sleep(cache.0.lease / 3).await;
        if let Ok(false) = cache.0.store.renew(&key, token).await {
            return;
        }
    }
}
