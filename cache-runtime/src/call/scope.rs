//! What holds for all calls of a task: which cache they use, and how.
//!
//! Scopes are task-locals, so tests run in parallel without touching anything global. A spawned
//! task starts outside of them unless [`spawn`] starts it.

use std::future::Future;

use tokio::task::JoinHandle;

use crate::cache::Cache;

/// How the calls of a scope use the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Usage {
    #[default]
    Normal,
    Bypass,
    Refresh,
    ReadOnly,
}

#[derive(Clone, Default)]
pub(crate) struct Context {
    pub(crate) cache: Option<Cache>,
    pub(crate) usage: Usage,
}

tokio::task_local! {
    static CONTEXT: Context;
}

pub(crate) fn context() -> Context {
    CONTEXT.try_with(Clone::clone).unwrap_or_default()
}

fn changed(change: impl FnOnce(&mut Context)) -> Context {
    let mut context = context();
    change(&mut context);
    context
}

pub(crate) async fn with<F: Future>(change: impl FnOnce(&mut Context), future: F) -> F::Output {
    CONTEXT.scope(changed(change), future).await
}

pub(crate) fn with_blocking<T>(change: impl FnOnce(&mut Context), work: impl FnOnce() -> T) -> T {
    CONTEXT.sync_scope(changed(change), work)
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
pub async fn bypass<F: Future>(future: F) -> F::Output {
    with(|context| context.usage = Usage::Bypass, future).await
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
pub async fn refresh<F: Future>(future: F) -> F::Output {
    with(|context| context.usage = Usage::Refresh, future).await
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
pub async fn read_only<F: Future>(future: F) -> F::Output {
    with(|context| context.usage = Usage::ReadOnly, future).await
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
        Ok(context) => tokio::spawn(CONTEXT.scope(context, future)),
        Err(_) => tokio::spawn(future),
    }
}
