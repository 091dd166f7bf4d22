//! The story of `quickstart.rs` on a server, and what else can be kept there.
//!
//! ```sh
//! REDIS_URL=redis://localhost:6379 cargo run --bin redis
//! ```
//!
//! Run it twice within half an hour: the second run begins with a hit, because the first one's
//! entries are still on the server. Other processes would find them too.

mod narrator;
mod slow_database;

use std::error::Error;
use std::process::ExitCode;

use cache_runtime::redis::AsyncCommands;
use cache_runtime::{Cache, cache_result, invalidate_cache};
use serde::{Deserialize, Serialize};
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
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let cache = start().await?;
    tell().await?;
    keep_a_hash(&cache).await?;
    keep_a_list(&cache).await
}

/// An application would start without asking: its functions answer with or without a server.
async fn start() -> Result<Cache, Box<dyn Error>> {
    let settings = Cache::builder().from_env().namespace("examples");
    let cache = cache_runtime::init(settings.config()?)?;
    if !cache.is_redis() {
        return Err("set `REDIS_URL`, for instance to `redis://localhost:6379`".into());
    }
    let size = cache.store_stats().await;
    let size = size.map_err(|error| no_answer(&error))?;
    println!("a server with {} key(s) in this database\n", size.keys);
    Ok(cache)
}

fn no_answer(error: &cache_runtime::Error) -> String {
    let why = error.source().map_or_else(String::new, ToString::to_string);
    format!("no Redis answers at `REDIS_URL` ({why}): start one with `redis-server`")
}

async fn tell() -> Result<(), DbError> {
    let (ada, grace, nobody) = (UserId(7), UserId(8), UserId(404));

    narrator::heading();
    step("read Ada's assignments", assignments_of(ada)).await?;
    step("read them again", assignments_of(ada)).await?;
    step("give Ada an essay", create_assignment(ada, "An essay")).await?;
    step("read them again", assignments_of(ada)).await?;
    step("1,000 tasks read Grace's", read_at_once(grace)).await?;
    let refused = step("read nobody's", assignments_of(nobody)).await;

    println!("\nThe stranger's error came through as it was: {refused:?}.");
    Ok(())
}

async fn read_at_once(user_id: UserId) -> Result<(), DbError> {
    let mut readers: JoinSet<_> = (0..1_000).map(|_| assignments_of(user_id)).collect();
    while let Some(Ok(answer)) = readers.join_next().await {
        answer?;
    }
    Ok(())
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Score {
    points: f64,
    remark: String,
}

/// For all else that Redis can do there is the connection itself, and the cache's own encoding.
async fn keep_a_hash(cache: &Cache) -> Result<(), Box<dyn Error>> {
    let mut connection = cache.connection().await?;
    let scores = cache.name_in_redis("class:10b:scores");
    let (points, remark) = (8.5, "clear".to_owned());
    let score = cache.encode(&Score { points, remark })?;

    let _: () = connection.hset(&scores, "ada", score).await?;
    let _: () = connection.expire(&scores, 60).await?;
    let found: Vec<u8> = connection.hget(&scores, "ada").await?;
    let found: Score = cache.decode(&found)?;
    println!("\nhash `{scores}`: {found:?}");
    Ok(())
}

async fn keep_a_list(cache: &Cache) -> Result<(), Box<dyn Error>> {
    let mut connection = cache.connection().await?;
    let recent = cache.name_in_redis("user:7:recent");

    for page in ["timetable", "essay", "grades"] {
        let page = cache.encode(&page.to_owned())?;
        let _: () = connection.lpush(&recent, page).await?;
    }
    let _: () = connection.ltrim(&recent, 0, 1).await?;
    let _: () = connection.expire(&recent, 60).await?;
    let pages: Vec<Vec<u8>> = connection.lrange(&recent, 0, -1).await?;
    let pages: Result<Vec<String>, _> = pages.iter().map(|bytes| cache.decode(bytes)).collect();
    println!("list `{recent}`: {:?}", pages?);
    Ok(())
}
