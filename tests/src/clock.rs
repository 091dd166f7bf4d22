//! A clock that all processes of this machine share.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time since some moment that is the same for all processes; it never goes back.
///
/// An `Instant` is taken from the same clock, but can't be handed to another process.
///
/// ```
/// let earlier = cache_tests::now();
/// assert!(cache_tests::now() >= earlier);
/// ```
pub fn now() -> Duration {
    let time = clock_gettime(ClockId::Monotonic);
    // The kernel counts up from zero, and whole nanoseconds below a second.
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::from_secs(seconds)
        + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
}
