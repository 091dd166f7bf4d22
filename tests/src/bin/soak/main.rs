//! Reads and writes from several processes, some of them killed, and compares every read with the
//! log of what was committed: an answer that an invalidation had ended is a stale read.
//!
//! ```sh
//! cargo run --release -p cache-tests --bin soak -- [--seconds 60] [--seed N] [--processes 4]
//! ```
//!
//! It starts a Redis server and a database of its own. The same seed makes every worker choose the
//! same calls in the same order, and the same workers are killed after the same pauses; how their
//! calls meet is up to the machine. It fails if a read was stale, or if too little was done to tell.
//!
//! ```text
//! parent ──starts, kills──▶ workers ──▶ cache ──▶ Redis
//!   ▲ reads, one record each │ └── commits, and when each was invalidated ──▶ SQLite
//!   └────────────────────────┘                                                │
//!   judge ◀───────────────────────────────────────────────────────────────────┘
//! ```

#![expect(clippy::expect_used, reason = "whoever runs it sees why it ended")]

mod choices;
mod database;
mod drop_after;
mod judge;
mod kills;
mod log;
mod options;
mod parent;
mod record;
mod report;
mod rows;
mod worker;
mod writes;

use std::process::ExitCode;

use crate::options::{Options, Worker};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let Some(worker) = Worker::read(&arguments) {
        worker::run(&worker);
        return ExitCode::SUCCESS;
    }
    match Options::read(&arguments) {
        Ok(options) => parent::run(options),
        Err(mistake) => {
            eprintln!("{mistake}");
            ExitCode::FAILURE
        }
    }
}
