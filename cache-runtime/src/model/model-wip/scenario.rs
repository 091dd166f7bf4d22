//! Who meets whom, and what may go wrong.

use super::actors;
use super::facts::Limits;
use super::stage::Task;
use crate::Cache;

/// Somebody who takes part.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Read(usize),
    ReadTwice(usize),
    Invalidate(usize),
    Update(usize),
}

pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) cells: usize,
    pub(super) processes: usize,
    /// Each in a process.
    pub(super) parts: &'static [(usize, Part)],
    pub(super) limits: Limits,
}

impl Part {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Read(_) => "read",
            Self::ReadTwice(_) => "reads",
            Self::Invalidate(_) => "write",
            Self::Update(_) => "update",
        }
    }

    pub(super) fn play(self, cache: Cache) -> Task {
        match self {
            Self::Read(cell) => Box::pin(actors::read(cache, cell)),
            Self::ReadTwice(cell) => Box::pin(async move {
                actors::read(cache.clone(), cell).await;
                actors::read(cache, cell).await;
            }),
            Self::Invalidate(cell) => Box::pin(actors::invalidate(cache, cell)),
            Self::Update(cell) => Box::pin(actors::update(cache, cell)),
        }
    }
}
