//! How long sessions live that nobody uses.

use std::time::Duration;

use crate::store::Idle;

/// A touch comes at the latest after this part of the shortest time that a session may be idle.
const TOUCHES: u32 = 10;

/// How long a session may be idle, by how it is used.
///
/// | the session | may be idle for |
/// | --- | --- |
/// | was used in the last [`active_gap`](Self::active_gap), 5 min | [`active`](Self::active), 1 h |
/// | else | [`usual`](Self::usual), 30 min |
/// | is past half of its absolute lifetime | half of that |
/// | whatever else holds | at least [`least`](Self::least), 15 min; at most [`most`](Self::most), 2 h |
///
/// "Used" means read by [`Sessions::get`](crate::Sessions::get). It is judged when that is written
/// down, at most once in a `touch_every`. No use brings the end nearer that one before has given.
/// [`SessionsBuilder::idle`](crate::SessionsBuilder::idle) sets one time for all.
///
/// ```
/// use std::time::Duration;
/// use cache_runtime::{AdaptiveIdle, Cache, Sessions};
///
/// # fn main() -> Result<(), cache_runtime::ConfigError> {
/// let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
/// let idle = AdaptiveIdle::new().active(minutes(90)).usual(minutes(20)).least(minutes(10));
/// let sessions = Sessions::<()>::builder(&Cache::in_memory()).adaptive_idle(idle).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct AdaptiveIdle {
    pub(super) active_gap: Duration,
    pub(super) active: Duration,
    pub(super) usual: Duration,
    pub(super) least: Duration,
    pub(super) most: Duration,
}

macro_rules! times {
    ($($(#[$doc:meta])* $name:ident;)+) => {
        $(
            $(#[$doc])*
            ///
            /// ```
            /// # use std::time::Duration;
            /// # use cache_runtime::AdaptiveIdle;
            #[doc = concat!("let idle = AdaptiveIdle::new().", stringify!($name), "(Duration::from_secs(600));")]
            /// assert_ne!(idle, AdaptiveIdle::new());
            /// ```
            pub fn $name(mut self, time: Duration) -> Self {
                self.$name = time;
                self
            }
        )+
    };
}

impl AdaptiveIdle {
    /// The times of the table above.
    ///
    /// ```
    /// use cache_runtime::AdaptiveIdle;
    ///
    /// assert_eq!(AdaptiveIdle::new(), AdaptiveIdle::default());
    /// ```
    pub const fn new() -> Self {
        Self {
            active_gap: Duration::from_secs(300),
            active: Duration::from_secs(3600),
            usual: Duration::from_secs(1800),
            least: Duration::from_secs(900),
            most: Duration::from_secs(7200),
        }
    }

    times! {
        /// Whoever comes back within this time is active.
        active_gap;
        /// How long an active session may be idle.
        active;
        /// How long any other may be.
        usual;
        /// Not less than this, however old the session is.
        least;
        /// Not more than this, and no [`extend`](crate::Sessions::extend) leads further.
        most;
    }

    /// The same time for every session.
    pub(super) const fn fixed(time: Duration) -> Self {
        Self {
            active_gap: Duration::ZERO,
            active: time,
            usual: time,
            least: time,
            most: time,
        }
    }

    pub(super) fn is_ordered(&self) -> bool {
        let millisecond = Duration::from_millis(1);
        millisecond <= self.least
            && self.least <= self.usual
            && self.usual <= self.active
            && self.active <= self.most
    }

    /// Touches are as seldom as that allows a session not to expire between two.
    pub(super) fn rule(&self, touch_every: Duration) -> Idle {
        Idle {
            active_gap: millis(self.active_gap),
            active: millis(self.active),
            usual: millis(self.usual),
            least: millis(self.least),
            most: millis(self.most),
            touch_every: millis(touch_every.min(self.least / TOUCHES)),
        }
    }
}

impl Default for AdaptiveIdle {
    fn default() -> Self {
        Self::new()
    }
}

/// Milliseconds, as the store counts; far below what its scripts can count exactly.
pub(super) fn millis(time: Duration) -> u64 {
    const LONGEST: u64 = 1000 * 60 * 60 * 24 * 365 * 100;
    u64::try_from(time.as_millis())
        .unwrap_or(LONGEST)
        .min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn touches_come_ten_times_in_the_shortest_idle_time_at_least() {
        let minute = Duration::from_secs(60);
        assert_eq!(AdaptiveIdle::new().rule(minute).touch_every, 60_000);
        let short = AdaptiveIdle::fixed(Duration::from_secs(30));
        assert_eq!(short.rule(minute).touch_every, 3_000);
    }

    #[test]
    fn times_are_in_their_order() {
        assert!(AdaptiveIdle::new().is_ordered());
        assert!(AdaptiveIdle::fixed(Duration::from_secs(1)).is_ordered());
        assert!(!AdaptiveIdle::fixed(Duration::ZERO).is_ordered());
        let hours = Duration::from_secs(7201);
        assert!(!AdaptiveIdle::new().active(hours).is_ordered());
    }
}
