//! A hit in the embedded store, beside bare in-memory caches.

use std::future::ready;
use std::sync::Arc;

use cache_runtime::Cache;

use crate::comparison::{Comparison, Subject};
use crate::drive::Load;
use crate::options::Options;
use crate::redis_hits::Outcome;
use crate::table::{self, Column};
use crate::values::{Course, KEYS, Profile, Value};

const BURST: u32 = 256;
const THREADS: [u32; 2] = [1, 2];
const THROUGHPUT: Column = (|sample| sample.throughput, table::rate);
const CPU: Column = (|sample| sample.cpu, table::time);

/// Hits of one and of two threads.
///
/// # Errors
///
/// If the global cache is in use.
pub async fn hits(options: Options) -> Outcome<()> {
    cache_runtime::init(Cache::builder().config()?)?;
    let about = "Every side renders its key and gets the struct by value.";
    let columns = ["size", "threads", "", "CPU a call", "calls"];
    table::open("A hit in the embedded store", about, &columns);
    compare::<Profile>(options).await;
    compare::<Course>(options).await;
    Ok(())
}

async fn compare<V: Value>(options: Options) {
    let subjects = subjects::<V>().await;
    for tasks in THREADS {
        let load = Load {
            tasks,
            burst: BURST,
            time: options.slice,
        };
        let comparison = Comparison::run(&subjects, load, options).await;
        table::rows(
            &[V::NAME, &tasks.to_string()],
            &comparison,
            &[CPU, THROUGHPUT],
        );
    }
}

async fn subjects<V: Value>() -> Vec<Subject> {
    let (quick, control, moka) = (quick::<V>(), quick::<V>(), moka::<V>());
    for id in 0..KEYS {
        V::cached(id).await;
    }
    vec![
        Subject::new("`quick_cache`", move |id| {
            ready(quick.get(V::plain_key(id).as_str()))
        }),
        Subject::new("`quick_cache`", move |id| {
            ready(control.get(V::plain_key(id).as_str()))
        }),
        Subject::new("`moka`", move |id| {
            ready(moka.get(V::plain_key(id).as_str()))
        }),
        Subject::new("`#[cache_result]`", V::cached),
    ]
}

/// All values in a bare `quick_cache`.
pub fn quick<V: Value>() -> Arc<quick_cache::sync::Cache<String, V>> {
    let cache = quick_cache::sync::Cache::new(ROOM);
    (0..KEYS).for_each(|id| cache.insert(V::plain_key(id), V::of(id)));
    Arc::new(cache)
}

/// All values in a bare `moka`.
pub fn moka<V: Value>() -> moka::sync::Cache<String, V> {
    let cache = moka::sync::Cache::new(ROOM as u64);
    (0..KEYS).for_each(|id| cache.insert(V::plain_key(id), V::of(id)));
    cache.run_pending_tasks();
    cache
}

/// Entries: nothing is evicted.
const ROOM: usize = 16 * 1024;
