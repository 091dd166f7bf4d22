//! Invalidates when a write ends, however it ends.

use crate::cache::{Cache, Target};
use crate::error::Error;

/// Armed before the body runs. Dropped while armed, because the body panicked, its future was
/// dropped or its runtime went away, it invalidates without awaiting.
pub(super) struct Guard {
    cache: Cache,
    site: &'static str,
    targets: Vec<Target>,
}

impl Guard {
    pub(super) fn arm(cache: Cache, site: &'static str, targets: Vec<Target>) -> Self {
        Self {
            cache,
            site,
            targets,
        }
    }

    pub(super) fn add(&mut self, targets: impl IntoIterator<Item = Target>) {
        self.targets.extend(targets);
    }

    /// Nothing was written.
    pub(super) fn disarm(mut self) {
        self.targets.clear();
    }

    /// Invalidates now. Dropping this future leaves the guard armed.
    pub(super) async fn fire(mut self) {
        if self.targets.is_empty() {
            return;
        }
        let outcome = self.cache.invalidate(&self.targets, self.site).await;
        self.targets.clear();
        report(outcome.map(drop));
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.targets.is_empty() {
            report(
                self.cache
                    .invalidate_detached(&self.targets, self.site)
                    .map(drop),
            );
        }
    }
}

/// The journal has counted and logged what it could not take, which is the only way to fail.
fn report(outcome: Result<(), Error>) {
    drop(outcome);
}
