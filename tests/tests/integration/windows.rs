//! What is answered past the time to live, and what happens to loads that fail or take long.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use cache_runtime::{Cache, Error, Invalidation, cache_result, invalidate_cache, refresh, spawn};
use cache_tests::FaultProxy;
use tokio::sync::Semaphore;

use crate::support::{Fixture, on_each_store, until};

/// A source that can be told to fail, or to hold its answers.
#[derive(Clone)]
struct Source {
    value: Arc<AtomicU64>,
    loads: Arc<AtomicU64>,
    fails: Arc<AtomicBool>,
    gate: Arc<Semaphore>,
}

#[derive(Clone, Debug, PartialEq)]
enum Failure {
    Source,
    TooLate,
    Other,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::LoadTimedOut { .. } => Self::TooLate,
            _ => Self::Other,
        }
    }
}

impl Source {
    fn new() -> Self {
        Self {
            value: Arc::default(),
            loads: Arc::default(),
            fails: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }

    /// From now on an answer needs a permit.
    fn hold(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn answer(&self, times: usize) {
        self.gate.add_permits(times);
    }

    fn set(&self, value: u64) {
        self.value.store(value, Ordering::SeqCst);
    }

    fn fail(&self, fails: bool) {
        self.fails.store(fails, Ordering::SeqCst);
    }

    fn loads(&self) -> u64 {
        self.loads.load(Ordering::SeqCst)
    }

    async fn load(&self) -> Result<u64, Failure> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let value = self.value.load(Ordering::SeqCst);
        self.gate.acquire().await.expect("an open gate").forget();
        if self.fails.load(Ordering::SeqCst) {
            return Err(Failure::Source);
        }
        Ok(value)
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

#[cache_result(key = "stale:<id>", ttl = 60, stale = "10m", key_ignores(source))]
async fn stale(id: u64, source: Source) -> Result<u64, Failure> {
    source.load().await
}

#[tokio::test]
async fn a_stale_entry_is_answered_at_once_and_loaded_anew_behind_it() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        assert_eq!(stale(1, source.clone()).await, Ok(0));
        source.set(1);
        fixture.pass("stale:1", MINUTE + SECOND).await;
        source.hold();
        assert_eq!(stale(1, source.clone()).await, Ok(0), "nobody waits");
        until(async || source.loads() == 2).await;
        assert_eq!(stale(1, source.clone()).await, Ok(0), "nor while it loads");
        source.answer(1);
        until(async || fixture.cache.stats().published == 2).await;
        assert_eq!(stale(1, source.clone()).await, Ok(1));
        let stats = fixture.cache.stats();
        assert_eq!((stats.stale, stats.refreshes, stats.loads), (2, 1, 2));
    })
    .await;
}

#[tokio::test]
async fn a_crowd_on_a_stale_entry_loads_it_once() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        stale(2, source.clone()).await.expect("a value");
        fixture.pass("stale:2", MINUTE + SECOND).await;
        let calls: Vec<_> = (0..500).map(|_| spawn(stale(2, source.clone()))).collect();
        for call in calls {
            assert_eq!(call.await.expect("a task"), Ok(0));
        }
        assert!(fixture.cache.drained(10 * SECOND).await);
        assert_eq!(source.loads(), 2);
    })
    .await;
}

#[tokio::test]
async fn past_its_window_a_stale_entry_is_a_miss() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        stale(3, source.clone()).await.expect("a value");
        source.set(1);
        fixture.pass("stale:3", 11 * MINUTE + SECOND).await;
        assert_eq!(stale(3, source.clone()).await, Ok(1));
        assert_eq!(fixture.cache.stats().stale, 0);
    })
    .await;
}

#[tokio::test]
async fn a_stale_entry_that_is_invalidated_is_gone() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        stale(4, source.clone()).await.expect("a value");
        fixture.pass("stale:4", MINUTE + SECOND).await;
        source.hold();
        // Beside a refresh as well: its lease carries the old entry along.
        stale(4, source.clone()).await.expect("the stale value");
        until(async || source.loads() == 2).await;
        source.set(1);
        let _ = stale_key(4).invalidate().await.expect("a store");
        source.answer(2);
        assert_eq!(stale(4, source.clone()).await, Ok(1));
        assert!(fixture.cache.drained(10 * SECOND).await);
        source.answer(1);
        assert_eq!(
            stale(4, source.clone()).await,
            Ok(1),
            "nor does the refresh store it"
        );
    })
    .await;
}

