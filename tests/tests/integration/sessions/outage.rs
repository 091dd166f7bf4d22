//! Redis is away: `Unavailable`, never "logged out", and never another user.

use std::time::Duration;

use cache_runtime::{
    AuthError, AuthSessions, Cache, Clock, Identity, Session, SessionContext, SessionError,
    SessionEvent, SessionFallback, SessionToken, Sessions,
};
use cache_tests::{FaultProxy, RedisServer};

use super::{Basket, login, sessions};
use crate::support::until;

const MINUTE: Duration = Duration::from_secs(60);

/// A server that can be away, and a process that it is away for.
struct Away {
    server: RedisServer,
    proxy: FaultProxy,
    clock: Clock,
    cache: Cache,
}

impl Away {
    async fn start() -> Self {
        let server = RedisServer::start().await;
        let proxy = FaultProxy::before(server.port());
        let clock = Clock::manual();
        let cache = cache_at(&proxy.url(), &clock);
        Self {
            server,
            proxy,
            clock,
            cache,
        }
    }

    /// Another process, for which Redis is never away.
    fn elsewhere(&self) -> Cache {
        cache_at(&self.server.url(), &self.clock)
    }

    async fn is_back(&self, sessions: &Sessions<Basket>, token: &SessionToken) {
        self.proxy.heal().await;
        until(async || {
            let session = sessions.get(token).await;
            session.is_ok_and(|session| session.is_none_or(|session| !session.is_fallback()))
        })
        .await;
    }
}

fn cache_at(url: &str, clock: &Clock) -> Cache {
    Cache::builder()
        .redis_url(url)
        .clock(clock.clone())
        .build()
        .expect("a valid configuration")
}

fn with_fallback(cache: &Cache) -> Sessions<Basket> {
    Sessions::builder(cache)
        .no_cleanup()
        .fallback(SessionFallback::for_at_most(5 * MINUTE))
        .build()
        .expect("valid settings")
}

fn is_unavailable<T>(outcome: Result<T, SessionError>) -> bool {
    outcome.is_err_and(|error| error.is_unavailable())
}

#[tokio::test]
async fn an_outage_is_no_logout() {
    let away = Away::start().await;
    let sessions = sessions(&away.cache);
    let mut session = login(&sessions, "ada").await;
    let token = session.token().clone();
    let begun = sessions.begin_login("ada").await.expect("a store");
    away.proxy.refuse().await;
    assert!(is_unavailable(sessions.get(&token).await));
    assert!(is_unavailable(sessions.save(&mut session).await));
    assert!(is_unavailable(
        sessions.update(&token, |basket| basket.visits += 1).await
    ));
    assert!(is_unavailable(sessions.extend(&token, MINUTE).await));
    assert!(is_unavailable(sessions.rotate(&token).await));
    assert!(is_unavailable(sessions.delete(&token).await));
    assert!(is_unavailable(
        sessions.delete_by_id("ada", &session.id()).await
    ));
    assert!(is_unavailable(sessions.delete_all("ada").await));
    assert!(is_unavailable(sessions.delete_others(&token).await));
    assert!(is_unavailable(sessions.list("ada").await));
    assert!(is_unavailable(sessions.stats().await));
    assert!(is_unavailable(sessions.cleanup().await));
    assert!(is_unavailable(sessions.begin_login("ada").await));
    let finished = begun.finish(Basket::default(), SessionContext::new()).await;
    assert!(is_unavailable(finished));
    assert_eq!(sessions.counts().unavailable, 14);
    assert_eq!(sessions.counts().missing, 0);
    away.is_back(&sessions, &token).await;
    let now = sessions.get(&token).await.expect("a store");
    assert!(now.is_some(), "it is still there");
}

#[tokio::test]
async fn a_server_that_ends_in_the_middle_of_a_login_is_a_503() {
    let mut server = RedisServer::start().await;
    let auth = AuthSessions::<()>::new(&crate::support::on(&server));
    let context = SessionContext::new;
    let teacher = || Identity::new("teacher", ()).allow("grade");
    let before = auth
        .create("ada", teacher(), context())
        .await
        .expect("a session");
    let cookie = before.token().expose();
    let login = auth.begin_login("bob").await.expect("a store");
    server.kill();
    let finished = login.finish(teacher(), context()).await;
    let finished = AuthError::from(finished.expect_err("no server"));
    assert_eq!(finished.status(), 503, "{finished:?}");
    let answers = [
        auth.begin_login("bob")
            .await
            .expect_err("no server")
            .status(),
        auth.validate(&cookie)
            .await
            .expect_err("no server")
            .status(),
        auth.require(&cookie, "grade")
            .await
            .expect_err("no server")
            .status(),
        auth.is_expired(before.token())
            .await
            .expect_err("no server")
            .status(),
        auth.extend_minutes(before.token(), 30)
            .await
            .expect_err("no server")
            .status(),
    ];
    assert_eq!(answers, [503; 5]);
    assert_eq!(
        auth.validate("no token").await.expect_err("none").status(),
        401
    );
}

