//! Connections for one user each: blocking commands would hold up everybody on a shared one.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::connection::RedisConnection;
use super::tally::Counted;
use super::upstream::{Connected, Upstream};
use super::why::Why;
use crate::error::Fault;

/// The cache's own: its callers', and that of its work in the background.
const SHARED: u32 = 2;
/// How long one that was opened in advance may take to show that it still stands.
const SIGN_OF_LIFE: Duration = Duration::from_secs(1);

/// What there may be of them, and those that were opened in advance.
pub(crate) struct Pool {
    upstream: Arc<Upstream>,
    permits: Arc<Semaphore>,
    ready: Mutex<Vec<Connected>>,
}

/// A connection of its own, from [`Cache::dedicated`](crate::Cache::dedicated); dropped, it is
/// closed.
///
/// ```no_run
/// use cache_runtime::{Cache, redis};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let mut connection = Cache::current().dedicated().await?;
/// let job: Option<(String, String)> = redis::cmd("BLPOP")
///     .arg("jobs")
///     .arg(30)
///     .query_async(&mut *connection)
///     .await?;
/// # Ok(())
/// # }
/// ```
pub struct Dedicated {
    connection: RedisConnection,
    _counted: Counted,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(crate) fn new(upstream: Arc<Upstream>) -> Self {
        let most = upstream.settings().max_connections.saturating_sub(SHARED);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        Self {
            upstream,
            permits: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            ready: Mutex::default(),
        }
    }

    /// One that nobody else uses. Waits for it, and then for the server, as long as connecting
    /// may take each.
    pub(crate) async fn take(&self) -> Result<Dedicated, Fault> {
        Handle::try_current().map_err(|_| Fault::NoRuntime)?;
        let permit = self.permit().await?;
        let ready = self.ready.lock().pop();
        let connected = match ready {
            Some(ready) if is_alive(&ready).await => ready,
            _ => {
                let connecting = self.upstream.connect_alone().await;
                connecting.map_err(Fault::Unreachable)?
            }
        };
        Ok(Dedicated {
            connection: RedisConnection::alone(connected.wire),
            _counted: connected.counted,
            _permit: permit,
        })
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, Fault> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let settings = self.upstream.settings();
        if settings.max_connections <= SHARED {
            let why = "`max_connections` leaves none besides the cache's own two";
            return Err(Fault::Unreachable(Why::new(why)));
        }
        self.upstream.tally().waited();
        let waiting = self.permits.clone().acquire_owned();
        let waited = timeout(settings.connection_timeout, waiting).await;
        let permit = waited.map_err(|_| {
            let why = "all dedicated connections are in use: see `max_connections`";
            Fault::Unreachable(Why::new(why))
        });
        permit?.map_err(|_| Fault::NotConnected)
    }

    /// Opens what `min_connections` asks for beyond the cache's own one.
    pub(crate) fn warm_up(self: &Arc<Self>, runtime: &Handle) {
        let settings = self.upstream.settings();
        let most = settings.max_connections.saturating_sub(SHARED);
        for _ in 0..settings.min_connections.saturating_sub(1).min(most) {
            let pool = self.clone();
            runtime.spawn(async move {
                // A failure is counted, and shows in whoever needs one.
                if let Ok(connected) = pool.upstream.connect_alone().await {
                    pool.keep(connected);
                }
            });
        }
    }

    fn keep(&self, connected: Connected) {
        let mut ready = self.ready.lock();
        if !self.permits.is_closed() {
            ready.push(connected);
        }
    }

    /// Gives no more out, and closes those that nobody has taken.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.ready.lock().clear();
    }
}

/// It was opened a while ago, on a runtime that may be gone.
async fn is_alive(connected: &Connected) -> bool {
    matches!(
        timeout(SIGN_OF_LIFE, connected.wire.ping()).await,
        Ok(Ok(_))
    )
}

impl Deref for Dedicated {
    type Target = RedisConnection;

    fn deref(&self) -> &RedisConnection {
        &self.connection
    }
}

impl DerefMut for Dedicated {
    fn deref_mut(&mut self) -> &mut RedisConnection {
        &mut self.connection
    }
}