#[tokio::test]
async fn a_refresh_is_seen_by_other_processes() {
    let fixture = Fixture::on_redis().await;
    let other = fixture.another_process();
    let source = Source::new();
    fixture
        .cache
        .scope(async {
            stale(5, source.clone()).await.expect("a value");
            fixture.pass("stale:5", MINUTE + SECOND).await;
            source.hold();
            source.set(1);
            assert_eq!(stale(5, source.clone()).await, Ok(0));
            until(async || source.loads() == 2).await;
        })
        .await;
    let elsewhere = || other.scope(stale(5, source.clone()));
    assert_eq!(
        elsewhere().await,
        Ok(0),
        "the lease carries the entry along"
    );
    assert_eq!(source.loads(), 2, "and says that somebody is at it");
    source.answer(1);
    until(async || fixture.cache.stats().published == 2).await;
    assert_eq!(elsewhere().await, Ok(1));
}

#[cache_result(
    key = "caller:<id>",
    ttl = 60,
    stale = "10m",
    refresh = caller,
    key_ignores(source)
)]
async fn by_caller(id: u64, source: &Source) -> Result<u64, Failure> {
    source.load().await
}

#[tokio::test]
async fn a_caller_may_refresh_before_it_answers_while_others_get_the_stale_entry() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        by_caller(1, &source).await.expect("a value");
        source.set(1);
        fixture.pass("caller:1", MINUTE + SECOND).await;
        source.hold();
        let winner = spawn({
            let source = source.clone();
            async move { by_caller(1, &source).await }
        });
        until(async || source.loads() == 2).await;
        assert_eq!(by_caller(1, &source).await, Ok(0));
        source.answer(1);
        assert_eq!(winner.await.expect("a task"), Ok(1));
        assert_eq!(fixture.cache.stats().refreshes, 1);
    })
    .await;
}

#[cache_result(key = "safe:<id>", ttl = 60, fail_safe = "1h", key_ignores(source))]
async fn fail_safe(id: u64, source: Source) -> Result<u64, Failure> {
    source.load().await
}

#[tokio::test]
async fn a_failing_load_is_answered_with_the_older_value_and_not_hammered() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        source.set(1);
        fail_safe(1, source.clone()).await.expect("a value");
        source.fail(true);
        fixture.pass("safe:1", MINUTE + SECOND).await;
        for _ in 0..5 {
            assert_eq!(fail_safe(1, source.clone()).await, Ok(1));
        }
        assert_eq!(source.loads(), 2, "nobody tries again for a while");
        fixture.pass("safe:1", 6 * SECOND).await;
        assert_eq!(fail_safe(1, source.clone()).await, Ok(1));
        assert_eq!(source.loads(), 3, "then somebody does");
        source.fail(false);
        source.set(2);
        fixture.pass("safe:1", 6 * SECOND).await;
        assert_eq!(fail_safe(1, source.clone()).await, Ok(2));
        assert_eq!(fixture.cache.stats().fail_safe, 6);
    })
    .await;
}

#[tokio::test]
async fn past_its_window_a_failing_load_is_an_error() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        fail_safe(2, source.clone()).await.expect("a value");
        source.fail(true);
        fixture.pass("safe:2", 61 * MINUTE + SECOND).await;
        assert_eq!(fail_safe(2, source.clone()).await, Err(Failure::Source));
    })
    .await;
}

#[tokio::test]
async fn who_joined_a_failing_load_gets_the_older_value_too() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        fail_safe(3, source.clone()).await.expect("a value");
        source.fail(true);
        fixture.pass("safe:3", MINUTE + SECOND).await;
        source.hold();
        let calls: Vec<_> = (0..20)
            .map(|_| spawn(fail_safe(3, source.clone())))
            .collect();
        until(async || source.loads() == 2).await;
        source.answer(1);
        for call in calls {
            assert_eq!(call.await.expect("a task"), Ok(0));
        }
        assert_eq!((source.loads(), fixture.cache.stats().loads), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn an_invalidated_entry_is_no_fallback_for_who_asks_later() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        fail_safe(4, source.clone()).await.expect("a value");
        source.fail(true);
        fixture.pass("safe:4", MINUTE + SECOND).await;
        source.hold();
        let earlier = spawn(fail_safe(4, source.clone()));
        until(async || source.loads() == 2).await;
        let _ = fail_safe_key(4).invalidate().await.expect("a store");
        let later = spawn(fail_safe(4, source.clone()));
        source.answer(10);
        assert_eq!(later.await.expect("a task"), Err(Failure::Source));
        earlier.await.expect("a task").ok();
        assert_eq!(fail_safe(4, source.clone()).await, Err(Failure::Source));
    })
    .await;
}

