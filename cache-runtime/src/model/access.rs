//! What a step looks at and changes, to tell steps whose order makes no difference.

use super::hash;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Access {
    reads: u64,
    writes: u64,
    /// Who has run.
    tasks: u64,
}

/// What steps can have in common. Two things that share a bit cost time and hide nothing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Thing<'a> {
    Key(&'a str),
    /// What the tasks of a process share.
    Process(usize),
    Row(usize),
    /// What has been made known of a row.
    Promise(usize),
    Loads,
    /// How often the unlikely may still happen.
    Limits,
}

impl Thing<'_> {
    fn bit(self) -> u64 {
        let place = match self {
            Self::Key(key) => hash::of_text(key) % 24,
            Self::Process(process) => 24 + process as u64 % 8,
            Self::Row(cell) => 32 + cell as u64 % 8,
            Self::Promise(cell) => 40 + cell as u64 % 8,
            Self::Loads => 48,
            Self::Limits => 49,
        };
        1 << place
    }
}

impl Access {
    pub(super) fn reads(&mut self, thing: Thing<'_>) {
        self.reads |= thing.bit();
    }

    pub(super) fn writes(&mut self, thing: Thing<'_>) {
        self.writes |= thing.bit();
    }

    pub(super) fn runs(&mut self, task: u64) {
        self.tasks |= 1 << (task % 64);
    }

    pub(super) fn is_of_everything(&mut self) {
        self.writes = u64::MAX;
    }

    /// Whether two steps come to the same in either order.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        let clash = self.writes & (other.reads | other.writes) | other.writes & self.reads;
        clash | self.tasks & other.tasks == 0
    }
}
