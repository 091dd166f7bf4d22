//! How long to wait between two tries.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::client::engine;

const LONGEST: Duration = Duration::from_secs(10);

/// A random time up to the backoff, which doubles with each failure.
pub(super) fn before_try(failed: u32, backoff: Duration) -> Duration {
    let doubled = 2_u32.saturating_pow(failed.saturating_sub(1));
    backoff
        .saturating_mul(doubled)
        .min(LONGEST)
        .mul_f64(rand::random())
}

/// On the caller's runtime, or on the process's own where there is none.
pub(crate) async fn sleep(time: Duration) {
    if Handle::try_current().is_ok() {
        return tokio::time::sleep(time).await;
    }
    let (wake, awake) = oneshot::channel();
    engine::spawn(async move {
        tokio::time::sleep(time).await;
        // Nobody waits any more.
        let _ = wake.send(());
    });
    // Without an engine there is nobody to wait for.
    let _ = awake.await;
}

/// On this thread, unless that would hold up the tasks of a runtime.
pub(super) fn sleep_blocking(time: Duration) {
    if crate::call::may_block() {
        std::thread::sleep(time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_a_limit_and_is_spread_over_all_of_it() {
        let backoff = Duration::from_millis(100);
        let longest = |failed| (0..200).map(|_| before_try(failed, backoff)).max();
        for (failed, bound) in [(1, 100), (2, 200), (3, 400), (9, 10_000), (99, 10_000)] {
            let bound = Duration::from_millis(bound);
            let longest = longest(failed).unwrap();
            assert!(
                longest <= bound && longest > bound / 2,
                "{failed}: {longest:?}"
            );
        }
        let shortest = (0..200).map(|_| before_try(1, backoff)).min().unwrap();
        assert!(shortest < backoff / 4, "{shortest:?}");
    }
}
