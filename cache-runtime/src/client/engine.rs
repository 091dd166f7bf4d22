//! A runtime of the process's own, on one thread, for what must outlive the caller's.
//!
//! Invalidations that wait for Redis, or whose future was dropped while its runtime shut down,
//! are sent from here; blocking callers borrow it to wait. It starts when first needed.

use std::cell::Cell;
use std::future::Future;

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Handle};
use tokio::task::AbortHandle;

static ENGINE: OnceCell<Engine> = OnceCell::new();

thread_local! {
    static ABOARD: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread speaks for the engine, and so uses the engine's connection: one that a
/// caller's runtime drives is cheaper for that caller, but goes when that runtime goes.
pub(crate) fn is_aboard() -> bool {
    ABOARD.get()
}

/// The engine, running; nothing, and one event in the log, if the process has no thread for it.
pub(crate) fn get() -> Option<&'static Engine> {
    let engine = ENGINE.get_or_try_init(Engine::start);
    engine
        .inspect_err(|error| tracing::error!(%error, "no thread for the cache's own work"))
        .ok()
}

/// Runs a task on the engine, if there is one.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Option<AbortHandle> {
    #[cfg(test)]
    let task = crate::model::adopt(task, "engine")?;
    get().map(|engine| engine.0.spawn(task).abort_handle())
}

pub(crate) struct Engine(Handle);

impl Engine {
    fn start() -> std::io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        std::thread::Builder::new()
            .name("cache-runtime".to_owned())
            .spawn(move || {
                ABOARD.set(true);
                runtime.block_on(std::future::pending::<()>());
            })?;
        Ok(Self(handle))
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.0
    }

    /// Blocks this thread, which must not belong to a runtime, until the future is done.
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let _aboard = Aboard::enter();
        self.0.block_on(future)
    }
}

/// Speaks for the engine until dropped.
struct Aboard(bool);

impl Aboard {
    fn enter() -> Self {
        Self(ABOARD.replace(true))
    }
}

impl Drop for Aboard {
    fn drop(&mut self) {
        ABOARD.set(self.0);
    }
}
