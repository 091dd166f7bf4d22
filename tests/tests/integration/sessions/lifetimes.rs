//! Sessions end when they are idle and when they are old, and what is left of them is swept up.

use std::time::Duration;

use cache_runtime::{AdaptiveIdle, Cache, SessionContext, SessionEvent, SessionEvents, Sessions};

use super::{Basket, is_there, login, sessions};
use crate::support::{Fixture, on_each_store};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_session_ends_when_it_is_idle_or_old() {
    on_each_store(async |fixture| {
        let sessions = Sessions::<Basket>::builder(&fixture.cache)
            .lifetime(60 * MINUTE)
            .idle(20 * MINUTE)
            .no_cleanup()
            .build()
            .expect("valid settings");
        let (used, idle) = (login(&sessions, "ada").await, login(&sessions, "bob").await);
        for _ in 0..3 {
            fixture.clock.advance(19 * MINUTE);
            assert!(is_there(&sessions, used.token()).await);
        }
        assert!(!is_there(&sessions, idle.token()).await);
        let now = sessions.get(used.token()).await.expect("a store");
        let now = now.expect("a session");
        assert!(now.expires_at() <= now.ends_at());
        fixture.clock.advance(4 * MINUTE);
        assert!(
            !is_there(&sessions, used.token()).await,
            "however much it is used"
        );
    })
    .await;
}

#[tokio::test]
async fn active_sessions_live_longer_and_old_ones_shorter() {
    on_each_store(async |fixture| {
        let sessions = sessions(&fixture.cache);
        let session = login(&sessions, "ada").await;
        let token = session.token();
        // How long it may be idle, after it was used so long after the last time.
        let idle_after = async |pause: Duration| {
            fixture.clock.advance(pause);
            let session = sessions.get(token).await.expect("a store");
            let session = session.expect("a session");
            let idle = session.expires_at().duration_since(session.accessed_at());
            idle.expect("in that order").as_secs()
        };
        assert_eq!(idle_after(4 * MINUTE).await, 3600);
        assert_eq!(idle_after(10 * MINUTE).await, 3000, "as was given before");
        assert_eq!(idle_after(40 * MINUTE).await, 1800);
        for _ in 0..26 {
            assert_eq!(idle_after(25 * MINUTE).await, 1800);
        }
        assert_eq!(
            idle_after(15 * MINUTE).await,
            1800,
            "not yet half a day old"
        );
        assert_eq!(idle_after(4 * MINUTE).await, 1800, "half of an hour");
        assert_eq!(idle_after(16 * MINUTE).await, 900, "half of half an hour");
        let extended = sessions
            .extend(token, 60 * 24 * MINUTE)
            .await
            .expect("a session");
        let session = sessions
            .get(token)
            .await
            .expect("a store")
            .expect("a session");
        let idle = extended
            .duration_since(session.accessed_at())
            .expect("later");
        assert_eq!(idle.as_secs(), 7200, "not more than the most");
    })
    .await;
}

#[tokio::test]
async fn no_two_settings_make_a_session_for_ever() {
    let cache = Cache::in_memory();
    let builder = || Sessions::<Basket>::builder(&cache);
    let none = Duration::ZERO;
    let wrong = [
        builder().lifetime(none),
        builder().idle(none),
        builder().adaptive_idle(AdaptiveIdle::new().least(none)),
        builder().adaptive_idle(AdaptiveIdle::new().usual(MINUTE)),
        builder().cleanup_every(none),
        builder().grace(6 * MINUTE),
        builder().most_per_user(0),
        builder().refuse_above(1001),
        builder().name("x".repeat(129)),
    ];
    for builder in wrong {
        let error = builder.build().expect_err("a mistake").to_string();
        assert_eq!(error.lines().count(), 2, "{error}");
    }
}

async fn cleaned(events: &mut SessionEvents) -> Option<u64> {
    let next = async {
        loop {
            if let SessionEvent::Cleaned(cleanup) = events.next().await? {
                return Some(cleanup.removed);
            }
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), next).await;
    waited.expect("a sweep, or the end")
}

/// A user with sessions that are over, and one that keeps the others' place.
async fn leave_some_behind(fixture: &Fixture, sessions: &Sessions<Basket>) {
    for _ in 0..3 {
        login(sessions, "ada").await;
    }
    fixture.clock.advance(15 * MINUTE);
    login(sessions, "ada").await;
    fixture.clock.advance(10 * MINUTE);
}

