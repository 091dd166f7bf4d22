//! A process that is killed while it loads.

use std::time::{Duration, Instant};

use cache_tests::RedisServer;

use crate::TURN;
use crate::actor::Actor;

const LEASE: Duration = Duration::from_millis(500);
/// For others to notice, to load and to say so, on a busy machine.
const NOTICE: Duration = Duration::from_millis(300);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_holder_frees_the_others_when_its_lease_ends() {
    let _turn = TURN.lock().await;
    let server = RedisServer::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("7"), "1").expect("a row");
    let start = || Actor::start(&server, LEASE, folder.path());
    let (mut holder, mut waiting) = (start(), [start(), start(), start()]);
    assert_eq!(holder.ask("hold 7"), "loading");
    for process in &mut waiting {
        process.tell("read 7");
    }
    // Twice, so that the holder keeps its lease for longer than it would last by itself.
    let renewals = renewed(&server, "row:7").await + renewed(&server, "row:7").await;
    assert!(waiting.iter().all(Actor::is_silent), "it is loading");

    holder.kill();
    let killed = Instant::now();
    let answers: Vec<_> = waiting.iter().map(Actor::line).collect();
    let freed = killed.elapsed();
    println!("held for {renewals:?} of renewals, freed {freed:?} after the kill");
    assert!(freed < LEASE + NOTICE, "{freed:?}");
    let loads = answers.iter().filter(|answer| *answer == "1 after 1 load");
    assert_eq!(loads.count(), 1, "{answers:?}");
    let others = answers.iter().filter(|answer| *answer == "1 after 0 loads");
    assert_eq!(others.count(), 2, "{answers:?}");
}

/// Waits until the time that a key has left grows, and says after how long.
async fn renewed(server: &RedisServer, key: &str) -> Duration {
    let start = Instant::now();
    let mut left: i64 = server.command(("PTTL", key)).await;
    loop {
        let now: i64 = server.command(("PTTL", key)).await;
        assert!(now > 0, "the lease is gone: {now}");
        if now > left {
            return start.elapsed();
        }
        left = now;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
