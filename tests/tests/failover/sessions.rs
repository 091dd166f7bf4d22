//! A primary of a cluster ends while people log in and out: what is left is whole, and ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cache_runtime::{Cache, SessionContext, SessionError, SessionToken, Sessions};
use cache_tests::{RedisCluster, RedisServer};
use tokio::task::{JoinSet, LocalSet};

const USERS: usize = 40;
const EACH: usize = 25;
/// How long somebody tries again until the replica has taken over.
const PATIENCE: Duration = Duration::from_secs(20);
/// Sessions that were ended, and the replica has not heard of it: what a primary has answered in
/// its last moment may be lost with it.
const LOST: usize = 5;

/// A user, and the tokens that were given out.
struct User {
    name: String,
    sessions: Sessions<u32>,
    live: Vec<SessionToken>,
    ended: Vec<SessionToken>,
}

#[tokio::test]
async fn a_primary_that_ends_leaves_no_half_of_a_session() {
    let _alone = super::alone().await;
    LocalSet::new().run_until(come_and_go_and_kill()).await;
}

async fn come_and_go_and_kill() {
    let mut cluster = RedisCluster::start(3, 1).await;
    let cache = Cache::builder()
        .redis_url(cluster.url())
        .namespace("app")
        .build()
        .expect("a valid configuration");
    let (sessions, done) = (Sessions::<u32>::new(&cache), Arc::new(AtomicUsize::new(0)));
    let mut tasks = JoinSet::new();
    for number in 0..USERS {
        let user = User {
            name: format!("user {number}"),
            sessions: sessions.clone(),
            live: Vec::new(),
            ended: Vec::new(),
        };
        tasks.spawn_local(user.come_and_go(number, done.clone()));
    }
    while done.load(Ordering::Relaxed) < USERS * EACH / 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    cluster.node_mut(0).kill();
    let at_the_kill = done.load(Ordering::Relaxed);
    let users = tasks.join_all().await;
    cluster.settled().await;
    assert_eq!(done.load(Ordering::Relaxed), USERS * EACH);
    assert!(
        at_the_kill < USERS * EACH / 2,
        "{at_the_kill}: in the middle"
    );
    let mut revived = 0;
    for user in &users {
        revived += user.check().await;
    }
    let (mut keys, mut found) = (0, 0);
    for node in 1..cluster.len() {
        let node = cluster.node(node);
        if node.is_primary().await {
            let (more, sessions) = whole(node).await;
            (keys, found) = (keys + more, found + sessions);
        }
    }
    let known: usize = users.iter().map(|user| user.live.len()).sum();
    println!("{at_the_kill} before, {keys} keys, {known} of {found} sessions, {revived} revived");
    // All but those of a login whose answer nobody got.
    assert!(found >= known.saturating_sub(LOST) && known > 0);
    assert!(revived <= LOST);
}

impl User {
    async fn come_and_go(mut self, seed: usize, done: Arc<AtomicUsize>) -> Self {
        for step in 0..EACH {
            match (seed * 7 + step * 5) % 11 {
                0..6 => self.log_in(step).await,
                6..8 => self.log_out().await,
                8 => self.change().await,
                9 => self.leave_everywhere().await,
                _ => self.leave_elsewhere().await,
            }
            done.fetch_add(1, Ordering::Relaxed);
        }
        self
    }

    async fn log_in(&mut self, step: usize) {
        let data = u32::try_from(step).expect("few steps");
        // A login that began with the primary's last answer is one that the replica never saw.
        for _ in 0..10 {
            let session = answered(async || {
                let login = self.sessions.begin_login(&self.name).await?;
                login.finish(data, SessionContext::new()).await
            });
            match session.await {
                Ok(session) => return self.live.push(session.token().clone()),
                Err(SessionError::Revoked) => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("nobody revokes meanwhile");
    }

    async fn log_out(&mut self) {
        if let Some(token) = self.live.pop() {
            let gone = answered(async || self.sessions.delete(&token).await).await;
            gone.expect("ended");
            self.ended.push(token);
        }
    }

    async fn change(&mut self) {
        if let Some(token) = self.live.last() {
            let change = answered(async || {
                let changed = self.sessions.update(token, |data| *data += 1).await;
                changed.map(drop)
            });
            // A session that began with the primary's last answer may be gone with it.
            let _ = change.await;
        }
    }

    async fn leave_everywhere(&mut self) {
        let gone = answered(async || self.sessions.delete_all(&self.name).await).await;
        gone.expect("revoked");
        self.ended.append(&mut self.live);
    }

    async fn leave_elsewhere(&mut self) {
        if let Some(token) = self.live.pop() {
            let gone = answered(async || self.sessions.delete_others(&token).await).await;
            match gone {
                Ok(_) => {
                    self.ended.append(&mut self.live);
                    self.live.push(token);
                }
                Err(SessionError::Gone) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Whoever can log in is in the list, and the other way round. Says how many sessions are
    /// there that were ended.
    async fn check(&self) -> usize {
        let list = answered(async || self.sessions.list(&self.name).await).await;
        let listed: BTreeSet<_> = list
            .expect("a list")
            .iter()
            .map(|one| one.id.to_string())
            .collect();
        let mut revived = 0;
        for (tokens, is_ended) in [(&self.live, false), (&self.ended, true)] {
            for token in tokens {
                let got = answered(async || self.sessions.get(token).await).await;
                let is_there = got.expect("an answer").is_some();
                assert_eq!(is_there, listed.contains(&token.id().to_string()));
                revived += usize::from(is_there && is_ended);
            }
        }
        revived
    }
}

/// Does it until it is answered.
async fn answered<T>(act: impl AsyncFn() -> Result<T, SessionError>) -> Result<T, SessionError> {
    let start = Instant::now();
    loop {
        match act().await {
            Err(error) if error.is_unavailable() && start.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            answer => return answer,
        }
    }
}

/// Every head has its data, every data its head, and every key an end. How many keys and sessions
/// there are.
async fn whole(node: &RedisServer) -> (usize, usize) {
    let keys: Vec<String> = node.command(("KEYS", "app:[[]session]*")).await;
    let mut sessions = 0;
    for key in &keys {
        let end: i64 = node.command(("PTTL", key)).await;
        assert!((1..=24 * 3_600_000).contains(&end), "{end}");
        let fields: BTreeMap<Vec<u8>, Vec<u8>> = node.command(("HGETALL", key)).await;
        for field in fields.keys().filter(|field| field.len() > 1) {
            let mut other = field.clone();
            other[0] = if field[0] == b's' { b'd' } else { b's' };
            assert!(fields.contains_key(&other), "half of a session");
        }
        sessions += fields.keys().filter(|field| field[0] == b's').count();
    }
    (keys.len(), sessions)
}
