//! Health is measured, judged, and told to whoever listens.

use std::time::Duration;

use cache_runtime::{Cache, HealthEvent, HealthEvents, HealthReason, HealthStatus, cache_result};
use cache_tests::RedisServer;

#[cache_result(key = "health:<id>", ttl = 60)]
async fn value(id: u64) -> u64 {
    id
}

async fn soon(events: &mut HealthEvents) -> HealthEvent {
    let next = tokio::time::timeout(Duration::from_secs(10), events.next());
    next.await
        .expect("an event in time")
        .expect("the cache is there")
}

#[tokio::test]
async fn a_healthy_server_says_how_it_is() {
    let server = RedisServer::start_with(&["--maxmemory", "500mb"]).await;
    let cache = Cache::builder()
        .redis_url(format!("{}/3", server.url()))
        .build()
        .unwrap();
    assert_eq!(cache.health().status, HealthStatus::Unknown);
    let reading = cache.scope(async {
        for _ in 0..4 {
            value(7).await;
        }
    });
    reading.await;
    let health = cache.check_health().await;
    assert_eq!(
        (health.status, health.reasons.as_slice()),
        (HealthStatus::Healthy, &[][..])
    );
    assert_eq!(health.hit_ratio, Some(0.75));
    assert!(health.ping.is_some_and(|ping| ping > Duration::ZERO));
    assert!(health.checked.is_some() && health.failures == 0 && health.journal == 0);
    assert!(health.connections.open > 0);
    let said = health.server.expect("what the server says");
    assert_eq!(
        (said.keys, said.expiring, said.evicted),
        (1, 1, 0),
        "of its own database"
    );
    assert_eq!(
        (said.memory_limit, said.memory_percent),
        (Some(500 << 20), Some(0))
    );
    assert!(said.memory_used > 0 && said.fragmentation.is_some() && said.clients > 0);
    assert!(said.version.contains('.') && said.max_clients > 0);
}

#[tokio::test]
async fn reading_the_last_answer_asks_nobody() {
    let server = RedisServer::start().await;
    let cache = Cache::builder().redis_url(server.url()).build().unwrap();
    cache.check_health().await;
    let mut monitor = server.monitor().await;
    for _ in 0..10 {
        assert_eq!(cache.health().status, HealthStatus::Healthy);
    }
    assert_eq!(monitor.sent().await, [""; 0]);
}

#[tokio::test]
async fn a_report_is_json_without_more_ado() {
    let server = RedisServer::start().await;
    let cache = Cache::builder().redis_url(server.url()).build().unwrap();
    let json = serde_json::to_value(cache.check_health().await).unwrap();
    assert_eq!(json["status"], "healthy");
    assert_eq!(json["breaker"], "Closed");
    assert_eq!(json["hit_ratio"], serde_json::Value::Null);
    assert!(
        json["ping_ms"].as_f64().is_some_and(|ping| ping > 0.0),
        "{json}"
    );
    assert!(
        json["checked_ms"]
            .as_u64()
            .is_some_and(|at| at > 1_700_000_000_000),
        "{json}"
    );
    assert!(
        json["server"]["memory_used"]
            .as_u64()
            .is_some_and(|used| used > 0),
        "{json}"
    );
    assert!(
        json["connections"]["open"]
            .as_u64()
            .is_some_and(|open| open > 0),
        "{json}"
    );
}

#[tokio::test]
async fn failures_add_up_to_unavailable_and_end_by_recovery() {
    let mut server = RedisServer::start().await;
    let builder = Cache::builder()
        .redis_url(server.url())
        .max_health_check_failures(2);
    let cache = builder.budget(Duration::from_millis(200)).build().unwrap();
    let mut events = cache.health_events();
    assert_eq!(cache.check_health().await.status, HealthStatus::Healthy);

    server.kill();
    let health = cache.check_health().await;
    assert_ne!(health.status, HealthStatus::Healthy);
    assert_eq!(health.failures, 1);
    assert!(health.server.is_some(), "what it said before");
    assert!(matches!(soon(&mut events).await, HealthEvent::Degraded(_)));
    let health = cache.check_health().await;
    assert_eq!(health.status, HealthStatus::Unavailable);
    assert!(
        health.reasons.contains(&HealthReason::FailureLimit),
        "{health:?}"
    );
    assert_eq!(soon(&mut events).await, HealthEvent::FailureLimit(2));

    server.restart().await;
    let healthy = async {
        while cache.check_health().await.status != HealthStatus::Healthy {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), healthy)
        .await
        .expect("recovery");
    assert_eq!(soon(&mut events).await, HealthEvent::Recovered);
}

