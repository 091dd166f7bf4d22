//! Invalidates when a write ends, however it ends.

use std::sync::Arc;

use super::blocking::engine_to_wait_on;
use super::ending::{Affected, Ending, Phase};
use super::scope;
use super::site::Site;
use super::write::{AfterWrite, Renderer};
use crate::cache::{Aimed, Cache, Invalidation, Target, by_cache};
use crate::error::Error;
use crate::transaction::Deferred;

/// Armed before the body runs. Dropped while armed, because the body panicked, its future was
/// dropped or its runtime went away, it invalidates without awaiting.
pub(super) struct Guard {
    /// The caller's cache first; keys of functions that name a cache are invalidated there.
    ending: Ending,
    site: &'static Site,
    callers: Cache,
    /// What holds it all back until the commit.
    transaction: Option<Arc<Deferred>>,
}

impl Guard {
    /// The body may run at once, unless its keys [are to be fenced](Self::is_to_fence) before.
    pub(super) fn arm(callers: Cache, site: &'static Site, targets: Vec<Aimed>) -> Self {
        let affected = by_cache(callers.clone(), targets).into_iter();
        let affected = affected.map(|(cache, targets)| affected_in(cache, targets, site));
        let mut guard = Self {
            ending: Ending {
                affected: affected.collect(),
                phase: Phase::Before,
                site: site.name,
            },
            site,
            callers,
            transaction: scope::transaction(),
        };
        if !guard.is_to_fence() {
            guard.begin();
        }
        guard
    }

    /// Whether the keys are to be fenced before the body runs.
    pub(super) fn is_to_fence(&self) -> bool {
        self.site.is_around && !cfg!(cache_mutant = "fence_around")
    }

    /// Fences the keys.
    pub(super) async fn fence(&mut self) {
        for affected in &mut self.ending.affected {
            affected.fence(self.site.name).await;
        }
        self.begin();
    }

    /// [`fence`](Self::fence) where nothing is awaited; on a runtime's thread without waiting.
    pub(super) fn fence_blocking(&mut self) {
        if let Some(engine) = engine_to_wait_on() {
            return engine.block_on(self.fence());
        }
        for affected in &mut self.ending.affected {
            affected.fence_detached(self.site.name);
        }
        self.begin();
    }

    /// From now on something may be written.
    fn begin(&mut self) {
        self.ending.phase = Phase::Begun;
        self.defer();
    }

    /// Leaves to the transaction what is to be invalidated, unless that is over.
    fn defer(&mut self) {
        if let Some(transaction) = &self.transaction {
            transaction.take(&mut self.ending.affected);
        }
    }

    /// The body has returned: nothing more will be written.
    pub(super) fn end(&mut self) {
        self.ending.phase = Phase::Ended;
    }

    /// The body has returned this.
    pub(super) fn learn<R>(&mut self, after: &impl AfterWrite<R>, output: &R) {
        self.end();
        if after.invalidates(output) {
            let named = after.names(output, &Renderer(self.site));
            self.add(named.into_iter().filter_map(|named| named.0).collect());
        } else {
            self.ending.call_off();
        }
    }

    fn add(&mut self, targets: Vec<Target>) {
        if targets.is_empty() {
            return;
        }
        if let Some(first) = self.ending.affected.first_mut() {
            first.targets.extend(targets);
        } else {
            // The transaction has taken all the others.
            let affected = affected_in(self.callers.clone(), targets, self.site);
            self.ending.affected.push(affected);
            self.defer();
        }
    }

    /// What there was to be invalidated has been replaced.
    pub(super) fn disarm(mut self) {
        self.ending.call_off();
    }

    /// Invalidates now, and says what became of it. Dropping this future loses nothing.
    pub(super) async fn fire(mut self) -> Result<Invalidation, Error> {
        self.ending.run().await
    }

    /// [`fire`](Self::fire) where nothing is awaited; on a runtime's thread without waiting.
    pub(super) fn fire_blocking(self) {
        self.ending.run_blocking();
    }
}

fn affected_in(cache: Cache, targets: Vec<Target>, site: &Site) -> Affected {
    Affected {
        cache,
        targets,
        fence: None,
        terms: site.terms,
    }
}
