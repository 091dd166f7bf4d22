//! What users are told about the health of a cache.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};

use crate::client::{BreakerState, Connections};

/// How well a cache and what is behind it are; ready to be answered as JSON.
///
/// ```
/// use cache_runtime::{Cache, HealthStatus};
///
/// # #[tokio::main]
/// # async fn main() {
/// let health = Cache::in_memory().check_health().await;
/// assert_eq!(health.status, HealthStatus::Healthy);
/// assert_eq!(health.hit_ratio, None, "nobody has read anything");
/// # }
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// All in one word.
    pub status: HealthStatus,
    /// Why it is not healthy; empty if it is.
    pub reasons: Vec<HealthReason>,
    /// When the server was last asked, whether it answered or not; in JSON milliseconds since 1970.
    #[serde(rename = "checked_ms", serialize_with = "since_1970")]
    pub checked: Option<SystemTime>,
    /// How many checks in a row have failed.
    pub failures: u32,
    /// How long the server took for an answer when it last gave one; in JSON milliseconds.
    #[serde(rename = "ping_ms", serialize_with = "in_millis")]
    pub ping: Option<Duration>,
    /// The share of reads that found a usable entry, from 0 to 1, since the cache was built.
    pub hit_ratio: Option<f64>,
    /// What the server last said about itself; all primaries of a cluster together.
    pub server: Option<ServerHealth>,
    /// This cache's connections.
    pub connections: Connections,
    /// Whether calls ask Redis.
    pub breaker: BreakerState,
    /// How many invalidations wait for Redis.
    pub journal: usize,
}

/// All about a cache's health in one word.
///
/// ```
/// use cache_runtime::HealthStatus;
///
/// let json = serde_json::to_string(&HealthStatus::Degraded).unwrap();
/// assert_eq!(json, r#""degraded""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HealthStatus {
    /// Nobody has asked the server yet.
    Unknown,
    /// It does what it is for.
    Healthy,
    /// It works, but [`reasons`](Health::reasons) says what to look at.
    Degraded,
    /// It is of no use now: functions load for themselves, and invalidations are queued.
    Unavailable,
}

/// What is not as it should be.
///
/// ```
/// use cache_runtime::HealthReason;
///
/// let json = serde_json::to_string(&HealthReason::MemoryHigh).unwrap();
/// assert_eq!(json, r#""memory_high""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HealthReason {
    /// The last check has failed, and fewer in a row than the limit.
    CheckFailed,
    /// As many checks in a row have failed as the limit allows.
    FailureLimit,
    /// Calls go on without Redis for now.
    BreakerOpen,
    /// Invalidations wait for Redis.
    InvalidationsQueued,
    /// The server uses more than the share of its memory that is an alert.
    MemoryHigh,
}

/// What a server says about itself; of a cluster, all its primaries together.
///
/// ```
/// # #[tokio::main]
/// # async fn main() {
/// let health = cache_runtime::Cache::in_memory().check_health().await;
/// let store = health.server.unwrap();
/// assert_eq!((store.keys, store.memory_limit), (0, Some(64 << 20)));
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ServerHealth {
    /// Its version; of several, the oldest.
    pub version: String,
    /// Bytes in use.
    pub memory_used: u64,
    /// Bytes it may use; nothing if it has no limit.
    pub memory_limit: Option<u64>,
    /// The share of its memory that is in use, in per cent; of several servers, of the fullest.
    pub memory_percent: Option<u32>,
    /// How many times the memory in use it takes from the system; of several, the worst. Much
    /// above 1.5 on a server with much in it, it is fragmented; below 1, it is swapped out.
    pub fragmentation: Option<f64>,
    /// Keys in the database.
    pub keys: u64,
    /// Of these, how many have a time to live.
    pub expiring: u64,
    /// Keys that were thrown out for want of memory since the server was started.
    pub evicted: u64,
    /// Connections of all clients.
    pub clients: u64,
    /// How many there may be.
    pub max_clients: u64,
    /// Commands a second, lately.
    pub commands_per_second: u64,
}

impl ServerHealth {
    /// Of the embedded store, which is never nearly full: it makes room.
    pub(crate) fn of_memory(keys: u64, bytes: u64, limit: u64) -> Self {
        Self {
            memory_used: bytes,
            memory_limit: Some(limit),
            keys,
            ..Self::default()
        }
    }
}

/// What has changed about a cache's health.
///
/// ```
/// use cache_runtime::HealthEvent;
///
/// fn is_for_the_pager(event: &HealthEvent) -> bool {
///     matches!(event, HealthEvent::FailureLimit(_) | HealthEvent::MemoryHigh(95..))
/// }
///
/// assert!(is_for_the_pager(&HealthEvent::FailureLimit(3)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HealthEvent {
    /// It was healthy, and something is not as it should be any more.
    Degraded(Vec<HealthReason>),
    /// The server uses this share of its memory, in per cent, which is more than the alert allows.
    MemoryHigh(u32),
    /// So many checks in a row have failed: it counts as unavailable.
    FailureLimit(u32),
    /// It is healthy again.
    Recovered,
}

#[expect(clippy::ref_option, reason = "how serde calls it")]
fn since_1970<S: Serializer>(time: &Option<SystemTime>, out: S) -> Result<S::Ok, S::Error> {
    let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let millis = since.map(|since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    millis.serialize(out)
}

#[expect(clippy::ref_option, reason = "how serde calls it")]
fn in_millis<S: Serializer>(time: &Option<Duration>, out: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64() * 1e3).serialize(out)
}
