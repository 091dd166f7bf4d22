//! What `#[redis_retry]` is made of.

use std::time::Duration;

use super::pause::{sleep, sleep_blocking};
use super::{AnyFailure, Retry, RetryStrategy, Retryable, Transient, Tries};
use crate::call::{Fallible, Shape};

/// A function that `#[redis_retry]` may run again.
#[diagnostic::on_unimplemented(
    message = "`#[redis_retry]` needs a function that returns a `Result`",
    label = "this function cannot fail",
    note = "remove the attribute, or return a `Result`"
)]
pub trait RetryReturn: Shape {}

impl<T, E> RetryReturn for Fallible<T, E> {}

/// What a function that may run more than once takes by value.
#[diagnostic::on_unimplemented(
    message = "`#[redis_retry]` may run the function more than once, and its first run would take \
               this parameter away",
    label = "take `&{Self}`, or implement `Clone` for it"
)]
pub trait Again: Sized {
    /// One for the next run.
    #[must_use]
    fn again(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Again for T {
    fn again(&self) -> Self {
        self.clone()
    }
}

/// A parameter for the next run.
pub fn again<T: Again>(parameter: &T) -> T {
    parameter.again()
}

/// A function under `#[redis_retry]`; how its errors are judged is still open.
///
/// Bounds stand where a type comes in, and nowhere behind: rustc reports each once.
pub struct Retrying<S: Shape, R = ()> {
    retry: Retry<R>,
    retries: fn(&R, &S::Error, u32) -> bool,
    tries: Tries,
}

/// A function under `#[redis_retry]`.
pub fn retrying<S: RetryReturn>(name: &'static str, _shape: S) -> Retrying<S> {
    Retrying {
        retry: Retry::new().on(()).named(name),
        retries: |(), _, _| false,
        tries: Tries::new(),
    }
}

impl<S: Shape, R> Retrying<S, R> {
    /// `max_retries = ..`
    #[must_use]
    pub fn max_retries(mut self, most: u32) -> Self {
        self.retry = self.retry.max_retries(most);
        self
    }

    /// `backoff = ..`, in milliseconds.
    #[must_use]
    pub fn backoff(mut self, millis: u64) -> Self {
        self.retry = self.retry.backoff(Duration::from_millis(millis));
        self
    }

    /// `max_time = ..`, in milliseconds.
    #[must_use]
    pub fn max_time(mut self, millis: u64) -> Self {
        self.retry = self.retry.max_time(Duration::from_millis(millis));
        self
    }

    /// `on = transient`, and no `on`.
    pub fn on_transient(self) -> Retrying<S, Transient>
    where
        S::Error: Retryable,
    {
        self.judged_by(Transient)
    }

    /// `on = any`
    pub fn on_any(self) -> Retrying<S, AnyFailure>
    where
        S::Error: Retryable,
    {
        self.judged_by(AnyFailure)
    }

    /// `on = |error| ..`, whose parameter need not say its type.
    pub fn on_closure<N: Fn(&S::Error) -> bool>(self, strategy: N) -> Retrying<S, N> {
        self.judged_by(strategy)
    }

    /// `on = ..`
    pub fn on<N: RetryStrategy<S::Error>>(self, strategy: N) -> Retrying<S, N> {
        self.judged_by(strategy)
    }

    fn judged_by<N: RetryStrategy<S::Error>>(self, strategy: N) -> Retrying<S, N> {
        Retrying {
            retry: self.retry.on(strategy),
            retries: N::retries,
            tries: self.tries,
        }
    }

    /// What the function returns, or what to wait for before it runs again.
    pub fn judge(&mut self, output: S::Output) -> Result<S::Output, Pause> {
        let outcome = S::split(output);
        let outcome = self.tries.judge(&self.retry, self.retries, outcome);
        outcome.map(S::join).map_err(Pause)
    }

    /// Runs a body that is not async once.
    pub fn judge_run(&mut self, body: impl FnOnce() -> S::Output) -> Result<S::Output, Pause> {
        self.judge(body())
    }
}

/// The time between two runs.
pub struct Pause(Duration);

impl Pause {
    /// Waits for it.
    pub async fn pass(self) {
        sleep(self.0).await;
    }

    /// Waits for it on this thread.
    pub fn pass_blocking(self) {
        sleep_blocking(self.0);
    }
}