#[tokio::test]
async fn the_background_sweeps_until_the_last_handle_is_gone() {
    on_each_store(async |fixture| {
        let sessions = Sessions::<Basket>::builder(&fixture.cache)
            .idle(20 * MINUTE)
            .cleanup_every(Duration::from_millis(50))
            .build()
            .expect("valid settings");
        let mut events = sessions.events();
        // A connection that opens asks the server for its time, and the manual clock starts anew.
        cleaned(&mut events).await.expect("a sweep");
        leave_some_behind(&fixture, &sessions).await;
        while cleaned(&mut events).await.expect("a sweep") != 3 {
            // Limits count by the store's time, which stands still.
            fixture.clock.advance(Duration::from_secs(1));
        }
        let stats = sessions.stats().await.expect("a store");
        assert_eq!((stats.total, stats.active, stats.users), (1, 1, 1));
        drop(sessions);
        assert_eq!(cleaned(&mut events).await, None);
    })
    .await;
}

#[tokio::test]
async fn the_background_ends_when_the_cache_is_shut_down() {
    on_each_store(async |fixture| {
        let sessions = Sessions::<Basket>::builder(&fixture.cache)
            .cleanup_every(Duration::from_millis(20))
            .build()
            .expect("valid settings");
        let mut events = sessions.events();
        cleaned(&mut events).await.expect("a sweep");
        assert!(fixture.cache.shutdown(Duration::from_secs(5)).await);
        // One may have been about to be told.
        let two = async { (cleaned(&mut events).await, cleaned(&mut events).await) };
        let mut ticking = tokio::time::interval(Duration::from_millis(10));
        let passing = async {
            for _ in 0..20 {
                ticking.tick().await;
                fixture.clock.advance(Duration::from_secs(1));
            }
        };
        tokio::select! {
            biased;
            _ = two => panic!("it goes on"),
            () = passing => {}
        }
    })
    .await;
}

#[tokio::test]
async fn a_dry_run_says_what_a_sweep_does() {
    on_each_store(async |fixture| {
        let sessions = Sessions::<Basket>::builder(&fixture.cache)
            .idle(20 * MINUTE)
            .no_cleanup()
            .build()
            .expect("valid settings");
        leave_some_behind(&fixture, &sessions).await;
        let visitor = sessions.create_anonymous(Basket::default(), SessionContext::new());
        visitor.await.expect("a session");
        let stats = sessions.stats().await.expect("a store");
        assert_eq!((stats.total, stats.active, stats.expired), (5, 2, 3));
        assert_eq!((stats.users, stats.anonymous, stats.corrupt), (1, 1, 0));
        let dry = sessions.cleanup_dry_run().await.expect("a store");
        assert_eq!((dry.seen, dry.expired, dry.removed), (5, 3, 0));
        let swept = sessions.cleanup().await.expect("a store");
        assert_eq!((swept.expired, swept.removed), (3, 3));
        let again = sessions.cleanup().await.expect("a store");
        assert_eq!((again.seen, again.expired, again.removed), (2, 0, 0));
    })
    .await;
}

#[tokio::test]
async fn one_process_of_all_sweeps() {
    on_each_store(async |fixture| {
        let elsewhere = fixture.another_process();
        let name = "[sessions] cleanup ";
        let lock = elsewhere.try_lock(name, MINUTE).await.expect("a store");
        let lock = lock.expect("nobody sweeps yet");
        let every = Duration::from_millis(10);
        let sessions = Sessions::<Basket>::builder(&fixture.cache)
            .cleanup_every(every)
            .build()
            .expect("valid settings");
        let mut events = sessions.events();
        let meanwhile = tokio::time::timeout(20 * every, events.next()).await;
        assert!(meanwhile.is_err(), "{meanwhile:?}");
        assert!(lock.release().await.expect("a store"));
        cleaned(&mut events).await.expect("its turn");
        if !fixture.cache.is_redis() {
            // This store's time stands still, so the next turn never comes.
            let again = tokio::time::timeout(20 * every, events.next()).await;
            assert!(again.is_err(), "{again:?}");
        }
    })
    .await;
}
