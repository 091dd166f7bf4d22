//! Invalidates when a write ends, however it ends.

use crate::cache::{Aimed, Cache, Target, by_cache};
use crate::error::Error;

/// Armed before the body runs. Dropped while armed, because the body panicked, its future was
/// dropped or its runtime went away, it invalidates without awaiting.
pub(super) struct Guard {
    /// The caller's cache first; keys of functions that name a cache are invalidated there.
    caches: Vec<(Cache, Vec<Target>)>,
    site: &'static str,
}

impl Guard {
    pub(super) fn arm(cache: Cache, site: &'static str, targets: Vec<Aimed>) -> Self {
        let caches = by_cache(cache, targets);
        Self { caches, site }
    }

    pub(super) fn add(&mut self, targets: impl IntoIterator<Item = Target>) {
        if let Some((_, known)) = self.caches.first_mut() {
            known.extend(targets);
        }
    }

    /// Nothing was written.
    pub(super) fn disarm(mut self) {
        self.caches.clear();
    }

    /// Invalidates now. Dropping this future leaves the guard armed.
    pub(super) async fn fire(mut self) {
        while let Some((cache, targets)) = self.caches.last() {
            if !targets.is_empty() {
                report(cache.invalidate(targets, self.site).await.map(drop));
            }
            self.caches.pop();
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        for (cache, targets) in self
            .caches
            .iter()
            .filter(|(_, targets)| !targets.is_empty())
        {
            report(cache.invalidate_detached(targets, self.site).map(drop));
        }
    }
}

/// The journal has counted and logged what it could not take, which is the only way to fail.
fn report(outcome: Result<(), Error>) {
    drop(outcome);
}
