//! `#[cache_result]`: what is a hit, what is stored, and for how long.

use std::sync::Arc;
use std::time::Duration;

use cache_runtime::{Cache, KeyPart, KeyTemplate, Secret, cache_result};
use serde::{Deserialize, Serialize};

use crate::support::{Fixture, Runs, on_each_store};

#[derive(Clone, Copy, Debug, KeyPart, PartialEq, Serialize, Deserialize)]
struct UserId(u64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct User {
    id: UserId,
    name: String,
    score: f64,
}

#[derive(Clone, Debug, PartialEq)]
struct NotFound;

#[cache_result(key = "user:<id>", ttl = 60, key_ignores(runs))]
async fn user(id: UserId, runs: Runs) -> Result<User, NotFound> {
    let run = runs.run();
    if id.0 == 0 {
        return Err(NotFound);
    }
    Ok(User {
        id,
        name: format!("run {run}"),
        score: 0.1 + 0.2,
    })
}

#[tokio::test]
async fn the_second_call_is_a_hit() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let runs = Runs::default();
        let first = user(UserId(7), runs.clone()).await;
        let second = user(UserId(7), runs.clone()).await;
        assert_eq!(
            first, second,
            "values come back as they were stored, floats too"
        );
        assert_eq!(runs.count(), 1);
        let stats = fixture.cache.stats();
        assert_eq!(
            (stats.misses, stats.hits, stats.loads, stats.published),
            (1, 1, 1, 1)
        );
    })
    .await;
}

#[tokio::test]
async fn each_argument_has_an_entry_of_its_own() {
    on_each_store(async |_| {
        let runs = Runs::default();
        let (one, two) = (
            user(UserId(1), runs.clone()).await,
            user(UserId(2), runs.clone()).await,
        );
        assert_eq!(one.map(|user| user.id), Ok(UserId(1)));
        assert_eq!(two.map(|user| user.id), Ok(UserId(2)));
        assert_eq!(runs.count(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_hit_is_one_get_and_no_script() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let runs = Runs::default();
    fixture
        .cache
        .scope(async {
            user(UserId(7), runs.clone()).await.expect("a user");
            server.reset_stats().await;
            user(UserId(7), runs.clone()).await.expect("a user");
        })
        .await;
    assert_eq!(server.all_calls().await, [("get".to_owned(), 1)].into());
}

#[tokio::test]
async fn errors_are_not_stored_unless_asked_for() {
    #[cache_result(key = "error:<id>", ttl = 60, errors = "5s", key_ignores(runs))]
    async fn failing(id: u64, runs: Runs) -> Result<String, String> {
        Err(format!("run {}", runs.run()))
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        let runs = Runs::default();
        assert_eq!(user(UserId(0), runs.clone()).await, Err(NotFound));
        assert_eq!(user(UserId(0), runs.clone()).await, Err(NotFound));
        assert_eq!(runs.count(), 2);

        let runs = Runs::default();
        assert_eq!(failing(1, runs.clone()).await, Err("run 1".to_owned()));
        assert_eq!(failing(1, runs.clone()).await, Err("run 1".to_owned()));
        fixture.pass("error:1", Duration::from_secs(5)).await;
        assert_eq!(failing(1, runs.clone()).await, Err("run 2".to_owned()));
        assert_eq!(
            failing_key(1).get().await.expect("a store"),
            None,
            "an error is no value"
        );
    })
    .await;
}

#[tokio::test]
async fn an_entry_lives_for_its_ttl_and_no_longer() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let runs = Runs::default();
        user(UserId(7), runs.clone()).await.expect("a user");
        fixture.pass("user:7", Duration::from_secs(59)).await;
        user(UserId(7), runs.clone()).await.expect("a user");
        assert_eq!(runs.count(), 1, "within its lifetime");
        fixture.pass("user:7", Duration::from_secs(1)).await;
        user(UserId(7), runs.clone()).await.expect("a user");
        assert_eq!(runs.count(), 2, "at its end");
    })
    .await;
}

/// What is left of an entry's life is what it was given, less the time this test took.
async fn assert_lives(key: &cache_runtime::AnyKey, given: Duration) {
    let left = key
        .remaining_ttl()
        .await
        .expect("a store")
        .expect("an entry");
    assert!(
        left <= given && left + Duration::from_secs(2) > given,
        "{left:?} of {given:?}"
    );
}

#[tokio::test]
async fn lifetimes_are_written_or_configured() {
    #[cache_result(key = "t:millis", ttl = "1500ms")]
    async fn millis() -> u8 {
        1
    }
    #[cache_result(key = "t:short", ttl = short)]
    async fn short() -> u8 {
        1
    }
    #[cache_result(key = "t:default")]
    async fn default() -> u8 {
        1
    }
    #[cache_result(key = "t:long", ttl = long)]
    async fn long() -> u8 {
        1
    }
    on_each_store(async |_| {
        let _: (u8, u8, u8, u8) = (millis().await, short().await, default().await, long().await);
        assert_lives(&millis_key(), Duration::from_millis(1_500)).await;
        assert_lives(&short_key(), Duration::from_secs(300)).await;
        assert_lives(&default_key(), Duration::from_secs(3_600)).await;
        assert_lives(&long_key(), Duration::from_secs(86_400)).await;
    })
    .await;
}

