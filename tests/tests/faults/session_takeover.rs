//! A server that takes over may not have heard of a logout that another one has answered to.

use std::time::{Duration, Instant};

use cache_runtime::{SessionContext, SessionError, SessionToken, Sessions};
use cache_tests::{FaultProxy, RedisServer};

use super::support::until;
use super::{TURN, through};

async fn log_in(sessions: &Sessions<u32>, user: &str) -> SessionToken {
    let login = sessions.begin_login(user).await.expect("begun");
    let session = login.finish(0, SessionContext::new()).await;
    session.expect("logged in").token().clone()
}

/// What is ended for sure; an outage says nothing.
async fn is_there(sessions: &Sessions<u32>, token: &SessionToken) -> bool {
    matches!(sessions.get(token).await, Ok(Some(_)))
}

async fn users(server: &RedisServer) -> usize {
    let keys: Vec<String> = server.command(("KEYS", "*[[]session]*")).await;
    keys.len()
}

async fn is_gone(sessions: &Sessions<u32>, token: &SessionToken) -> bool {
    matches!(sessions.get(token).await, Ok(None))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_missed_a_logout_revives_no_session() {
    let _turn = TURN.lock().await;
    let mut primary = RedisServer::start().await;
    let to_primary = FaultProxy::before(primary.port());
    let port = to_primary.port().to_string();
    let replica = RedisServer::start_with(&["--replicaof", "127.0.0.1", &port]).await;
    let proxy = FaultProxy::before(primary.port());
    let caches = [through(&proxy), through(&proxy)];
    let [writer, reader] = caches.each_ref().map(Sessions::<u32>::new);
    until(async || replica.info("replication").await["master_link_status"] == "up").await;
    let mut ended = Vec::new();
    for user in ["out", "all", "all", "others", "others"] {
        ended.push(log_in(&writer, user).await);
    }
    let here = log_in(&writer, "others").await;
    let in_flight = writer.begin_login("all").await.expect("begun");
    until(async || users(&replica).await == 3).await;

    to_primary.black_hole();
    assert!(writer.delete(&ended[0]).await.expect("ended"));
    assert_eq!(writer.delete_all("all").await.expect("revoked"), 2);
    assert_eq!(writer.delete_others(&here).await.expect("revoked"), 2);
    primary.kill();
    let () = replica.command(("REPLICAOF", "NO", "ONE")).await;
    assert_eq!(users(&replica).await, 3, "it missed it all");
    proxy.lead_to(replica.port());

    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(300) {
        for token in &ended {
            assert!(!is_there(&writer, token).await);
        }
    }
    for token in &ended {
        until(async || is_gone(&writer, token).await && is_gone(&reader, token).await).await;
    }
    let window = since.elapsed();
    println!("a replica that missed logouts: others met the sessions for {window:?} at most");
    assert!(window < Duration::from_secs(3), "{window:?}");
    let finished = in_flight.finish(0, SessionContext::new()).await;
    assert!(matches!(finished, Err(SessionError::Revoked)));
    assert!(is_there(&writer, &here).await);
    what_began_later_stays(&writer, &replica).await;
}

/// A connection that breaks makes all of it be said again, to the same server.
async fn what_began_later_stays(sessions: &Sessions<u32>, server: &RedisServer) {
    let before = log_in(sessions, "ada").await;
    assert_eq!(sessions.delete_all("ada").await.expect("revoked"), 1);
    let after = log_in(sessions, "ada").await;
    let () = server.command(("CLIENT", "KILL", "TYPE", "normal")).await;
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(700) {
        assert!(!is_gone(sessions, &after).await);
        assert!(!is_there(sessions, &before).await);
    }
    until(async || is_there(sessions, &after).await).await;
}
