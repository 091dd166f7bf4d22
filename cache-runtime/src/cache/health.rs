//! How well the cache is, asked for and told; and whether its server will do at all.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use redis::cmd;

use super::{Cache, Inner};
use crate::client::health::{Health, HealthEvents, Local, Outcome, ServerHealth, measure};
use crate::client::{Validated, engine};
use crate::error::{Error, Fault};
use crate::store::{Redis, Store};

impl Cache {
    /// How well the cache is, by the last check of its server and by what this process knows
    /// without asking; free to read.
    ///
    /// The server is checked every `health_check_interval`, and by
    /// [`check_health`](Self::check_health). Until the first check the status is
    /// [`Unknown`](crate::HealthStatus::Unknown), if nothing else speaks against it.
    ///
    /// ```
    /// use cache_runtime::{Cache, HealthStatus};
    ///
    /// let health = Cache::in_memory().health();
    /// assert_eq!(health.status, HealthStatus::Unknown, "nobody has looked yet");
    /// ```
    pub fn health(&self) -> Health {
        let stats = self.stats();
        let reads = stats.hits + stats.misses;
        #[expect(clippy::cast_precision_loss, reason = "a ratio of two counts")]
        let hit_ratio = (reads > 0).then(|| stats.hits as f64 / reads as f64);
        self.0
            .monitor
            .report(self.local(), hit_ratio, self.connections())
    }

    /// Asks the server now how well it is, and reports that.
    ///
    /// A server that does not answer within the `budget` of a call is of no use to calls either:
    /// the check has failed.
    ///
    /// # Cancel safety
    ///
    /// Dropped, it has asked and learnt nothing.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() {
    /// use cache_runtime::Cache;
    ///
    /// // What a handler of `/health` answers: 200 or 503, and the report as JSON.
    /// async fn health_handler(cache: Cache) -> (u16, String) {
    ///     use cache_runtime::HealthStatus::{Degraded, Healthy};
    ///
    ///     let health = cache.check_health().await;
    ///     let is_of_use = matches!(health.status, Healthy | Degraded);
    ///     let body = serde_json::to_string(&health).unwrap_or_default();
    ///     (if is_of_use { 200 } else { 503 }, body)
    /// }
    ///
    /// let (status, body) = health_handler(Cache::in_memory()).await;
    /// assert_eq!(status, 200);
    /// assert!(body.starts_with(r#"{"status":"healthy","reasons":[]"#));
    /// # }
    /// ```
    pub async fn check_health(&self) -> Health {
        let outcome = match &self.0.store {
            Store::Memory(memory) => {
                let ((keys, bytes), limit) = (memory.size(), memory.capacity());
                let server = ServerHealth::of_memory(keys, bytes, limit);
                Outcome::Answered {
                    ping: Duration::ZERO,
                    server: Some(server),
                }
            }
            Store::Redis(redis) => match asked(redis, self.0.budget).await {
                Ok((ping, server)) => Outcome::Answered { ping, server },
                Err(_) => Outcome::Failed,
            },
            #[cfg(test)]
            Store::Sim(_) => unreachable!("no scenario asks"),
        };
        self.0.monitor.learn(outcome, self.local());
        self.health()
    }

    /// What changes about the cache's health from now on, as checks find it.
    ///
    /// The same is in the log, by `tracing`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() {
    /// let cache = cache_runtime::Cache::in_memory();
    /// let mut events = cache.health_events();
    /// tokio::spawn(async move {
    ///     while let Some(event) = events.next().await {
    ///         println!("{event:?}"); // or page somebody
    ///     }
    /// });
    /// # }
    /// ```
    pub fn health_events(&self) -> HealthEvents {
        self.0.monitor.listen()
    }

    /// Connects, and asks the server whether it will do; for the start of a program that would
    /// rather not run than run without its cache.
    ///
    /// It checks the login, the database, the version (6.2 or newer), the role, and that scripts
    /// are allowed. What works and may end badly is in
    /// [`warnings`](crate::Validated::warnings), and in the log. The embedded store always will do.
    ///
    /// # Errors
    ///
    /// [`Error::Unusable`] with the one reason.
    ///
    /// # Cancel safety
    ///
    /// Its connection is its own, and closed.
    ///
    /// ```no_run
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// let cache = cache_runtime::init(cache_runtime::Config::from_env()?)?;
    /// cache.validate().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn validate(&self) -> Result<Validated, Error> {
        let Store::Redis(redis) = &self.0.store else {
            return Ok(Validated::default());
        };
        let upstream = redis.upstream();
        let server = || upstream.settings().redacted_url();
        match upstream.validate().await {
            Ok(validated) => {
                for warning in &validated.warnings {
                    tracing::warn!(server = server(), %warning, "redis may not do as it should");
                }
                Ok(validated)
            }
            Err(reason) => Err(Error::Unusable {
                server: server(),
                reason,
            }),
        }
    }

    fn local(&self) -> Local {
        Local {
            breaker: self.breaker(),
            journal: self.0.journal.len(),
        }
    }

    /// Has the server checked now and then, for as long as the cache lives.
    pub(super) fn watch_health(&self, every: Duration) {
        let checking = check_now_and_then(Arc::downgrade(&self.0), every);
        // Without a thread of our own there is a log entry, and health is what handlers ask for.
        if let Some(task) = engine::spawn(checking) {
            self.0.monitor.keep(task);
        }
    }
}

async fn check_now_and_then(cache: Weak<Inner>, every: Duration) {
    loop {
        // Processes that were started together are not to ask together.
        tokio::time::sleep(every.mul_f64(0.9 + rand::random::<f64>() / 5.0)).await;
        let Some(cache) = cache.upgrade().map(Cache) else {
            return;
        };
        cache.check_health().await;
    }
}

/// How long the server took to answer, and what it says about itself if it says so to us.
async fn asked(redis: &Redis, time: Duration) -> Result<(Duration, Option<ServerHealth>), Fault> {
    let start = Instant::now();
    redis.ask(&cmd("PING"), time).await?;
    let ping = start.elapsed();
    let database = redis.upstream().settings().database;
    match redis.ask(&cmd("INFO"), time).await {
        Ok(said) => Ok((ping, measure(&said, database))),
        Err(fault) if fault.is_answer() => Ok((ping, None)),
        Err(fault) => Err(fault),
    }
}
