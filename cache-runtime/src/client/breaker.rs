//! Whether calls ask Redis.

/// Whether calls ask Redis.
///
/// ```
/// use cache_runtime::{BreakerState, Cache};
///
/// assert_eq!(Cache::in_memory().health().breaker, BreakerState::Closed);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub enum BreakerState {
    /// Redis is asked.
    Closed,
    /// Redis is of no use: calls go on without it at once.
    Open,
    /// As `Open`; whether Redis is of use again is being found out.
    HalfOpen,
}
