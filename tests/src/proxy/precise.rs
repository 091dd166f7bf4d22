//! Sleeps to a tenth of a millisecond or so.

use std::thread;
use std::time::{Duration, Instant};

/// What tokio's timer, which ticks each millisecond, may be late by, and more.
const COARSE: Duration = Duration::from_millis(2);

/// Tokio's timer would round a delay of 1 ms up to nearly 2, and let what is
/// to arrive over that time arrive at once.
pub(super) async fn sleep_until(moment: Instant) {
    let coarse = moment
        .saturating_duration_since(Instant::now())
        .saturating_sub(COARSE);
    if !coarse.is_zero() {
        tokio::time::sleep(coarse).await;
    }
    let rest = moment.saturating_duration_since(Instant::now());
    if !rest.is_zero() {
        // Fails only when the runtime shuts down.
        let _ = tokio::task::spawn_blocking(move || thread::sleep(rest)).await;
    }
}
