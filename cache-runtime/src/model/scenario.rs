//! Who meets whom, and what may go wrong.

use super::actors::{self, Aim, When};
use super::facts::Limits;
use super::stage::Task;
use crate::Cache;

/// How reads are annotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    Plain,
    Stale,
    StaleByCaller,
    FailSafe,
    /// With a soft timeout.
    Soft,
    Tagged,
    TaggedFailSafe,
}

/// Somebody's part.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Read(usize),
    ReadTwice(usize),
    /// All cells at once.
    ReadAll,
    Write(Aim, When),
    Update(usize),
}

/// What is there when it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Nothing,
    Stored,
    /// Past its time to live.
    Old,
}

#[derive(Clone, Copy)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) policy: Policy,
    pub(super) start: Start,
    pub(super) cells: usize,
    pub(super) processes: usize,
    /// Each in a process.
    pub(super) parts: &'static [(usize, Part)],
    pub(super) limits: Limits,
}

impl Policy {
    pub(super) fn is_tagged(self) -> bool {
        matches!(self, Self::Tagged | Self::TaggedFailSafe)
    }
}

impl Part {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Read(_) => "read",
            Self::ReadTwice(_) => "reads",
            Self::ReadAll => "batch",
            Self::Write(..) => "write",
            Self::Update(_) => "update",
        }
    }

    pub(super) fn play(self, cache: Cache, policy: Policy, cells: usize) -> Task {
        match self {
            Self::Read(cell) => Box::pin(actors::read(cache, cell, policy)),
            Self::ReadTwice(cell) => Box::pin(async move {
                actors::read(cache.clone(), cell, policy).await;
                actors::read(cache, cell, policy).await;
            }),
            Self::ReadAll => Box::pin(actors::read_all(cache, cells, policy)),
            Self::Write(aim, when) => Box::pin(actors::invalidate(cache, aim, when)),
            Self::Update(cell) => Box::pin(actors::update(cache, cell)),
        }
    }
}
