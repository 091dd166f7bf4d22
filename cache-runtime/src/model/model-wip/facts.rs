//! What is true in a run whatever the cache believes: the database, who loads, what was promised.

use super::hash::mix;

/// How often what is unlikely may happen in one schedule.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// A lease ends without its holder's knowing.
    pub(super) lease_ends: u8,
    /// An entry's time is over, or it is evicted.
    pub(super) entry_ends: u8,
    /// A process is killed.
    pub(super) crashes: u8,
    /// The future of a call is dropped.
    pub(super) drops: u8,
    /// A load fails.
    pub(super) failures: u8,
    /// The answer to a lease is lost, and the command arrives late.
    pub(super) lost: u8,
    /// A wait for others ends.
    pub(super) timeouts: u8,
}

impl Limits {
    fn sum(&self) -> u64 {
        let left = [
            self.lease_ends,
            self.entry_ends,
            self.crashes,
            self.drops,
            self.failures,
            self.lost,
            self.timeouts,
        ];
        left.iter().fold(0, |sum, left| sum * 8 + u64::from(*left))
    }
}

/// One row of the database, behind one key.
#[derive(Clone, Default)]
pub(super) struct Cell {
    /// Counts the commits.
    pub(super) value: u64,
    /// What a call that begins now must not fall behind.
    pub(super) floor: u64,
    /// Who loads, and whether another load beside it is excused.
    loads: Vec<(u64, bool)>,
}

pub(super) struct Facts {
    pub(super) cells: Vec<Cell>,
    pub(super) left: Limits,
    /// What must not happen, and did.
    pub(super) fault: Option<String>,
    /// Somebody was killed, or a command came late: then a lease ends by its time.
    pub(super) may_leave_leases: bool,
    /// Somebody has stopped waiting for others, by design.
    pub(super) may_load_twice: bool,
    /// What everybody has come to.
    pub(super) outcome: u64,
}

impl Facts {
    pub(super) fn new(cells: usize, left: Limits) -> Self {
        Self {
            cells: vec![Cell::default(); cells],
            left,
            fault: None,
            may_leave_leases: false,
            may_load_twice: false,
            outcome: 0,
        }
    }

    pub(super) fn state(&self) -> u64 {
        let cell = |sum, cell: &Cell| {
            let load = |(task, is_excused): &(u64, bool)| mix(*task, u64::from(*is_excused));
            let loads = cell.loads.iter().map(load).fold(0, u64::wrapping_add);
            mix(mix(mix(sum, cell.value), cell.floor), loads)
        };
        mix(self.cells.iter().fold(self.left.sum(), cell), self.outcome)
    }

    pub(super) fn find(&mut self, fault: impl FnOnce() -> String) {
        self.fault.get_or_insert_with(fault);
    }

    /// Something has happened after which a second load is nobody's mistake.
    pub(super) fn excuse(&mut self) {
        for cell in &mut self.cells {
            cell.loads.iter_mut().for_each(|load| load.1 = true);
        }
    }

    pub(super) fn load_begins(&mut self, cell: usize, task: u64) {
        let loads = &mut self.cells[cell].loads;
        let is_second = loads.iter().any(|(_, is_excused)| !is_excused);
        loads.push((task, false));
        if is_second && !self.may_load_twice {
            self.find(|| "two loads of one key at once".to_owned());
        }
    }

    pub(super) fn load_ends(&mut self, cell: usize, task: u64) {
        self.cells[cell].loads.retain(|(loading, _)| *loading != task);
    }

    /// Writes the row and says what it holds now.
    pub(super) fn commit(&mut self, cell: usize) -> u64 {
        let cell = &mut self.cells[cell];
        cell.value += 1;
        cell.value
    }

    /// What was committed as `value` has been made known.
    pub(super) fn promise(&mut self, cell: usize, value: u64) {
        let cell = &mut self.cells[cell];
        cell.floor = cell.floor.max(value);
    }

    /// What must be true of a key when nothing can happen any more.
    pub(super) fn judge_end(&mut self, cell: usize, is_leased: bool, entry: Option<u64>) {
        let value = self.cells[cell].value;
        if is_leased && !self.may_leave_leases {
            self.find(|| "a lease that nobody holds is left behind".to_owned());
        }
        if let Some(old) = entry.filter(|entry| *entry < value) {
            self.find(|| format!("all is over, and {old} is still stored though it is {value}"));
        }
    }
}
