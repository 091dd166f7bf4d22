//! The handle on a store, which is all that a user holds.

mod connections;
mod global;
mod health;
mod invalidate;
mod journal;
mod manual;
mod many;
mod mode;
mod recent;
mod replay;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::call::{Background, Touches, scope};
use crate::client::config::{Backend, Builder, Config, Lifetimes};
use crate::client::health::{Limits, Monitor};
use crate::client::{BreakerState, Budget};
use crate::entry::Format;
use crate::flight::Flights;
use crate::observe::{Counters, Event, Stats};
use crate::retry::Retries;
use crate::store::{Memory, Redis, Store};

pub use global::init;
pub(crate) use global::{Current, current, current_in, known};
pub use invalidate::Invalidation;
pub(crate) use invalidate::{Aimed, by_cache};
pub use journal::JournalStats;
pub(crate) use journal::{Journal, Target, Terms};
pub use manual::StoreStats;
pub use mode::Mode;

/// A cache: a cheap-to-clone handle on a store, which is Redis or this process's memory.
///
/// Annotated functions use the one of the scope they are called in, else the global one.
///
/// ```
/// use cache_runtime::{Cache, cache_result};
///
/// #[cache_result(key = "square:<n>", ttl = "1m")]
/// async fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// let cache = Cache::in_memory();
/// cache.scope(async {
///     square(7).await;
///     square(7).await;
/// }).await;
/// assert_eq!((cache.stats().loads, cache.stats().hits), (1, 1));
/// # }
/// ```
#[derive(Clone)]
pub struct Cache(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) flights: Arc<Flights>,
    pub(crate) counters: Counters,
    pub(crate) journal: Journal,
    monitor: Monitor,
    pub(crate) retries: Retries,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) budget: Duration,
    pub(crate) wait: Duration,
    pub(crate) lease: Duration,
    pub(crate) throttle: Duration,
    pub(crate) background: Background,
    pub(crate) touches: Touches,
    /// Whether the log has it that Redis refuses invalidations.
    has_said_refused: AtomicBool,
    mode: AtomicU8,
    /// How long a session lives, and how often what is left of them is swept up.
    pub(crate) session_expire: Duration,
    pub(crate) session_cleanup: Duration,
    /// Whether the cache was shut down, for what goes on in the background.
    ending: watch::Sender<bool>,
}

impl Cache {
    /// A cache in this process's memory, with default settings: no server, nothing shared.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::in_memory();
    /// assert_eq!(cache.stats().loads, 0);
    /// ```
    pub fn in_memory() -> Self {
        Self::from_config(Config::default())
    }

