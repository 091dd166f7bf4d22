//! The right to load one key, held against all processes.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::cache::Cache;
use crate::client::{Budget, engine};
use crate::entry::{Generation, Token};
use crate::error::Fault;
use crate::store::{Entry, Keyed, Leasing, Leave, Read, Reading, Redis, Store, Take};

/// A lease that is kept alive while it is held and given back when it is dropped.
pub(crate) struct Lease {
    cache: Cache,
    key: Arc<str>,
    tags: Vec<Arc<str>>,
    token: Option<Token>,
    /// Of its tags, as they were before the load.
    generations: Vec<Generation>,
    is_written: bool,
    renewal: Option<AbortHandle>,
}

/// How long the generation of a tag lives that entries of this life are under: longer than they.
pub(crate) fn tag_life(kept_for: Duration) -> Duration {
    const SHORTEST: Duration = Duration::from_secs(86_400);
    kept_for.saturating_mul(2).max(SHORTEST)
}

/// What came of asking for a lease.
pub(crate) enum Taking {
    /// And what it has taken the place of, if that is kept and was not known before.
    Taken(Lease, Option<Reading>),
    Instead(Read),
    Unfit,
}

impl Lease {
    pub(crate) fn keyed(&self) -> Keyed<'_> {
        Keyed {
            key: &self.key,
            tags: &self.tags,
        }
    }

    pub(crate) fn generations(&self) -> &[Generation] {
        &self.generations
    }

    /// Whether a tag was being written when the lease was taken: then nothing can be published.
    pub(crate) fn is_written(&self) -> bool {
        self.is_written
    }

    /// What a mutant does instead of relying on what was captured before the load.
    #[cfg(cache_mutant = "capture_before_load")]
    pub(crate) async fn captured_again(mut self) -> Self {
        let mut budget = self.cache.fresh_budget();
        if let Ok(read) = self.cache.0.store.read(self.keyed(), &mut budget).await {
            let all: Option<Vec<_>> = read.generations.into_iter().collect();
            self.generations = all.unwrap_or_else(|| self.generations.clone());
        }
        self
    }

    /// Takes the lease on a key. It is given back if this future is dropped, or if nobody knows
    /// what became of the command: else the key would be blocked for the lease's whole time.
    pub(crate) async fn take(
        cache: &Cache,
        at: Keyed<'_>,
        take: Take<'_>,
        tag_life: Duration,
        budget: &mut Budget,
    ) -> Result<Taking, Fault> {
        // A token belongs to one sending of the command.
        let token = if cfg!(cache_mutant = "token_per_sending") {
            Token::of_process()
        } else {
            Token::random()
        };
        let mut lease = Self {
            cache: cache.clone(),
            key: at.key.clone(),
            tags: at.tags.to_vec(),
            token: Some(token),
            generations: Vec::new(),
            is_written: false,
            renewal: None,
        };
        let leasing = cache.0.store.lease(at, token, take, tag_life, budget).await;
        if !matches!(
            leasing,
            Ok(Leasing::Taken { .. }) | Err(Fault::Timeout | Fault::Redis(_))
        ) {
            lease.token = None;
        }
        Ok(match leasing? {
            Leasing::Taken {
                kept,
                generations,
                is_written,
            } => {
                lease.generations = generations;
                lease.is_written = is_written;
                if let Store::Redis(redis) = &cache.0.store {
                    let key = at.key.clone();
                    let renewal = renew(redis.clone(), cache.0.lease / 3, key, token);
                    lease.renewal = Some(tokio::spawn(renewal).abort_handle());
                }
                Taking::Taken(lease, kept)
            }
            Leasing::Unfit => Taking::Unfit,
            Leasing::Instead(read) => Taking::Instead(read),
        })
    }

    /// Stores the entry if the lease stands. Whatever comes of it, the lease is over; after a
    /// fault nobody knows, and it is not sent again: a late duplicate would revive an old load.
    pub(crate) async fn publish(mut self, entry: Entry, time: Duration) -> Result<bool, Fault> {
        let Some(token) = self.token else {
            return Ok(false);
        };
        let store = &self.cache.0.store;
        let published = store
            .publish(self.keyed(), token, &self.generations, entry, time)
            .await;
        if published.is_ok() {
            self.token = None;
        }
        published
    }

    /// Gives the lease back and says whether it stood to the end.
    pub(crate) async fn release(mut self, leave: Leave) -> Result<bool, Fault> {
        let Some(token) = self.token else {
            return Ok(false);
        };
        let store = &self.cache.0.store;
        let released = store
            .release(self.keyed(), token, &self.generations, leave)
            .await;
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
        let (cache, key) = (self.cache.clone(), self.key.clone());
        if let Store::Memory(memory) = &cache.0.store {
            memory.release(untagged(&key), token, &[], Leave::Kept);
            return;
        }
        // From the process's own runtime: this drop may be the shutdown of the caller's.
        engine::spawn(async move {
            let release = cache
                .0
                .store
                .release(untagged(&key), token, &[], Leave::Kept);
            // Unreachable: then the lease ends by itself.
            let _ = release.await;
        });
    }
}

/// What is put back tells its own generations, and those of this load may not even be known.
fn untagged(key: &Arc<str>) -> Keyed<'_> {
    Keyed { key, tags: &[] }
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
