//! What one step looks at and changes, to tell steps whose order makes no difference.

use super::hash;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Access {
    reads: u64,
    writes: u64,
    /// Who has run.
    tasks: u64,
}

/// Something that steps have in common. Two things that share a bit only cost time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Thing {
    Key(u64),
    /// What the tasks of a process share.
    Process(usize),
    Row(usize),
    Promise(usize),
    Loads,
    Limits,
}

impl Thing {
    pub(super) fn key(key: &str) -> Self {
        Self::Key(hash::text(key))
    }

    fn bit(self) -> u64 {
        let place = match self {
            Self::Key(key) => key % 24,
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
    pub(super) fn reads(&mut self, thing: Thing) {
        self.reads |= thing.bit();
    }

    pub(super) fn writes(&mut self, thing: Thing) {
        self.writes |= thing.bit();
    }

    pub(super) fn runs(&mut self, task: u64) {
        self.tasks |= 1 << (task % 64);
    }

    pub(super) fn is_everything(&mut self) {
        self.writes = u64::MAX;
    }

    /// Whether both come to the same in either order.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        let clash = self.writes & (other.reads | other.writes) | other.writes & self.reads;
        clash | self.tasks & other.tasks == 0
    }
}
