//! The connection as users get it, for all that Redis can do.

use std::sync::{Arc, Weak};
use std::time::Duration;

use redis::aio::ConnectionLike;
use redis::{Cmd, Pipeline, RedisFuture, Value};
use tokio::time::timeout;

use super::link::{Link, Open, is_broken};
use super::wire::Wire;

/// A connection to the server that a cache uses, or to all nodes of its cluster.
///
/// It is the client library's own, and goes wherever that takes a connection: single commands,
/// pipelines, transactions, scripts. Clones share it. It is the connection of this moment: after a
/// fault, ask the cache for it anew, which may have another by then.
///
/// On a cluster the keys of a pipeline and of a transaction have to be in one slot: give them the
/// same `{tag}`. A single command follows a slot that moves; a pipeline that meets one fails, as
/// a part of it may have been executed.
///
/// ```no_run
/// use cache_runtime::{Cache, redis};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = Cache::current();
/// let mut connection = cache.connection().await?;
///
/// // Three commands, one round trip.
/// let (online, last): (u64, String) = redis::pipe()
///     .cmd("SADD").arg("{shop}:online").arg("user:7").ignore()
///     .cmd("SCARD").arg("{shop}:online")
///     .cmd("GET").arg("{shop}:last")
///     .query_async(&mut connection)
///     .await?;
///
/// // Both or none: MULTI, the two, EXEC.
/// redis::pipe()
///     .atomic()
///     .cmd("DECR").arg("{shop}:stock").ignore()
///     .cmd("INCR").arg("{shop}:sold").ignore()
///     .exec_async(&mut connection)
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RedisConnection {
    wire: Wire,
    limit: Option<Duration>,
    /// Whose it is, to be told when it breaks: else nobody who does not use the cache, too, would
    /// be given another one.
    shared: Option<(Weak<Link>, Weak<Open>)>,
}

impl RedisConnection {
    /// One that is nobody else's.
    pub(super) fn alone(wire: Wire) -> Self {
        let (limit, shared) = (None, None);
        Self {
            wire,
            limit,
            shared,
        }
    }

    pub(crate) fn shared(link: &Arc<Link>, open: &Arc<Open>) -> Self {
        Self {
            wire: open.wire().clone(),
            limit: None,
            shared: Some((Arc::downgrade(link), Arc::downgrade(open))),
        }
    }

    /// What came of an exchange; not of one that the user has given up.
    fn judge<T>(&self, outcome: redis::RedisResult<T>) -> redis::RedisResult<T> {
        let broken = outcome.as_ref().err().filter(|error| is_broken(error));
        if let (Some(_), Some((link, open))) = (broken, &self.shared)
            && let (Some(link), Some(open)) = (link.upgrade(), open.upgrade())
        {
            link.doubt(&open);
        }
        outcome
    }

    /// How long each command may take from now on; without it, as long as it takes.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example() -> Result<(), cache_runtime::Error> {
    /// let mut connection = cache_runtime::Cache::current().connection().await?;
    /// connection.set_response_timeout(Duration::from_millis(200));
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_response_timeout(&mut self, limit: Duration) {
        self.limit = Some(limit);
    }

    /// Whether it goes to the nodes of a cluster.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), cache_runtime::Error> {
    /// let connection = cache_runtime::Cache::current().connection().await?;
    /// assert!(!connection.is_cluster());
    /// # Ok(())
    /// # }
    /// ```
    pub fn is_cluster(&self) -> bool {
        matches!(self.wire, Wire::Cluster(_))
    }
}

impl ConnectionLike for RedisConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let this: &'a Self = self;
        let sending = async move { this.judge(this.wire.send(cmd).await) };
        Box::pin(within(this.limit, sending))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let this: &'a Self = self;
        let sending = async move { this.judge(this.wire.send_all(pipeline, offset, count).await) };
        Box::pin(within(this.limit, sending))
    }

    fn get_db(&self) -> i64 {
        self.wire.database()
    }
}

async fn within<T>(
    limit: Option<Duration>,
    sending: impl Future<Output = redis::RedisResult<T>>,
) -> redis::RedisResult<T> {
    let Some(limit) = limit else {
        return sending.await;
    };
    let late = || std::io::Error::from(std::io::ErrorKind::TimedOut).into();
    timeout(limit, sending)
        .await
        .unwrap_or_else(|_| Err(late()))
}
