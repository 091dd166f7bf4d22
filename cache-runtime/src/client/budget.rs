//! How long one call may wait for its cache, all commands together.

use std::time::{Duration, Instant};

use crate::error::Fault;

/// What is left of a call's time with the cache.
pub(crate) struct Budget {
    left: Duration,
}

impl Budget {
    pub(crate) fn new(left: Duration) -> Self {
        Self { left }
    }

    /// How long the command that starts now may take, if there is time left.
    pub(crate) fn start(&self) -> Result<(Duration, Instant), Fault> {
        if self.left.is_zero() {
            Err(Fault::Timeout)
        } else {
            Ok((self.left, Instant::now()))
        }
    }

    pub(crate) fn left(&self) -> Duration {
        self.left
    }

    /// Takes the time that a command needed off.
    pub(crate) fn spend(&mut self, start: Instant) {
        self.left = self.left.saturating_sub(start.elapsed());
    }
}