#[tokio::test]
async fn lifetimes_are_computed_and_shortened() {
    #[cache_result(key = "t:expr:<minutes>", ttl = Duration::from_secs(60 * *minutes))]
    async fn expression(minutes: u64) -> u64 {
        minutes
    }
    #[cache_result(key = "t:value:<n>", ttl = |value: &u64| Duration::from_secs(*value))]
    async fn by_value(n: u64) -> u64 {
        n
    }
    #[cache_result(key = "t:jitter", ttl = 100, jitter = "50%")]
    async fn jittered() -> u8 {
        1
    }
    on_each_store(async |_| {
        expression(2).await;
        assert_lives(&expression_key(2), Duration::from_secs(120)).await;
        by_value(30).await;
        assert_lives(&by_value_key(30), Duration::from_secs(30)).await;
        by_value(0).await;
        assert!(
            !by_value_key(0).exists().await.expect("a store"),
            "no lifetime, no entry"
        );
        jittered().await;
        let left = jittered_key()
            .remaining_ttl()
            .await
            .expect("a store")
            .expect("an entry");
        assert!(left <= Duration::from_secs(100) && left >= Duration::from_secs(49));
    })
    .await;
}

#[tokio::test]
async fn only_what_is_worth_it_is_stored() {
    #[cache_result(key = "even:<n>", ttl = 60, store_if = |n: &u64| n.is_multiple_of(2))]
    async fn even(n: u64) -> u64 {
        n
    }
    #[cache_result(key = "maybe:<n>", ttl = 60, none = skip)]
    async fn maybe(n: u64) -> Option<u64> {
        (n > 0).then_some(n)
    }
    #[cache_result(key = "seldom:<n>", ttl = 60, none = "2s")]
    async fn seldom(n: u64) -> Result<Option<u64>, NotFound> {
        Ok((n > 0).then_some(n))
    }
    #[cache_result(key = "big:<n>", ttl = 60, max_entry = "1kb")]
    async fn big(n: usize) -> String {
        "x".repeat(n)
    }
    on_each_store(async |fixture: Arc<Fixture>| {
        let _ = (even(1).await, even(2).await, maybe(0).await, maybe(1).await);
        assert!(!even_key(1).exists().await.expect("a store"));
        assert!(even_key(2).exists().await.expect("a store"));
        assert!(!maybe_key(0).exists().await.expect("a store"));
        assert_eq!(maybe_key(1).get().await.expect("a store"), Some(Some(1)));
        let _ = seldom(0).await;
        let left = seldom_key(0)
            .remaining_ttl()
            .await
            .expect("a store")
            .expect("an entry");
        assert!(left <= Duration::from_secs(2));
        assert_eq!((big(10).await.len(), big(2_000).await.len()), (10, 2_000));
        assert!(big_key(10).exists().await.expect("a store"));
        assert!(!big_key(2_000).exists().await.expect("a store"));
        assert_eq!(fixture.cache.stats().oversized, 1);
    })
    .await;
}

#[tokio::test]
async fn values_come_back_as_they_were_stored() {
    #[cache_result(key = "floats", ttl = 60)]
    async fn floats() -> Vec<f64> {
        vec![
            0.1 + 0.2,
            f64::MIN_POSITIVE,
            1e300,
            -0.0,
            123_456_789.123_456_79,
            2.0_f64.powi(-1074),
        ]
    }
    on_each_store(async |_| {
        let bits = |floats: Vec<f64>| floats.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(floats().await), bits(floats().await));
    })
    .await;
}

#[tokio::test]
async fn every_shape_of_function_is_cached() {
    struct Repository {
        tenant: u32,
        runs: Runs,
    }
    impl Repository {
        #[cache_result(key = "r:<self.tenant>:<name>", ttl = 60)]
        async fn by_reference(&self, name: &str) -> String {
            format!("{name} {}", self.runs.run())
        }
        #[cache_result(key = "m:<self.tenant>", ttl = 60)]
        async fn by_mutable_reference(&mut self) -> Option<Arc<u32>> {
            self.runs.run();
            self.tenant += 1;
            Some(Arc::new(self.tenant))
        }
        #[cache_result(key = "a:<id>:<page>", ttl = 60)]
        async fn associated((id, page): (u32, Option<u32>)) -> Result<Arc<String>, NotFound> {
            Ok(Arc::new(format!("{id} {page:?}")))
        }
    }
    on_each_store(async |_| {
        let mut repository = Repository {
            tenant: 3,
            runs: Runs::default(),
        };
        assert_eq!(
            repository.by_reference("a").await,
            repository.by_reference("a").await
        );
        assert_eq!(repository.by_reference("b").await, "b 2");
        assert_eq!(repository.by_mutable_reference().await, Some(Arc::new(4)));
        repository.tenant = 3;
        assert_eq!(repository.by_mutable_reference().await, Some(Arc::new(4)));
        assert_eq!(repository.runs.count(), 3);
        let one = Repository::associated((1, None)).await;
        assert_eq!(one.map(|text| text.to_string()), Ok("1 None".to_owned()));
        let key = Repository::associated_key(&(1, None));
        assert_eq!(key.text(), "a:1:~");
        assert!(key.exists().await.expect("a store"));
    })
    .await;
}