#[cache_result(
    key = "soft:<id>",
    ttl = 60,
    fail_safe = "1h",
    soft_timeout = "20ms",
    key_ignores(source)
)]
async fn soft(id: u64, source: Source) -> Result<u64, Failure> {
    source.load().await
}

#[tokio::test]
async fn a_slow_load_is_answered_with_the_older_value_and_goes_on() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        soft(1, source.clone()).await.expect("a value");
        source.set(1);
        fixture.pass("soft:1", MINUTE + SECOND).await;
        source.hold();
        let calls: Vec<_> = (0..20).map(|_| spawn(soft(1, source.clone()))).collect();
        for call in calls {
            assert_eq!(call.await.expect("a task"), Ok(0));
        }
        assert_eq!(source.loads(), 2);
        source.answer(1);
        until(async || fixture.cache.stats().published == 2).await;
        assert_eq!(soft(1, source.clone()).await, Ok(1));
        assert_eq!(fixture.cache.stats().soft_timeouts, 20);
    })
    .await;
}

#[tokio::test]
async fn without_an_older_value_a_slow_load_is_waited_for() {
    on_each_store(async |_fixture: Arc<Fixture>| {
        let source = Source::new();
        source.hold();
        let call = spawn(soft(2, source.clone()));
        until(async || source.loads() == 1).await;
        tokio::time::sleep(Duration::from_millis(60)).await;
        source.answer(1);
        assert_eq!(call.await.expect("a task"), Ok(0));
    })
    .await;
}

#[cache_result(
    key = "hard:<id>",
    ttl = 60,
    hard_timeout = "30ms",
    key_ignores(source)
)]
async fn hard(id: u64, source: &Source) -> Result<u64, Failure> {
    source.load().await
}

#[tokio::test]
async fn a_load_that_takes_too_long_is_given_up_and_holds_nobody_up() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        source.hold();
        assert_eq!(hard(1, &source).await, Err(Failure::TooLate));
        source.answer(1);
        assert_eq!(hard(1, &source).await, Ok(0), "its lease is free again");
        let stats = fixture.cache.stats();
        assert_eq!((stats.hard_timeouts, stats.wait_timeouts), (1, 0));
    })
    .await;
}

#[cache_result(
    key = "both:<id>",
    ttl = 60,
    fail_safe = "1h",
    hard_timeout = "30ms",
    key_ignores(source)
)]
async fn hard_and_safe(id: u64, source: &Source) -> Result<u64, Failure> {
    source.load().await
}

#[tokio::test]
async fn a_load_that_is_given_up_is_answered_with_the_older_value() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        hard_and_safe(1, &source).await.expect("a value");
        fixture.pass("both:1", MINUTE + SECOND).await;
        source.hold();
        assert_eq!(hard_and_safe(1, &source).await, Ok(0));
        assert_eq!(fixture.cache.stats().fail_safe, 1);
    })
    .await;
}

#[cache_result(
    key = "ahead:<id>",
    ttl = 60,
    refresh_ahead = 10.0,
    key_ignores(source)
)]
async fn ahead(id: u64, source: Source) -> Result<u64, Failure> {
    tokio::time::sleep(Duration::from_millis(300)).await;
    source.load().await
}

#[tokio::test]
async fn an_entry_is_loaded_anew_shortly_before_it_ends() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        ahead(1, source.clone()).await.expect("a value");
        source.set(1);
        for _ in 0..200 {
            assert_eq!(ahead(1, source.clone()).await, Ok(0));
        }
        assert_eq!(fixture.cache.stats().refreshes, 0, "it is young");
        fixture.pass("ahead:1", Duration::from_secs(54)).await;
        // Six seconds before its end and a load of 300 ms: one call of eight asks for a new one.
        while fixture.cache.stats().refreshes == 0 {
            let answer = ahead(1, source.clone()).await;
            assert_eq!(answer, Ok(0), "it is still fresh, so nobody waits");
            tokio::task::yield_now().await;
        }
        until(async || fixture.cache.stats().published == 2).await;
        assert_eq!(ahead(1, source.clone()).await, Ok(1));
    })
    .await;
}

