//! A service that people sign in to: axum, a `SQLite` database of users, and sessions.
//!
//! ```sh
//! cargo run -p cache-examples --features web --bin login_service
//! ```
//!
//! It listens on port 3000, or on `PORT`, and keeps sessions in its own memory, or in Redis if
//! there is a `REDIS_URL`. Open <http://localhost:3000>, create an account, and look at your
//! devices; sign in with another browser, and sign it out from the first.
//!
//! | what | where |
//! | --- | --- |
//! | passwords: hashed slowly, on threads of their own, and as slowly for users who don't exist | `passwords` |
//! | guesses: few a minute for a name, some more for an address | `limits` |
//! | sign in, sign up, sign out: each makes a new session, or ends one | `routes::account` |
//! | the devices, and signing out each of them or all others | `routes::devices` |
//! | who may see a page: whoever has a session; the others are sent to the login | `routes::signed_in` |
//! | the profile: cached with `#[cache_result]`, invalidated when it changes | `users` |
//! | pages: no script, and nothing that was typed is taken for HTML | `pages` |
//!
//! Forms need no token against cross-site request forgery: the session's cookie is `SameSite=Lax`,
//! the layer refuses what a page of another origin has caused, and no `GET` changes anything that matters.

mod db;
mod failure;
mod limits;
mod model;
mod pages;
mod passwords;
mod routes;
#[cfg(test)]
mod tests;
mod users;

use std::error::Error;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use cache_runtime::{Cache, Sessions};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The database ends with this process, so each start has a namespace of its own: a session
    // on a server would outlive its user, and belong to the next with that number.
    let started = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let settings = Cache::builder()
        .from_env()
        .namespace(format!("login.{started}"));
    let cache = cache_runtime::init(settings.config()?)?;
    let sessions = Sessions::builder(&cache).most_per_user(20).build()?;

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!(
        "listening on http://localhost:{}",
        listener.local_addr()?.port()
    );
    let router = routes::router(db::open().await?, sessions);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await?;
    Ok(())
}