    /// Settings for a cache of your own.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// # fn main() -> Result<(), cache_runtime::Error> {
    /// let cache = cache_runtime::Cache::builder()
    ///     .namespace("shop.test")
    ///     .default_ttl(Duration::from_secs(600))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The global cache; the first use starts it from the environment if [`init`] has not run.
    ///
    /// Without a configuration it is the embedded store; with a broken one it is off, and says so
    /// once in the log.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::global();
    /// assert!(std::ptr::eq(cache, cache_runtime::Cache::global()));
    /// ```
    pub fn global() -> &'static Self {
        global::global()
    }

    /// The cache that annotated functions use here: the scope's, else the global one.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() {
    /// use cache_runtime::{Cache, Mode};
    ///
    /// let cache = Cache::in_memory();
    /// cache.scope(async { Cache::current().set_mode(Mode::Read) }).await;
    /// assert_eq!(cache.mode(), Mode::Read);
    /// # }
    /// ```
    pub fn current() -> Self {
        current(None).clone()
    }

    pub(crate) fn from_config(config: Config) -> Self {
        let Config {
            backend,
            retries,
            namespace,
            mode,
            lifetimes,
            memory,
            budget,
            wait,
            lease,
            throttle,
            background,
            journal,
            replay_window,
            memory_alert,
            clock,
            session_expire,
            session_cleanup,
            ..
        } = config;
        let (limits, every) = checks(&backend, memory_alert);
        let store = match backend {
            Backend::Memory => Store::Memory(Box::new(Memory::new(memory, clock))),
            Backend::Redis(settings) => Store::Redis(Arc::new(Redis::new(
                &settings, namespace, budget, lease, clock,
            ))),
            #[cfg(test)]
            Backend::Sim(sim) => Store::Sim(sim),
        };
        let cache = Self(Arc::new(Inner {
            store,
            flights: Arc::new(Flights::new()),
            counters: Counters::default(),
            journal: Journal::new(journal, replay_window),
            monitor: Monitor::new(limits),
            retries,
            lifetimes,
            budget,
            wait,
            lease,
            throttle,
            background: Background::new(background),
            touches: Touches::new(),
            has_said_refused: AtomicBool::new(false),
            mode: AtomicU8::new(mode as u8),
            session_expire,
            session_cleanup,
            ending: watch::Sender::new(false),
        }));
        if let Some(every) = every {
            cache.watch_health(every);
        }
        cache
    }

    /// Runs a future in which annotated functions, keys and scopes use this cache.
    ///
    /// # Cancel safety
    ///
    /// As the future's own; the scope leaves nothing behind.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() {
    /// use cache_runtime::Cache;
    ///
    /// let answer = Cache::in_memory().scope(async { 42 }).await;
    /// assert_eq!(answer, 42);
    /// # }
    /// ```
    pub fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let cache = self.clone();
        scope::with(|context| context.cache = Some(cache), future)
    }

    /// [`scope`](Self::scope) for code that does not await.
    ///
    /// ```
    /// let answer = cache_runtime::Cache::in_memory().scope_blocking(|| 42);
    /// assert_eq!(answer, 42);
    /// ```
    pub fn scope_blocking<T>(&self, work: impl FnOnce() -> T) -> T {
        scope::with_blocking(|context| context.cache = Some(self.clone()), work)
    }

    /// What this cache has counted since it was built.
    ///
    /// ```
    /// let stats = cache_runtime::Cache::in_memory().stats();
    /// assert_eq!((stats.hits, stats.misses, stats.loads), (0, 0, 0));
    /// ```
    pub fn stats(&self) -> Stats {
        let mut stats = self.0.counters.snapshot();
        if let Store::Redis(redis) = &self.0.store {
            stats.breaker_openings = redis.breaker().openings();
        }
        stats
    }

    /// Whether calls ask Redis, or go on without it because it is of no use.
    ///
    /// Free to read, as it is only looked up. The embedded store is always of use.
    ///
    /// ```
    /// use cache_runtime::{BreakerState, Cache};
    ///
    /// assert_eq!(Cache::in_memory().breaker(), BreakerState::Closed);
    /// ```
    pub fn breaker(&self) -> BreakerState {
        match &self.0.store {
            Store::Memory(_) => BreakerState::Closed,
            Store::Redis(redis) => redis.breaker().state(),
            #[cfg(test)]
            Store::Sim(_) => BreakerState::Closed,
        }
    }

    /// How the cache is used right now.
    ///
    /// ```
    /// use cache_runtime::{Cache, Mode};
    ///
    /// assert_eq!(Cache::in_memory().mode(), Mode::On);
    /// ```
    pub fn mode(&self) -> Mode {
        Mode::from_byte(self.0.mode.load(Ordering::Relaxed))
    }

    /// Switches the cache for all who hold it; invalidations are sent in every mode.
    ///
    /// ```
    /// use cache_runtime::{Cache, Mode};
    ///
    /// let cache = Cache::in_memory();
    /// cache.set_mode(Mode::Off);
    /// assert_eq!(cache.mode(), Mode::Off);
    /// ```
    pub fn set_mode(&self, mode: Mode) {
        self.0.mode.store(mode as u8, Ordering::Relaxed);
    }

    /// Whether the store is Redis, or this process's memory.
    ///
    /// ```
    /// assert!(!cache_runtime::Cache::in_memory().is_redis());
    /// ```
    pub fn is_redis(&self) -> bool {
        !matches!(self.0.store, Store::Memory(_))
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn count(&self, event: Event) {
        self.0.counters.count(event);
    }

    pub(crate) fn fresh_budget(&self) -> Budget {
        Budget::new(self.0.budget)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let store = if self.is_redis() { "redis" } else { "memory" };
        out.debug_struct("Cache")
            .field("store", &store)
            .field("mode", &self.mode())
            .finish_non_exhaustive()
    }
}

/// What counts as unwell, and how often somebody looks.
fn checks(backend: &Backend, memory_percent: u32) -> (Limits, Option<Duration>) {
    let (failures, every) = match backend {
        Backend::Redis(settings) => (settings.max_health_failures, Some(settings.health_interval)),
        Backend::Memory => (1, None),
        #[cfg(test)]
        Backend::Sim(_) => (1, None),
    };
    let limits = Limits {
        failures,
        memory_percent,
    };
    (limits, every)
}

/// How entries are written that no function describes.
pub(crate) const PLAIN: Format = Format::new();
