//! Work that goes on after its caller has been answered: bounded, counted by its permits, and
//! awaited when the cache is drained.

use std::future::Future;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument as _;

use super::scope;

/// What bounds the background work of one cache.
pub(crate) struct Background {
    permits: Arc<Semaphore>,
    most: u32,
}

impl Background {
    pub(crate) fn new(most: u32) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(most as usize)),
            most,
        }
    }

    /// The right to work in the background, if there is a runtime to do it and room for one more.
    pub(crate) fn permit(&self) -> Option<Permit> {
        let runtime = Handle::try_current().ok()?;
        let permit = self.permits.clone().try_acquire_owned().ok()?;
        Some(Permit {
            runtime,
            _permit: permit,
        })
    }

    /// Waits until nothing is under way.
    pub(crate) async fn drained(&self) {
        // Never closed, so there is nothing to tell apart.
        drop(self.permits.acquire_many(self.most).await);
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        self.permits.available_permits() == self.most as usize
    }
}

/// The right to work in the background; one more may when it is dropped.
pub(crate) struct Permit {
    runtime: Handle,
    _permit: OwnedSemaphorePermit,
}

impl Permit {
    /// Works with the scopes and the tracing span of whoever asks for it.
    pub(super) fn spawn(self, work: impl Future<Output = ()> + Send + 'static) {
        let work = scope::keep(work).instrument(tracing::Span::current());
        #[cfg(test)]
        let Some(work) = crate::model::adopt(work, "background") else {
            return;
        };
        let runtime = self.runtime.clone();
        runtime.spawn(async move {
            let _permit = self;
            work.await;
        });
    }
}
