//! A worker process: tasks that read and write until the time is over, or until it is killed.

use std::sync::Arc;
use std::time::Duration;

use cache_runtime::{Cache, Invalidation, spawn};
use cache_tests::now;
use parking_lot::Mutex;

use crate::choices::{Act, Choice, Choices, View, Who, Write};
use crate::database::{Database, Writing};
use crate::drop_after::DropAfter;
use crate::log::Log;
use crate::options::Worker;
use crate::record::Read;
use crate::rows::{self, Load};
use crate::writes::{self, Pen};

const TASKS: u32 = 32;
/// Short: what a killed worker was loading is not to be waited for until the end of the run.
pub(crate) const LEASE: Duration = Duration::from_secs(1);
/// Long: a call that Redis does not answer in time is answered with less than a promise, and a
/// busy machine is not what is tested.
const BUDGET: Duration = Duration::from_secs(20);

struct Working {
    worker: Worker,
    cache: Cache,
    database: Arc<Database>,
    log: Log,
}

/// Works, and ends when it is time to.
pub(crate) fn run(worker: &Worker) {
    let cache = Cache::builder()
        .redis_url(&worker.url)
        .lease(LEASE)
        .budget(BUDGET)
        .build()
        .expect("a valid configuration");
    let working = Arc::new(Working {
        worker: worker.clone(),
        cache: cache.clone(),
        database: Arc::new(Database::open(&worker.database).expect("a database")),
        log: Log::new(cache.clone()),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(cache.scope(async {
        let start = |task| spawn(working.clone().work(task));
        let tasks: Vec<_> = (0..TASKS).map(start).collect();
        for task in tasks {
            task.await.expect("a task that goes on to the end");
        }
    }));
    working.log.end();
}

impl Working {
    async fn work(self: Arc<Self>, task: u32) {
        let who = Who {
            worker: self.worker.number,
            incarnation: self.worker.incarnation,
            task,
        };
        for choice in Choices::new(self.worker.seed, who) {
            if now() >= self.worker.until {
                return;
            }
            match choice.act {
                Act::Read(view) => self.read(view, choice).await,
                Act::Batch(view) => self.read_batch(view, choice).await,
                Act::Write(write) => self.write(write, choice).await,
            }
        }
    }

    fn load(&self, choice: Choice) -> Load {
        Load {
            database: self.database.clone(),
            pause: choice.pause,
            fails: choice.fails,
        }
    }

    async fn read(&self, view: View, choice: Choice) {
        let start = now();
        let call = rows::read(view, choice.key, self.load(choice));
        if let Some(Some(version)) = DropAfter::new(choice.dropped_at, call).await {
            self.log.read(Read {
                view,
                key: choice.key,
                version,
                start,
            });
        }
    }

    async fn read_batch(&self, view: View, choice: Choice) {
        let start = now();
        let call = rows::read_batch(view, choice.key, self.load(choice));
        for (key, version) in DropAfter::new(choice.dropped_at, call)
            .await
            .unwrap_or_default()
        {
            self.log.read(Read {
                view,
                key,
                version,
                start,
            });
        }
    }

    async fn write(&self, write: Write, choice: Choice) {
        let written = Arc::new(Mutex::new(None));
        let pen = Pen {
            database: self.database.clone(),
            writing: Writing {
                worker: self.worker.number,
                incarnation: self.worker.incarnation,
                write,
            },
            pause: choice.pause,
            written: written.clone(),
        };
        let queued = self.cache.stats().queued;
        let call = writes::write(write, choice.key, pen);
        let outcome = DropAfter::new(choice.dropped_at, call).await;
        let at = now();
        let applied = match outcome {
            Some(Some(outcome)) => (outcome == Invalidation::Applied).then_some(at),
            Some(None) if self.cache.stats().queued == queued => Some(at),
            None if write.is_fenced() => Some(at + LEASE),
            // Nothing sends an invalidation by hand after it was dropped.
            None if write == Write::Manual => None,
            // Somebody's was handed over. When none is left, they all have been applied.
            _ => self.cache.drained(BUDGET).await.then(now),
        };
        let written = *written.lock();
        if let (Some(id), Some(at)) = (written, applied) {
            self.database.applied(id, at).expect("a database");
        }
    }
}
