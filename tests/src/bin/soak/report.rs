//! What came of a run, and whether that is enough.

use std::fmt;
use std::process::ExitCode;

use crate::choices::{View, Write};
use crate::database::Commit;
use crate::judge::{Claim, Judge, Stale};
use crate::log::COUNTERS;
use crate::options::Options;
use crate::parent::Life;

/// Stale reads that are shown in full.
const SHOWN: usize = 5;

pub(crate) struct Report {
    options: Options,
    reads: usize,
    invalidations: usize,
    updates: usize,
    kills: usize,
    claims: usize,
    stale: usize,
    /// The first of them.
    shown: Vec<String>,
    tallies: [u64; COUNTERS.len()],
}

impl Report {
    pub(crate) fn new(options: Options, lives: &[Life], commits: &[Commit]) -> Self {
        let claims = claims(commits);
        let applied = |write: fn(Write) -> bool| {
            let applied = commits.iter().filter(|commit| commit.applied_at.is_some());
            applied.filter(|commit| write(commit.writing.write)).count()
        };
        let mut tallies = [0; COUNTERS.len()];
        for life in lives {
            for (sum, tally) in tallies.iter_mut().zip(life.tallies) {
                *sum += tally;
            }
        }
        let (count, judge) = (claims.len(), Judge::new(claims));
        let stale = || {
            let reads = lives
                .iter()
                .flat_map(|life| life.reads.iter().map(move |read| (life, *read)));
            reads.filter_map(|(life, read)| Some((life, judge.stale(read)?)))
        };
        Self {
            options,
            reads: lives.iter().map(|life| life.reads.len()).sum(),
            invalidations: applied(|write| write != Write::Update),
            updates: applied(|write| write == Write::Update),
            kills: lives.iter().filter(|life| life.killed_at.is_some()).count(),
            claims: count,
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
                code = ExitCode::FAILURE;
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
        "stale: worker {} in its life {}, {:?} of row {}: version {}, {late:?} after {} was applied",
        life.worker, life.incarnation, read.view, read.key, read.version, claim.version
    )
}

/// What the log of commits says about later reads.
fn claims(commits: &[Commit]) -> Vec<Claim> {
    let of_view = |view: View| {
        commits.iter().filter_map(move |commit| {
            let from = commit.applied_at?;
            let reaches = commit.writing.write.reaches(view);
            reaches.then_some(Claim {
                view,
                key: commit.key,
                version: commit.version,
                from,
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
