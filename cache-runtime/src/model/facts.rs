//! What is true in a run whatever the cache believes: the rows, who loads, what was made known.

use super::hash::mix;

/// How often each unlikely thing may happen in one schedule.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// A lease ends without its holder's knowing.
    pub(super) lease_ends: u8,
    /// The time of an entry is over, or it is evicted.
    pub(super) entry_ends: u8,
    /// The generation of a tag is evicted.
    pub(super) tag_ends: u8,
    /// Time passes: what is fresh becomes stale.
    pub(super) time: u8,
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
    fn state(&self) -> u64 {
        let left = [
            self.lease_ends,
            self.entry_ends,
            self.tag_ends,
            self.time,
            self.crashes,
            self.drops,
            self.failures,
            self.lost,
            self.timeouts,
        ];
        left.iter().fold(0, |sum, left| sum * 4 + u64::from(*left))
    }
}

/// One row of the database, behind one key.
#[derive(Clone, Default)]
struct Row {
    /// How often it was written.
    value: u64,
    /// The process that wrote it last.
    writer: usize,
    /// What a call that begins now must not fall behind.
    known: u64,
    /// What nobody may find stored any more, though it may not be made known yet.
    fenced: u64,
    /// Who loads it, and whether there is an excuse for another load beside.
    loads: Vec<(u64, bool)>,
    /// Its writer was killed before it could invalidate.
    may_stay_stale: bool,
}

pub(super) struct Facts {
    pub(super) left: Limits,
    rows: Vec<Row>,
    /// What must not happen, and did.
    fault: Option<String>,
    /// Somebody was killed or dropped, or a command came late: then claims end by their time.
    may_leave_claims: bool,
    /// Somebody loads beside others, by design.
    may_load_twice: bool,
    /// What everybody has come to.
    outcome: u64,
}

impl Facts {
    pub(super) fn new(rows: usize, left: Limits) -> Self {
        Self {
            left,
            rows: vec![Row::default(); rows],
            fault: None,
            may_leave_claims: false,
            may_load_twice: false,
            outcome: 0,
        }
    }

    pub(super) fn state(&self) -> u64 {
        let row = |sum, row: &Row| {
            let load = |(task, excused): &(u64, bool)| mix(*task, u64::from(*excused));
            let loads = row.loads.iter().map(load).fold(0, u64::wrapping_add);
            let stale = u64::from(row.may_stay_stale);
            [row.value, row.known, row.fenced, loads, stale]
                .into_iter()
                .fold(sum, mix)
        };
        let flags = u64::from(self.may_leave_claims) * 2 + u64::from(self.may_load_twice);
        let sum = mix(self.left.state(), mix(flags, self.outcome));
        self.rows.iter().fold(sum, row)
    }

    /// What it has come to for those who asked and those who will.
    pub(super) fn outcome(&self) -> u64 {
        let row = |sum, row: &Row| mix(mix(sum, row.value), row.known);
        self.rows.iter().fold(self.outcome, row)
    }

    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    pub(super) fn find(&mut self, fault: impl FnOnce() -> String) {
        self.fault.get_or_insert_with(fault);
    }

    /// Something has happened after which a second load is nobody's mistake.
    pub(super) fn excuse(&mut self) {
        let loads = self.rows.iter_mut().flat_map(|row| &mut row.loads);
        loads.for_each(|(_, is_excused)| *is_excused = true);
    }

    pub(super) fn may_load_twice(&mut self) {
        self.may_load_twice = true;
    }

    pub(super) fn load_begins(&mut self, row: usize, task: u64, is_excused: bool) {
        let loads = &mut self.rows[row].loads;
        let is_second = loads.iter().any(|(_, is_excused)| !is_excused);
        loads.push((task, is_excused));
        if is_second && !is_excused && !self.may_load_twice {
            self.find(|| "two loads of one key at once".to_owned());
        }
    }

    pub(super) fn load_ends(&mut self, row: usize, task: u64) {
        self.rows[row].loads.retain(|(other, _)| *other != task);
    }

    pub(super) fn is_fenced(&self, row: usize) -> bool {
        self.rows[row].fenced > 0
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn value(&self, row: usize) -> u64 {
        self.rows[row].value
    }

    pub(super) fn known(&self, row: usize) -> u64 {
        self.rows[row].known
    }

    /// Writes the row, and says what it holds then.
    pub(super) fn commit(&mut self, row: usize, process: usize) -> u64 {
        let row = &mut self.rows[row];
        row.value += 1;
        row.writer = process;
        row.value
    }

    /// What was written before must not be found stored from now on.
    pub(super) fn fence(&mut self, row: usize, value: u64) {
        self.rows[row].fenced = value;
    }

    /// The write has returned to its caller.
    pub(super) fn make_known(&mut self, row: usize, value: u64) {
        let known = &mut self.rows[row].known;
        *known = value.max(*known);
    }

    /// A call that began when `known` had been made known comes to `value`.
    pub(super) fn answer(&mut self, who: u64, name: &str, value: u64, known: u64) {
        self.outcome = self.outcome.wrapping_add(mix(who, value + 1));
        if value < known {
            self.find(|| format!("{name} gives {value}, and {known} was known when it began"));
        }
    }

    pub(super) fn lateness(&mut self) {
        self.excuse();
        self.may_leave_claims = true;
    }

    /// Whoever has written and not made it known never will.
    pub(super) fn crash(&mut self, process: usize) {
        self.lateness();
        for row in &mut self.rows {
            row.may_stay_stale |= row.writer == process && row.value > row.known;
        }
    }

    /// What must be true of the store at any time.
    pub(super) fn judge(&mut self, row: usize, stored: Option<u64>) {
        let fenced = self.rows[row].fenced;
        if let Some(old) = stored.filter(|stored| *stored < fenced) {
            self.find(|| format!("{old} can be read though {fenced} is committed"));
        }
    }

    /// What must be true of the store when nothing can happen any more.
    pub(super) fn judge_end(&mut self, row: usize, stored: Option<u64>, is_claimed: bool) {
        let Row {
            value,
            may_stay_stale,
            ..
        } = self.rows[row];
        if is_claimed && !self.may_leave_claims {
            self.find(|| "a lease or fence that nobody holds is left".to_owned());
        }
        if let Some(old) = stored.filter(|stored| *stored < value && !may_stay_stale) {
            self.find(|| format!("all is over, and {old} is stored though {value} is committed"));
        }
        self.outcome = mix(self.outcome, stored.map_or(0, |stored| stored + 1));
    }
}
