//! The last measurement, and those who listen for changes.

use std::time::{Duration, SystemTime};

use once_cell::sync::OnceCell;
use parking_lot::Mutex;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::AbortHandle;

use super::judge::{Course, Limits, Local, Told, judge};
use super::{Health, HealthEvent, ServerHealth};
use crate::client::Connections;

/// Events kept for a listener that is behind.
const KEPT: usize = 64;

/// What is known about the health of one cache.
pub(crate) struct Monitor {
    limits: Limits,
    known: Mutex<Known>,
    events: broadcast::Sender<HealthEvent>,
    task: OnceCell<AbortHandle>,
}

#[derive(Default)]
struct Known {
    course: Course,
    told: Told,
    checked: Option<SystemTime>,
    ping: Option<Duration>,
    server: Option<ServerHealth>,
}

/// What came of asking a server.
pub(crate) enum Outcome {
    Answered {
        ping: Duration,
        /// What it said, unless it does not say such things to us.
        server: Option<ServerHealth>,
    },
    Failed,
}

impl Monitor {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            known: Mutex::default(),
            events: broadcast::Sender::new(KEPT),
            task: OnceCell::new(),
        }
    }

    /// The task that checks now and then; it ends with the monitor.
    pub(crate) fn keep(&self, task: AbortHandle) {
        if let Err(task) = self.task.set(task) {
            task.abort();
        }
    }

    /// Ends the checks: there is nothing more to ask.
    pub(crate) fn stop(&self) {
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }

    /// Takes in what came of a check, and tells what has changed.
    pub(crate) fn learn(&self, outcome: Outcome, local: Local) {
        let mut known = self.known.lock();
        known.checked = Some(SystemTime::now());
        known.course.is_checked = true;
        match outcome {
            Outcome::Answered { ping, server } => {
                known.course.failures = 0;
                known.course.memory_percent =
                    server.as_ref().and_then(|server| server.memory_percent);
                known.ping = Some(ping);
                known.server = server;
            }
            Outcome::Failed => known.course.failures = known.course.failures.saturating_add(1),
        }
        let (_, reasons) = judge(known.course, local, self.limits);
        let course = known.course;
        let events = known.told.update(course, &reasons);
        drop(known);
        for event in events {
            self.tell(event);
        }
    }

    fn tell(&self, event: HealthEvent) {
        match &event {
            HealthEvent::Degraded(reasons) => tracing::warn!(?reasons, "the cache is degraded"),
            HealthEvent::MemoryHigh(percent) => {
                tracing::warn!(percent, "redis is running out of memory");
            }
            HealthEvent::FailureLimit(failures) => {
                tracing::error!(failures, "the cache counts as unavailable");
            }
            HealthEvent::Recovered => tracing::info!("the cache is healthy again"),
        }
        // Nobody listens: the log has it.
        let _ = self.events.send(event);
    }

    /// What was measured last, beside what is known without asking.
    pub(crate) fn report(
        &self,
        local: Local,
        hit_ratio: Option<f64>,
        connections: Connections,
    ) -> Health {
        let known = self.known.lock();
        let (status, reasons) = judge(known.course, local, self.limits);
        Health {
            status,
            reasons,
            checked: known.checked,
            failures: known.course.failures,
            ping: known.ping,
            hit_ratio,
            server: known.server.clone(),
            connections,
            breaker: local.breaker,
            journal: local.journal,
        }
    }

    pub(crate) fn listen(&self) -> HealthEvents {
        HealthEvents(self.events.subscribe())
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What changes about a cache's health from now on; see [`Cache::health_events`].
///
/// [`Cache::health_events`]: crate::Cache::health_events
///
/// ```
/// # fn main() {
/// let events: cache_runtime::HealthEvents = cache_runtime::Cache::in_memory().health_events();
/// # }
/// ```
pub struct HealthEvents(broadcast::Receiver<HealthEvent>);

impl HealthEvents {
    /// The next change; nothing once the cache is gone. A listener that is more than 64 behind
    /// misses the oldest.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() {
    /// let cache = cache_runtime::Cache::in_memory();
    /// let mut events = cache.health_events();
    /// drop(cache);
    /// assert_eq!(events.next().await, None);
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<HealthEvent> {
        loop {
            match self.0.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl std::fmt::Debug for HealthEvents {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("HealthEvents").finish_non_exhaustive()
    }
}
