//! A command whose sender has given up on it, and that arrives all the same.

use std::sync::Arc;
use std::time::Duration;

use super::hash;
use crate::entry::Token;
use crate::store::{Keyed, Reading, Take};

/// A lease that is asked for.
pub(super) struct Late {
    pub(super) token: Token,
    pub(super) tag_life: Duration,
    key: Arc<str>,
    tags: Vec<Arc<str>>,
    take: Owned,
}

/// What the lease may take the place of.
enum Owned {
    Absent,
    Exactly(Reading),
    Keeping(Reading),
    Steal(u32),
    Refresh(u32),
}

impl Late {
    pub(super) fn new(at: Keyed<'_>, token: Token, take: Take<'_>, tag_life: Duration) -> Self {
        Self {
            token,
            tag_life,
            key: at.key.clone(),
            tags: at.tags.to_vec(),
            take: match take {
                Take::Absent => Owned::Absent,
                Take::Exactly(reading) => Owned::Exactly(reading.clone()),
                Take::Keeping(reading) => Owned::Keeping(reading.clone()),
                Take::Steal { version } => Owned::Steal(version),
                Take::Refresh { version } => Owned::Refresh(version),
            },
        }
    }

    pub(super) fn at(&self) -> Keyed<'_> {
        Keyed {
            key: &self.key,
            tags: &self.tags,
        }
    }

    pub(super) fn take(&self) -> Take<'_> {
        match &self.take {
            Owned::Absent => Take::Absent,
            Owned::Exactly(reading) => Take::Exactly(reading),
            Owned::Keeping(reading) => Take::Keeping(reading),
            Owned::Steal(version) => Take::Steal { version: *version },
            Owned::Refresh(version) => Take::Refresh { version: *version },
        }
    }

    pub(super) fn state(&self) -> u64 {
        hash::of_bytes(self.token.as_slice())
    }
}
