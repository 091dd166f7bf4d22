//! What one tag costs a hit.

use cache_runtime::{Cache, cache_result};
use cache_tests::RedisServer;

use crate::comparison::{Comparison, Subject};
use crate::drive::Load;
use crate::options::Options;
use crate::redis_hits::Outcome;
use crate::table::{self, Column};
use crate::values::{KEYS, Profile, Value};

const CONCURRENCY: [u32; 6] = [1, 2, 4, 16, 64, 256];
/// Tags; each covers as many entries.
const CLASSES: u64 = 32;
const COLUMNS: [Column; 3] = [
    (|sample| sample.throughput, table::rate),
    (|sample| sample.cpu, table::time),
    (|sample| sample.p99, table::time),
];

#[cache_result(key = "bench:pupil:<class>:<id>", ttl = "1h")]
async fn untagged(class: u64, id: u64) -> Profile {
    Profile::of(id)
}

#[cache_result(key = "bench:tagged:<class>:<id>", ttl = "1h", tags = ["class:<class>"])]
async fn tagged(class: u64, id: u64) -> Profile {
    Profile::of(id)
}

/// Hits of an entry without a tag and of one with a tag.
///
/// # Errors
///
/// If the server or the configuration fails.
pub async fn hits(options: Options) -> Outcome<()> {
    let server = RedisServer::start().await;
    cache_runtime::init(Cache::builder().redis_url(server.url()).config()?)?;
    let about = "The tag is read with the entry, so a hit stays one command.";
    let columns = ["tasks", "", "calls", "client CPU a call", "p99"];
    table::open("A hit with a tag", about, &columns);
    for id in 0..KEYS {
        untagged(id % CLASSES, id).await;
        tagged(id % CLASSES, id).await;
    }
    let subjects = [
        Subject::new("no tag", |id| untagged(id % CLASSES, id)),
        Subject::new("no tag", |id| untagged(id % CLASSES, id)),
        Subject::new("one tag", |id| tagged(id % CLASSES, id)),
    ];
    for tasks in CONCURRENCY {
        let load = Load {
            tasks,
            burst: 1,
            time: options.slice,
        };
        let comparison = Comparison::run(&subjects, load, options).await;
        table::rows(&[&tasks.to_string()], &comparison, &COLUMNS);
    }
    Ok(())
}
