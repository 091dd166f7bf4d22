//! The cache for code that does not await.

use std::time::Duration;

use cache_runtime::{Cache, Counter, Error, Invalidation, KeyTemplate, allow_blocking};
use cache_tests::RedisServer;

use crate::support::on;

const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("blocking:<id>");
const MINUTE: Duration = Duration::from_secs(60);

fn on_a_thread_without_runtime(cache: Cache, work: fn(&Cache)) {
    std::thread::spawn(move || work(&cache))
        .join()
        .expect("no panic");
}

fn by_hand(cache: &Cache) {
    let key = NAME.key(1);
    let blocking = cache.blocking();
    blocking
        .put(&key, &"Ada".to_owned(), MINUTE)
        .expect("a store");
    assert_eq!(blocking.get(&key).expect("a store").as_deref(), Some("Ada"));
    assert!(blocking.exists(&key).expect("a store"));
    assert!(blocking.expire(&key, MINUTE / 2).expect("a store"));
    let left = blocking.remaining_ttl(&key).expect("a store");
    assert!(left.is_some_and(|left| left <= MINUTE / 2));
    assert_eq!(
        blocking.invalidate(&key).expect("a store"),
        Invalidation::Applied
    );
    assert_eq!(blocking.get(&key).expect("a store"), None);
    let two = [(NAME.key(1), "a".to_owned()), (NAME.key(2), "b".to_owned())];
    blocking.put_many(&two, MINUTE).expect("a store");
    let keys = [NAME.key(1), NAME.key(2), NAME.key(3)];
    let names = blocking.get_many(&keys).expect("a store");
    assert_eq!(names, [Some("a".to_owned()), Some("b".to_owned()), None]);
    assert!(blocking.delete(&keys[0]).expect("a store"));
    let _ = blocking.invalidate_many(&keys).expect("a store");
    assert_eq!(blocking.clear("blocking:*").expect("a store"), 0);
    assert_eq!(blocking.store_stats().expect("a store").keys, 0);
    assert!(blocking.drained(MINUTE).expect("a store"));
}

#[tokio::test]
async fn operations_by_hand_need_no_runtime() {
    on_a_thread_without_runtime(Cache::in_memory(), by_hand);
    let server = RedisServer::start().await;
    let cache = on(&server);
    tokio::task::spawn_blocking(move || on_a_thread_without_runtime(cache, by_hand))
        .await
        .expect("no panic");
}

#[tokio::test]
async fn a_runtimes_thread_is_not_blocked() {
    let cache = Cache::in_memory();
    let refused = cache.blocking().get(&NAME.key(1));
    assert!(matches!(refused, Err(Error::WouldBlock { .. })));
    let message = refused.expect_err("refused").to_string();
    assert!(message.contains("allow_blocking"), "{message}");
    let blocking = cache.blocking();
    let refused = tokio::task::spawn_blocking(move || {
        let refused = blocking.store_stats();
        let allowed = allow_blocking(|| blocking.store_stats());
        assert!(blocking.store_stats().is_err(), "only inside");
        (refused, allowed)
    });
    let (refused, allowed) = refused.await.expect("no panic");
    assert!(matches!(refused, Err(Error::WouldBlock { .. })));
    assert_eq!(allowed.expect("a store").keys, 0);
}

#[test]
fn a_key_of_a_counter_is_a_key_too() {
    const VISITS: KeyTemplate<(), Counter> = KeyTemplate::new("blocking:visits");
    let cache = Cache::in_memory();
    assert!(!cache.blocking().exists(&VISITS.key()).expect("a store"));
}
