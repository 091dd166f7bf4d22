//! Measures hits and stampedes, and prints Markdown.
//!
//! `hits [--rounds <number>] [--slice <milliseconds>] [--quick] [redis|delayed|embedded|tags|stampede]..`

use std::process::Command;

use cache_benches::options::{CommandLine, Options};
use cache_benches::redis_hits::Outcome;
use cache_benches::{embedded, redis_hits, stampede, tags};

const SECTIONS: [&str; 5] = ["redis", "delayed", "embedded", "tags", "stampede"];

fn main() -> Outcome<()> {
    let line = CommandLine::read(std::env::args().skip(1))?;
    match line.sections.as_slice() {
        [] => SECTIONS
            .iter()
            .try_for_each(|section| in_a_process(section)),
        sections => sections.iter().try_for_each(|section| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()?;
            runtime.block_on(measure(section, line.options))
        }),
    }
}

/// Each section has the global cache, which can only be started once, as applications have it.
fn in_a_process(section: &str) -> Outcome<()> {
    let status = Command::new(std::env::current_exe()?)
        .args(std::env::args().skip(1))
        .arg(section)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("`{section}` failed: {status}").into())
    }
}

async fn measure(section: &str, options: Options) -> Outcome<()> {
    match section {
        "redis" => redis_hits::direct(options).await,
        "delayed" => redis_hits::delayed(options).await,
        "embedded" => embedded::hits(options).await,
        "tags" => tags::hits(options).await,
        "stampede" => stampede::misses(options).await,
        unknown => Err(format!("there is no section `{unknown}`: {}", SECTIONS.join(", ")).into()),
    }
}
