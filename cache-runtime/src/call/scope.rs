//! What holds for all calls of a task: which cache they use, and how.
//!
//! Scopes are task-locals, so tests run in parallel without touching anything global. A spawned
//! task starts outside of them unless [`spawn`] starts it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll};

use tokio::task::JoinHandle;

use crate::cache::{Cache, Mode};
use crate::key::context::in_this_context;
use crate::scoped::scoped;
use crate::transaction::Deferred;

/// How the calls of a scope use the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Usage {
    #[default]
    Normal,
    Bypass,
    Refresh,
    ReadOnly,
}

/// What the cache's mode leaves of a scope's usage.
fn usage_in(mode: Mode, usage: Usage) -> Usage {
    match (mode, usage) {
        (Mode::Off, _) => Usage::Bypass,
        (Mode::Read, Usage::Normal | Usage::Refresh) => Usage::ReadOnly,
        (_, usage) => usage,
    }
}

#[derive(Clone, Default)]
pub(crate) struct Context {
    pub(crate) cache: Option<Cache>,
    pub(crate) usage: Usage,
    rest: Option<Arc<Rest>>,
}

/// What few calls have with them, behind one pointer: a context is cloned by every call.
#[derive(Clone, Default)]
struct Rest {
    /// What holds invalidations back.
    transaction: Option<Arc<Deferred>>,
    /// The innermost load that this task is in.
    loading: Option<Arc<Loading>>,
}

impl Context {
    fn rest_mut(&mut self) -> &mut Rest {
        Arc::make_mut(self.rest.get_or_insert_default())
    }

    pub(crate) fn set_transaction(&mut self, transaction: Arc<Deferred>) {
        self.rest_mut().transaction = Some(transaction);
    }

    /// The transaction that this scope is in, if it is not over: a task may outlive it.
    pub(crate) fn transaction(&self) -> Option<&Arc<Deferred>> {
        let transaction = self.rest.as_ref()?.transaction.as_ref();
        transaction.filter(|transaction| transaction.is_open())
    }

    /// How a call of `key`, which has `tags`, uses the cache.
    ///
    /// In a transaction nothing is stored, because nobody else may see what is not committed;
    /// what the transaction is to invalidate is not read.
    pub(crate) fn usage_of(&self, cache: &Cache, key: &str, tags: &[Arc<str>]) -> Usage {
        let usage = usage_in(cache.mode(), self.usage);
        let Some(transaction) = self.transaction() else {
            return usage;
        };
        match usage {
            Usage::Normal | Usage::ReadOnly if !transaction.holds(cache, key, tags) => {
                Usage::ReadOnly
            }
            _ => Usage::Bypass,
        }
    }
}

/// A load that a task is in, inside of other loads perhaps.
struct Loading {
    /// Whose keys these are: the address of the cache, which is never looked at.
    cache: usize,
    keys: Vec<Arc<str>>,
    is_over: Arc<AtomicBool>,
    outer: Option<Arc<Loading>>,
}

/// Says that the load is over, however it ended: a task that it has started may go on.
struct UntilOver(Arc<AtomicBool>);

impl Drop for UntilOver {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn address(cache: &Cache) -> usize {
    Arc::as_ptr(&cache.0).addr()
}

/// Whether this task is inside of a load of this key, which would wait for itself.
pub(super) fn is_loading(cache: &Cache, key: &str) -> bool {
    let found = CONTEXT.try_with(|context| {
        let mut next = context.rest.as_ref()?.loading.as_ref();
        while let Some(loading) = next {
            let is_it = loading.cache == address(cache)
                && loading.keys.iter().any(|loaded| **loaded == *key)
                && !loading.is_over.load(Ordering::Relaxed);
            if is_it {
                return Some(());
            }
            next = loading.outer.as_ref();
        }
        None
    });
    found.is_ok_and(|found| found.is_some())
}

/// Notes for the calls inside of `future` that it loads these keys.
pub(super) fn while_loading<F: Future>(
    cache: &Cache,
    keys: Vec<Arc<str>>,
    future: F,
) -> impl Future<Output = F::Output> + use<F> {
    let (over, note) = loading(cache, keys);
    WhileLoading {
        scoped: with(note, future),
        _over: over,
    }
}

/// [`while_loading`] for code that does not await.
pub(super) fn while_loading_blocking<T>(
    cache: &Cache,
    keys: Vec<Arc<str>>,
    work: impl FnOnce() -> T,
) -> T {
    let (_over, note) = loading(cache, keys);
    with_blocking(note, work)
}

fn loading(cache: &Cache, keys: Vec<Arc<str>>) -> (UntilOver, impl FnOnce(&mut Context) + use<>) {
    let is_over = Arc::new(AtomicBool::new(false));
    let over = UntilOver(is_over.clone());
    let cache = address(cache);
    let note = move |context: &mut Context| {
        let rest = context.rest_mut();
        let outer = rest.loading.take();
        rest.loading = Some(Arc::new(Loading {
            cache,
            keys,
            is_over,
            outer,
        }));
    };
    (over, note)
}

pin_project_lite::pin_project! {
    struct WhileLoading<F> {
        #[pin]
        scoped: F,
        _over: UntilOver,
    }
}

impl<F: Future> Future for WhileLoading<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<F::Output> {
        self.project().scoped.poll(task)
    }
}

