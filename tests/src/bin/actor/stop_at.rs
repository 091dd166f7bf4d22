//! Stops for good at one of a future's awaits, for whoever kills the process there.

use std::pin::Pin;
use std::task::{Context, Poll};

/// A future that goes no further than the await that it was told, from 1 on.
pub(crate) struct StopAt<F> {
    future: Pin<Box<F>>,
    awaits: u64,
}

impl<F: Future> StopAt<F> {
    pub(crate) fn new(awaits: u64, future: F) -> Self {
        let future = Box::pin(future);
        Self { future, awaits }
    }
}

impl<F: Future> Future for StopAt<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let polled = self.future.as_mut().poll(context);
        if polled.is_pending() {
            self.awaits = self.awaits.saturating_sub(1);
            if self.awaits == 0 {
                println!("stopped");
                // Neither polled again nor dropped; what it has set going elsewhere goes on.
                loop {
                    std::thread::park();
                }
            }
        }
        polled
    }
}
