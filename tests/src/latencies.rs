//! Sums up how long many calls took.

use std::fmt;
use std::time::Duration;

/// The durations of many calls, to assert on and to print.
///
/// ```
/// use cache_tests::Latencies;
/// use std::time::Duration;
///
/// let latencies: Latencies = (1..=200).map(Duration::from_millis).collect();
/// assert_eq!(latencies.percentile(99), Duration::from_millis(198));
/// assert_eq!(latencies.to_string(), "p50 100ms, p99 198ms, longest 200ms of 200");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    ascending: Vec<Duration>,
}

impl Latencies {
    /// The duration that `percent` of the calls did not exceed; zero without calls.
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.ascending.len() * percent).div_ceil(100);
        self.ascending
            .get(rank.saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }

    /// The duration that half of the calls did not exceed.
    pub fn median(&self) -> Duration {
        self.percentile(50)
    }

    /// The duration of the slowest call.
    pub fn longest(&self) -> Duration {
        self.percentile(100)
    }
}

impl FromIterator<Duration> for Latencies {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        let mut ascending = Vec::from_iter(durations);
        ascending.sort_unstable();
        Self { ascending }
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, p99, longest) = (self.median(), self.percentile(99), self.longest());
        write!(
            f,
            "p50 {median:?}, p99 {p99:?}, longest {longest:?} of {}",
            self.ascending.len()
        )
    }
}
