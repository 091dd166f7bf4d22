//! The facts of a run as those on the stage come by them.

use super::access::Thing;
use super::stage::Stage;

impl Stage {
    pub(super) fn load_ends(&mut self, cell: usize, task: u64) {
        self.access.writes(Thing::Loads);
        self.facts.load_ends(cell, task);
    }

    pub(super) fn value(&mut self, cell: usize) -> u64 {
        self.access.reads(Thing::Row(cell));
        self.facts.value(cell)
    }

    pub(super) fn known(&mut self, cell: usize) -> u64 {
        self.access.reads(Thing::Promise(cell));
        self.facts.known(cell)
    }

    pub(super) fn commit(&mut self, cell: usize) -> u64 {
        self.access.writes(Thing::Row(cell));
        self.excuse();
        let process = self.tasks[self.running].process;
        self.facts.commit(cell, process)
    }

    pub(super) fn fence(&mut self, written: &[(usize, u64)]) {
        for (cell, value) in written {
            self.facts.fence(*cell, *value);
        }
    }

    pub(super) fn make_known(&mut self, written: &[(usize, u64)]) {
        for (cell, value) in written {
            self.access.writes(Thing::Promise(*cell));
            self.facts.make_known(*cell, *value);
        }
    }

    pub(super) fn answer(&mut self, value: u64, known: u64) {
        let seen = &self.tasks[self.running];
        let (id, name) = (seen.id, seen.name.clone());
        self.facts.answer(id, &name, value, known);
        self.add(|| format!("{name} gives {value}"));
    }
}
