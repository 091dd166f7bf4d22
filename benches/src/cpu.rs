//! The processor time that this process has used.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// All threads of this process together; the server is another process.
///
/// ```
/// let before = cache_benches::cpu::used();
/// std::hint::black_box((0..1_000_000_u64).fold(0, |sum, n| sum ^ n.rotate_left(7)));
/// assert!(cache_benches::cpu::used() >= before);
/// ```
pub fn used() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    // The kernel counts up from zero, and whole nanoseconds below a second.
    let seconds = u64::try_from(used.tv_sec).unwrap_or_default();
    Duration::from_secs(seconds)
        + Duration::from_nanos(u64::try_from(used.tv_nsec).unwrap_or_default())
}
