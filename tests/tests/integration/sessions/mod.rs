//! Sessions, on both stores and on a server that fails.

mod ending;
mod lifetimes;
mod outage;
mod rights;
mod secrecy;
mod sharing;
mod strangers;

use cache_runtime::{Cache, Session, SessionContext, SessionToken, Sessions};
use serde::{Deserialize, Serialize};

/// What the tests keep in a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Basket {
    books: Vec<String>,
    #[serde(default)]
    visits: u64,
}

fn sessions(cache: &Cache) -> Sessions<Basket> {
    Sessions::builder(cache)
        .no_cleanup()
        .build()
        .expect("valid settings")
}

async fn login(sessions: &Sessions<Basket>, user: &str) -> Session<Basket> {
    let created = sessions.create(user, Basket::default(), SessionContext::new());
    created.await.expect("a session")
}

async fn is_there(sessions: &Sessions<Basket>, token: &SessionToken) -> bool {
    sessions.get(token).await.expect("a store").is_some()
}
