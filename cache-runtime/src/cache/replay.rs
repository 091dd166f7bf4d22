//! What a server that takes over may lack: a replica that missed a delete, a restart from an old
//! dump. What was invalidated lately is invalidated again, and bypassed until that is through.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;

use super::journal::{Replayed, Target, Terms};
use super::{Cache, Inner};
use crate::client::engine;
use crate::observe::Event;
use crate::store::{Keyed, Store};

const HEARTBEAT: Duration = Duration::from_millis(500);

impl Cache {
    /// Whether what Redis has at the key can't be trusted, because its invalidation is queued, or
    /// because another server has taken over and is yet to be told of it. To be asked after
    /// reading, too: the server may have changed just before.
    pub(crate) fn distrusts(&self, at: Keyed<'_>) -> bool {
        self.notice_changes();
        self.0.journal.holds_any(at)
    }

    fn notice_changes(&self) {
        if let Store::Redis(redis) = &self.0.store {
            let changes = redis.changes();
            if !self.0.journal.has_seen(changes) {
                self.replay(changes);
            }
        }
    }

    #[cold]
    fn replay(&self, changes: u64) {
        if cfg!(cache_mutant = "replay") {
            return;
        }
        let Replayed {
            must_drain,
            distrusts_all,
        } = self.0.journal.replay(changes);
        if distrusts_all {
            self.count(Event::ReplayOverflow);
            tracing::error!(
                "more was invalidated lately than is remembered (`journal_capacity`), and redis \
                 may have lost it: for the time of `replay_window` this process bypasses all keys"
            );
        }
        if must_drain {
            engine::spawn(self.clone().drain());
        }
    }

    /// Remembers what is being invalidated.
    pub(crate) fn remember(&self, targets: &[Target], terms: Terms) {
        self.remember_each(targets.iter().map(|target| (target, terms)));
    }

    pub(super) fn remember_each<'a>(&self, targets: impl Iterator<Item = (&'a Target, Terms)>) {
        let Store::Redis(redis) = &self.0.store else {
            return;
        };
        if self.0.journal.remember(targets) {
            for changes in redis.watch() {
                engine::spawn(watch(Arc::downgrade(&self.0), changes));
            }
            engine::spawn(listen(Arc::downgrade(&self.0)));
        }
    }
}

/// Asks the server for a sign of life while there is something that it must not lose: a process
/// that asks for nothing else would not notice that another server has taken over.
async fn listen(inner: Weak<Inner>) {
    while let Some(inner) = inner.upgrade() {
        if let (Store::Redis(redis), true) = (&inner.store, inner.journal.remembers()) {
            redis.listen().await;
        }
        drop(inner);
        tokio::time::sleep(HEARTBEAT).await;
    }
}

/// Replays when the server changes, also where nobody reads.
async fn watch(inner: Weak<Inner>, mut changes: watch::Receiver<u64>) {
    while changes.changed().await.is_ok() {
        let Some(inner) = inner.upgrade() else {
            return;
        };
        Cache(inner).notice_changes();
    }
}