#[tokio::test]
async fn copies_are_read_while_redis_is_away_and_say_so() {
    let away = Away::start().await;
    let sessions = with_fallback(&away.cache);
    let mut events = sessions.events();
    let (known, unknown) = (login(&sessions, "ada").await, login(&sessions, "bob").await);
    let known = known.token();
    let before = sessions
        .get(known)
        .await
        .expect("a store")
        .expect("a session");
    assert!(!before.is_fallback());
    away.proxy.refuse().await;
    let copy = sessions
        .get(known)
        .await
        .expect("a copy")
        .expect("a session");
    assert!(copy.is_fallback());
    assert_eq!((copy.user(), copy.data()), (Some("ada"), before.data()));
    assert!(
        is_unavailable(sessions.get(unknown.token()).await),
        "never read here"
    );
    let mut guess = known.expose();
    let last = if guess.ends_with('A') { "B" } else { "A" };
    guess.replace_range(79.., last);
    let guess = SessionToken::parse(&guess).expect("a token");
    assert!(is_unavailable(sessions.get(&guess).await), "not the token");
    let update = sessions.update(known, |basket| basket.visits += 1).await;
    assert!(is_unavailable(update), "read-only");
    let told = async { while events.next().await != Some(SessionEvent::FromMemory(known.id())) {} };
    tokio::time::timeout(MINUTE, told).await.expect("an event");
}

#[tokio::test]
async fn a_copy_is_read_for_as_long_as_was_said() {
    let away = Away::start().await;
    let sessions = with_fallback(&away.cache);
    let session = login(&sessions, "ada").await;
    assert!(
        sessions
            .get(session.token())
            .await
            .expect("a store")
            .is_some()
    );
    away.proxy.refuse().await;
    away.clock.advance(Duration::from_secs(290));
    assert!(sessions.get(session.token()).await.is_ok());
    away.clock.advance(Duration::from_secs(20));
    assert!(is_unavailable(sessions.get(session.token()).await));
}

#[tokio::test]
async fn a_revocation_elsewhere_counts_when_redis_is_back() {
    let away = Away::start().await;
    let (here, there) = (with_fallback(&away.cache), sessions(&away.elsewhere()));
    let session = login(&here, "ada").await;
    let token = session.token();
    assert!(here.get(token).await.expect("a store").is_some());
    away.proxy.refuse().await;
    there.delete_all("ada").await.expect("a store");
    let copy = here.get(token).await.expect("a copy");
    assert!(
        copy.is_some_and(|session| session.is_fallback()),
        "the stated bound"
    );
    away.is_back(&here, token).await;
    assert!(here.get(token).await.expect("a store").is_none());
    away.proxy.refuse().await;
    assert!(is_unavailable(here.get(token).await), "its copy is gone");
}

#[tokio::test]
async fn a_revocation_here_drops_the_copies_at_once() {
    let away = Away::start().await;
    let sessions = with_fallback(&away.cache);
    let kept = async |user: &str| -> Session<Basket> {
        let session = login(&sessions, user).await;
        let kept = sessions.get(session.token()).await.expect("a store");
        kept.expect("a session")
    };
    let users = ["ada", "bob", "cleo", "dora"];
    let mut all = Vec::new();
    for user in users {
        all.push(kept(user).await);
    }
    away.proxy.refuse().await;
    for session in &all {
        assert!(sessions.get(session.token()).await.is_ok());
    }
    // Redis takes none of these, and still nobody is let in here.
    assert!(is_unavailable(sessions.delete(all[0].token()).await));
    assert!(is_unavailable(sessions.delete_all("bob").await));
    assert!(is_unavailable(
        sessions.delete_by_id("cleo", &all[2].id()).await
    ));
    for session in &all[..3] {
        assert!(is_unavailable(sessions.get(session.token()).await));
    }
    assert!(sessions.get(all[3].token()).await.is_ok(), "nobody else's");
}

#[tokio::test]
async fn a_changed_session_leaves_no_older_copy() {
    let away = Away::start().await;
    let sessions = with_fallback(&away.cache);
    let session = login(&sessions, "ada").await;
    let token = session.token();
    sessions.get(token).await.expect("a store");
    sessions
        .update(token, |basket| basket.visits = 7)
        .await
        .expect("a session");
    away.proxy.refuse().await;
    assert!(is_unavailable(sessions.get(token).await));
    away.is_back(&sessions, token).await;
    let rotated = sessions.rotate(token).await.expect("a session");
    sessions
        .get(token)
        .await
        .expect("a store")
        .expect("within its grace");
    sessions
        .get(rotated.token())
        .await
        .expect("a store")
        .expect("a session");
    away.proxy.refuse().await;
    assert!(
        is_unavailable(sessions.get(token).await),
        "a replaced token"
    );
    let copy = sessions.get(rotated.token()).await.expect("a copy");
    assert_eq!(copy.expect("a session").data().visits, 7);
}
