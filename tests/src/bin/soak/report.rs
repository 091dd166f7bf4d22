//! What came of a run, and whether that is enough.

use std::collections::HashSet;
use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use crate::choices::{View, Write};
use crate::database::Commit;
use crate::judge::{Claim, Judge, Stale};
use crate::log::COUNTERS;
use crate::options::Options;
use crate::parent::Life;
use crate::worker::LEASE;

/// Stale reads that are shown in full.
const SHOWN: usize = 5;

pub(crate) struct Report {
    options: Options,
    reads: usize,
    invalidations: usize,
    updates: usize,
    /// Writes within a fence that a kill ended between their commit and their end.
    cut_short: usize,
    kills: usize,
    claims: usize,
    stale: usize,
    /// The first of them.
    shown: Vec<String>,
    tallies: [u64; COUNTERS.len()],
}

impl Report {
    pub(crate) fn new(options: Options, lives: &[Life], commits: &[Commit]) -> Self {
        let claims = claims(commits, lives);
        let count = |of: &dyn Fn(&Commit) -> bool| {
            let ids: HashSet<_> = commits
                .iter()
                .filter(|commit| of(commit))
                .map(|commit| commit.id)
                .collect();
            ids.len()
        };
        let is_update = |commit: &Commit| commit.writing.write == Write::Update;
        let is_applied = |commit: &Commit| commit.applied_at.is_some();
        let cut_short = |commit: &Commit| !is_applied(commit) && in_force(commit, lives).is_some();
        let mut tallies = [0; COUNTERS.len()];
        for life in lives {
            for (sum, tally) in tallies.iter_mut().zip(life.tallies) {
                *sum += tally;
            }
        }
        let (claimed, judge) = (claims.len(), Judge::new(claims));
        let stale = || {
            let reads = lives
                .iter()
                .flat_map(|life| life.reads.iter().map(move |read| (life, *read)));
            reads.filter_map(|(life, read)| Some((life, judge.stale(read)?)))
        };
        Self {
            options,
            reads: lives.iter().map(|life| life.reads.len()).sum(),
            invalidations: count(&|commit| is_applied(commit) && !is_update(commit)),
            updates: count(&|commit| is_applied(commit) && is_update(commit)),
            cut_short: count(&cut_short),
            kills: lives.iter().filter(|life| life.killed_at.is_some()).count(),
            claims: claimed,
            stale: stale().count(),
            shown: stale()
                .take(SHOWN)
                .map(|(life, stale)| show(life, stale))
                .collect(),
            tallies,
        }
    }

    /// Failure if a read was stale, or if too little was done to tell.
    pub(crate) fn verdict(&self) -> ExitCode {
        let seconds = self.options.seconds as usize;
        let least = [
            ("reads", self.reads, 5_000 * seconds),
            ("invalidations", self.invalidations, 10_000 * seconds / 60),
            ("kills", self.kills, 20 * seconds / 60),
        ];
        let mut code = ExitCode::SUCCESS;
        for (name, count, least) in least {
            if count < least {
                println!("too few {name}: {count}, not {least}");
                // A short run shows that it works; it may share the machine.
                if seconds >= 60 {
                    code = ExitCode::FAILURE;
                }
            }
        }
        if self.stale == 0 {
            return code;
        }
        ExitCode::FAILURE
    }
}

fn show(life: &Life, Stale { read, claim }: Stale) -> String {
    let late = read.start.saturating_sub(claim.from);
    format!(
        "stale: worker {} in its life {}, {:?} of row {}: version {}, {late:?} after {} was in force \
         ({:?})",
        life.worker,
        life.incarnation,
        read.view,
        read.key,
        read.version,
        claim.version,
        claim.write
    )
}

/// From when on what was committed is to be answered. A process that was killed has not said so
/// of its last writes; those within a fence hold all the same, once that is over.
fn in_force(commit: &Commit, lives: &[Life]) -> Option<Duration> {
    let of_same = |life: &&Life| {
        (life.worker, life.incarnation) == (commit.writing.worker, commit.writing.incarnation)
    };
    commit.applied_at.or_else(|| {
        let killed_at = lives.iter().find(of_same)?.killed_at?;
        commit
            .writing
            .write
            .is_fenced()
            .then_some(killed_at + LEASE)
    })
}

fn claims(commits: &[Commit], lives: &[Life]) -> Vec<Claim> {
    let of_view = |view: View| {
        commits.iter().filter_map(move |commit| {
            let from = in_force(commit, lives)?;
            let reaches = commit.writing.write.reaches(view);
            reaches.then_some(Claim {
                view,
                key: commit.key,
                version: commit.version,
                from,
                write: commit.writing.write,
            })
        })
    };
    View::ALL.into_iter().flat_map(of_view).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stale in &self.shown {
            writeln!(f, "{stale}")?;
        }
        let counts = [
            ("reads", self.reads),
            ("invalidations", self.invalidations),
            ("updates", self.updates),
            ("fenced writes cut short by a kill", self.cut_short),
            ("claims", self.claims),
            ("kills", self.kills),
        ];
        for (name, count) in counts {
            writeln!(f, "{name}: {count}")?;
        }
        for ((name, _), count) in COUNTERS.iter().zip(self.tallies) {
            writeln!(f, "{name}: {count}")?;
        }
        let [hits, misses, ..] = self.tallies;
        #[expect(clippy::cast_precision_loss, reason = "below 2^52 reads")]
        let ratio = hits as f64 / (hits + misses) as f64;
        writeln!(f, "hit ratio: {ratio:.3}")?;
        writeln!(f, "stale reads: {}", self.stale)
    }
}
