//! Entries that are loaded before anybody asks for them.

mod job;

use std::fmt;
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::timeout_at;

use crate::cache::Cache;
use crate::cache_key::Key;
use crate::call::Cacheable;
use job::{Done, Job, job, missing};

/// A list of things to load at start, made by [`Cache::warm`].
///
/// Nothing runs before [`run`](Self::run). Failures and panics are counted and never end it.
///
/// ```
/// use cache_runtime::{Cache, cache_result};
///
/// #[cache_result(key = "square:<n>")]
/// async fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// #[cache_result(key = "root:<n>")]
/// async fn root(n: u64) -> Result<u64, std::fmt::Error> {
///     (1..=n).find(|root| root * root == n).ok_or(std::fmt::Error)
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// let cache = Cache::in_memory();
/// let warmed = cache
///     .warm()
///     .parallel(4)
///     .calls((1..=100).map(square))
///     .try_calls((1..=9).map(root))
///     .progress(|progress| println!("{} of {}", progress.done + progress.failed, progress.total))
///     .run()
///     .await;
/// assert_eq!((warmed.done, warmed.failed), (103, 6));
/// assert_eq!(cache.stats().published, 103);
/// # }
/// ```
#[must_use = "nothing is loaded before `run`"]
pub struct Warming<'a> {
    cache: Cache,
    parallel: usize,
    within: Option<Duration>,
    jobs: Box<dyn Iterator<Item = Job<'a>> + Send + 'a>,
    total: usize,
    report: Option<Report<'a>>,
}

type Report<'a> = Box<dyn FnMut(&Warmed) + Send + 'a>;

/// How far a [`Warming`] has come, and at its end what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warmed {
    /// How many there are, as far as their iterators say.
    pub total: usize,
    /// How many have run and succeeded.
    pub done: usize,
    /// How many of these had nothing to do: there was an entry.
    pub present: usize,
    /// How many have failed or panicked.
    pub failed: usize,
    /// How many were not begun, or not finished, when the time was over.
    pub skipped: usize,
    /// How long it has taken.
    pub time: Duration,
}

impl Cache {
    /// Loads entries before anybody asks for them, a bounded number at once.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() {
    /// let cache = cache_runtime::Cache::in_memory();
    /// assert_eq!(cache.warm().run().await.total, 0);
    /// # }
    /// ```
    pub fn warm<'a>(&self) -> Warming<'a> {
        Warming {
            cache: self.clone(),
            parallel: 8,
            within: None,
            jobs: Box::new(std::iter::empty()),
            total: 0,
            report: None,
        }
    }
}

impl<'a> Warming<'a> {
    /// How many run at once; 8 by default.
    pub fn parallel(mut self, most: usize) -> Self {
        self.parallel = most.max(1);
        self
    }

    /// When to stop: what has not finished then is dropped and counted as skipped. Without it,
    /// there is no limit.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }

    /// Calls of functions that cannot fail; what they return is dropped.
    ///
    /// The iterator is asked for the next one when there is room for it.
    pub fn calls<F, I>(self, calls: I) -> Self
    where
        F: Future + Send + 'a,
        I: IntoIterator<Item = F>,
        I::IntoIter: Send + 'a,
    {
        self.jobs(calls.into_iter().map(|call| {
            job(async move {
                drop(call.await);
                Done::Loaded
            })
        }))
    }

    /// Calls of functions that can fail: an `Err` is counted.
    pub fn try_calls<F, T, E, I>(self, calls: I) -> Self
    where
        F: Future<Output = Result<T, E>> + Send + 'a,
        I: IntoIterator<Item = F>,
        I::IntoIter: Send + 'a,
    {
        self.jobs(calls.into_iter().map(|call| {
            job(async move {
                let is_loaded = call.await.is_ok();
                if is_loaded {
                    Done::Loaded
                } else {
                    Done::Failed
                }
            })
        }))
    }

    /// Keys without an entry, each with the future of its value, stored for `ttl`.
    ///
    /// The future runs under the key's lease, as a cached function does: one for each key in all
    /// processes, and a value whose key was invalidated meanwhile is not stored. Where there is an
    /// entry, or somebody else loads it, it does not run at all. In the scope of a
    /// [`Transaction`](crate::Transaction) nothing is loaded, and all of them count as failed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cache_runtime::{Cache, KeyTemplate};
    ///
    /// const NAME: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>:name");
    ///
    /// # #[tokio::main]
    /// # async fn main() {
    /// let cache = Cache::in_memory();
    /// let names = || (1..=3).map(|id| (NAME.key(id), async move {
    ///     Ok::<_, std::fmt::Error>(format!("user {id}"))
    /// }));
    /// let minute = Duration::from_secs(60);
    /// assert_eq!(cache.warm().keys(names(), minute).run().await.present, 0);
    /// assert_eq!(cache.warm().keys(names(), minute).run().await.present, 3);
    /// # }
    /// ```
    pub fn keys<V, F, E, I>(self, keys: I, ttl: Duration) -> Self
    where
        V: Cacheable,
        F: Future<Output = Result<V, E>> + Send + 'a,
        E: Send,
        I: IntoIterator<Item = (Key<V>, F)>,
        I::IntoIter: Send + 'a,
    {
        let cache = self.cache.clone();
        self.jobs(keys.into_iter().map(move |(key, value)| {
            let cache = cache.clone();
            job(async move { missing(&cache, &key, value, ttl).await })
        }))
    }

    /// Is told after each one how far it has come.
    pub fn progress(mut self, report: impl FnMut(&Warmed) + Send + 'a) -> Self {
        self.report = Some(Box::new(report));
        self
    }

    fn jobs(mut self, jobs: impl Iterator<Item = Job<'a>> + Send + 'a) -> Self {
        let (least, most) = jobs.size_hint();
        self.total += most.unwrap_or(least);
        self.jobs = Box::new(self.jobs.chain(jobs));
        self
    }

    /// Loads them all and says what came of it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the calls that are under way, each as its own page says, and
    /// begins no other. What is stored stays.
    pub async fn run(self) -> Warmed {
        let cache = self.cache.clone();
        cache.scope(self.work()).await
    }

    async fn work(mut self) -> Warmed {
        let began = Instant::now();
        let deadline = self.within.and_then(|time| began.checked_add(time));
        let mut warmed = Warmed {
            total: self.total,
            ..Warmed::default()
        };
        let mut running: FuturesUnordered<Job<'a>> =
            self.jobs.by_ref().take(self.parallel).collect();
        loop {
            let next = match deadline {
                Some(deadline) => timeout_at(deadline.into(), running.next()).await,
                None => Ok(running.next().await),
            };
            let Ok(next) = next else {
                warmed.skipped = running.len() + self.jobs.count();
                break;
            };
            let Some(done) = next else { break };
            warmed.add(done);
            warmed.time = began.elapsed();
            if let Some(report) = &mut self.report {
                report(&warmed);
            }
            running.extend(self.jobs.next());
        }
        warmed.time = began.elapsed();
        warmed
    }
}

impl Warmed {
    fn add(&mut self, done: Done) {
        match done {
            Done::Loaded => self.done += 1,
            Done::Present => {
                self.done += 1;
                self.present += 1;
            }
            Done::Failed => self.failed += 1,
        }
        self.total = self.total.max(self.done + self.failed);
    }
}

impl fmt::Debug for Warming<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Warming")
            .field("total", &self.total)
            .field("parallel", &self.parallel)
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}
