//! The same cache, whatever is behind it: a server, a socket, TLS, sentinels, a cluster.

use std::sync::Arc;
use std::time::Duration;

use cache_runtime::{
    Cache, Connections, Invalidation, KeyTemplate, cache_result, invalidate_cache, redis,
};
use cache_tests::{
    Authority, Identity, RedisCluster, RedisServer, SentinelSet, TlsServer, Validity,
};
use tokio::task::JoinSet;

const NUMBER: KeyTemplate<(u64,), u64> = KeyTemplate::new("number:<id>");
const MINUTE: Duration = Duration::from_secs(60);

#[cache_result(key = "square:<n>", ttl = "1m", tags = ["squares", "parity:<n>"])]
async fn square(n: u64) -> u64 {
    n * n
}

#[invalidate_cache(tags = ["squares"])]
async fn forget_squares() {}

#[invalidate_cache(key = "square:<n>", when = around)]
async fn change_square(n: u64) {}

fn at(url: &str) -> Cache {
    Cache::builder()
        .redis_url(url)
        .namespace("app")
        .build()
        .expect("a valid configuration")
}

/// What a cache is for, on all keys at once, so that a cluster meets keys of all its nodes.
async fn serves(cache: &Cache) {
    let scoped = cache.scope(async {
        for _ in 0..2 {
            for n in 0..20 {
                assert_eq!(square(n).await, n * n);
            }
        }
        forget_squares().await;
        for n in 0..20 {
            square(n).await;
        }
        change_square(7).await;
        square(7).await;
    });
    scoped.await;
    let stats = cache.stats();
    assert_eq!(
        (stats.loads, stats.hits, stats.published),
        (41, 20, 41),
        "{stats:?}"
    );
    by_hand(cache).await;
    raw(cache).await;
    assert!(cache.drained(Duration::from_secs(5)).await);
}

async fn by_hand(cache: &Cache) {
    let entries: Vec<_> = (0..20).map(|id| (NUMBER.key(id), id)).collect();
    let keys = || (0..20).map(|id| NUMBER.key(id));
    cache.put_many(&entries, MINUTE).await.expect("stored");
    let found = cache
        .get_many(&keys().collect::<Vec<_>>())
        .await
        .expect("read");
    assert_eq!(found, (0..20).map(Some).collect::<Vec<_>>());
    let outcome = cache.invalidate_many(keys().take(10)).await;
    assert_eq!(outcome.expect("invalidated"), Invalidation::Applied);
    assert_eq!(cache.clear("number:*").await.expect("swept"), 10);
    assert!(cache.store_stats().await.expect("measured").keys >= 20);
}

async fn raw(cache: &Cache) {
    let mut connection = cache.connection().await.expect("a connection");
    let [a, b] = ["{shop}:a", "{shop}:b"].map(|name| cache.name_in_redis(name));
    let (count, value): (u64, String) = redis::pipe()
        .atomic()
        .cmd("INCRBY")
        .arg(&a)
        .arg(7)
        .cmd("SET")
        .arg(&b)
        .arg("seven")
        .ignore()
        .cmd("GET")
        .arg(&b)
        .query_async(&mut connection)
        .await
        .expect("a transaction");
    assert_eq!((count, &*value), (7, "seven"));
    let before = cache.connections();
    let mut dedicated = cache.dedicated().await.expect("a connection of its own");
    let list = cache.name_in_redis("jobs");
    let push = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut push = redis::cmd("RPUSH");
        push.arg(&list)
            .arg("a job")
            .query_async::<u64>(&mut connection)
            .await
    };
    let mut pop = redis::cmd("BLPOP");
    pop.arg(&list).arg(5);
    let popped = pop.query_async::<(String, String)>(&mut *dedicated);
    let (pushed, popped) = tokio::join!(push, popped);
    assert_eq!(
        (pushed.expect("pushed"), popped.expect("popped").1),
        (1, "a job".to_owned())
    );
    let Connections { open, failed, .. } = cache.connections();
    assert_eq!((open, failed), (before.open + 1, 0));
    drop(dedicated);
    assert_eq!(cache.connections().open, before.open);
}

#[tokio::test]
async fn one_server_serves() {
    serves(&at(&RedisServer::start().await.url())).await;
    let socket = RedisServer::on_socket().await;
    serves(&at(&socket.url())).await;
}

#[tokio::test]
async fn sentinels_lead_to_the_primary() {
    let set = SentinelSet::start(1).await;
    let cache = at(&set.url());
    serves(&cache).await;
    assert!(set.server(0).calls("get").await > 0, "on the primary");
}

#[tokio::test]
async fn a_name_that_no_sentinel_knows_is_said() {
    let set = SentinelSet::start(1).await;
    let url = set.url().replace("/main", "/other");
    assert_eq!(
        refusal(&at(&url)).await,
        "not connected: no sentinel knows a primary of this name"
    );
}

#[tokio::test]
async fn a_cluster_serves() {
    let cluster = RedisCluster::start(3, 0).await;
    let cache = at(&cluster.url());
    serves(&cache).await;
    for node in 0..3 {
        assert!(cluster.node(node).calls("get").await > 0, "node {node}");
    }
}

