//! What each fault of Redis, or of the way to it, costs those who call cached functions.
//!
//! ```sh
//! cargo run --release -p cache-tests --bin faults                # the table of docs/reliability.md
//! cargo run --release -p cache-tests --bin faults -- --list      # the faults, a line each
//! cargo run --release -p cache-tests --bin faults -- flapping [--seconds 60] [--rate 10000]
//! ```
//!
//! It starts servers of its own, with a proxy of its own before each.

#![expect(clippy::expect_used, reason = "whoever runs it sees why it ended")]

mod flapping;
mod measure;
mod table;

use std::process::ExitCode;
use std::time::Duration;

use cache_tests::Fault;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => table::print(Duration::from_secs(3)).await,
        ["--seconds", seconds] if seconds.parse::<u64>().is_ok() => {
            let seconds = seconds.parse().unwrap_or(1);
            table::print(Duration::from_secs(seconds)).await
        }
        ["--list"] => {
            for fault in Fault::ALL {
                println!("{}", fault.name());
            }
            ExitCode::SUCCESS
        }
        ["flapping", options @ ..] => match flapping::Options::read(options) {
            Some(options) => flapping::run(&options).await,
            None => usage(),
        },
        _ => usage(),
    }
}

fn usage() -> ExitCode {
    eprintln!("faults [--seconds N | --list | flapping [--seconds N] [--rate CALLS_PER_SECOND]]");
    ExitCode::FAILURE
}
