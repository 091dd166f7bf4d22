//! The table of all faults.

use std::process::ExitCode;
use std::time::Duration;

use cache_tests::Fault;

use crate::measure::{LOADER, Measured, measure};

/// Measures and prints each fault; fails if a caller got an error, or an invalidation was lost.
pub(crate) async fn print(time: Duration) -> ExitCode {
    println!(
        "Milliseconds; a loader of {} ms, 24 tasks, each fault for {} s.\n",
        LOADER.as_millis(),
        time.as_secs()
    );
    println!(
        "| fault | hit p50 | p99 | miss p50 | p99 | invalidate p50 | p99 | longest | errors | \
         Applied | Queued | a hit again after |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut is_good = true;
    for fault in std::iter::once(None).chain(Fault::ALL.map(Some)) {
        let measured = measure(fault, time).await;
        is_good &= measured.is_drained && errors(&measured) == 0;
        println!("{}", row(fault.map_or("none", Fault::name), &measured));
    }
    if is_good {
        ExitCode::SUCCESS
    } else {
        eprintln!("callers got errors, or invalidations were still queued after 10 s");
        ExitCode::FAILURE
    }
}

fn errors(measured: &Measured) -> usize {
    measured.acts.iter().map(|fared| fared.errors).sum()
}

fn row(name: &str, measured: &Measured) -> String {
    let mut cells = vec![name.to_owned()];
    for fared in &measured.acts {
        cells.push(millis(fared.took.median()));
        cells.push(millis(fared.took.percentile(99)));
    }
    let longest = measured.acts.iter().map(|fared| fared.took.longest()).max();
    cells.push(millis(longest.unwrap_or_default()));
    cells.push(errors(measured).to_string());
    let total = |count: fn(&crate::measure::Fared) -> usize| {
        let total: usize = measured.acts.iter().map(count).sum();
        total.to_string()
    };
    cells.push(total(|fared| fared.applied));
    cells.push(total(|fared| fared.queued));
    cells.push(millis(measured.back));
    format!("| {} |", cells.join(" | "))
}

fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1_000.0)
}
