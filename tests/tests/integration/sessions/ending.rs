//! What is over stays over: deletions, revocations, rotations, limits.

use std::time::Duration;

use cache_runtime::{SessionContext, SessionError, SessionEvent, SessionId, Sessions};

use super::{Basket, is_there, login, sessions};
use crate::support::on_each_store;

#[tokio::test]
async fn a_deleted_session_is_not_brought_back() {
    on_each_store(async |fixture| {
        let (here, there) = (
            sessions(&fixture.cache),
            sessions(&fixture.another_process()),
        );
        let session = login(&here, "ada").await;
        let token = session.token();
        let mut slow = there.get(token).await.expect("a store").expect("a session");
        assert!(here.delete(token).await.expect("a store"));
        assert!(!there.delete(token).await.expect("a store"), "it is gone");
        slow.data_mut().visits += 1;
        let saved = there.save(&mut slow).await;
        assert!(matches!(saved, Err(SessionError::Gone)), "{saved:?}");
        let updated = there.update(token, |basket| basket.visits += 1).await;
        assert!(matches!(updated, Err(SessionError::Gone)));
        let extended = there.extend(token, Duration::from_secs(60)).await;
        assert!(matches!(extended, Err(SessionError::Gone)));
        let rotated = there.rotate(token).await;
        assert!(matches!(rotated, Err(SessionError::Gone)));
        assert!(!is_there(&here, token).await && !is_there(&there, token).await);
        assert!(here.list("ada").await.expect("a store").is_empty());
    })
    .await;
}

#[tokio::test]
async fn one_step_ends_all_of_a_users_sessions_and_of_nobody_else() {
    on_each_store(async |fixture| {
        let (here, there) = (
            sessions(&fixture.cache),
            sessions(&fixture.another_process()),
        );
        let (one, two) = (login(&here, "ada").await, login(&there, "ada").await);
        let other = login(&here, "bob").await;
        assert_eq!(here.delete_all("ada").await.expect("a store"), 2);
        assert!(!is_there(&there, one.token()).await && !is_there(&there, two.token()).await);
        assert!(is_there(&there, other.token()).await);
        let again = login(&here, "ada").await;
        assert!(is_there(&there, again.token()).await, "logins begin anew");
    })
    .await;
}

#[tokio::test]
async fn all_but_one_end_in_one_step() {
    on_each_store(async |fixture| {
        let sessions = sessions(&fixture.cache);
        let (here, there) = (login(&sessions, "ada").await, login(&sessions, "ada").await);
        let other = login(&sessions, "bob").await;
        let ended = sessions.delete_others(here.token()).await;
        assert_eq!(ended.expect("a store"), 1);
        assert!(is_there(&sessions, here.token()).await);
        assert!(is_there(&sessions, other.token()).await);
        assert!(!is_there(&sessions, there.token()).await);
        let by_the_dead = sessions.delete_others(there.token()).await;
        assert!(matches!(by_the_dead, Err(SessionError::Gone)));
        assert!(is_there(&sessions, here.token()).await);
    })
    .await;
}

#[tokio::test]
async fn a_login_that_a_revocation_overtakes_makes_no_session() {
    on_each_store(async |fixture| {
        let (here, there) = (
            sessions(&fixture.cache),
            sessions(&fixture.another_process()),
        );
        let kept = login(&here, "ada").await;
        let first = here.begin_login("ada").await.expect("a store");
        let second = here.begin_login("ada").await.expect("a store");
        let of_bob = here.begin_login("bob").await.expect("a store");
        there.delete_others(kept.token()).await.expect("a store");
        let first = first.finish(Basket::default(), SessionContext::new()).await;
        assert!(matches!(first, Err(SessionError::Revoked)));
        there.delete_all("ada").await.expect("a store");
        let second = second
            .finish(Basket::default(), SessionContext::new())
            .await;
        assert!(matches!(second, Err(SessionError::Revoked)));
        let of_bob = of_bob
            .finish(Basket::default(), SessionContext::new())
            .await;
        assert!(of_bob.is_ok());
        assert!(here.list("ada").await.expect("a store").is_empty());
        assert_eq!(here.counts().overtaken, 2);
    })
    .await;
}

