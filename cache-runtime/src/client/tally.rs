//! What connections there are and have been.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The connections of one cache, counted.
#[derive(Default)]
pub(crate) struct Tally {
    opened: AtomicU64,
    failed: AtomicU64,
    open: AtomicU64,
    waits: AtomicU64,
}

/// A connection that counts as open until this is dropped.
pub(super) struct Counted(Arc<Tally>);

impl Tally {
    pub(super) fn opened(self: &Arc<Self>) -> Counted {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        Counted(self.clone())
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn waited(&self) {
        self.waits.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self, in_flight: usize, changes: u64) -> Connections {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Connections {
            opened: count(&self.opened),
            failed: count(&self.failed),
            open: count(&self.open),
            waits: count(&self.waits),
            in_flight: in_flight as u64,
            changes,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connections of a cache to Redis; of a cluster, each stands for one to every node.
///
/// ```
/// let connections = cache_runtime::Cache::in_memory().connections();
/// assert_eq!((connections.opened, connections.open), (0, 0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Connections {
    /// How many were opened since the cache was built.
    pub opened: u64,
    /// How many attempts to open one failed.
    pub failed: u64,
    /// How many are open now.
    pub open: u64,
    /// How many commands wait for their answer now.
    pub in_flight: u64,
    /// How often another server was behind a connection than before: one that was started anew, a
    /// new primary, other slots; a reconnect counts as well.
    pub changes: u64,
    /// How often somebody had to wait for a dedicated connection, because all were in use.
    pub waits: u64,
}
