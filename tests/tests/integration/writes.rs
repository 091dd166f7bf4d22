//! `#[invalidate_cache]`: what is invalidated, and that it is however the write ends.

use std::time::Duration;

use cache_runtime::{AnyKey, KeyTemplate, cache_keys, cache_result, invalidate_cache, spawn};

use crate::support::{Fixture, Runs, on_each_store, until};

struct CacheKeys;

#[cache_keys]
impl CacheKeys {
    const CLASS: KeyTemplate<(u64,), String> = KeyTemplate::new("class:<id>");
    const STUDENTS: KeyTemplate<(u64, u32), Vec<u64>> =
        KeyTemplate::new("class:<id>:students:<page>");
}

#[cache_result(key = "user:<id>:profile", ttl = 60)]
async fn profile(id: u64) -> String {
    format!("user {id}")
}

const MINUTE: Duration = Duration::from_secs(60);

async fn fill() {
    CacheKeys::CLASS
        .key(1)
        .put(&"one".to_owned(), MINUTE)
        .await
        .expect("a store");
    for page in 0..3 {
        CacheKeys::STUDENTS
            .key(1, page)
            .put(&vec![1], MINUTE)
            .await
            .expect("a store");
    }
    profile(7).await;
}

async fn is_there(key: &AnyKey) -> bool {
    key.exists().await.expect("a store")
}

#[tokio::test]
async fn all_named_keys_are_invalidated() {
    #[invalidate_cache(keys = [CacheKeys::CLASS.key(class), profile_key(user), "class:<class>:students:<page>"])]
    async fn enrol(class: u64, user: u64, page: u32) -> Result<(), ()> {
        Ok(())
    }
    #[invalidate_cache(keys = (0..3).map(|page| CacheKeys::STUDENTS.key(class, page)))]
    #[invalidate_cache(key = CacheKeys::CLASS.key(class))]
    async fn close(class: u64) {}

    on_each_store(async |_| {
        fill().await;
        enrol(1, 7, 2).await.expect("a write");
        assert!(!is_there(&CacheKeys::CLASS.key(1)).await);
        assert!(!is_there(&profile_key(7)).await);
        assert!(!is_there(&CacheKeys::STUDENTS.key(1, 2)).await);
        assert!(
            is_there(&CacheKeys::STUDENTS.key(1, 1)).await,
            "it was not named"
        );

        fill().await;
        close(1).await;
        assert!(!is_there(&CacheKeys::CLASS.key(1)).await);
        assert!(!is_there(&CacheKeys::STUDENTS.key(1, 0)).await);
    })
    .await;
}

#[tokio::test]
async fn a_pattern_takes_all_that_matches_and_nothing_else() {
    #[invalidate_cache(pattern = "class:<class>:*")]
    async fn rebuild(class: &str) {}

    on_each_store(async |_| {
        fill().await;
        rebuild("*").await;
        assert!(
            is_there(&CacheKeys::STUDENTS.key(1, 0)).await,
            "a value is text, not a glob"
        );
        rebuild("1").await;
        assert!(!is_there(&CacheKeys::STUDENTS.key(1, 0)).await);
        assert!(!is_there(&CacheKeys::STUDENTS.key(1, 2)).await);
        assert!(is_there(&CacheKeys::CLASS.key(1)).await);
    })
    .await;
}

#[tokio::test]
async fn a_key_may_name_what_the_write_returned() {
    struct Created {
        class: u64,
    }
    #[invalidate_cache(key = "class:<return.class>:students:<page>")]
    async fn create(page: u32, found: bool) -> Result<Option<Created>, ()> {
        Ok(found.then_some(Created { class: 1 }))
    }
    on_each_store(async |_| {
        fill().await;
        create(0, false).await.expect("a write");
        assert!(
            is_there(&CacheKeys::STUDENTS.key(1, 0)).await,
            "nothing returned, nothing named"
        );
        create(0, true).await.expect("a write");
        assert!(!is_there(&CacheKeys::STUDENTS.key(1, 0)).await);
    })
    .await;
}

#[tokio::test]
async fn failed_writes_invalidate_unless_told_otherwise() {
    #[invalidate_cache(key = "user:<id>:profile")]
    async fn always(id: u64) -> Result<(), String> {
        Err("the reply was lost".to_owned())
    }
    #[invalidate_cache(key = "user:<id>:profile", on = ok)]
    async fn on_ok(id: u64, works: bool) -> Result<(), String> {
        if works {
            Ok(())
        } else {
            Err("nothing written".to_owned())
        }
    }
    on_each_store(async |_| {
        fill().await;
        assert!(always(7).await.is_err());
        assert!(!is_there(&profile_key(7)).await);
        fill().await;
        assert!(on_ok(7, false).await.is_err());
        assert!(is_there(&profile_key(7)).await);
        assert!(on_ok(7, true).await.is_ok());
        assert!(!is_there(&profile_key(7)).await);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_or_panicking_write_invalidates_all_the_same() {
    #[invalidate_cache(key = "user:<id>:profile", on = ok)]
    async fn interrupted(id: u64, runs: Runs) -> Result<(), ()> {
        if runs.run() == 2 {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        std::future::pending().await
    }
    on_each_store(async |_| {
        let runs = Runs::default();
        fill().await;
        let write = spawn(interrupted(7, runs.clone()));
        until(async || runs.count() == 1).await;
        write.abort();
        assert!(write.await.is_err());
        until(async || !is_there(&profile_key(7)).await).await;

        fill().await;
        assert!(spawn(interrupted(7, runs.clone())).await.is_err());
        until(async || !is_there(&profile_key(7)).await).await;
    })
    .await;
}

#[tokio::test]
async fn a_write_whose_runtime_shuts_down_still_invalidates() {
    #[invalidate_cache(key = "user:<id>:profile")]
    async fn endless(id: u64, runs: Runs) {
        runs.run();
        std::future::pending::<()>().await;
    }
    let fixture = Fixture::on_redis().await;
    let cache = fixture.cache.clone();
    cache.scope(fill()).await;
    let runs = Runs::default();
    let (in_thread, its_runs) = (fixture.another_process(), runs.clone());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let write = in_thread.scope(async { spawn(endless(7, its_runs.clone())) });
        drop(runtime.block_on(write));
        while its_runs.count() == 0 {
            std::thread::yield_now();
        }
        drop(runtime);
    })
    .join()
    .expect("a thread");
    cache
        .scope(async { until(async || !is_there(&profile_key(7)).await).await })
        .await;
}

#[tokio::test]
async fn a_read_and_a_write_attribute_compose() {
    #[cache_result(key = "summary:<class>", ttl = 60, key_ignores(runs))]
    #[invalidate_cache(key = "class:<class>")]
    async fn summarise(class: u64, runs: Runs) -> usize {
        runs.run()
    }
    on_each_store(async |_| {
        let runs = Runs::default();
        fill().await;
        assert_eq!(
            (
                summarise(1, runs.clone()).await,
                summarise(1, runs.clone()).await
            ),
            (1, 1)
        );
        assert!(
            !is_there(&CacheKeys::CLASS.key(1)).await,
            "the load invalidated it"
        );
    })
    .await;
}