#[tokio::test]
async fn keys_may_come_from_templates_and_companions() {
    const USER: KeyTemplate<(UserId,), User> = KeyTemplate::new("user:<id>");
    #[cache_result(key = USER.key(id), ttl = 60, key_ignores(runs))]
    async fn through_template(id: UserId, runs: Runs) -> Result<User, NotFound> {
        user(id, runs).await
    }
    on_each_store(async |_| {
        let runs = Runs::default();
        let loaded = cache_runtime::bypass(user(UserId(7), runs.clone()))
            .await
            .expect("a user");
        USER.key(UserId(7))
            .put(&loaded, Duration::from_secs(60))
            .await
            .expect("a store");
        assert_eq!(
            through_template(UserId(7), runs.clone()).await,
            Ok(loaded.clone())
        );
        assert_eq!(
            user_key(UserId(7)).get().await.expect("a store"),
            Some(loaded)
        );
        assert_eq!(runs.count(), 1);
    })
    .await;
}

#[tokio::test]
async fn secrets_enter_keys_only_hashed() {
    #[cache_result(key = "token:<token>:<name|hash>", ttl = 60)]
    async fn who(token: Secret<String>, name: &str) -> usize {
        token.expose().len() + name.len()
    }
    let key = who_key(Secret::new("hunter2".to_owned()), "Ada");
    assert!(!key.text().contains("hunter2") && !key.text().contains("Ada"));
    assert_eq!(format!("{key:?}"), "Key(\"token:<token>:<name|hash>\")");
    let cache = Cache::in_memory();
    assert_eq!(
        cache
            .scope(who(Secret::new("hunter2".to_owned()), "Ada"))
            .await,
        10
    );
}

#[tokio::test]
async fn namespaces_keep_applications_apart() {
    let fixture = Fixture::on_redis().await;
    let server = fixture.server.as_ref().expect("a server");
    let in_namespace = |name: &str| {
        let cache = Cache::builder().redis_url(server.url()).namespace(name);
        cache.build().expect("a valid configuration")
    };
    let runs = Runs::default();
    for name in ["shop", "shop.test", "shop:test"] {
        in_namespace(name)
            .scope(user(UserId(7), runs.clone()))
            .await
            .expect("a user");
    }
    assert_eq!(runs.count(), 3);
    let mut keys: Vec<String> = server.command(("KEYS", "*")).await;
    keys.sort();
    assert_eq!(
        keys,
        ["shop%3Atest:user:7", "shop.test:user:7", "shop:user:7"]
    );
}

#[tokio::test]
async fn modes_and_scopes_say_how_the_cache_is_used() {
    on_each_store(async |fixture: Arc<Fixture>| {
        let runs = Runs::default();
        let call = || user(UserId(7), runs.clone());
        cache_runtime::bypass(call()).await.expect("a user");
        cache_runtime::read_only(call()).await.expect("a user");
        assert!(!user_key(UserId(7)).exists().await.expect("a store"));
        call().await.expect("a user");
        assert_eq!(runs.count(), 3);
        cache_runtime::read_only(call()).await.expect("a user");
        assert_eq!(runs.count(), 3, "read-only reads");
        let refreshed = cache_runtime::refresh(call()).await.expect("a user");
        assert_eq!(call().await, Ok(refreshed), "a refresh replaces the entry");
        assert_eq!(runs.count(), 4);
        fixture.cache.set_mode(cache_runtime::Mode::Off);
        call().await.expect("a user");
        assert_eq!(runs.count(), 5);
        fixture.cache.set_mode(cache_runtime::Mode::Read);
        call().await.expect("a user");
        assert_eq!(runs.count(), 5);
    })
    .await;
}

#[tokio::test]
async fn spawned_tasks_keep_their_scope() {
    let cache = Cache::in_memory();
    let runs = Runs::default();
    let task = cache
        .scope(async { cache_runtime::spawn(user(UserId(7), runs.clone())) })
        .await;
    task.await.expect("a task").expect("a user");
    assert_eq!(cache.stats().published, 1);
}
