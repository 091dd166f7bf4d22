//! Roles and permissions, and the answers of HTTP.

use cache_runtime::{AuthError, AuthSession, AuthSessions, Identity, SessionContext, Sessions};

use crate::support::on_each_store;

async fn logged_in(auth: &AuthSessions<()>, identity: Identity<()>) -> AuthSession<()> {
    let created = auth.create("ada", identity, SessionContext::new());
    created.await.expect("a session")
}

fn status<T: std::fmt::Debug>(outcome: Result<T, AuthError>) -> u16 {
    outcome.map_or_else(|error| error.status(), |_| 200)
}

#[tokio::test]
async fn each_request_is_let_through_or_told_why_not() {
    on_each_store(async |fixture| {
        let auth = AuthSessions::new(&fixture.cache);
        let session = logged_in(&auth, Identity::new("teacher", ()).allow("grade")).await;
        let cookie = session.token().expose();
        assert_eq!(status(auth.validate(&cookie).await), 200);
        assert_eq!(status(auth.require(&cookie, "grade").await), 200);
        assert_eq!(status(auth.require(&cookie, "pay").await), 403);
        assert_eq!(status(auth.validate("").await), 401);
        assert_eq!(status(auth.validate(&"A".repeat(80)).await), 401);
        let anonymous = auth.sessions().create_anonymous(
            Identity::new("visitor", ()).allow("grade"),
            SessionContext::new(),
        );
        let anonymous = anonymous.await.expect("a session").token().expose();
        assert_eq!(
            status(auth.require(&anonymous, "grade").await),
            401,
            "nobody's login"
        );
        assert_eq!(status(auth.is_expired(session.token()).await), 200);
        assert!(
            auth.sessions()
                .delete(session.token())
                .await
                .expect("a store")
        );
        assert_eq!(status(auth.require(&cookie, "grade").await), 401);
        assert!(auth.is_expired(session.token()).await.expect("a store"));
        assert_eq!(status(auth.extend_minutes(session.token(), 30).await), 401);
    })
    .await;
}

#[tokio::test]
async fn more_rights_come_with_another_token() {
    on_each_store(async |fixture| {
        let auth = AuthSessions::new(&fixture.cache);
        let before = logged_in(&auth, Identity::new("guest", ())).await;
        let after = auth.change(before.token(), |identity| {
            identity.set_role("teacher");
            identity.grant("grade");
        });
        let after = after.await.expect("a session");
        assert_eq!(after.data().role(), "teacher");
        assert!(after.token() != before.token());
        // The former token, within its grace, can't be used for more.
        let again = auth.change(before.token(), |identity| identity.grant("pay"));
        assert_eq!(status(again.await), 409);
        let now = auth
            .validate(&after.token().expose())
            .await
            .expect("a session");
        assert!(now.data().permissions().eq(["grade"]));
        let fewer = auth.change(after.token(), |identity| {
            identity.withdraw("grade");
        });
        let fewer = fewer.await.expect("a session").token().expose();
        assert_eq!(status(auth.require(&fewer, "grade").await), 403);
    })
    .await;
}

#[tokio::test]
async fn a_login_with_too_many_sessions_is_no_401() {
    on_each_store(async |fixture| {
        let sessions = Sessions::builder(&fixture.cache).refuse_above(1);
        let auth = AuthSessions::over(sessions.build().expect("valid settings"));
        logged_in(&auth, Identity::new("guest", ())).await;
        let second = auth.create("ada", Identity::new("guest", ()), SessionContext::new());
        assert_eq!(status(second.await), 429);
    })
    .await;
}
