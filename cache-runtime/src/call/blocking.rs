//! Annotated functions that are not async.
//!
//! The cache is asked from the process's own runtime, the body runs on the caller's thread. On a
//! runtime's thread nothing is awaited, because that would stop every task of that thread: a
//! cached function runs its body, a write hands its invalidation over.

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

/// Whether this thread must not block.
fn is_on_runtime() -> bool {
    Handle::try_current().is_ok()
}

/// What a thread that may block waits on.
pub(super) fn engine_to_wait_on() -> Option<&'static Engine> {
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
