//! What a write has affected, and how it is left when the write ends.

use std::sync::Arc;

use super::blocking::engine_to_wait_on;
use crate::cache::{Cache, Invalidation, Target, Terms};
use crate::error::Error;
use crate::fence::Fence;

/// What a write affects in one cache.
pub(crate) struct Affected {
    pub(crate) cache: Cache,
    /// What is to be invalidated, but for the keys that are fenced.
    pub(crate) targets: Vec<Target>,
    pub(crate) fence: Option<Fence>,
    /// How its keys and patterns are to be invalidated.
    pub(crate) terms: Terms,
}

/// How far a write has come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing can have been written yet.
    Before,
    /// What it writes may be there, or may still come: a commit goes on though nobody waits for it.
    Begun,
    /// What it wrote is there.
    Ended,
}

/// The end of a write. Dropped, it comes without awaiting.
pub(crate) struct Ending {
    pub(crate) affected: Vec<Affected>,
    pub(crate) phase: Phase,
    pub(crate) site: &'static str,
}

impl Ending {
    /// Invalidates all, and ends the fences; says what became of the worst of it. Dropping this
    /// future loses nothing.
    pub(crate) async fn run(&mut self) -> Result<Invalidation, Error> {
        let mut worst = Ok(Invalidation::Applied);
        while let Some(affected) = self.affected.last_mut() {
            let ended = affected.end(self.phase, self.site).await;
            if worst.is_ok() && !matches!(ended, Ok(Invalidation::Applied)) {
                worst = ended;
            }
            self.affected.pop();
        }
        worst
    }

    /// Nothing was written: fences end at once, and nothing else is to be done.
    pub(super) fn call_off(&mut self) {
        for affected in &mut self.affected {
            affected.targets.clear();
            affected.terms = Terms::default();
        }
    }

    /// What a commit has answered: nobody knows what became of one that failed.
    pub(crate) fn learn<T, E>(&mut self, commit: &Result<T, E>) {
        if commit.is_ok() {
            self.phase = Phase::Ended;
        }
    }

    /// [`run`](Self::run) where nothing is awaited; on a runtime's thread without waiting at all.
    pub(crate) fn run_blocking(mut self) {
        if let Some(engine) = engine_to_wait_on() {
            report(engine.block_on(self.run()));
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        // Fences that are dropped end by themselves.
        if self.phase == Phase::Before {
            return;
        }
        for affected in &mut self.affected {
            affected.end_detached(self.phase, self.site);
        }
    }
}

impl Affected {
    /// Puts a fence before the keys, whose end will invalidate them.
    pub(super) async fn fence(&mut self, site: &'static str) {
        let keys = self.take_keys();
        if !keys.is_empty() {
            self.fence = Some(Fence::put(&self.cache, keys, site).await);
        }
    }

    /// [`fence`](Self::fence) where nothing can be awaited.
    pub(super) fn fence_detached(&mut self, site: &'static str) {
        let keys = self.take_keys();
        if !keys.is_empty() {
            self.fence = Some(Fence::put_detached(&self.cache, keys, site));
        }
    }

    fn take_keys(&mut self) -> Vec<Arc<str>> {
        let mut keys = Vec::new();
        self.targets.retain(|target| match target {
            Target::Key(key) => {
                keys.push(key.clone());
                false
            }
            Target::Pattern(_) => true,
        });
        keys
    }

    async fn end(&mut self, phase: Phase, site: &'static str) -> Result<Invalidation, Error> {
        let terms = self.terms_in(phase);
        let unfenced = match &mut self.fence {
            Some(fence) => fence.end(terms).await,
            None => Invalidation::Applied,
        };
        if self.targets.is_empty() {
            return Ok(unfenced);
        }
        match self.cache.invalidate(&self.targets, terms, site).await {
            Ok(Invalidation::Applied) => Ok(unfenced),
            other => other,
        }
    }

    fn end_detached(&mut self, phase: Phase, site: &'static str) {
        let terms = self.terms_in(phase);
        if let Some(fence) = &mut self.fence {
            fence.end_detached(terms);
        }
        if !self.targets.is_empty() {
            let invalidated = self.cache.invalidate_detached(&self.targets, terms, site);
            report(invalidated);
        }
    }

    /// A commit that nobody waits for is taken to arrive within the lease time.
    fn terms_in(&self, phase: Phase) -> Terms {
        let settle = match phase {
            Phase::Begun => self.terms.settle.max(self.cache.0.lease),
            Phase::Before | Phase::Ended => self.terms.settle,
        };
        Terms {
            settle,
            ..self.terms
        }
    }
}

/// The journal has counted and logged what it could not take, which is the only way to fail.
pub(crate) fn report(outcome: Result<Invalidation, Error>) {
    drop(outcome);
}
