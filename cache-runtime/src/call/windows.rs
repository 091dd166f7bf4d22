//! What an attribute says about entries past their time to live, and about loads that fail or
//! take long.

use std::time::Duration;

/// The windows of a function, in milliseconds; nothing of it holds unless it is written.
///
/// ```text
/// |---- ttl ----|---- stale ----|
/// |    fresh    |-------- fail_safe --------|
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Windows {
    stale: u64,
    fail_safe: u64,
    sliding: u64,
    soft_timeout: u64,
    hard_timeout: u64,
    refresh_ahead: f64,
    verify: f64,
    is_refreshed_by_caller: bool,
}

impl Windows {
    /// None at all.
    pub const fn new() -> Self {
        Self {
            stale: 0,
            fail_safe: 0,
            sliding: 0,
            soft_timeout: 0,
            hard_timeout: 0,
            refresh_ahead: 0.0,
            verify: 0.0,
            is_refreshed_by_caller: false,
        }
    }

    /// For how long after its time to live an entry is answered while one refresh runs.
    #[must_use]
    pub const fn stale(mut self, millis: u64) -> Self {
        self.stale = millis;
        self
    }

    /// For how long after its time to live an entry is answered if its load fails.
    #[must_use]
    pub const fn fail_safe(mut self, millis: u64) -> Self {
        self.fail_safe = millis;
        self
    }

    /// How eagerly entries are loaded anew before they end, as a factor of how long that takes.
    #[must_use]
    pub const fn refresh_ahead(mut self, beta: f64) -> Self {
        self.refresh_ahead = beta;
        self
    }

    /// `refresh = caller`: who wins the lease refreshes before it answers.
    #[must_use]
    pub const fn refresh_by_caller(mut self) -> Self {
        self.is_refreshed_by_caller = true;
        self
    }

    /// After how long an old entry is answered, and the load goes on in the background.
    #[must_use]
    pub const fn soft_timeout(mut self, millis: u64) -> Self {
        self.soft_timeout = millis;
        self
    }

    /// After how long a load is given up.
    #[must_use]
    pub const fn hard_timeout(mut self, millis: u64) -> Self {
        self.hard_timeout = millis;
        self
    }

    /// How long an entry lives without being read.
    #[must_use]
    pub const fn sliding(mut self, millis: u64) -> Self {
        self.sliding = millis;
        self
    }

    /// The share of hits on which the body runs as well.
    #[must_use]
    pub const fn verify(mut self, share: f64) -> Self {
        self.verify = share;
        self
    }

    /// How long an entry is of use after its time to live.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_millis(self.stale.max(self.fail_safe))
    }

    pub(super) fn stale_for(&self) -> u64 {
        self.stale
    }

    pub(super) fn fail_safe_for(&self) -> u64 {
        self.fail_safe
    }

    pub(super) fn refreshes_ahead(&self) -> bool {
        self.refresh_ahead > 0.0
    }

    /// Whether a fresh entry answers a call and nothing else is to be done.
    pub(super) fn ends_with_a_hit(&self) -> bool {
        self.sliding == 0 && !self.refreshes_ahead() && !self.verifies_now()
    }

    pub(super) fn is_refreshed_by_caller(&self) -> bool {
        self.is_refreshed_by_caller
    }

    pub(crate) fn idle_time(&self) -> Option<Duration> {
        (self.sliding > 0).then(|| Duration::from_millis(self.sliding))
    }

    pub(super) fn soft_limit(&self) -> Option<Duration> {
        (self.soft_timeout > 0).then(|| Duration::from_millis(self.soft_timeout))
    }

    pub(crate) fn hard_limit(&self) -> Option<Duration> {
        (self.hard_timeout > 0).then(|| Duration::from_millis(self.hard_timeout))
    }

    /// Whether this hit is one on which the body runs as well.
    pub(super) fn verifies_now(&self) -> bool {
        self.verify > 0.0 && rand::random::<f64>() < self.verify
    }

    /// Whether a fresh entry is to be loaded anew already: `XFetch` of Vattani, Chierichetti and
    /// Lowenstein, "Optimal probabilistic cache stampede prevention". The nearer its end and the
    /// longer its load took, the likelier.
    pub(super) fn is_due(&self, left: Duration, load_time: Duration) -> bool {
        if self.refresh_ahead <= 0.0 {
            return false;
        }
        // From 0, excluded, to 1.
        let chance = 1.0 - rand::random::<f64>();
        load_time.mul_f64(self.refresh_ahead * -chance.ln()) >= left
    }
}

impl Default for Windows {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: Duration = Duration::from_millis(100);

    fn share_due(windows: &Windows, left: Duration) -> f64 {
        let due = (0..10_000).filter(|_| windows.is_due(left, LOAD)).count();
        f64::from(u32::try_from(due).unwrap()) / 10_000.0
    }

    #[test]
    fn a_refresh_ahead_grows_likelier_towards_the_end() {
        let windows = Windows::new().refresh_ahead(1.0);
        assert!(windows.is_due(Duration::ZERO, LOAD));
        // e^-1 at one load time before the end, e^-3 at three.
        let (one, three) = (share_due(&windows, LOAD), share_due(&windows, 3 * LOAD));
        assert!((one - 0.368).abs() < 0.05, "{one}");
        assert!((three - 0.050).abs() < 0.02, "{three}");
    }

    #[test]
    fn nothing_is_due_that_is_not_to_be_refreshed() {
        assert!(!Windows::new().is_due(Duration::ZERO, LOAD));
        assert!(!Windows::new().verifies_now());
        assert!(Windows::new().verify(1.0).verifies_now());
    }
}
