//! Requests that are slower than the logout which ends their session.

use std::sync::Arc;

use cache_runtime::{Cache, SessionContext, SessionError, Sessions};
use cache_tests::RedisServer;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const SESSIONS: u32 = 100;
const SAVES: u32 = 100;
/// Of those, the ones that are sent when the logout has been answered.
const LATE: u32 = 25;

fn on(server: &RedisServer) -> Cache {
    Cache::builder()
        .redis_url(server.url())
        .namespace("app")
        .build()
        .expect("a valid configuration")
}

/// Each request has read the session, then takes its time; the logout comes somewhere between.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logout_stands_whatever_ten_thousand_saves_do() {
    let server = RedisServer::start().await;
    let sessions = Sessions::<u32>::new(&on(&server));
    let (mut before, mut refused) = (0, 0);
    for number in 0..SESSIONS {
        let session = sessions.create("ada", 0, SessionContext::new());
        let session = session.await.expect("created");
        let mut requests = JoinSet::new();
        let all_have_read = Arc::new(Barrier::new(SAVES as usize + 1));
        let is_over = Arc::new(Barrier::new(LATE as usize + 1));
        for request in 0..SAVES {
            let (sessions, token) = (sessions.clone(), session.token().clone());
            let (all_have_read, is_over) = (all_have_read.clone(), is_over.clone());
            requests.spawn(async move {
                let mut read = sessions.get(&token).await.expect("read").expect("there");
                *read.data_mut() += 1;
                all_have_read.wait().await;
                if request < LATE {
                    is_over.wait().await;
                }
                match request % 2 {
                    0 => sessions.save(&mut read).await,
                    _ => sessions.update(&token, |data| *data += 1).await.map(drop),
                }
            });
        }
        all_have_read.wait().await;
        for _ in 0..number % 8 {
            tokio::task::yield_now().await;
        }
        assert!(sessions.delete(session.token()).await.expect("ended"));
        is_over.wait().await;
        for saved in requests.join_all().await {
            match saved {
                Ok(()) | Err(SessionError::Conflict) => before += 1,
                Err(SessionError::Gone) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
        let found = sessions.get(session.token()).await.expect("read");
        assert!(found.is_none(), "the session has come back");
    }
    println!("{before} before the logout, {refused} after it");
    assert_eq!(before + refused, SESSIONS * SAVES);
    assert!(refused >= SESSIONS * LATE, "{refused}");
    assert!(sessions.list("ada").await.expect("listed").is_empty());
    let keys: Vec<String> = server.command(("KEYS", "*")).await;
    assert!(
        keys.iter().all(|key| !key.contains("[session]")),
        "{keys:?}"
    );
}
