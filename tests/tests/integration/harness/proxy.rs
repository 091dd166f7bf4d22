use std::time::{Duration, Instant};

use cache_tests::{FaultProxy, Latencies, RedisServer};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo, RedisResult};
use tokio::task::JoinSet;

const SHORT: Duration = Duration::from_millis(100);

async fn connect(proxy: &FaultProxy) -> RedisResult<MultiplexedConnection> {
    // Nagle's algorithm would wait for answers, which the proxy delays.
    let tcp = TcpSettings::default().set_nodelay(true);
    let address = proxy.url().into_connection_info()?.set_tcp_settings(tcp);
    let patient = AsyncConnectionConfig::new().set_response_timeout(None);
    Client::open(address)?
        .get_multiplexed_async_connection_with_config(&patient)
        .await
}

async fn ping(mut connection: MultiplexedConnection) -> RedisResult<String> {
    redis::cmd("PING").query_async(&mut connection).await
}

async fn timed_ping(connection: MultiplexedConnection) -> RedisResult<Duration> {
    let sent = Instant::now();
    ping(connection).await?;
    Ok(sent.elapsed())
}

#[tokio::test]
async fn forwards_both_ways() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let mut connection = connect(&proxy).await.unwrap();
    let large = vec![b'x'; 1 << 20];
    let echo: RedisResult<Vec<u8>> = redis::cmd("ECHO")
        .arg(&large)
        .query_async(&mut connection)
        .await;
    assert_eq!(echo.unwrap(), large);
}

#[tokio::test]
async fn delays_each_direction_by_its_own_time() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let connection = connect(&proxy).await.unwrap();
    proxy.delay_requests(Duration::from_millis(20));
    proxy.delay_replies(Duration::from_millis(10));
    let sent = Instant::now();
    ping(connection).await.unwrap();
    assert!(
        sent.elapsed() >= Duration::from_millis(30),
        "{:?}",
        sent.elapsed()
    );
}

#[tokio::test]
async fn a_delay_does_not_hold_up_what_is_sent_meanwhile() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let connection = connect(&proxy).await.unwrap();
    proxy.delay_replies(2 * SHORT);
    let mut ticks = tokio::time::interval(SHORT / 10);
    let mut pings = JoinSet::new();
    for _ in 0..20 {
        ticks.tick().await;
        pings.spawn(timed_ping(connection.clone()));
    }
    // Were they let through one after the other, the median would be 3 * SHORT.
    let latencies = pings
        .join_all()
        .await
        .into_iter()
        .collect::<RedisResult<Latencies>>()
        .unwrap();
    assert!(latencies.median() < 5 * SHORT / 2, "{latencies}");
}

#[tokio::test]
async fn a_cut_closes_the_connections_of_that_moment_only() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let connection = connect(&proxy).await.unwrap();
    ping(connection.clone()).await.unwrap();
    proxy.cut();
    while ping(connection.clone()).await.is_ok() {}
    ping(connect(&proxy).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn a_black_hole_is_silent_and_then_delivers() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let connection = connect(&proxy).await.unwrap();
    proxy.black_hole();
    let answer = ping(connection);
    tokio::pin!(answer);
    assert!(tokio::time::timeout(SHORT, &mut answer).await.is_err());
    proxy.heal().await;
    assert_eq!(answer.await.unwrap(), "PONG");
}

#[tokio::test]
async fn refuses_until_healed() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let connection = connect(&proxy).await.unwrap();
    proxy.refuse().await;
    assert!(ping(connection).await.is_err());
    let refused = connect(&proxy).await.err().unwrap();
    assert!(refused.is_connection_refusal(), "{refused}");
    proxy.heal().await;
    ping(connect(&proxy).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn closes_a_connection_whose_server_died() {
    let mut server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let connection = connect(&proxy).await.unwrap();
    server.kill();
    assert!(ping(connection).await.is_err());
    server.restart().await;
    ping(connect(&proxy).await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn is_gone_when_dropped() {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    let connection = connect(&proxy).await.unwrap();
    drop(proxy);
    assert!(ping(connection).await.is_err());
}
