//! A hit from Redis, beside `GET` and `serde_json` written by hand.

use std::time::Duration;

use cache_runtime::Cache;
use cache_tests::{FaultProxy, RedisServer};
use redis::aio::MultiplexedConnection;
use redis::io::tcp::TcpSettings;
use redis::{AsyncCommands, IntoConnectionInfo};

use crate::comparison::{Comparison, Subject};
use crate::drive::Load;
use crate::options::Options;
use crate::table::{self, Column};
use crate::values::{Course, Gradebook, KEYS, Profile, Value};

/// Errors end the run: a benchmark has nothing else to do.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CONCURRENCY: &[u32] = &[1, 2, 4, 16, 64, 256];
const CROWDED: &[u32] = &[64, 256];
const THROUGHPUT: Column = (|sample| sample.throughput, table::rate);
const CPU: Column = (|sample| sample.cpu, table::time);
const P50: Column = (|sample| sample.p50, table::time);
const P99: Column = (|sample| sample.p99, table::time);

/// Hits over the loopback interface.
///
/// # Errors
///
/// If the server, a connection or the configuration fails.
pub async fn direct(options: Options) -> Outcome<()> {
    let server = RedisServer::start().await;
    let about = "Over the loopback interface, one multiplexed connection each.";
    let columns = [
        "size",
        "tasks",
        "",
        "calls",
        "client CPU a call",
        "p50",
        "p99",
    ];
    table::open("A hit from Redis", about, &columns);
    let url = server.url();
    let bench = Bench::new(&url, options, &[THROUGHPUT, CPU, P50, P99])?;
    bench.compare::<Profile>(CONCURRENCY).await?;
    bench.compare::<Course>(CONCURRENCY).await?;
    bench.compare::<Gradebook>(CROWDED).await
}

/// Hits with 1 ms more each way.
///
/// # Errors
///
/// If the server, a connection or the configuration fails.
pub async fn delayed(options: Options) -> Outcome<()> {
    let server = RedisServer::start().await;
    let proxy = FaultProxy::before(server.port());
    proxy.delay_requests(Duration::from_millis(1));
    proxy.delay_replies(Duration::from_millis(1));
    let about = "The proxy that adds the delay is in this process, so CPU time says nothing here.";
    let columns = ["size", "tasks", "", "calls", "p50", "p99"];
    table::open(
        "A hit from Redis, 1 ms away in each direction",
        about,
        &columns,
    );
    let url = proxy.url();
    let bench = Bench::new(&url, options, &[THROUGHPUT, P50, P99])?;
    bench.compare::<Profile>(CONCURRENCY).await?;
    bench.compare::<Course>(CONCURRENCY).await
}

struct Bench<'a> {
    url: &'a str,
    options: Options,
    columns: &'a [Column],
}

impl<'a> Bench<'a> {
    fn new(url: &'a str, options: Options, columns: &'a [Column]) -> Outcome<Self> {
        cache_runtime::init(Cache::builder().redis_url(url).config()?)?;
        Ok(Self {
            url,
            options,
            columns,
        })
    }

    async fn compare<V: Value>(&self, concurrency: &[u32]) -> Outcome<()> {
        store_all::<V>(&connect(self.url, Nagle::On).await?).await?;
        let subjects = subjects::<V>(self.url).await?;
        for &tasks in concurrency {
            let load = Load {
                tasks,
                burst: 1,
                time: self.options.slice,
            };
            let comparison = Comparison::run(&subjects, load, self.options).await;
            table::rows(&[V::NAME, &tasks.to_string()], &comparison, self.columns);
        }
        Ok(())
    }
}

async fn subjects<V: Value>(url: &str) -> Outcome<Vec<Subject>> {
    let by_hand = connect(url, Nagle::On).await?;
    let control = connect(url, Nagle::On).await?;
    let without_delay = connect(url, Nagle::Off).await?;
    Ok(vec![
        Subject::new("by hand", move |id| read_by_hand::<V>(by_hand.clone(), id)),
        Subject::new("by hand", move |id| read_by_hand::<V>(control.clone(), id)),
        Subject::new("by hand, `tcp_nodelay`", move |id| {
            read_by_hand::<V>(without_delay.clone(), id)
        }),
        Subject::new("`#[cache_result]`", V::cached),
    ])
}

/// What one would write without this crate.
///
/// # Errors
///
/// As Redis' and the decoder's.
pub async fn read_by_hand<V: Value>(mut connection: MultiplexedConnection, id: u64) -> Outcome<V> {
    let bytes: Vec<u8> = connection.get(V::plain_key(id)).await?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Stores every value as both sides store it.
///
/// # Errors
///
/// If Redis or the encoder fails.
pub async fn store_all<V: Value>(connection: &MultiplexedConnection) -> Outcome<()> {
    let mut connection = connection.clone();
    for id in 0..KEYS {
        let json = serde_json::to_vec(&V::of(id))?;
        connection.set::<_, _, ()>(V::plain_key(id), json).await?;
        V::cached(id).await;
    }
    Ok(())
}

/// Whether the kernel holds small segments back; the client library leaves it on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Nagle {
    /// As it comes.
    On,
    /// `tcp_nodelay`.
    Off,
}

/// A connection with default settings.
///
/// # Errors
///
/// If there is no server.
pub async fn connect(url: &str, nagle: Nagle) -> Outcome<MultiplexedConnection> {
    let settings = TcpSettings::default().set_nodelay(nagle == Nagle::Off);
    let info = url.into_connection_info()?.set_tcp_settings(settings);
    Ok(redis::Client::open(info)?
        .get_multiplexed_async_connection()
        .await?)
}