#[tokio::test]
async fn a_sweep_finds_keys_on_their_way() {
    let cluster = RedisCluster::start(2, 0).await;
    let cache = at(&cluster.url());
    let key = NUMBER.key(1);
    let slot = cluster.slot_of("app:number:1").await;
    let (from, to) = match cluster.owner_of(slot).await {
        0 => (0, 1),
        _ => (1, 0),
    };
    cluster.begin_move(slot, from, to).await;
    let entries = [1, 2].map(|id| (NUMBER.key(id), id));
    cache.put_many(&entries, MINUTE).await.expect("stored");
    // What is not at its old place goes to the new owner.
    let count = ("CLUSTER", "COUNTKEYSINSLOT", slot);
    assert_eq!(cluster.node(from).command::<u64>(count).await, 0);
    assert_eq!(cluster.node(to).command::<u64>(count).await, 1);
    assert_eq!(cache.get_many(&[key]).await.expect("read"), [Some(1)]);
    assert_eq!(cache.clear("number:*").await.expect("swept"), 2);
    cluster.end_move(slot, from, to).await;
    cache.put_many(&entries[..1], MINUTE).await.expect("stored");
    assert_eq!(cache.clear("number:*").await.expect("swept"), 1);
}

#[tokio::test]
async fn a_slot_that_moves_to_a_new_node_takes_its_entries_along() {
    let cluster = RedisCluster::start(2, 0).await;
    let cache = at(&cluster.url());
    let slot = cluster.slot_of("app:square:3").await;
    let from = cluster.owner_of(slot).await;
    let load = || cache.scope(square(3));
    load().await;
    cluster.begin_move(slot, from, 1 - from).await;
    cluster.move_keys(slot, from, 1 - from).await;
    load().await;
    cluster.end_move(slot, from, 1 - from).await;
    load().await;
    assert_eq!(
        (cache.stats().loads, cache.stats().hits),
        (1, 2),
        "{:?}",
        cache.stats()
    );
}

#[tokio::test]
async fn a_cluster_that_was_away_as_a_whole_comes_back() {
    let mut cluster = RedisCluster::start(3, 0).await;
    let cache = at(&cluster.url());
    cache.scope(square(3)).await;
    for node in 0..3 {
        cluster.node_mut(node).kill();
    }
    for n in 0..20 {
        assert_eq!(cache.scope(square(n)).await, n * n);
    }
    let outcome = cache.invalidate_many([NUMBER.key(1)]).await;
    assert_eq!(outcome.expect("there is room"), Invalidation::Queued);
    for node in 0..3 {
        cluster.node_mut(node).restart().await;
    }
    cluster.settled().await;
    assert!(
        cache.drained(Duration::from_secs(10)).await,
        "the invalidation is sent"
    );
    let hits = || async {
        cache.scope(square(3)).await;
        cache.stats().hits
    };
    let (before, deadline) = (
        hits().await,
        std::time::Instant::now() + Duration::from_secs(5),
    );
    while hits().await == before {
        assert!(std::time::Instant::now() < deadline, "{:?}", cache.stats());
    }
    assert!(cache.connections().changes > 0, "{:?}", cache.connections());
}

#[tokio::test]
async fn many_callers_load_once_on_a_cluster() {
    let cluster = RedisCluster::start(3, 0).await;
    let caches = [at(&cluster.url()), at(&cluster.url())].map(Arc::new);
    let mut calls = JoinSet::new();
    for task in 0..64 {
        let cache = caches[task % 2].clone();
        calls.spawn(async move {
            for n in 0..50 {
                assert_eq!(cache.scope(square(n)).await, n * n);
            }
        });
    }
    calls.join_all().await;
    let loads: u64 = caches.iter().map(|cache| cache.stats().loads).sum();
    assert_eq!(loads, 50);
}

