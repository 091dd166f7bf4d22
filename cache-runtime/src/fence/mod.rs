//! The fence of a write under way: whatever is loaded meanwhile, nobody stores.

mod keeper;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::cache::{Cache, Invalidation, Terms};
use crate::entry::Token;
use crate::store::Store;

use keeper::{End, Keeper};

/// Nobody outlives a fence in memory but the process that holds it.
const AS_LONG_AS_HELD: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Fenced keys. Dropped, the fence ends without settling, and nobody waits for that.
pub(crate) struct Fence {
    cache: Cache,
    keys: Arc<[Arc<str>]>,
    token: Token,
    site: &'static str,
    hold: Hold,
}

/// What keeps a fence up.
enum Hold {
    Memory,
    Redis {
        end: oneshot::Sender<End>,
        /// Whether Redis has confirmed it.
        is_put: bool,
    },
    Over,
}

impl Fence {
    fn new(cache: &Cache, keys: Vec<Arc<str>>, site: &'static str) -> Self {
        Self {
            cache: cache.clone(),
            keys: keys.into(),
            token: Token::random(),
            site,
            hold: Hold::Over,
        }
    }

    /// Puts a fence before the keys. If Redis does not take it, this process bypasses them until
    /// it does.
    pub(crate) async fn put(cache: &Cache, keys: Vec<Arc<str>>, site: &'static str) -> Self {
        let mut fence = Self::new(cache, keys, site);
        if let Some(put) = fence.begin() {
            fence.confirm(put.await.unwrap_or(false));
        }
        fence
    }

    /// [`put`](Self::put) where nothing can be awaited: nobody knows when Redis has it.
    pub(crate) fn put_detached(cache: &Cache, keys: Vec<Arc<str>>, site: &'static str) -> Self {
        let mut fence = Self::new(cache, keys, site);
        if fence.begin().is_some() {
            fence.confirm(false);
        }
        fence
    }

    /// Fences in memory, or lets the keeper fence and say whether it could.
    fn begin(&mut self) -> Option<oneshot::Receiver<bool>> {
        // What is being loaded now began before the write.
        self.close_flights();
        if let Store::Memory(memory) = &self.cache.0.store {
            memory.fence(&self.keys, self.token, AS_LONG_AS_HELD);
            self.hold = Hold::Memory;
            return None;
        }
        let keeper = Keeper {
            cache: self.cache.clone(),
            keys: self.keys.clone(),
            token: self.token,
            site: self.site,
        };
        let (end, put) = keeper.start();
        self.hold = Hold::Redis { end, is_put: false };
        Some(put)
    }

    fn confirm(&mut self, put: bool) {
        match &mut self.hold {
            Hold::Redis { is_put, .. } if put => *is_put = true,
            _ => self.bypass(Terms::default()),
        }
    }

    /// Nothing in Redis tells this process that there is a write, so its own journal does.
    fn bypass(&self, terms: Terms) {
        let targets = keeper::targets(&self.keys);
        // Counted and logged where it fails.
        let _ = self.cache.enqueue(&targets, terms, self.site);
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn covers(&self, key: &str) -> bool {
        self.keys.iter().any(|fenced| **fenced == *key)
    }

    /// Ends the fence, and whatever the keys hold. Dropping this future changes nothing about that.
    pub(crate) async fn end(&mut self, terms: Terms) -> Invalidation {
        let is_put = !matches!(self.hold, Hold::Redis { is_put: false, .. });
        let ended = match self.begin_end(terms) {
            // An error means that nobody is left to end it, which nobody can mend either.
            Some(ended) => ended.await.unwrap_or(Invalidation::Queued),
            None => Invalidation::Applied,
        };
        if is_put { ended } else { Invalidation::Queued }
    }

    /// [`end`](Self::end) where nothing can be awaited.
    pub(crate) fn end_detached(&mut self, terms: Terms) {
        let _ = self.begin_end(terms);
    }

    fn begin_end(&mut self, terms: Terms) -> Option<oneshot::Receiver<Invalidation>> {
        self.close_flights();
        match std::mem::replace(&mut self.hold, Hold::Over) {
            Hold::Over => None,
            Hold::Memory => {
                if let Store::Memory(memory) = &self.cache.0.store {
                    memory.unfence(&self.keys, self.token, terms.settle);
                    self.cache.count_invalidated(self.keys.len());
                }
                None
            }
            Hold::Redis { end, is_put } => {
                if !is_put {
                    self.bypass(terms);
                }
                let (ended, receiver) = oneshot::channel();
                let _ = end.send(End { terms, ended });
                Some(receiver)
            }
        }
    }

    fn close_flights(&self) {
        self.keys
            .iter()
            .for_each(|key| self.cache.0.flights.close(key));
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        self.end_detached(Terms::default());
    }
}
