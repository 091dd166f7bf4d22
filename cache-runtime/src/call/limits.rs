//! What surrounds a body while it loads: that it is loading this key, and a limit to its time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Sleep;

/// How a body ended.
pub(super) enum Ended<O> {
    With(O),
    /// It took longer than it may.
    TooLate,
}

pin_project_lite::pin_project! {
    /// A future with a limit. Not an `async fn`: that would hold the future twice.
    pub(super) struct Limited<F> {
        limit: Option<Pin<Box<Sleep>>>,
        #[pin]
        future: F,
    }
}

/// `future`, given up after `limit`; without a runtime there is no timer to end it.
pub(super) fn limited<F: Future>(limit: Option<Duration>, future: F) -> Limited<F> {
    let limit = limit.filter(|_| Handle::try_current().is_ok());
    Limited {
        limit: limit.map(|limit| Box::pin(tokio::time::sleep(limit))),
        future,
    }
}

impl<F: Future> Future for Limited<F> {
    type Output = Ended<F::Output>;

    fn poll(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Self::Output> {
        let limited = self.project();
        if let Poll::Ready(output) = limited.future.poll(task) {
            return Poll::Ready(Ended::With(output));
        }
        match limited.limit {
            Some(limit) => limit.as_mut().poll(task).map(|()| Ended::TooLate),
            None => Poll::Pending,
        }
    }
}