/// Work of its own for which the same scopes hold; whatever is being loaded does not wait for it.
pub(super) fn keep<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let mut context = context();
    if context
        .rest
        .as_ref()
        .is_some_and(|rest| rest.loading.is_some())
    {
        context.rest_mut().loading = None;
    }
    in_this_context(CONTEXT.scope(context, work))
}

tokio::task_local! {
    static CONTEXT: Context;
}

pub(crate) fn context() -> Context {
    CONTEXT.try_with(Clone::clone).unwrap_or_default()
}

/// The transaction that this task is in, if any.
pub(crate) fn transaction() -> Option<Arc<Deferred>> {
    let transaction = CONTEXT.try_with(|context| context.transaction().cloned());
    transaction.ok().flatten()
}

pub(crate) fn with_blocking<T>(change: impl FnOnce(&mut Context), work: impl FnOnce() -> T) -> T {
    let mut context = context();
    change(&mut context);
    CONTEXT.sync_scope(context, work)
}

/// Changes the context for a future.
pub(crate) fn with<C: FnOnce(&mut Context), F: Future>(
    change: C,
    future: F,
) -> impl Future<Output = F::Output> + use<C, F> {
    scoped(&CONTEXT, change, future)
}

/// Runs a future in which cached functions run uncached: nothing is read, nothing is stored.
///
/// Invalidations are still sent.
///
/// # Cancel safety
///
/// As the future's own; the scope leaves nothing behind.
///
/// ```
/// # #[cache_runtime::cache_result(key = "answer", ttl = 60)]
/// # async fn answer() -> u64 { 42 }
/// # #[tokio::main]
/// # async fn main() {
/// let cache = cache_runtime::Cache::in_memory();
/// cache.scope(async {
///     cache_runtime::bypass(answer()).await;
///     cache_runtime::bypass(answer()).await;
/// }).await;
/// assert_eq!((cache.stats().bypassed, cache.stats().published), (2, 0));
/// # }
/// ```
pub fn bypass<F: Future>(future: F) -> impl Future<Output = F::Output> {
    with(|context| context.usage = Usage::Bypass, future)
}

/// Runs a future in which cached functions load anew and store what they loaded.
///
/// # Cancel safety
///
/// As the future's own; the scope leaves nothing behind.
///
/// ```
/// # #[cache_runtime::cache_result(key = "answer", ttl = 60)]
/// # async fn answer() -> u64 { 42 }
/// # #[tokio::main]
/// # async fn main() {
/// let cache = cache_runtime::Cache::in_memory();
/// cache.scope(async {
///     answer().await;
///     cache_runtime::refresh(answer()).await;
/// }).await;
/// assert_eq!((cache.stats().loads, cache.stats().published), (2, 2));
/// # }
/// ```
pub fn refresh<F: Future>(future: F) -> impl Future<Output = F::Output> {
    with(|context| context.usage = Usage::Refresh, future)
}

/// Runs a future in which cached functions read entries and store none.
///
/// # Cancel safety
///
/// As the future's own; the scope leaves nothing behind.
///
/// ```
/// # #[cache_runtime::cache_result(key = "answer", ttl = 60)]
/// # async fn answer() -> u64 { 42 }
/// # #[tokio::main]
/// # async fn main() {
/// let cache = cache_runtime::Cache::in_memory();
/// cache.scope(cache_runtime::read_only(answer())).await;
/// assert_eq!((cache.stats().loads, cache.stats().published), (1, 0));
/// # }
/// ```
pub fn read_only<F: Future>(future: F) -> impl Future<Output = F::Output> {
    with(|context| context.usage = Usage::ReadOnly, future)
}

/// [`tokio::spawn`] for a task that keeps the scopes of the one that starts it.
///
/// # Panics
///
/// Outside a tokio runtime, as `tokio::spawn` does.
///
/// ```
/// # #[cache_runtime::cache_result(key = "answer", ttl = 60)]
/// # async fn answer() -> u64 { 42 }
/// # #[tokio::main]
/// # async fn main() -> Result<(), tokio::task::JoinError> {
/// let cache = cache_runtime::Cache::in_memory();
/// cache.scope(async { cache_runtime::spawn(answer()).await }).await?;
/// assert_eq!(cache.stats().loads, 1);
/// # Ok(())
/// # }
/// ```
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match CONTEXT.try_with(Clone::clone) {
        Ok(context) => tokio::spawn(in_this_context(CONTEXT.scope(context, future))),
        Err(_) => tokio::spawn(in_this_context(future)),
    }
}
