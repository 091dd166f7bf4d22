//! The right to load one key, held against all processes.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::cache::Cache;
use crate::client::{Budget, engine};
use crate::entry::Token;
use crate::error::Fault;
use crate::store::{Entry, Leasing, Reading, Redis, Replace, Store};

/// A lease that is kept alive while it is held and given back when it is dropped.
pub(crate) struct Lease {
    cache: Cache,
    key: Arc<str>,
    token: Option<Token>,
    renewal: Option<AbortHandle>,
}

/// What came of asking for a lease.
pub(crate) enum Taking {
    Taken(Lease),
    Instead(Reading),
    Unfit,
}

impl Lease {
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Takes the lease on a key. It is given back if this future is dropped, or if nobody knows
    /// what became of the command: else the key would be blocked for the lease's whole time.
    pub(crate) async fn take(
        cache: &Cache,
        key: &Arc<str>,
        replace: Replace<'_>,
        budget: &mut Budget,
    ) -> Result<Taking, Fault> {
        // A token belongs to one sending of the command.
        let token = Token::random();
        let mut lease = Self {
            cache: cache.clone(),
            key: key.clone(),
            token: Some(token),
            renewal: None,
        };
        let leasing = cache.0.store.lease(key, token, replace, budget).await;
        if !matches!(
            leasing,
            Ok(Leasing::Taken) | Err(Fault::Timeout | Fault::Redis(_))
        ) {
            lease.token = None;
        }
        Ok(match leasing? {
            Leasing::Taken => {
                if let Store::Redis(redis) = &cache.0.store {
                    let renewal = renew(redis.clone(), cache.0.lease / 3, key.clone(), token);
                    lease.renewal = Some(tokio::spawn(renewal).abort_handle());
                }
                Taking::Taken(lease)
            }
            Leasing::Unfit => Taking::Unfit,
            Leasing::Instead(reading) => Taking::Instead(reading),
        })
    }

    /// Stores the entry if the lease stands. Whatever comes of it, the lease is over; after a
    /// fault nobody knows, and it is not sent again: a late duplicate would revive an old load.
    pub(crate) async fn publish(mut self, entry: Entry, ttl: Duration) -> Result<bool, Fault> {
        let Some(token) = self.token else {
            return Ok(false);
        };
        let published = self
            .cache
            .0
            .store
            .publish(&self.key, token, entry, ttl)
            .await;
        if published.is_ok() {
            self.token = None;
        }
        published
    }

    /// Gives the lease back and says whether it stood to the end.
    pub(crate) async fn release(mut self) -> Result<bool, Fault> {
        let Some(token) = self.token else {
            return Ok(false);
        };
        let released = self.cache.0.store.release(&self.key, token).await;
        if released.is_ok() {
            self.token = None;
        }
        released
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
async fn renew(redis: Arc<Redis>, every: Duration, key: Arc<str>, token: Token) {
    loop {
        tokio::time::sleep(every).await;
        if let Ok(false) = redis.renew(&key, token).await {
            return;
        }
    }
}
