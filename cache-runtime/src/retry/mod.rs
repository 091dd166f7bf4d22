//! Operations that may fail for a moment only, and so run again.

mod attribute;
mod judge;
mod pause;

use std::time::{Duration, Instant};

pub use attribute::{Again, Pause, RetryReturn, Retrying, again, retrying};
pub use judge::{AnyFailure, Failure, RetryStrategy, Retryable, Transient};
pub(crate) use pause::sleep;

use crate::cache::known;
use crate::observe::Event;

/// How often and how fast an operation of yours is tried again; `#[redis_retry]` without the macro.
///
/// | setting | default |
/// | --- | --- |
/// | `on` | [`Transient`]: what surely was not done |
/// | `max_retries` | as the cache is configured (`REDIS_MAX_RETRIES`), else 3 |
/// | `backoff` | as the cache is configured (`REDIS_RETRY_BACKOFF`), else 200 ms; before the second try, at most |
/// | `max_time` | 10 s; no try begins after it |
///
/// Before each try it waits for a random time up to the backoff, which doubles from try to try
/// ("full jitter"), so that many who failed together do not come back together.
///
/// ```
/// use std::time::Duration;
/// use cache_runtime::{Retry, Failure, Retryable};
///
/// #[derive(Debug)]
/// struct Busy;
///
/// impl Retryable for Busy {
///     fn failure(&self) -> Failure {
///         Failure::NotApplied
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// let mut tries = 0;
/// let retry = Retry::new().max_retries(5).backoff(Duration::from_millis(1));
/// let answer = retry.run(|| {
///     tries += 1;
///     let is_free = tries == 3;
///     async move { if is_free { Ok(42) } else { Err(Busy) } }
/// }).await;
/// assert_eq!((answer.unwrap(), tries), (42, 3));
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Retry<S = Transient> {
    name: &'static str,
    /// Nothing: as the cache is configured.
    max_retries: Option<u32>,
    backoff: Option<Duration>,
    max_time: Duration,
    strategy: S,
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

impl Retry {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            name: "an operation",
            max_retries: None,
            backoff: None,
            max_time: Duration::from_secs(10),
            strategy: Transient,
        }
    }
}

impl<S> Retry<S> {
    /// What the log calls the operation when it is given up.
    pub const fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// How often the operation may run again after its first try.
    pub const fn max_retries(mut self, most: u32) -> Self {
        self.max_retries = Some(most);
        self
    }

    /// The longest pause before the second try; it doubles from try to try, up to 10 s.
    pub const fn backoff(mut self, backoff: Duration) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// When to stop: no pause that would end later is begun. A try that has begun is never cut,
    /// for nobody would know what became of it.
    pub const fn max_time(mut self, time: Duration) -> Self {
        self.max_time = time;
        self
    }

    /// Which errors are worth another try: [`Transient`], [`AnyFailure`], a closure, or a
    /// [`RetryStrategy`] of your own.
    ///
    /// ```
    /// use cache_runtime::Retry;
    ///
    /// # fn main() {
    /// let retry = Retry::new().on(|error: &std::num::ParseIntError| false);
    /// assert!(retry.run_blocking(|| "x".parse::<u8>()).is_err()); // at once
    /// # }
    /// ```
    pub fn on<N>(self, strategy: N) -> Retry<N> {
        Retry {
            name: self.name,
            max_retries: self.max_retries,
            backoff: self.backoff,
            max_time: self.max_time,
            strategy,
        }
    }

    /// Runs the operation until it succeeds, fails for good, or is given up: then with its last
    /// error.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the try that is under way, and no other begins.
    pub async fn run<T, E, F>(&self, mut operation: impl FnMut() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
        S: RetryStrategy<E>,
    {
        let mut tries = Tries::new();
        loop {
            match tries.judge(self, S::retries, operation().await) {
                Ok(outcome) => return outcome,
                Err(pause) => sleep(pause).await,
            }
        }
    }

    /// [`run`](Self::run) for code that does not await; it sleeps on this thread.
    ///
    /// On a runtime's thread, where it would hold up other tasks, it does not sleep: one try
    /// follows the other.
    ///
    /// ```
    /// use cache_runtime::{AnyFailure, Retry};
    ///
    /// let answer = Retry::new().on(AnyFailure).run_blocking(|| Ok::<_, cache_runtime::Error>(42));
    /// assert_eq!(answer.unwrap(), 42);
    /// ```
    pub fn run_blocking<T, E>(&self, mut operation: impl FnMut() -> Result<T, E>) -> Result<T, E>
    where
        S: RetryStrategy<E>,
    {
        let mut tries = Tries::new();
        loop {
            match tries.judge(self, S::retries, operation()) {
                Ok(outcome) => return outcome,
                Err(pause) => pause::sleep_blocking(pause),
            }
        }
    }
}

/// Runs an operation of yours again while the strategy says so, with the defaults of [`Retry`].
///
/// ```
/// use cache_runtime::{Transient, retry};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::Error> {
/// let cache = cache_runtime::Cache::in_memory();
/// let size = retry(Transient, || async { cache.store_stats().await }).await?;
/// assert_eq!(size.keys, 0);
/// # Ok(())
/// # }
/// ```
///
/// # Cancel safety
///
/// As [`Retry::run`].
pub async fn retry<T, E, F>(
    strategy: impl RetryStrategy<E>,
    operation: impl FnMut() -> F,
) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    Retry::new().on(strategy).run(operation).await
}

