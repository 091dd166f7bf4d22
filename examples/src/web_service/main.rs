//! A teaching backend: axum, a `SQLite` database, and a cache in front of it.
//!
//! ```sh
//! cargo run -p cache-examples --features web --bin web_service
//! ```
//!
//! It listens on port 3000, or on `PORT`, and caches in its own memory, or in Redis if there is
//! a `REDIS_URL`. Then, in another terminal:
//!
//! ```sh
//! here=http://127.0.0.1:3000
//! json='content-type: application/json'
//! curl -H "$json" -d '{"name":"Ada"}' $here/users
//! curl -H "$json" -d '{"name":"10b"}' $here/classes
//! curl -H "$json" -d '{"user_id":1}' $here/classes/1/students
//! curl -H "$json" -d '{"title":"An essay"}' $here/classes/1/assignments
//!
//! curl $here/users/1/assignments    # two queries: her classes, and what each was given
//! curl $here/users/1/assignments    # none
//! curl $here/cache                  # as many hits as misses
//! curl $here/cache/health           # how well Redis is, by the last check
//!
//! curl -X PATCH -H "$json" -d '{"name":"Ada L."}' $here/users/1
//! curl $here/users/1                # the new name
//! curl -X PUT -H "$json" -d '{"score":9.5,"feedback":"clear"}' $here/assignments/1/grades/1
//! curl $here/assignments/1/grades/1 # a hit: the write has put it there
//! curl $here/classes/1/analytics    # counted anew every five minutes
//!
//! curl -H "$json" -d '{"name":"11a"}' $here/classes
//! curl -X PATCH -H "$json" -d '{"class_id":2}' $here/classes/1/students/1
//! curl $here/classes/2/students     # two statements in a transaction, seen together
//!
//! curl -X DELETE $here/users/1/cache # forget what is cached of her
//! curl -X DELETE $here/users/1       # erase her, there and in the database
//! curl -i $here/users/1              # 404
//! ```
//!
//! | what | is kept for |
//! | --- | --- |
//! | users, classes, assignments | an hour (`ttl = default`) |
//! | grading results | a day (`ttl = long`) |
//! | analytics | five minutes (`ttl = short`) |
//!
//! `routes` calls `users`, `classes`, `assignments` and `grading`, whose annotated functions ask
//! the `db`; `keys` has the templates that they share.

mod assignments;
mod classes;
mod db;
mod failure;
mod grading;
mod keys;
mod model;
mod routes;
mod status;
#[cfg(test)]
mod tests;
mod users;

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use cache_runtime::Cache;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The database ends with this process, so each start has a namespace of its own: entries on
    // a server would outlive what they were made of. With a lasting database, give it a name.
    let started = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let settings = Cache::builder()
        .from_env()
        .namespace(format!("school.{started}"));
    cache_runtime::init(settings.config()?)?;

    let port = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, routes::router(db::open().await?)).await?;
    Ok(())
}