/// Why a cache can't reach its server.
async fn refusal(cache: &Cache) -> String {
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    loop {
        let error = cache.store_stats().await.expect_err("refused");
        let source = std::error::Error::source(&error)
            .expect("a reason")
            .to_string();
        // The first caller may have gone on before the attempt ended.
        if source.starts_with("not connected: ") || std::time::Instant::now() > deadline {
            return source;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn trusting(authority: &Authority, url: &str) -> cache_runtime::Builder {
    Cache::builder()
        .redis_url(url)
        .namespace("app")
        .redis_ssl_ca_cert(authority.pem())
}

async fn refused(identity: &Identity, signed_by: &Authority, trusted: &Authority) -> String {
    let server = TlsServer::start(signed_by, identity).await;
    let cache = trusting(trusted, &server.url()).build().expect("valid");
    refusal(&cache).await
}

#[tokio::test]
async fn a_server_under_tls_serves_whoever_trusts_it() {
    let authority = Authority::new();
    let server = TlsServer::start(&authority, &authority.sign("127.0.0.1", Validity::Valid)).await;
    serves(&trusting(&authority, &server.url()).build().expect("valid")).await;
    let client = authority.sign("client", Validity::Valid);
    let identity = authority.sign("127.0.0.1", Validity::Valid);
    let server = TlsServer::start_asking(&authority, &identity).await;
    let known = trusting(&authority, &server.url())
        .redis_ssl_cert(client.certificate)
        .redis_ssl_key(client.key);
    serves(&known.build().expect("valid")).await;
    let unknown = trusting(&authority, &server.url()).build().expect("valid");
    assert!(
        unknown.store_stats().await.is_err(),
        "without a certificate"
    );
}

#[tokio::test]
async fn certificates_that_prove_nothing_are_refused() {
    let (ours, other) = (Authority::new(), Authority::new());
    let good = ours.sign("127.0.0.1", Validity::Valid);
    let foreign = refused(&other.sign("127.0.0.1", Validity::Valid), &other, &ours).await;
    assert!(foreign.contains("UnknownIssuer"), "{foreign}");
    let expired = refused(&ours.sign("127.0.0.1", Validity::Expired), &ours, &ours).await;
    assert!(expired.contains("expired"), "{expired}");
    let misnamed = refused(&ours.sign("redis.example", Validity::Valid), &ours, &ours).await;
    assert!(misnamed.contains("not valid for name"), "{misnamed}");
    let server = TlsServer::start(&ours, &good).await;
    let system = Cache::builder()
        .redis_url(server.url())
        .build()
        .expect("valid");
    let unknown = refusal(&system).await;
    assert!(
        unknown.contains("UnknownIssuer"),
        "the system's authorities: {unknown}"
    );
}

#[tokio::test]
async fn dedicated_connections_are_bounded_and_waits_counted() {
    let server = RedisServer::start().await;
    let cache = Cache::builder()
        .redis_url(server.url())
        .max_connections(3)
        .connection_timeout(Duration::from_millis(100))
        .build()
        .expect("valid");
    let first = cache.dedicated().await.expect("the only one");
    let error = cache.dedicated().await.err().expect("none is left");
    let why = std::error::Error::source(&error)
        .expect("a reason")
        .to_string();
    assert!(why.contains("max_connections"), "{why}");
    assert_eq!(cache.connections().waits, 1);
    drop(first);
    assert!(cache.dedicated().await.is_ok());
}

#[tokio::test]
async fn a_shutdown_sends_what_is_queued_and_closes_the_connections() {
    let server = RedisServer::start().await;
    let cache = at(&server.url());
    serves(&cache).await;
    assert!(cache.shutdown(Duration::from_secs(5)).await);
    assert_eq!(
        cache.scope(square(3)).await,
        9,
        "the function still answers"
    );
    assert!(cache.connection().await.is_err() && cache.dedicated().await.is_err());
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    // The harness's own is the one that asks.
    while server.info("clients").await["connected_clients"] != "1" {
        assert!(std::time::Instant::now() < deadline, "a connection is left");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(cache.connections().open, 0);
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(
            std::time::Instant::now() < deadline,
            "waited too long until {what}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_link_that_is_open_at_one_end_only_is_found_though_nobody_calls() {
    let server = RedisServer::start().await;
    let cache = Cache::builder()
        .redis_url(server.url())
        .socket_timeout(Duration::from_millis(500))
        .connection_timeout(Duration::from_millis(500))
        .build()
        .expect("valid");
    cache.scope(square(3)).await;
    assert_eq!(cache.connections().open, 1);
    server.pause();
    until("the silent link is given up", || {
        cache.connections().open == 0
    })
    .await;
    server.resume();
    until("it is back", || cache.connections().open == 1).await;
    assert!(cache.connections().changes > 0, "{:?}", cache.connections());
    cache.scope(square(3)).await;
    assert_eq!(cache.stats().hits, 1);
}

#[tokio::test]
async fn an_idle_link_that_answers_is_kept() {
    let server = RedisServer::start().await;
    let cache = Cache::builder()
        .redis_url(server.url())
        .socket_timeout(Duration::from_millis(200))
        .build()
        .expect("valid");
    cache.scope(square(3)).await;
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while server.calls("ping").await < 3 {
        assert!(
            std::time::Instant::now() < deadline,
            "nobody asks for a sign of life"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        (cache.connections().opened, cache.connections().changes),
        (1, 0)
    );
}

#[tokio::test]
async fn a_server_that_is_read_only_is_connected_to_anew_but_not_over_and_over() {
    let server = RedisServer::start().await;
    let cache = at(&server.url());
    cache.scope(square(3)).await;
    let () = server.command(("REPLICAOF", "127.0.0.1", 1)).await;
    let outcome = cache.invalidate_many([NUMBER.key(1)]).await;
    assert_eq!(outcome.expect("there is room"), Invalidation::Queued);
    for n in 10..40 {
        assert_eq!(cache.scope(square(n)).await, n * n);
    }
    until("it is connected to anew", || {
        cache.connections().changes > 0
    })
    .await;
    assert!(cache.connections().opened < 10, "{:?}", cache.connections());
    let () = server.command(("REPLICAOF", "NO", "ONE")).await;
    assert!(
        cache.drained(Duration::from_secs(5)).await,
        "the invalidation is sent"
    );
}
