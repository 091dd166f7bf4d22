//! Whatever is in Redis, a function answers: what it can't read is a miss, counted.

use std::time::Duration;

use cache_runtime::{Cache, cache_result};
use serde::{Deserialize, Serialize};

use crate::support::{Fixture, Runs};

#[cache_result(key = "value", ttl = 60, key_ignores(runs))]
async fn value(runs: Runs) -> Vec<u64> {
    runs.run();
    vec![1, 2, 3]
}

async fn overwrites(fixture: &Fixture, bytes: &[u8]) {
    let server = fixture.server.as_ref().expect("a server");
    let () = server.command(("SET", "value", bytes)).await;
    let runs = Runs::default();
    let before = fixture.cache.stats();
    for _ in 0..2 {
        assert_eq!(fixture.cache.scope(value(runs.clone())).await, [1, 2, 3]);
    }
    assert_eq!(runs.count(), 1, "a miss, then a hit: {bytes:?}");
    assert_eq!(fixture.cache.stats().unreadable, before.unreadable + 1);
}

#[tokio::test]
async fn any_bytes_are_a_miss_and_are_overwritten() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    fixture.cache.scope(value(Runs::default())).await;
    let entry: Vec<u8> = server.command(("GET", "value")).await;
    overwrites(&fixture, b"").await;
    overwrites(&fixture, b"[1,2,3]").await;
    overwrites(&fixture, "\u{1F980} \0 text".as_bytes()).await;
    overwrites(&fixture, &[0xFF; 100]).await;
    for length in 0..entry.len() {
        overwrites(&fixture, &entry[..length]).await;
    }
    for byte in (0..entry.len()).filter(|byte| *byte != 3) {
        let mut flipped = entry.clone();
        flipped[byte] ^= 0x10;
        overwrites(&fixture, &flipped).await;
    }
}

#[tokio::test]
async fn what_is_not_a_string_is_left_alone() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let () = server.command(("RPUSH", "value", "mine")).await;
    let runs = Runs::default();
    for _ in 0..2 {
        assert_eq!(fixture.cache.scope(value(runs.clone())).await, [1, 2, 3]);
    }
    assert_eq!(runs.count(), 2);
    assert_eq!(fixture.cache.stats().unfit, 2);
    assert_eq!(
        server
            .command::<Vec<String>>(("LRANGE", "value", 0, -1))
            .await,
        ["mine"]
    );
}

mod old {
    use super::{Deserialize, Runs, Serialize, cache_result};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct User {
        pub(super) id: u32,
        pub(super) tags: Vec<u32>,
    }

    #[cache_result(key = "user", ttl = 60, key_ignores(runs))]
    pub(super) async fn user(runs: Runs) -> User {
        runs.run();
        User {
            id: 1,
            tags: vec![],
        }
    }
}

mod new {
    use super::{Deserialize, Runs, Serialize, cache_result};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    pub(super) struct User {
        pub(super) id: u32,
        pub(super) tags: Vec<String>,
    }

    #[cache_result(key = "user", ttl = 60, companion = none, key_ignores(runs))]
    pub(super) async fn user(runs: Runs) -> User {
        runs.run();
        User {
            id: 1,
            tags: vec![],
        }
    }

    #[cache_result(key = "user", ttl = 60, version = 2, companion = none, key_ignores(runs))]
    pub(super) async fn user_2(runs: Runs) -> User {
        runs.run();
        User {
            id: 2,
            tags: vec![],
        }
    }
}

#[tokio::test]
async fn a_struct_that_changed_shape_is_a_miss_though_its_bytes_would_decode() {
    let fixture = Fixture::on_redis().await;
    let runs = Runs::default();
    fixture.cache.scope(old::user(runs.clone())).await;
    fixture.cache.scope(new::user(runs.clone())).await;
    fixture.cache.scope(new::user(runs.clone())).await;
    assert_eq!(runs.count(), 2);
    assert_eq!(fixture.cache.stats().unreadable, 1);
}

#[tokio::test]
async fn old_code_never_overwrites_what_newer_code_wrote() {
    let fixture = Fixture::on_redis().await;
    let runs = Runs::default();
    let run = |cache: Cache, runs: Runs| async move {
        cache.scope(new::user_2(runs.clone())).await;
        cache.scope(new::user(runs.clone())).await;
        cache.scope(new::user_2(runs)).await
    };
    assert_eq!(run(fixture.cache.clone(), runs.clone()).await.id, 2);
    assert_eq!(runs.count(), 2, "the newer entry was still there");
    assert_eq!(fixture.cache.stats().newer, 1);
}

#[tokio::test]
async fn a_lease_whose_process_was_killed_ends_by_itself() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let killed = Cache::builder()
        .redis_url(server.url())
        .lease(Duration::from_millis(300));
    let killed = killed.build().expect("a valid configuration");
    #[cache_result(key = "value", ttl = 60, companion = none)]
    async fn endless() -> Vec<u64> {
        std::future::pending().await
    }
    // Its lease is renewed only by its own runtime.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("one");
    let runtime = std::thread::spawn(move || {
        let call = killed.scope(async { cache_runtime::spawn(endless()) });
        drop(runtime.block_on(async {
            drop(call.await);
            tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>()).await
        }));
        std::mem::forget(runtime);
    });
    runtime.join().expect("a thread");
    let runs = Runs::default();
    assert_eq!(fixture.cache.scope(value(runs.clone())).await, [1, 2, 3]);
    assert_eq!(runs.count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_code_beside_a_newer_entry_still_loads_once_at_a_time() {
    #[cache_result(key = "user", ttl = 60, companion = none, key_ignores(runs))]
    async fn slow(runs: Runs) -> u64 {
        runs.run();
        tokio::time::sleep(Duration::from_millis(50)).await;
        1
    }
    let fixture = Fixture::on_redis().await;
    let cache = fixture.cache.clone();
    let runs = Runs::default();
    cache.scope(new::user_2(Runs::default())).await;
    let calls: Vec<_> = cache
        .scope(async {
            (0..100)
                .map(|_| cache_runtime::spawn(slow(runs.clone())))
                .collect()
        })
        .await;
    for call in calls {
        let call: tokio::task::JoinHandle<u64> = call;
        assert_eq!(call.await.expect("a task"), 1);
    }
    assert!(runs.count() < 5, "{} loads for 100 callers", runs.count());
    assert!(cache.stats().newer > 0);
}
