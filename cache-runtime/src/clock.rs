//! What time it is: the system's monotonic clock, or one that a test moves.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use quanta::Instant;

/// Finding out whether the processor's counter is steady takes tens of microseconds where it runs
/// under a hypervisor.
static SYSTEM: LazyLock<quanta::Clock> = LazyLock::new(quanta::Clock::new);

/// The clock by which the embedded store judges lifetimes.
///
/// ```
/// use cache_runtime::Clock;
/// use std::time::Duration;
///
/// let clock = Clock::manual();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now() - before, Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// The processor's own counter where it is steady: a hit in memory asks for the time, and
    /// the operating system's answer would be a fifth of what the hit costs.
    System {
        clock: quanta::Clock,
        origin: Instant,
    },
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The system's monotonic clock.
    pub fn system() -> Self {
        let clock = SYSTEM.clone();
        let origin = clock.now();
        Self(Source::System { clock, origin })
    }

    /// A clock that stands still until [`advance`](Self::advance) moves it.
    pub fn manual() -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(0))))
    }

    /// Time since an arbitrary fixed moment.
    pub fn now(&self) -> Duration {
        match &self.0 {
            Source::System { clock, origin } => clock.now().duration_since(*origin),
            Source::Manual(nanos) => Duration::from_nanos(nanos.load(Ordering::Acquire)),
        }
    }

    /// Moves a manual clock, and all its clones, forward; the system's clock ignores it.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(nanos) = &self.0 {
            let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
            nanos.fetch_add(by, Ordering::AcqRel);
        }
    }

    /// Whether a test moves it.
    pub(crate) fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}