/// How often and how fast operations are tried again that do not say so themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retries {
    pub(crate) most: u32,
    pub(crate) backoff: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            most: 3,
            backoff: Duration::from_millis(200),
        }
    }
}

impl<S> Retry<S> {
    /// What it says itself, else what the cache of the scope is configured to, or the global one
    /// if there is one.
    fn bounds(&self) -> Retries {
        let configured = known().map(|cache| cache.0.retries).unwrap_or_default();
        Retries {
            most: self.max_retries.unwrap_or(configured.most),
            backoff: self.backoff.unwrap_or(configured.backoff),
        }
    }
}

/// How often one operation has failed.
pub(crate) struct Tries {
    began: Instant,
    failed: u32,
}

impl Tries {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            failed: 0,
        }
    }

    /// The outcome, or how long to wait before another try.
    fn judge<T, E, S>(
        &mut self,
        retry: &Retry<S>,
        retries: fn(&S, &E, u32) -> bool,
        outcome: Result<T, E>,
    ) -> Result<Result<T, E>, Duration> {
        let error = match outcome {
            Ok(value) => return Ok(Ok(value)),
            Err(error) => error,
        };
        self.failed = self.failed.saturating_add(1);
        if !retries(&retry.strategy, &error, self.failed) {
            return Ok(Err(error));
        }
        let Retries { most, backoff } = retry.bounds();
        let pause = pause::before_try(self.failed, backoff);
        let ends = self.began.elapsed().saturating_add(pause);
        if self.failed > most || ends > retry.max_time {
            count(Event::RetriesExhausted);
            tracing::warn!(
                operation = retry.name,
                tries = self.failed,
                "given up: the operation failed each time"
            );
            return Ok(Err(error));
        }
        count(Event::Retried);
        Err(pause)
    }
}

/// In the cache of the scope, or the global one if there is one: counting does not start it.
fn count(event: Event) {
    if let Some(cache) = known() {
        cache.count(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quick() -> Retry {
        Retry::new().backoff(Duration::from_nanos(1))
    }

    fn failing(failure: Failure, retry: &Retry<impl RetryStrategy<Failure>>) -> u32 {
        let mut tries = 0;
        let outcome = retry.run_blocking(|| {
            tries += 1;
            Err::<(), _>(failure)
        });
        assert_eq!(outcome, Err(failure));
        tries
    }

    #[test]
    fn runs_again_only_what_the_strategy_allows() {
        assert_eq!(failing(Failure::NotApplied, &quick()), 4);
        assert_eq!(failing(Failure::Unknown, &quick()), 1);
        assert_eq!(failing(Failure::Permanent, &quick()), 1);
        assert_eq!(failing(Failure::Unknown, &quick().on(AnyFailure)), 4);
        assert_eq!(failing(Failure::Permanent, &quick().on(AnyFailure)), 1);
        let always = quick().on(|_: &Failure| true);
        assert_eq!(failing(Failure::Permanent, &always.max_retries(7)), 8);
    }

    #[test]
    fn a_strategy_knows_which_try_it_was() {
        struct Twice;
        impl RetryStrategy<Failure> for Twice {
            fn retries(&self, _error: &Failure, failed: u32) -> bool {
                failed < 2
            }
        }
        assert_eq!(failing(Failure::Permanent, &quick().on(Twice)), 2);
    }

    #[test]
    fn begins_no_pause_that_ends_too_late() {
        let slow = Retry::new().backoff(Duration::from_secs(3600));
        let began = Instant::now();
        let tries = failing(
            Failure::NotApplied,
            &slow.max_time(Duration::from_millis(1)),
        );
        // The jitter may make a pause as short as that, once in millions.
        assert!(tries <= 2, "{tries}");
        assert!(began.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn counts_in_the_cache_of_the_scope() {
        let cache = crate::Cache::in_memory();
        cache.scope_blocking(|| failing(Failure::NotApplied, &quick()));
        let stats = cache.stats();
        assert_eq!((stats.retries, stats.retries_exhausted), (3, 1));
    }

    #[test]
    fn does_as_the_cache_is_configured_unless_it_says_otherwise() {
        let builder = crate::Cache::builder().max_retries(5);
        let cache = builder.retry_backoff(Duration::from_nanos(1)).build();
        let tries = |retry: &Retry| {
            let cache = cache.as_ref().unwrap();
            cache.scope_blocking(|| failing(Failure::NotApplied, retry))
        };
        assert_eq!(tries(&Retry::new()), 6);
        assert_eq!(tries(&Retry::new().max_retries(1)), 2);
    }

    #[tokio::test]
    async fn never_sleeps_on_a_runtimes_thread() {
        let slow = Retry::new().backoff(Duration::from_secs(3));
        let began = Instant::now();
        assert_eq!(
            failing(Failure::NotApplied, &slow.max_time(Duration::MAX)),
            4
        );
        assert!(began.elapsed() < Duration::from_secs(1));
    }
}
