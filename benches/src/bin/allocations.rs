//! Counts the allocations of a hit, and prints Markdown.

use std::alloc::System;
use std::future::Future;

use cache_benches::embedded;
use cache_benches::redis_hits::{Nagle, Outcome, connect, read_by_hand, store_all};
use cache_benches::table;
use cache_benches::values::{Course, KEYS, Profile, Value};
use cache_runtime::Cache;
use cache_tests::RedisServer;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CALLS: u64 = 64 * 1024;

#[tokio::main(worker_threads = 2)]
async fn main() -> Outcome<()> {
    let server = RedisServer::start().await;
    cache_runtime::init(Cache::builder().redis_url(server.url()).config()?)?;
    let about = "All threads of the process together, growth of a buffer included.";
    table::open(
        "Allocations a hit",
        about,
        &["size", "tasks", "", "allocations", "bytes"],
    );
    count_all::<Profile>(&server.url()).await?;
    count_all::<Course>(&server.url()).await
}

async fn count_all<V: Value>(url: &str) -> Outcome<()> {
    let connection = connect(url, Nagle::On).await?;
    store_all::<V>(&connection).await?;
    for tasks in [1, 64, 256] {
        let connection = connection.clone();
        let by_hand = move |id| read_by_hand::<V>(connection.clone(), id);
        count::<V, _, _>(tasks, "Redis, by hand", by_hand).await;
        count::<V, _, _>(tasks, "Redis, `#[cache_result]`", V::cached).await;
    }
    let (quick, moka) = (embedded::quick::<V>(), embedded::moka::<V>());
    count::<V, _, _>(1, "`quick_cache`", move |id| {
        std::future::ready(quick.get(V::plain_key(id).as_str()))
    })
    .await;
    count::<V, _, _>(1, "`moka`", move |id| {
        std::future::ready(moka.get(V::plain_key(id).as_str()))
    })
    .await;
    let memory = Cache::in_memory();
    memory
        .scope(async {
            for id in 0..KEYS {
                V::cached(id).await;
            }
            count::<V, _, _>(1, "embedded, `#[cache_result]`", V::cached).await;
        })
        .await;
    Ok(())
}

async fn count<V, C, F>(tasks: u64, name: &str, call: C)
where
    V: Value,
    C: Fn(u64) -> F + Clone + Send + 'static,
    F: Future + Send + 'static,
{
    calls(tasks, call.clone()).await;
    let region = Region::new(ALLOCATOR);
    calls(tasks, call).await;
    let change = region.change();
    let each = |count: usize| {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let each = count as f64 / CALLS as f64;
        format!("{each:.1}")
    };
    let cells = [
        V::NAME.to_owned(),
        tasks.to_string(),
        name.to_owned(),
        each(change.allocations + change.reallocations),
        each(change.bytes_allocated),
    ];
    table::row(cells.iter());
}

async fn calls<C, F>(tasks: u64, call: C)
where
    C: Fn(u64) -> F + Clone + Send + 'static,
    F: Future + Send + 'static,
{
    let callers: Vec<_> = (0..tasks)
        .map(|task| {
            let call = call.clone();
            cache_runtime::spawn(async move {
                for number in 0..CALLS / tasks {
                    call((task * 37 + number) % KEYS).await;
                }
            })
        })
        .collect();
    for caller in callers {
        // A caller that panicked has said so.
        let _ = caller.await;
    }
}
