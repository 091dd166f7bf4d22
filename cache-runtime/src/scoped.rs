//! A future during which a task-local holds a changed value.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::LocalKey;

pin_project_lite::pin_project! {
    /// Not an `async fn`: that would hold the future twice, and scopes nest.
    pub(crate) struct Scoped<T: 'static, C, F> {
        local: &'static LocalKey<T>,
        change: Option<C>,
        changed: Option<T>,
        #[pin]
        future: F,
    }
}

/// Changes the task-local for a future; when it is first polled, so that a scope around it counts.
pub(crate) fn scoped<T, C, F>(
    local: &'static LocalKey<T>,
    change: C,
    future: F,
) -> Scoped<T, C, F> {
    Scoped {
        local,
        change: Some(change),
        changed: None,
        future,
    }
}

impl<T, C, F> Future for Scoped<T, C, F>
where
    T: Clone + Default,
    C: FnOnce(&mut T),
    F: Future,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let scoped = self.project();
        let local = *scoped.local;
        let changed = scoped.changed.get_or_insert_with(|| {
            let mut value = local.try_with(T::clone).unwrap_or_default();
            if let Some(change) = scoped.change.take() {
                change(&mut value);
            }
            value
        });
        local.sync_scope(changed.clone(), || scoped.future.poll(task))
    }
}