#[cache_result(key = "sliding:<id>", ttl = "1h", sliding = "10m", key_ignores(source))]
async fn sliding(id: u64, source: &Source) -> Result<u64, Failure> {
    source.load().await
}

#[tokio::test]
async fn each_hit_prolongs_a_sliding_entry_up_to_its_time_to_live() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        sliding(1, &source).await.expect("a value");
        for round in 1..=7 {
            fixture.pass("sliding:1", 8 * MINUTE).await;
            sliding(1, &source).await.expect("a value");
            assert_eq!(source.loads(), 1, "round {round}");
            until(async || fixture.cache.stats().touched == round).await;
        }
        fixture.pass("sliding:1", 8 * MINUTE).await;
        sliding(1, &source).await.expect("a value");
        assert_eq!(source.loads(), 2, "its time to live is over");
    })
    .await;
}

#[tokio::test]
async fn a_sliding_entry_that_nobody_reads_ends() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        sliding(2, &source).await.expect("a value");
        fixture.pass("sliding:2", 11 * MINUTE).await;
        sliding(2, &source).await.expect("a value");
        assert_eq!(source.loads(), 2);
    })
    .await;
}

#[tokio::test]
async fn background_loads_are_bounded_and_drained() {
    let clock = cache_runtime::Clock::manual();
    let cache = Cache::builder()
        .clock(clock.clone())
        .background_loads(2)
        .build()
        .expect("a valid configuration");
    let source = Source::new();
    let everything = async {
        for id in 0..5 {
            stale(id, source.clone()).await.expect("a value");
        }
        clock.advance(MINUTE + SECOND);
        source.hold();
        for id in 0..5 {
            assert_eq!(stale(id, source.clone()).await, Ok(0));
        }
        until(async || source.loads() == 7).await;
        assert_eq!(cache.stats().refreshes_skipped, 3);
        assert!(!cache.drained(Duration::from_millis(20)).await);
        source.answer(2);
        assert!(cache.drained(10 * SECOND).await);
        assert_eq!(cache.stats().published, 7);
    };
    cache.scope(everything).await;
}

#[tokio::test]
async fn a_failed_refresh_on_demand_keeps_the_entry() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        hard(2, &source).await.expect("a value");
        source.fail(true);
        assert_eq!(refresh(hard(2, &source)).await, Err(Failure::Source));
        assert_eq!(hard(2, &source).await, Ok(0));
        assert_eq!(fixture.cache.stats().hits, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_value_that_was_invalidated_before_the_lease_is_no_answer() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let proxy = FaultProxy::before(server.port());
    let far_away = Cache::builder()
        .redis_url(proxy.url())
        .clock(fixture.clock.clone())
        .build()
        .expect("a valid configuration");
    let source = Source::new();
    let load = || far_away.scope(async { spawn(fail_safe(5, source.clone())) });
    assert_eq!(load().await.await.expect("a task"), Ok(0));
    fixture.pass("safe:5", MINUTE + SECOND).await;
    source.fail(true);
    source.hold();
    let seen = server.calls("get").await;

    // Between its read and its lease, somebody else invalidates.
    proxy.delay_requests(Duration::from_millis(200));
    let leader = load().await;
    until(async || server.calls("get").await > seen).await;
    let invalidated = fixture.cache.scope(fail_safe_key(5).invalidate()).await;
    assert_eq!(invalidated.expect("a server"), Invalidation::Applied);
    proxy.delay_requests(Duration::ZERO);
    let late = load().await;
    until(async || source.loads() == 2 && far_away.stats().misses == 3).await;
    source.answer(2);
    assert_eq!(late.await.expect("a task"), Err(Failure::Source));
    drop(leader.await.expect("a task"));
}

#[cache_result(key = "safe:<id>", ttl = 60, key_ignores(source), companion = none)]
async fn strict(id: u64, source: Source) -> Result<u64, Failure> {
    source.load().await
}

