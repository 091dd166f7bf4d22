//! Locks with fencing tokens, and limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use cache_runtime::{Cache, Error, Lock};
use cache_tests::{FaultProxy, RedisCluster, RedisServer, SentinelSet};

use crate::support::{Fixture, on, on_each_store, until};

const LEASE: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(600);
const MINUTE: Duration = Duration::from_secs(60);

async fn held(cache: &Cache, name: &str) -> Lock {
    let lock = cache.lock_within(name, LEASE, LEASE).await;
    lock.expect("a lock")
}

#[tokio::test]
async fn one_at_a_time_and_tokens_grow() {
    on_each_store(async |fixture| {
        let (one, other) = (&fixture.cache, fixture.another_process());
        let mut last = 0;
        for _ in 0..20 {
            let lock = held(one, "import").await;
            assert!(lock.is_held());
            assert!(lock.fencing_token() > last);
            last = lock.fencing_token();
            assert!(
                other
                    .try_lock("import", LEASE)
                    .await
                    .expect("a store")
                    .is_none()
            );
            let elsewhere = other.try_lock("export", LEASE).await.expect("a store");
            let elsewhere = elsewhere.expect("another name is another lock");
            assert!(elsewhere.release().await.expect("a store"));
            assert!(lock.release().await.expect("a store"));
            let lock = held(&other, "import").await;
            assert!(lock.fencing_token() > last);
            last = lock.fencing_token();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_take_turns() {
    on_each_store(async |fixture| {
        let (inside, turns) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let last = Arc::new(AtomicU64::new(0));
        let tasks = (0..8).map(|_| {
            let cache = fixture.another_process();
            let (inside, turns, last) = (inside.clone(), turns.clone(), last.clone());
            tokio::spawn(async move {
                for _ in 0..10 {
                    let lock = cache
                        .lock_within("turn", LEASE, MINUTE)
                        .await
                        .expect("a turn");
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                    let before = last.swap(lock.fencing_token(), Ordering::SeqCst);
                    assert!(lock.fencing_token() > before);
                    tokio::task::yield_now().await;
                    assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1);
                    turns.fetch_add(1, Ordering::SeqCst);
                    drop(lock);
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("no two at once");
        }
        assert_eq!(turns.load(Ordering::SeqCst), 80);
    })
    .await;
}

#[tokio::test]
async fn waiting_is_bounded_and_ends_when_it_is_free() {
    on_each_store(async |fixture| {
        let (one, other) = (fixture.cache.clone(), fixture.another_process());
        let lock = held(&one, "import").await;
        let began = Instant::now();
        let late = other
            .lock_within("import", LEASE, Duration::from_millis(50))
            .await;
        assert!(matches!(late, Err(Error::Locked)));
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
        let waiting = tokio::spawn(async move { held(&other, "import").await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        drop(lock);
        assert!(waiting.await.expect("a task").is_held());
    })
    .await;
}

#[tokio::test]
async fn a_held_lock_is_prolonged() {
    on_each_store(async |fixture| {
        let lock = fixture.cache.lock("import", SHORT).await.expect("a lock");
        let other = fixture.another_process();
        let began = Instant::now();
        while began.elapsed() < 3 * SHORT {
            assert!(lock.is_held());
            assert!(
                other
                    .try_lock("import", SHORT)
                    .await
                    .expect("a store")
                    .is_none()
            );
            tokio::time::sleep(SHORT / 10).await;
        }
        assert_eq!(fixture.cache.stats().locks_lost, 0);
        assert!(lock.release().await.expect("a store"));
    })
    .await;
}

#[tokio::test]
async fn a_lock_that_somebody_else_has_is_lost_and_not_given_back() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let lock = fixture.cache.lock("import", SHORT).await.expect("a lock");
    assert_eq!(server.command::<u64>(("DEL", "[lock]{import}")).await, 1);
    let other = held(&fixture.another_process(), "import").await;
    assert!(other.fencing_token() > lock.fencing_token());
    tokio::time::timeout(LEASE, lock.lost())
        .await
        .expect("it notices");
    assert!(!lock.is_held());
    assert!(!lock.release().await.expect("a store"));
    assert!(other.is_held());
    assert!(other.release().await.expect("a store"), "it was left alone");
    assert_eq!(fixture.cache.stats().locks_lost, 1);
}

#[tokio::test]
async fn fencing_tokens_grow_though_redis_forgets_them() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let first = held(&fixture.cache, "import").await.fencing_token();
    let () = server.command("FLUSHALL").await;
    let lock = held(&fixture.cache, "import").await;
    assert!(lock.fencing_token() > first);
    drop(lock);
    until(async || !server.command::<bool>(("EXISTS", "[lock]{import}")).await).await;
    let ahead: u64 = 8_000_000_000_000_001;
    let () = server
        .command(("SET", "[lock]{import}:fencing", ahead))
        .await;
    let lock = held(&fixture.cache, "import").await;
    assert_eq!(lock.fencing_token(), ahead + 1, "exactly");
}

#[tokio::test]
async fn a_dropped_guard_gives_the_lock_back_though_its_runtime_is_gone() {
    let server = RedisServer::start().await;
    let cache = on(&server);
    let taken = cache.clone();
    let lock = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(held(&taken, "import"))
    });
    let lock = lock.join().expect("a lock");
    assert!(lock.is_held());
    std::thread::spawn(move || drop(lock))
        .join()
        .expect("no panic");
    until(async || !server.command::<bool>(("EXISTS", "[lock]{import}")).await).await;
    assert!(held(&cache, "import").await.is_held());
}

#[tokio::test]
async fn a_call_that_is_dropped_holds_nothing() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let cache = Cache::builder()
        .redis_url(proxy.url())
        .build()
        .expect("valid");
    drop(held(&cache, "warm").await);
    for wait in [0, 1, 2, 5, 10] {
        proxy.delay_replies(Duration::from_millis(5));
        // Longer than the test waits for it to go.
        let lock = cache.lock("import", MINUTE);
        let lock = tokio::time::timeout(Duration::from_millis(wait), lock).await;
        drop(lock);
        proxy.delay_replies(Duration::ZERO);
        until(async || !server.command::<bool>(("EXISTS", "[lock]{import}")).await).await;
    }
}

#[tokio::test]
async fn without_redis_locks_fail_and_a_held_one_is_lost_in_time() {
    let mut server = RedisServer::start().await;
    let cache = on(&server);
    let lock = cache.lock("import", SHORT).await.expect("a lock");
    server.kill();
    tokio::time::timeout(10 * SHORT, lock.lost())
        .await
        .expect("it notices");
    assert!(!lock.is_held());
    let away = cache.try_lock("other", SHORT).await;
    assert!(matches!(away, Err(Error::Unavailable { .. })), "{away:?}");
    let message = away.expect_err("away").to_string();
    assert!(!message.contains("other"), "{message}");
}

#[tokio::test]
async fn names_are_apart_from_keys_and_from_each_other() {
    on_each_store(async |fixture| {
        let cache = &fixture.cache;
        let names = [
            "",
            "~",
            "a:b",
            "a%3Ab",
            "{a}",
            "a}b",
            "a:fencing",
            "*",
            "a\n",
        ];
        let mut locks = Vec::new();
        for name in names {
            let lock = cache.try_lock(name, LEASE).await.expect("a store");
            locks.push(lock.unwrap_or_else(|| panic!("{name:?} is a name of its own")));
            let limit = cache.limit(name, 1, MINUTE);
            assert!(limit.take().await.expect("a store").is_allowed, "{name:?}");
        }
        assert_eq!(cache.clear("*").await.expect("a store"), 0, "they stay");
        for (lock, name) in locks.iter().zip(names) {
            assert!(lock.is_held());
            assert!(
                cache
                    .try_lock(name, LEASE)
                    .await
                    .expect("a store")
                    .is_none()
            );
            assert!(
                !cache
                    .limit(name, 1, MINUTE)
                    .take()
                    .await
                    .expect("a store")
                    .is_allowed
            );
        }
        if let Some(server) = &fixture.server {
            let keys: Vec<String> = server.command(("KEYS", "*")).await;
            assert_eq!(keys.len(), 3 * names.len());
            for key in keys {
                assert!(
                    key.starts_with("[lock]{") || key.starts_with("[limit]{"),
                    "{key}"
                );
                let left: i64 = server.command(("PTTL", &key)).await;
                assert!(left > 0, "{key} ends by itself");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn locks_are_there_for_code_that_does_not_await() {
    on_each_store(async |fixture| {
        let cache = fixture.cache.clone();
        let work = move || {
            let blocking = cache.blocking();
            let lock = blocking.lock("import", LEASE).expect("a lock");
            assert!(
                blocking
                    .try_lock("import", LEASE)
                    .expect("a store")
                    .is_none()
            );
            let late = blocking.lock_within("import", LEASE, Duration::from_millis(5));
            assert!(matches!(late, Err(Error::Locked)));
            assert!(lock.release_blocking().expect("a store"));
            let limit = blocking.limit("mails", 2, MINUTE).closed();
            assert_eq!(limit.take_blocking(2).expect("a store").remaining, 0);
            assert!(!limit.take_blocking(1).expect("a store").is_allowed);
        };
        let done = tokio::task::spawn_blocking(|| std::thread::spawn(work).join());
        done.await.expect("a thread").expect("no panic");
    })
    .await;
}

#[tokio::test]
async fn no_window_ever_has_more_than_the_limit() {
    on_each_store(async |fixture| {
        let per = Duration::from_secs(2);
        let limit = fixture.cache.limit("calls", 10, per);
        let other = fixture.another_process().limit("calls", 10, per);
        let mut taken: Vec<Duration> = Vec::new();
        // Primes, so that steps and parts never fall together for long.
        let steps = [
            37_u64, 41, 29, 7, 31, 3, 61, 23, 43, 11, 37, 29, 13, 41, 787,
        ];
        for (step, by) in steps.iter().cycle().take(600).enumerate() {
            let pause = if step % 97 == 96 { 1_303 } else { 0 };
            fixture.clock.advance(Duration::from_millis(by + pause));
            let now = fixture.clock.now();
            let since = |time| {
                taken
                    .iter()
                    .filter(|at| now.saturating_sub(**at) < time)
                    .count()
            };
            let limit = if step % 3 == 0 { &other } else { &limit };
            let (in_window, longer) = (since(per), since(per + per / 20));
            let free = limit.take_many(0).await.expect("a store").remaining;
            let free = usize::try_from(free).expect("a small number");
            assert!(in_window + free <= 10, "{step}: {in_window} and {free}");
            assert!(longer + free >= 10, "{step}: much stricter than said");
            // All at once, for these leave the window together, too.
            for _ in 0..free {
                assert!(limit.take().await.expect("a store").is_allowed);
                taken.push(now);
            }
            let refused = limit.take().await.expect("a store");
            assert!(!refused.is_allowed && refused.remaining == 0, "{step}");
            assert!(refused.retry_after <= per + per / 20, "{refused:?}");
        }
        assert!(taken.len() > 50, "{}", taken.len());
    })
    .await;
}

#[tokio::test]
async fn a_refusal_says_when_to_come_back_and_counts_nothing() {
    on_each_store(async |fixture| {
        let limit = fixture.cache.limit("calls", 5, MINUTE);
        assert_eq!(limit.take_many(4).await.expect("a store").remaining, 1);
        for _ in 0..3 {
            let refused = limit.take_many(2).await.expect("a store");
            assert_eq!((refused.is_allowed, refused.remaining), (false, 1));
        }
        assert_eq!(limit.take_many(0).await.expect("a store").remaining, 1);
        let never = limit.take_many(6).await.expect("a store");
        assert_eq!(
            (never.is_allowed, never.retry_after),
            (false, Duration::MAX)
        );
        let refused = limit.take_many(2).await.expect("a store");
        fixture
            .clock
            .advance(refused.retry_after.saturating_sub(Duration::from_millis(1)));
        assert!(!limit.take_many(2).await.expect("a store").is_allowed);
        // The clocks of the two may differ by what a round trip takes.
        fixture.clock.advance(Duration::from_millis(100));
        assert!(limit.take_many(2).await.expect("a store").is_allowed);
        assert_eq!(fixture.cache.stats().limited, 6);
        let wider = fixture.cache.limit("calls", 1_000, MINUTE);
        assert_eq!(wider.take_many(0).await.expect("a store").remaining, 998);
        let longer = fixture.cache.limit("calls", 5, 2 * MINUTE);
        assert_eq!(longer.take().await.expect("a store").remaining, 4);
    })
    .await;
}

#[tokio::test]
async fn a_limit_is_one_round_trip_and_one_script() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let limit = fixture.cache.limit("calls", 1_000, MINUTE);
    limit.take().await.expect("a store");
    server.reset_stats().await;
    for _ in 0..10 {
        limit.take().await.expect("a store");
    }
    assert_eq!(server.calls("evalsha").await, 10);
    assert_eq!(server.calls("eval").await, 0);
}

#[tokio::test]
async fn without_redis_the_limits_owner_decides() {
    let mut server = RedisServer::start().await;
    let cache = on(&server);
    let limit = cache.limit("calls", 3, MINUTE);
    assert!(limit.take().await.expect("a store").is_allowed);
    let () = server.command(("CONFIG", "SET", "maxmemory", 1)).await;
    let full = limit.take().await;
    assert!(matches!(full, Err(Error::Refused { .. })), "{full:?}");
    assert!(
        limit
            .clone()
            .open()
            .take()
            .await
            .expect("an answer")
            .is_allowed
    );
    server.kill();
    let away = limit.take().await;
    assert!(matches!(away, Err(Error::Unavailable { .. })), "{away:?}");
    let open = limit.clone().open().take().await.expect("an answer");
    assert!(open.is_allowed);
    let closed = limit.closed().take().await.expect("an answer");
    assert!(!closed.is_allowed && closed.retry_after > Duration::ZERO);
}

#[tokio::test]
async fn what_is_something_else_is_refused_and_left_alone() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let () = server.command(("SET", "[limit]{calls}/60000", "x")).await;
    let () = server.command(("LPUSH", "[lock]{import}", "x")).await;
    let limit = fixture.cache.limit("calls", 3, MINUTE).open();
    assert!(matches!(limit.take().await, Err(Error::Refused { .. })));
    let lock = fixture.cache.try_lock("import", LEASE).await;
    assert!(matches!(lock, Err(Error::Refused { .. })));
    assert_eq!(
        server
            .command::<String>(("GET", "[limit]{calls}/60000"))
            .await,
        "x"
    );
}

#[tokio::test]
async fn a_cluster_keeps_each_lock_in_one_slot() {
    let cluster = RedisCluster::start(3, 0).await;
    let at = || {
        let cache = Cache::builder().redis_url(cluster.url()).namespace("app");
        cache.build().expect("a valid configuration")
    };
    let (one, other) = (at(), at());
    let mut locks = Vec::new();
    for number in 0..20 {
        let name = format!("import:{number}");
        locks.push(held(&one, &name).await);
        assert!(
            other
                .try_lock(&name, LEASE)
                .await
                .expect("a cluster")
                .is_none()
        );
        let limit = other.limit(&name, 2, MINUTE);
        assert_eq!(limit.take().await.expect("a cluster").remaining, 1);
        assert_eq!(
            one.limit(&name, 2, MINUTE)
                .take()
                .await
                .expect("a cluster")
                .remaining,
            0
        );
        assert!(!limit.take().await.expect("a cluster").is_allowed);
    }
    assert_eq!(one.clear("*").await.expect("a cluster"), 0);
    for node in 0..3 {
        let keys: Vec<String> = cluster.node(node).command(("KEYS", "*")).await;
        assert!(!keys.is_empty(), "node {node}");
    }
    for (number, lock) in locks.into_iter().enumerate() {
        let before = lock.fencing_token();
        assert!(lock.release().await.expect("a cluster"));
        let lock = held(&other, &format!("import:{number}")).await;
        assert!(lock.fencing_token() > before);
    }
}

#[tokio::test]
async fn a_lock_that_the_replica_knows_is_held_over_a_failover() {
    let mut set = SentinelSet::start(1).await;
    let at = || {
        Cache::builder()
            .redis_url(set.url())
            .build()
            .expect("valid")
    };
    let (one, other) = (at(), at());
    let lock = held(&one, "import").await;
    let primary = set.primary().await;
    let replica = 1 - primary;
    until(async || {
        set.server(replica)
            .command::<bool>(("EXISTS", "[lock]{import}"))
            .await
    })
    .await;
    set.server_mut(primary).kill();
    set.switched_from(primary).await;
    until(async || matches!(other.try_lock("import", LEASE).await, Ok(None))).await;
    assert!(lock.is_held());
    let before = lock.fencing_token();
    drop(lock);
    let began = Instant::now();
    let next = loop {
        if let Ok(Some(lock)) = other.try_lock("import", LEASE).await {
            break lock;
        }
        assert!(
            began.elapsed() < 2 * LEASE,
            "it ends with its lease at the latest"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(next.fencing_token() > before);
}
