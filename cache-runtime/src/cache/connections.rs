//! The connections of a cache: opened early, counted, had for oneself, and closed.

use std::time::Duration;

use tokio::sync::watch;

use super::Cache;
use super::manual::SITE;
use crate::client::{Connections, Dedicated};
use crate::error::Error;
use crate::store::Store;

impl Cache {
    /// Opens the connections that are to be open from the start.
    pub(super) fn warm_up(&self) {
        if let Store::Redis(redis) = &self.0.store {
            redis.warm_up();
        }
    }

    /// A connection that nobody else uses, for blocking commands, `WATCH`, and scripts that take
    /// long; dropped, it is closed.
    ///
    /// There are at most `max_connections` of a cache, of which two are its own. While all are in
    /// use this waits, at most for the time that connecting may take, and that is
    /// [counted](Connections::waits).
    ///
    /// # Errors
    ///
    /// [`Error::NoRedis`] on the embedded store, [`Error::Unavailable`] if Redis is away or all
    /// connections stay in use.
    ///
    /// # Cancel safety
    ///
    /// Leaves nothing behind.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() {
    /// use cache_runtime::{Cache, Error};
    ///
    /// let connection = Cache::in_memory().dedicated().await;
    /// assert!(matches!(connection.err(), Some(Error::NoRedis)));
    /// # }
    /// ```
    pub async fn dedicated(&self) -> Result<Dedicated, Error> {
        let Store::Redis(redis) = &self.0.store else {
            return Err(Error::NoRedis);
        };
        let taken = redis.pool().take().await;
        taken.map_err(|fault| fault.during("connecting for", SITE))
    }

    /// What connections there are and have been; free to read.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::in_memory();
    /// assert_eq!(cache.connections().open, 0);
    /// ```
    pub fn connections(&self) -> Connections {
        match &self.0.store {
            Store::Redis(redis) => redis.connections(),
            Store::Memory(_) => Connections::default(),
            #[cfg(test)]
            Store::Sim(_) => Connections::default(),
        }
    }

    /// Ends the use of Redis: waits, at most `time`, until no load goes on in the background and no
    /// invalidation is queued, and closes the connections; says whether all was done in time.
    ///
    /// Calls that come later, and those that are under way when the time is over, load without the
    /// cache. What is still queued then is lost when the process ends, and the entries that it
    /// should have deleted live on until their time to live ends. The embedded store just goes on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the connections open.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() {
    /// use std::time::Duration;
    ///
    /// assert!(cache_runtime::Cache::in_memory().shutdown(Duration::from_secs(5)).await);
    /// # }
    /// ```
    pub async fn shutdown(&self, time: Duration) -> bool {
        let is_drained = self.drained(time).await;
        self.0.ending.send_replace(true);
        self.0.monitor.stop();
        if let Store::Redis(redis) = &self.0.store {
            redis.close();
        }
        is_drained
    }

    /// Tells when the cache is shut down.
    pub(crate) fn ending(&self) -> watch::Receiver<bool> {
        self.0.ending.subscribe()
    }
}