#[tokio::test]
async fn who_joined_a_failing_load_gets_an_older_value_only_by_its_own_windows() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let source = Source::new();
        fail_safe(6, source.clone()).await.expect("a value");
        source.fail(true);
        fixture.pass("safe:6", MINUTE + SECOND).await;
        source.hold();
        let leader = spawn(fail_safe(6, source.clone()));
        until(async || source.loads() == 2).await;
        let others = [
            spawn(strict(6, source.clone())),
            spawn(fail_safe(6, source.clone())),
        ];
        until(async || fixture.cache.stats().misses == 4).await;
        source.answer(1);
        assert_eq!(leader.await.expect("a task"), Ok(0));
        let [strict, safe] = others;
        assert_eq!(strict.await.expect("a task"), Err(Failure::Source));
        assert_eq!(safe.await.expect("a task"), Ok(0));
        assert_eq!((source.loads(), fixture.cache.stats().fail_safe), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn who_joined_a_failing_load_has_its_older_value_though_redis_is_gone() {
    let fixture = Fixture::on_redis().await;
    let proxy = FaultProxy::before(fixture.server.as_ref().expect("a server").port());
    let cut_off = Cache::builder()
        .redis_url(proxy.url())
        .clock(fixture.clock.clone())
        .build()
        .expect("a valid configuration");
    let source = Source::new();
    let load = |cache: &Cache| cache.scope(fail_safe(7, source.clone()));
    for cache in [&fixture.cache, &cut_off] {
        load(cache).await.expect("a value");
    }
    fixture.pass("safe:7", MINUTE + SECOND).await;
    source.fail(true);
    source.hold();
    let holder = tokio::spawn(load(&fixture.cache));
    until(async || source.loads() == 2).await;
    let calls: Vec<_> = (0..5).map(|_| tokio::spawn(load(&cut_off))).collect();
    until(async || cut_off.stats().misses == 5).await;
    proxy.black_hole();
    until(async || source.loads() == 3).await;
    source.answer(10);
    for call in calls.into_iter().chain([holder]) {
        assert_eq!(call.await.expect("a task"), Ok(0));
    }
    assert_eq!(source.loads(), 3);
}

#[cache_result(
    key = "cooled:<id>",
    ttl = 60,
    fail_safe = "1h",
    tags = ["cooled:<id>"],
    key_ignores(source)
)]
async fn cooled(id: u64, source: Source) -> Result<u64, Failure> {
    source.load().await
}

#[invalidate_cache(tags = ["cooled:<id>"])]
async fn forget_cooled(id: u64) {}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failed_load_left_is_loaded_anew_by_one_process() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let proxy = FaultProxy::before(server.port());
    let far_away = Cache::builder()
        .redis_url(proxy.url())
        .clock(fixture.clock.clone())
        .build()
        .expect("a valid configuration");
    let source = Source::new();
    let load = |cache: &Cache| tokio::spawn(cache.scope(cooled(1, source.clone())));
    for cache in [&fixture.cache, &far_away] {
        load(cache).await.expect("a task").expect("a value");
    }
    // Whoever invalidates has a second connection from then on. A new one asks for the time, and
    // would put back the clock that this test is about to put forward.
    fixture.cache.scope(forget_cooled(2)).await;
    until(async || server.calls("time").await == 3).await;
    source.fail(true);
    fixture.pass("cooled:1", MINUTE + SECOND).await;
    assert_eq!(load(&fixture.cache).await.expect("a task"), Ok(0));
    fixture.cache.scope(forget_cooled(1)).await;
    source.fail(false);
    source.set(1);
    source.hold();
    let seen = server.calls("mget").await;

    // Between its read and its lease, somebody else takes that.
    proxy.delay_requests(Duration::from_millis(200));
    let late = load(&far_away);
    until(async || server.calls("mget").await > seen).await;
    let early = load(&fixture.cache);
    until(async || source.loads() == 3).await;
    proxy.delay_requests(Duration::ZERO);
    until(async || far_away.stats().misses == 1).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    source.answer(2);
    assert_eq!(early.await.expect("a task"), Ok(1));
    assert_eq!(late.await.expect("a task"), Ok(1));
    assert_eq!(source.loads(), 3);
}

#[tokio::test]
async fn a_hit_that_finds_no_room_in_the_background_prolongs_nothing() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let cache = Cache::builder()
        .redis_url(server.url())
        .clock(fixture.clock.clone())
        .background_loads(1)
        .build()
        .expect("a valid configuration");
    let source = Source::new();
    let everything = async {
        sliding(3, &source).await.expect("a value");
        stale(6, source.clone()).await.expect("a value");
        fixture.clock.advance(2 * MINUTE);
        source.hold();
        stale(6, source.clone()).await.expect("the stale value");
        until(async || source.loads() == 3).await;
        server.reset_stats().await;
        sliding(3, &source).await.expect("a value");
        let calls: Vec<_> = server.all_calls().await.into_iter().collect();
        assert_eq!(calls, [("get".to_owned(), 1)], "nobody waits for more");
        source.answer(1);
    };
    cache.scope(everything).await;
}
