//! Annotated functions that are not async.
//!
//! The cache is asked from the process's own runtime, the body runs on the caller's thread. On a
//! runtime's thread nothing is awaited, because that would stop every task of that thread: a
//! cached function runs its body, a write hands its invalidation over.

use std::cell::Cell;

use tokio::runtime::Handle;

use super::enter::Entered;
use super::hooks::Hooks;
use super::limits::Ended;
use super::read::Call;
use super::scope;
use super::shape::Shape;
use crate::cache::current;
use crate::client::engine::{self, Engine};
use crate::observe::Event;

thread_local! {
    static PERMITTED: Cell<bool> = const { Cell::new(false) };
}

/// Says that this thread may be blocked though it belongs to a runtime: one of tokio's
/// `spawn_blocking`.
///
/// Nothing can tell such a thread from one that runs tasks, so without this the calls of
/// [`Cache::blocking`](crate::Cache::blocking) are refused there, and annotated functions that are
/// not async run uncached.
///
/// # Panics
///
/// What waits inside panics on a thread that does run tasks.
///
/// ```
/// use cache_runtime::{Cache, allow_blocking, cache_result};
///
/// #[cache_result(key = "square:<n>")]
/// fn square(n: u64) -> u64 {
///     n * n
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// let cache = Cache::in_memory();
/// let cached = cache.clone();
/// let work = move || allow_blocking(|| cached.scope_blocking(|| square(7) + square(7)));
/// assert_eq!(tokio::task::spawn_blocking(work).await.unwrap(), 98);
/// assert_eq!(cache.stats().hits, 1);
/// # }
/// ```
pub fn allow_blocking<T>(work: impl FnOnce() -> T) -> T {
    let _restored = Restored(PERMITTED.replace(true));
    work()
}

/// As it was before, also after a panic.
struct Restored(bool);

impl Drop for Restored {
    fn drop(&mut self) {
        PERMITTED.set(self.0);
    }
}

/// Whether this thread must not block.
fn is_on_runtime() -> bool {
    Handle::try_current().is_ok() && !PERMITTED.get()
}

/// Whether this thread may wait.
pub(crate) fn may_block() -> bool {
    !is_on_runtime()
}

/// What a thread that may block waits on.
pub(crate) fn engine_to_wait_on() -> Option<&'static Engine> {
    if is_on_runtime() { None } else { engine::get() }
}

impl<S: Shape, H: Hooks<S::Value>> Call<S, H> {
    /// Answers from the cache, or runs the body and stores what it returns.
    pub fn read_blocking(self, body: impl FnOnce() -> S::Output) -> S::Output {
        if is_on_runtime() {
            self.run_uncached();
            return body();
        }
        if let Some(output) = self.answer() {
            return output;
        }
        let Some(engine) = engine::get() else {
            return body();
        };
        match engine.block_on(self.enter()) {
            Entered::Answer(output) | Entered::Refresh(output, _) => output,
            Entered::Load(load) => {
                // Outside the engine, so that the body may block in any way it likes.
                let keys = self.key.iter().cloned().collect();
                let output = scope::while_loading_blocking(&load.cache, keys, body);
                engine.block_on(self.finish(*load, Ended::With(output)))
            }
            Entered::Verify(verify) => {
                let output = body();
                engine.block_on(self.compare(*verify, Ended::With(output)))
            }
        }
    }

    fn run_uncached(&self) {
        let cache = current(self.cache.as_ref());
        cache.count(Event::BlockingUncached);
        if self.site.warns_first_time() {
            tracing::warn!(
                site = self.site.name,
                "a blocking function runs uncached on a runtime's thread: make it async, or call \
                 it from a thread of its own"
            );
        }
    }
}