#[tokio::test]
async fn a_login_has_ten_minutes() {
    on_each_store(async |fixture| {
        let sessions = sessions(&fixture.cache);
        let _keeps_the_key = login(&sessions, "ada").await;
        let quick = sessions.begin_login("ada").await.expect("a store");
        fixture.clock.advance(Duration::from_secs(590));
        let quick = quick.finish(Basket::default(), SessionContext::new());
        assert!(quick.await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_device_is_signed_out_by_the_name_of_its_session() {
    on_each_store(async |fixture| {
        let sessions = sessions(&fixture.cache);
        let context = SessionContext::new()
            .address([192, 0, 2, 7])
            .user_agent("Firefox");
        let here = sessions.create("ada", Basket::default(), context.clone());
        let here = here.await.expect("a session");
        fixture.clock.advance(Duration::from_secs(5));
        let there = login(&sessions, "ada").await;
        let listed = sessions.list("ada").await.expect("a store");
        let ids: Vec<_> = listed.iter().map(|info| info.id).collect();
        assert_eq!(ids, [there.id(), here.id()], "the last used is first");
        assert_eq!(listed[1].context, context);
        let id: SessionId = there.id().to_string().parse().expect("an id");
        let deleted = async |user: &str| sessions.delete_by_id(user, &id).await.expect("a store");
        assert!(!deleted("bob").await, "nobody signs others out");
        assert!(is_there(&sessions, there.token()).await);
        assert!(deleted("ada").await && !deleted("ada").await);
        assert!(!is_there(&sessions, there.token()).await);
        assert!(is_there(&sessions, here.token()).await);
    })
    .await;
}

#[tokio::test]
async fn a_replaced_token_reads_for_a_while_and_gives_nobody_the_new_one() {
    on_each_store(async |fixture| {
        let sessions = sessions(&fixture.cache);
        let before = login(&sessions, "ada").await;
        let after = sessions.rotate(before.token()).await.expect("a session");
        assert_eq!(before.id(), after.id());
        assert!(before.token() != after.token());
        let former = sessions.get(before.token()).await.expect("a store");
        let mut former = former.expect("within its grace");
        assert!(former.is_superseded() && former.token() == before.token());
        former.data_mut().visits = 3;
        sessions.save(&mut former).await.expect("within its grace");
        let again = sessions.rotate(before.token()).await;
        assert!(matches!(again, Err(SessionError::Superseded)), "{again:?}");
        let others = sessions.delete_others(before.token()).await;
        assert!(matches!(others, Err(SessionError::Superseded)));
        fixture.clock.advance(Duration::from_secs(11));
        assert!(!is_there(&sessions, before.token()).await);
        let now = sessions.get(after.token()).await.expect("a store");
        let now = now.expect("the session");
        assert!(!now.is_superseded() && now.data().visits == 3);
    })
    .await;
}

#[tokio::test]
async fn a_logout_with_a_replaced_token_ends_the_session() {
    on_each_store(async |fixture| {
        let sessions = sessions(&fixture.cache);
        let before = login(&sessions, "ada").await;
        let after = sessions.rotate(before.token()).await.expect("a session");
        assert!(sessions.delete(before.token()).await.expect("a store"));
        assert!(!is_there(&sessions, after.token()).await);
    })
    .await;
}

#[tokio::test]
async fn a_login_leaves_nothing_of_the_visitors_session() {
    on_each_store(async |fixture| {
        let sessions = sessions(&fixture.cache);
        let visitor = sessions.create_anonymous(Basket::default(), SessionContext::new());
        let mut visitor = visitor.await.expect("a session");
        assert!(visitor.is_anonymous() && visitor.user().is_none());
        visitor.data_mut().books.push("Emma".to_owned());
        sessions.save(&mut visitor).await.expect("a session");
        let login = sessions.begin_login("ada").await.expect("a store");
        let basket = visitor.data().clone();
        let session = login.upgrade(&visitor, basket, SessionContext::new());
        let session = session.await.expect("a session");
        assert_eq!(session.user(), Some("ada"));
        assert_eq!(session.data().books, ["Emma"]);
        assert!(session.id() != visitor.id());
        assert!(!is_there(&sessions, visitor.token()).await);
    })
    .await;
}

#[tokio::test]
async fn of_too_many_the_least_recently_used_makes_way_or_the_new_one_is_refused() {
    on_each_store(async |fixture| {
        let builder = || Sessions::<Basket>::builder(&fixture.cache).no_cleanup();
        let evicting = builder().most_per_user(2).build().expect("valid settings");
        let mut events = evicting.events();
        let mut all = Vec::new();
        for _ in 0..2 {
            all.push(login(&evicting, "ada").await);
            fixture.clock.advance(Duration::from_secs(100));
        }
        assert!(is_there(&evicting, all[0].token()).await, "used again");
        all.push(login(&evicting, "ada").await);
        let left = [true, false, true];
        for (session, left) in all.iter().zip(left) {
            assert_eq!(is_there(&evicting, session.token()).await, left);
        }
        let mut evicted = None;
        while evicted.is_none() {
            evicted = events
                .next()
                .await
                .filter(|event| *event == SessionEvent::Evicted(1));
        }
        let refusing = builder().refuse_above(2).name("staff");
        let refusing = refusing.build().expect("valid settings");
        let first = login(&refusing, "ada").await;
        login(&refusing, "ada").await;
        let third = refusing.create("ada", Basket::default(), SessionContext::new());
        assert!(matches!(third.await, Err(SessionError::TooMany)));
        assert!(refusing.delete(first.token()).await.expect("a store"));
        login(&refusing, "ada").await;
    })
    .await;
}
