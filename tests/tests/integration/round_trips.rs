//! What a call sends to Redis, command by command, and in how many round trips.
//!
//! `MONITOR` tells what clients send from what their scripts call, which the server's counters of
//! commands do not. How often the server had to read from its clients is a counter of its own:
//! what is sent together is read together.

use std::collections::HashMap;

use cache_runtime::{cache_many, cache_result, invalidate_cache, update_cache};
use redis::aio::MultiplexedConnection;

use crate::support::Fixture;

#[cache_result(key = "plain:<id>", ttl = 60)]
async fn plain(id: u64) -> u64 {
    id
}

#[cache_result(key = "tagged:<class>:<id>", ttl = 60, tags = ["class:<class>"])]
async fn tagged(class: u64, id: u64) -> u64 {
    class + id
}

#[cache_many(key = "many:<id>", by = id in ids, ttl = 60)]
async fn many(ids: &[u64]) -> HashMap<u64, u64> {
    ids.iter().map(|id| (*id, *id)).collect()
}

#[invalidate_cache(key = "plain:<id>", tags = ["class:<id>"])]
async fn write(id: u64) {}

#[invalidate_cache(key = "plain:<id>", tags = ["class:<id>"], when = around)]
async fn write_around(id: u64) {}

#[update_cache(key = "plain:<id>", ttl = 60)]
async fn update(id: u64) -> u64 {
    id
}

/// What one call cost.
struct Cost {
    commands: Vec<String>,
    round_trips: u64,
}

impl Cost {
    /// Runs a call on a cache whose connection is open, on a server that knows the scripts.
    async fn of<T>(call: impl AsyncFn(u64) -> T) -> Self {
        let fixture = Fixture::on_redis().await;
        let server = fixture.server.as_ref().expect("a server");
        let run = async |turn| drop(fixture.cache.scope(call(turn)).await);
        let mut own = server.connection().await;
        run(1).await;
        // The cache's work in the background is counted, too, where it falls in between.
        let mut round_trips = u64::MAX;
        for turn in 10..13 {
            let before = reads(&mut own).await;
            run(turn).await;
            // One of them is our own.
            round_trips = round_trips.min(reads(&mut own).await - before - 1);
        }
        let mut monitor = server.monitor().await;
        run(3).await;
        Self {
            commands: monitor.sent().await,
            round_trips,
        }
    }

    /// The first words of its commands.
    fn names(&self) -> Vec<&str> {
        self.commands
            .iter()
            .map(|command| command.split(' ').next().unwrap_or_default())
            .collect()
    }
}

/// How often the server has read from its clients.
async fn reads(own: &mut MultiplexedConnection) -> u64 {
    let stats: String = redis::cmd("INFO")
        .arg("stats")
        .query_async(own)
        .await
        .expect("a server");
    let field = |line: &str| line.strip_prefix("total_reads_processed:")?.parse().ok();
    stats.lines().find_map(field).expect("a number")
}

#[tokio::test]
async fn a_hit_is_one_command() {
    let hit = Cost::of(async |_| plain(7).await).await;
    assert_eq!(
        (hit.commands, hit.round_trips),
        (vec!["GET plain:7".to_owned()], 1)
    );
}

#[tokio::test]
async fn a_hit_with_a_tag_is_one_command() {
    let hit = Cost::of(async |_| tagged(5, 7).await).await;
    let read = "MGET tagged:5:7 [tag]class:5".to_owned();
    assert_eq!((hit.commands, hit.round_trips), (vec![read], 1));
}

#[tokio::test]
async fn a_miss_is_three_commands() {
    // Read, take the lease, publish.
    let miss = Cost::of(async |turn| plain(turn).await).await;
    assert_eq!(miss.names(), ["GET", "EVALSHA", "EVALSHA"]);
    assert!(
        miss.commands[1..]
            .iter()
            .all(|script| script.contains(" 1 plain:3 "))
    );
    assert_eq!(miss.round_trips, 3);

    let miss = Cost::of(async |turn| tagged(5, turn).await).await;
    assert_eq!(miss.names(), ["MGET", "EVALSHA", "EVALSHA"]);
    let keys = " 2 tagged:5:3 [tag]class:5 ";
    assert!(
        miss.commands[1..]
            .iter()
            .all(|script| script.contains(keys))
    );
    assert_eq!(miss.round_trips, 3);
}

#[tokio::test]
async fn a_batch_is_one_read_one_pipeline_of_leases_and_one_of_entries() {
    let batch = Cost::of(async |turn| many(&[turn * 10, turn * 10 + 1, turn * 10 + 2]).await).await;
    let read = "MGET many:30 many:31 many:32";
    assert_eq!(batch.commands[0], read);
    assert_eq!(batch.names()[1..], ["EVALSHA"; 6]);
    assert_eq!(batch.round_trips, 3);

    let hits = Cost::of(async |_| many(&[1, 2, 3]).await).await;
    assert_eq!((hits.commands.len(), hits.round_trips), (1, 1));
}

#[tokio::test]
async fn a_write_is_one_command_and_a_fence_one_more() {
    let after = Cost::of(async |turn| write(turn).await).await;
    assert_eq!((after.names(), after.round_trips), (vec!["EVALSHA"], 1));
    let around = Cost::of(async |turn| write_around(turn).await).await;
    assert_eq!(
        (around.names(), around.round_trips),
        (vec!["EVALSHA"; 2], 2)
    );
    let update = Cost::of(async |turn| update(turn).await).await;
    assert_eq!(
        (update.names(), update.round_trips),
        (vec!["EVALSHA"; 2], 2)
    );
}
