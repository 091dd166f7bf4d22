//! Drops a future at one of its awaits.

use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that is given up when it has been left waiting so many times.
pub(crate) struct DropAfter<F> {
    future: Option<Pin<Box<F>>>,
    awaits: Option<u32>,
}

impl<F: Future> DropAfter<F> {
    /// Without a number of awaits, it is left alone.
    pub(crate) fn new(awaits: Option<u32>, future: F) -> Self {
        Self {
            future: Some(Box::pin(future)),
            awaits,
        }
    }
}

impl<F: Future> Future for DropAfter<F> {
    /// Nothing if it was dropped.
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.future else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        let Some(awaits) = &mut self.awaits else {
            return Poll::Pending;
        };
        *awaits = awaits.saturating_sub(1);
        if *awaits > 0 {
            return Poll::Pending;
        }
        self.future = None;
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn three_awaits() -> u32 {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        7
    }

    #[tokio::test]
    async fn drops_at_the_await_that_it_was_told() {
        assert_eq!(DropAfter::new(None, three_awaits()).await, Some(7));
        assert_eq!(DropAfter::new(Some(3), three_awaits()).await, None);
        assert_eq!(DropAfter::new(Some(4), three_awaits()).await, Some(7));
    }
}
