use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cache_tests::RedisServer;
use redis::RedisResult;

#[tokio::test]
async fn answers_on_a_port() {
    let server = RedisServer::start().await;
    assert_eq!(server.url(), format!("redis://127.0.0.1:{}", server.port()));
    assert_eq!(server.command::<String>("PING").await, "PONG");
}

#[tokio::test]
async fn answers_on_a_socket() {
    let server = RedisServer::on_socket().await;
    assert!(server.url().starts_with("unix:///"));
    assert_eq!(server.command::<String>("PING").await, "PONG");
    assert_eq!(server.info("server").await["tcp_port"], "0");
}

#[tokio::test]
async fn passes_further_arguments_on() {
    let server = RedisServer::start_with(&["--maxmemory", "2mb"]).await;
    assert_eq!(server.info("memory").await["maxmemory"], "2097152");
}

#[tokio::test]
#[should_panic(expected = "no-such-option")]
async fn shows_what_a_server_said_that_did_not_start() {
    RedisServer::start_with(&["--no-such-option", "1"]).await;
}

#[tokio::test]
async fn servers_started_together_are_different_ones() {
    let mut starts = tokio::task::JoinSet::new();
    for _ in 0..8 {
        starts.spawn(RedisServer::start());
    }
    let servers = starts.join_all().await;
    let ports: BTreeSet<_> = servers.iter().map(RedisServer::port).collect();
    assert_eq!(ports.len(), 8);
}

#[tokio::test]
async fn is_gone_when_dropped() {
    let server = RedisServer::start().await;
    let client = redis::Client::open(server.url()).unwrap();
    drop(server);
    assert!(client.get_multiplexed_async_connection().await.is_err());
}

#[tokio::test]
async fn restarts_empty_at_the_same_address() {
    for mut server in [RedisServer::start().await, RedisServer::on_socket().await] {
        let mut connection = server.connection().await;
        let url = server.url();
        server.command::<()>(("SET", "key", "value")).await;

        server.kill();
        let answer: RedisResult<String> = redis::cmd("PING").query_async(&mut connection).await;
        assert!(answer.is_err());

        server.restart().await;
        assert_eq!(server.url(), url);
        assert_eq!(server.command::<u64>("DBSIZE").await, 0);
    }
}

#[tokio::test]
async fn is_silent_while_paused() {
    let server = RedisServer::start().await;
    server.pause();
    let ping = server.command::<String>("PING");
    tokio::pin!(ping);
    assert!(
        tokio::time::timeout(Duration::from_millis(100), &mut ping)
            .await
            .is_err()
    );
    server.resume();
    assert_eq!(ping.await, "PONG");
}

#[tokio::test]
async fn counts_only_what_the_test_sent() {
    let server = RedisServer::start().await;
    server.reset_stats().await;
    server
        .command::<Vec<Option<String>>>(("MGET", "a", "b"))
        .await;
    server
        .command::<()>(("SET", "a", b"\xff\x00".as_slice()))
        .await;
    server.command::<()>(("SET", "b", 2)).await;

    assert_eq!(server.calls("SET").await, 2);
    assert_eq!(server.calls("get").await, 0);
    let expected = [("mget".to_owned(), 1), ("set".to_owned(), 2)];
    assert_eq!(server.all_calls().await, BTreeMap::from(expected));

    server.reset_stats().await;
    assert_eq!(server.all_calls().await, BTreeMap::new());
}
