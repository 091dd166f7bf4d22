//! Several requests use a session at once, and several kinds of sessions a store.

use std::time::Duration;

use cache_runtime::{SessionContext, SessionError, Sessions};

use super::{Basket, is_there, login, sessions};
use crate::support::on_each_store;

#[tokio::test]
async fn no_two_updates_lose_each_other() {
    on_each_store(async |fixture| {
        let (here, there) = (
            sessions(&fixture.cache),
            sessions(&fixture.another_process()),
        );
        let session = login(&here, "ada").await;
        let updates = (0..16).map(|number| {
            let sessions = if number % 2 == 0 {
                here.clone()
            } else {
                there.clone()
            };
            let token = session.token().clone();
            tokio::spawn(async move {
                let update = sessions.update(&token, |basket| {
                    basket.visits += 1;
                    basket.books.push(number.to_string());
                });
                update.await.expect("an update");
            })
        });
        for update in updates.collect::<Vec<_>>() {
            update.await.expect("a task");
        }
        let now = there.get(session.token()).await.expect("a store");
        let now = now.expect("a session");
        assert_eq!((now.data().visits, now.data().books.len()), (16, 16));
    })
    .await;
}

#[tokio::test]
async fn a_save_over_somebody_elses_is_a_conflict() {
    on_each_store(async |fixture| {
        let (here, there) = (
            sessions(&fixture.cache),
            sessions(&fixture.another_process()),
        );
        let mut mine = login(&here, "ada").await;
        let theirs = there.get(mine.token()).await.expect("a store");
        let mut theirs = theirs.expect("a session");
        mine.data_mut().visits = 1;
        here.save(&mut mine).await.expect("the first");
        mine.data_mut().visits = 2;
        here.save(&mut mine).await.expect("its own again");
        theirs.data_mut().visits = 9;
        let saved = there.save(&mut theirs).await;
        assert!(matches!(saved, Err(SessionError::Conflict)));
        let now = there.get(mine.token()).await.expect("a store");
        assert_eq!(now.expect("a session").data().visits, 2);
    })
    .await;
}

#[tokio::test]
async fn a_change_leaves_the_end_where_it_was() {
    on_each_store(async |fixture| {
        let sessions = sessions(&fixture.cache);
        let session = login(&sessions, "ada").await;
        fixture.clock.advance(Duration::from_secs(50));
        let changed = sessions.update(session.token(), |basket| basket.visits += 1);
        let changed = changed.await.expect("a session");
        assert_eq!(changed.expires_at(), session.expires_at());
        assert_eq!(changed.ends_at(), session.ends_at());
    })
    .await;
}

#[tokio::test]
async fn kinds_of_sessions_know_nothing_of_each_other() {
    on_each_store(async |fixture| {
        let customers = sessions(&fixture.cache);
        let staff = Sessions::<Basket>::builder(&fixture.cache)
            .name("staff {*}")
            .no_cleanup()
            .build()
            .expect("valid settings");
        let (customer, member) = (login(&customers, "ada").await, login(&staff, "ada").await);
        assert!(!is_there(&staff, customer.token()).await);
        assert!(!is_there(&customers, member.token()).await);
        assert_eq!(customers.stats().await.expect("a store").total, 1);
        assert_eq!(staff.stats().await.expect("a store").total, 1);
        assert_eq!(customers.delete_all("ada").await.expect("a store"), 1);
        assert!(is_there(&staff, member.token()).await);
    })
    .await;
}

#[tokio::test]
async fn an_emptied_cache_still_has_its_sessions() {
    on_each_store(async |fixture| {
        let sessions = sessions(&fixture.cache);
        let session = login(&sessions, "ada").await;
        fixture.cache.clear("*").await.expect("a store");
        assert!(is_there(&sessions, session.token()).await);
    })
    .await;
}

/// What an older version of the program has stored.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Former {
    books: Vec<String>,
}

#[tokio::test]
async fn a_new_version_may_add_fields() {
    on_each_store(async |fixture| {
        let before = Sessions::<Former>::new(&fixture.cache);
        let books = vec!["Emma".to_owned()];
        let session = before.create("ada", Former { books }, SessionContext::new());
        let session = session.await.expect("a session");
        let after = sessions(&fixture.cache);
        let now = after.get(session.token()).await.expect("a store");
        assert_eq!(now.expect("a session").data().books, ["Emma"]);
        // And a new field is no trouble to the older version.
        let update = after.update(session.token(), |basket| basket.visits = 1);
        update.await.expect("a session");
        let seen = before.get(session.token()).await.expect("a store");
        assert_eq!(seen.expect("a session").data().books, ["Emma"]);
    })
    .await;
}

#[tokio::test]
async fn data_that_would_not_come_back_is_refused() {
    on_each_store(async |fixture| {
        let sessions = Sessions::<f64>::new(&fixture.cache);
        let wrong = sessions
            .create("ada", f64::NAN, SessionContext::new())
            .await;
        assert!(matches!(wrong, Err(SessionError::Encode { .. })));
        let session = sessions.create("ada", 1.5, SessionContext::new()).await;
        let session = session.expect("a session");
        let update = sessions
            .update(session.token(), |data| *data = f64::NAN)
            .await;
        assert!(matches!(update, Err(SessionError::Encode { .. })));
        let now = sessions.get(session.token()).await.expect("a store");
        assert_eq!(now.map(cache_runtime::Session::into_data), Some(1.5));
    })
    .await;
}
