//! Keys, counters and connections used by hand.

use std::sync::Arc;
use std::time::Duration;

use cache_runtime::{Cache, KeyTemplate, cache_result};

use crate::support::{Fixture, on_each_store};

const CLASS: KeyTemplate<(u64,), String> = KeyTemplate::new("class:<id>");
const MINUTE: Duration = Duration::from_secs(60);

#[cache_result(key = "user:<id>:profile", ttl = 60, companion = none)]
async fn profile(id: u64) -> String {
    format!("user {id}")
}

#[tokio::test]
async fn counters_are_raw_integers() {
    use cache_runtime::Counter;

    const VISITS: KeyTemplate<(u64,), Counter> = KeyTemplate::new("visits:<page>");
    const WRONG: KeyTemplate<(u64,), Counter> = KeyTemplate::new("user:<id>:profile");
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    fixture
        .cache
        .scope(async {
            assert_eq!(
                VISITS
                    .key(1)
                    .increment_within(5, MINUTE)
                    .await
                    .expect("a store"),
                5
            );
            assert_eq!(VISITS.key(1).decrement(2).await.expect("a store"), 3);
            assert_eq!(VISITS.key(1).count().await.expect("a store"), Some(3));
            let left = VISITS
                .key(1)
                .remaining_ttl()
                .await
                .expect("a store")
                .expect("a counter");
            assert!(left <= MINUTE);
            profile(7).await;
            assert!(
                WRONG.key(7).increment(1).await.is_err(),
                "it holds something else"
            );
        })
        .await;
    assert_eq!(server.command::<String>(("GET", "visits:1")).await, "3");
}

#[tokio::test]
async fn manual_operations_do_what_they_say() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let cache: &Cache = &fixture.cache;
        let keys = [1, 2, 3].map(|id| CLASS.key(id));
        let entries = [
            (keys[0].clone(), "a".to_owned()),
            (keys[2].clone(), "c".to_owned()),
        ];
        cache.put_many(&entries, MINUTE).await.expect("a store");
        let values = cache.get_many(&keys).await.expect("a store");
        assert_eq!(values, [Some("a".to_owned()), None, Some("c".to_owned())]);
        assert!(
            keys[0]
                .expire(Duration::from_secs(5))
                .await
                .expect("a store")
        );
        let left = keys[0]
            .remaining_ttl()
            .await
            .expect("a store")
            .expect("an entry");
        assert!(left <= Duration::from_secs(5));
        assert!(keys[0].delete().await.expect("a store"));
        assert!(!keys[0].delete().await.expect("a store"));
        assert_eq!(cache.store_stats().await.expect("a store").keys, 1);
        for id in 0..2_000 {
            CLASS
                .key(id)
                .put(&String::new(), MINUTE)
                .await
                .expect("a store");
        }
        assert_eq!(cache.clear("class:1*").await.expect("a store"), 1_111);
        assert_eq!(cache.store_stats().await.expect("a store").keys, 889);
    })
    .await;
}

#[tokio::test]
async fn the_connection_and_the_codec_serve_other_structures() {
    let server = cache_tests::RedisServer::on_socket().await;
    let cache = Cache::builder()
        .redis_url(server.url())
        .namespace("app")
        .build()
        .expect("valid");
    let mut connection = cache.connection().await.expect("a server");
    let bytes = cache.encode(&vec![1_u8, 2]).expect("a value");
    let hash = cache.name_in_redis("hash");
    let mut set = redis::cmd("HSET");
    let () = set
        .arg(&hash)
        .arg("field")
        .arg(bytes)
        .query_async(&mut connection)
        .await
        .expect("ok");
    let mut get = redis::cmd("HGET");
    let read: Vec<u8> = get
        .arg(&hash)
        .arg("field")
        .query_async(&mut connection)
        .await
        .expect("ok");
    assert_eq!(cache.decode::<Vec<u8>>(&read).expect("a value"), [1, 2]);
    assert!(cache.decode::<String>(&read).is_err());
    assert!(server.command::<bool>(("EXISTS", "app:hash")).await);
}

#[tokio::test]
async fn the_embedded_store_stays_within_its_bytes() {
    let limit = 1 << 20;
    let cache = Cache::builder()
        .memory_bytes(limit)
        .build()
        .expect("a valid configuration");
    cache
        .scope(async {
            for id in 0..10_000 {
                CLASS
                    .key(id)
                    .put(&"x".repeat(1_000), MINUTE)
                    .await
                    .expect("a store");
            }
        })
        .await;
    let size = cache.store_stats().await.expect("a store");
    assert!(size.bytes <= limit, "{size:?}");
    assert!(size.bytes >= limit / 2, "it is used, too: {size:?}");
}

#[tokio::test]
async fn a_put_takes_the_place_of_anything_and_says_what_is_too_big() {
    const PROFILE: KeyTemplate<(u64,), Vec<u8>> = KeyTemplate::new("user:<id>:profile");

    on_each_store(async |_| {
        let big = CLASS.key(1).put(&"x".repeat(2 << 20), MINUTE).await;
        assert!(matches!(big, Err(cache_runtime::Error::Encode { .. })));
        assert!(!CLASS.key(1).exists().await.expect("a store"));
        profile(1).await;
        assert_eq!(
            PROFILE.key(1).get().await.expect("a store"),
            None,
            "another type is a miss"
        );
        PROFILE.key(1).put(&vec![1], MINUTE).await.expect("a store");
        assert_eq!(PROFILE.key(1).get().await.expect("a store"), Some(vec![1]));
        assert_eq!(
            profile(1).await,
            "user 1",
            "and a miss for the function, too"
        );
    })
    .await;
}
