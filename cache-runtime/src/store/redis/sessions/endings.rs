//! What has ended in the last seconds, to be ended once more at a server that may lack it: a
//! replica that missed it, a restart from an older dump.
//!
//! Nobody in this process is answered by such a server before it knows; others stop meeting those
//! sessions as soon as the task of the engine has told it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::client::{Link, WireKey, engine, probing};
use crate::error::Fault;
use crate::store::redis::Redis;
use crate::store::redis::forget::probe;
use crate::store::redis::scripts::Script;

/// How long a server may lag behind, as with invalidations by default.
const WINDOW: Duration = Duration::from_secs(10);
/// How many are remembered; of more the oldest are not.
const CAPACITY: usize = 10_000;
const HEARTBEAT: Duration = Duration::from_millis(250);

/// What has ended in one step.
pub(super) struct Ended {
    /// Of logins that were voided with it, if there were any.
    pub(super) generation: Vec<u8>,
    /// The fields of the sessions' heads.
    pub(super) heads: Vec<Vec<u8>>,
}

struct Ending {
    key: Arc<str>,
    ended: Ended,
    at: Instant,
    /// The count of changes when it was sent last: a server that came later has not been told.
    told: AtomicU64,
}

#[derive(Default)]
pub(in crate::store::redis) struct Endings {
    recent: Mutex<VecDeque<Arc<Ending>>>,
    /// So that nobody takes a lock while there is nothing.
    count: AtomicUsize,
    is_watched: AtomicBool,
}

impl Endings {
    fn remember(&self, ending: Ending) {
        let mut recent = self.recent.lock();
        if recent.len() >= CAPACITY {
            recent.pop_front();
        }
        recent.push_back(Arc::new(ending));
        self.count.store(recent.len(), Ordering::Release);
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Acquire) == 0
    }

    /// What a server has not been told that came with the last of so many changes: of one user, or
    /// of all.
    fn untold(&self, key: Option<&str>, changes: u64) -> Vec<Arc<Ending>> {
        if self.is_empty() || cfg!(cache_mutant = "replay") {
            return Vec::new();
        }
        let mut recent = self.recent.lock();
        let is_over = |ending: &Arc<Ending>| ending.at.elapsed() > WINDOW;
        while recent.front().is_some_and(is_over) {
            recent.pop_front();
        }
        self.count.store(recent.len(), Ordering::Release);
        let is_concerned = |ending: &&Arc<Ending>| {
            let is_told = ending.told.load(Ordering::Acquire) >= changes;
            !is_told && key.is_none_or(|key| *ending.key == *key)
        };
        recent.iter().filter(is_concerned).cloned().collect()
    }
}

impl Ending {
    async fn tell(
        &self,
        link: &Arc<Link>,
        namespace: &str,
        changes: u64,
        budget: Duration,
    ) -> Result<(), Fault> {
        let keys = [WireKey::new(namespace, &self.key)];
        let run = Script::EndSessionsAgain.run(link, &keys, budget, |cmd| {
            // It has no use for the time.
            cmd.arg(0).arg(&self.ended.generation);
            cmd.arg(&self.ended.heads);
        });
        match run.await {
            Ok(_) | Err(Fault::WrongType) => {
                self.told.fetch_max(changes, Ordering::AcqRel);
                Ok(())
            }
            Err(fault) => Err(fault),
        }
    }
}

impl Redis {
    /// Remembers what was ended when there had been so many changes.
    pub(super) fn remember_ending(&self, key: &Arc<str>, ended: Ended, changes: u64) {
        self.endings.remember(Ending {
            key: key.clone(),
            ended,
            at: Instant::now(),
            told: changes.into(),
        });
        if !self.endings.is_watched.swap(true, Ordering::AcqRel) {
            let watch = Watch {
                endings: Arc::downgrade(&self.endings),
                callers: Arc::downgrade(&self.callers),
                engine: Arc::downgrade(&self.engine),
                namespace: self.namespace.clone(),
                budget: self.budget,
            };
            engine::spawn(watch.run());
        }
    }

    /// Tells the server what it may not know of a user.
    pub(super) async fn end_again(&self, key: &str, changes: u64) -> Result<(), Fault> {
        for ending in self.endings.untold(Some(key), changes) {
            let told = ending.tell(self.link(), &self.namespace, changes, self.budget);
            told.await?;
        }
        Ok(())
    }
}

/// What the engine's task has: nothing that keeps a connection open.
struct Watch {
    endings: Weak<Endings>,
    callers: Weak<Link>,
    engine: Weak<Link>,
    namespace: Arc<str>,
    budget: Duration,
}

impl Watch {
    /// For as long as there is something to remember.
    async fn run(self) {
        while self.look().await {
            tokio::time::sleep(HEARTBEAT).await;
        }
    }

    async fn look(&self) -> bool {
        let (Some(endings), Some(callers), Some(engine)) = (
            self.endings.upgrade(),
            self.callers.upgrade(),
            self.engine.upgrade(),
        ) else {
            return false;
        };
        // A process that asks for nothing else would not notice that another server is there.
        let _ = probing(engine.command(&probe(&self.namespace), self.budget)).await;
        let changes = callers.breaker().changes() + engine.breaker().changes();
        for ending in endings.untold(None, changes) {
            let told = ending.tell(&engine, &self.namespace, changes, self.budget);
            if told.await.is_err() {
                break;
            }
        }
        if !endings.is_empty() {
            return true;
        }
        endings.is_watched.store(false, Ordering::Release);
        // One may have come just before.
        !endings.is_empty() && !endings.is_watched.swap(true, Ordering::AcqRel)
    }
}