#[tokio::test]
async fn memory_above_its_share_is_told() {
    let server = RedisServer::start_with(&["--maxmemory", "100mb"]).await;
    let builder = Cache::builder().redis_url(server.url()).memory_alert(10);
    let cache = builder.build().unwrap();
    let mut events = cache.health_events();
    assert_eq!(cache.check_health().await.status, HealthStatus::Healthy);
    let () = server.command(("SETRANGE", "large", 15 << 20, "x")).await;
    let health = cache.check_health().await;
    assert_eq!(health.status, HealthStatus::Degraded);
    assert_eq!(health.reasons, [HealthReason::MemoryHigh]);
    let degraded = HealthEvent::Degraded(vec![HealthReason::MemoryHigh]);
    assert_eq!(soon(&mut events).await, degraded);
    assert!(matches!(
        soon(&mut events).await,
        HealthEvent::MemoryHigh(10..)
    ));
    let () = server.command(("DEL", "large")).await;
    assert_eq!(cache.check_health().await.status, HealthStatus::Healthy);
    assert_eq!(soon(&mut events).await, HealthEvent::Recovered);
}

#[tokio::test]
async fn the_server_is_checked_behind_everybodys_back_until_the_cache_is_gone() {
    let server = RedisServer::start().await;
    let interval = Duration::from_millis(20);
    let builder = Cache::builder()
        .redis_url(server.url())
        .health_check_interval(interval);
    let cache = builder.build().unwrap();
    let mut events = cache.health_events();
    let checked = async {
        while cache.health().status != HealthStatus::Healthy {
            tokio::time::sleep(interval).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), checked)
        .await
        .expect("a check");
    server.pause();
    assert!(matches!(soon(&mut events).await, HealthEvent::Degraded(_)));
    server.resume();
    assert_eq!(soon_of_the_end(&mut events).await, HealthEvent::Recovered);

    drop(cache);
    let gone = async { while events.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .expect("the end of the checks");
    let mut monitor = server.monitor().await;
    // A connection that is still being closed may have one more on its way.
    monitor.sent().await;
    tokio::time::sleep(10 * interval).await;
    assert_eq!(monitor.sent().await, [""; 0]);
}

#[tokio::test]
async fn nothing_is_checked_after_a_shutdown() {
    let server = RedisServer::start().await;
    let interval = Duration::from_millis(20);
    let builder = Cache::builder()
        .redis_url(server.url())
        .health_check_interval(interval);
    let cache = builder.build().unwrap();
    let mut events = cache.health_events();
    assert_eq!(cache.check_health().await.status, HealthStatus::Healthy);
    assert!(cache.shutdown(Duration::from_secs(5)).await);
    let event = tokio::time::timeout(20 * interval, events.next()).await;
    assert!(event.is_err(), "{event:?}");
}

/// The first event after those of an outage.
async fn soon_of_the_end(events: &mut HealthEvents) -> HealthEvent {
    loop {
        match soon(events).await {
            HealthEvent::Degraded(_) | HealthEvent::FailureLimit(_) => {}
            event => return event,
        }
    }
}

#[tokio::test]
async fn the_embedded_store_is_healthy() {
    let cache = Cache::in_memory();
    let health = cache.check_health().await;
    assert_eq!(health.status, HealthStatus::Healthy);
    assert_eq!(
        health.server.and_then(|server| server.memory_limit),
        Some(64 << 20)
    );
}
