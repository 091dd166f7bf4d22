//! The whole idea, with no server: a miss, a hit, an invalidation.
//!
//! ```sh
//! cargo run --bin quickstart
//! ```
//!
//! `redis.rs` tells the same story on a server.

mod narrator;
mod slow_database;

use std::error::Error;

use cache_runtime::{Config, cache_result, invalidate_cache};
use tokio::task::JoinSet;

use narrator::step;
use slow_database::{Assignment, DbError, UserId};

#[cache_result(key = "user:assignments:<user_id>", ttl = 1800)]
async fn assignments_of(user_id: UserId) -> Result<Vec<Assignment>, DbError> {
    slow_database::select(user_id).await
}

#[invalidate_cache(key = "user:assignments:<user_id>")]
async fn create_assignment(user_id: UserId, title: &str) -> Result<Assignment, DbError> {
    slow_database::insert(user_id, title).await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // The default is this process's memory; `Config::from_env()` would ask for `REDIS_URL`.
    let cache = cache_runtime::init(Config::default())?;
    let (ada, grace, nobody) = (UserId(7), UserId(8), UserId(404));

    narrator::heading();
    step("read Ada's assignments", assignments_of(ada)).await?;
    step("read them again", assignments_of(ada)).await?;
    step("give Ada an essay", create_assignment(ada, "An essay")).await?;
    let found = step("read them again", assignments_of(ada)).await?;
    step("1,000 tasks read Grace's", read_at_once(grace)).await?;
    let refused = step("read nobody's", assignments_of(nobody)).await;

    let stats = cache.stats();
    println!("\nAfter the write Ada had {found:?}.");
    println!("The stranger's error came through as it was: {refused:?}.");
    let reads = stats.hits + stats.misses;
    println!("{reads} reads cost {} queries.", stats.loads);
    Ok(())
}

async fn read_at_once(user_id: UserId) -> Result<(), DbError> {
    let mut readers: JoinSet<_> = (0..1_000).map(|_| assignments_of(user_id)).collect();
    while let Some(Ok(answer)) = readers.join_next().await {
        answer?;
    }
    Ok(())
}
