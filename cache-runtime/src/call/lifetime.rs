//! How long an entry lives.

use std::time::Duration;

use crate::client::config::Lifetimes;

/// A time to live, as an attribute wrote it.
#[derive(Clone, Copy, Debug)]
pub enum Ttl {
    /// `ttl = short`, from the configuration.
    Short,
    /// `ttl = default`, from the configuration.
    Default,
    /// `ttl = long`, from the configuration.
    Long,
    /// A time of its own.
    Exactly(Duration),
}

impl Ttl {
    /// Whole seconds.
    pub const fn seconds(seconds: u64) -> Self {
        Self::Exactly(Duration::from_secs(seconds))
    }

    /// Milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self::Exactly(Duration::from_millis(millis))
    }

    /// A computed time.
    pub const fn exactly(ttl: Duration) -> Self {
        Self::Exactly(ttl)
    }

    pub(crate) fn resolve(self, lifetimes: &Lifetimes) -> Duration {
        match self {
            Self::Short => lifetimes.short,
            Self::Default => lifetimes.default,
            Self::Long => lifetimes.long,
            Self::Exactly(ttl) => ttl,
        }
    }
}

/// Whether, and how long, an absent value is kept.
#[derive(Clone, Copy, Debug)]
pub enum Keep {
    /// Not at all.
    Never,
    /// For a time of its own.
    For(Ttl),
}

/// By how much a lifetime may be shortened, at random, so that entries do not expire together.
#[derive(Clone, Copy, Debug)]
pub enum Jitter {
    /// At most this part of it.
    Percent(u8),
    /// At most this much of it.
    AtMost(Duration),
}

impl Jitter {
    /// At most `percent` of the lifetime.
    pub const fn percent(percent: u8) -> Self {
        Self::Percent(percent)
    }

    /// At most this many milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self::AtMost(Duration::from_millis(millis))
    }

    pub(crate) fn shorten(self, ttl: Duration) -> Duration {
        let most = match self {
            Self::Percent(percent) => ttl.mul_f64(f64::from(percent.min(100)) / 100.0),
            Self::AtMost(most) => most,
        };
        // Never to nothing: an entry without a life is not an entry.
        ttl.saturating_sub(most.mul_f64(rand::random::<f64>()))
            .max(Duration::from_millis(1).min(ttl))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_only_shortens_and_never_to_nothing() {
        let ttl = Duration::from_secs(100);
        for _ in 0..1_000 {
            let shortened = Jitter::percent(10).shorten(ttl);
            assert!(shortened <= ttl && shortened >= Duration::from_secs(90));
            let shortened = Jitter::millis(200_000).shorten(ttl);
            assert!(shortened <= ttl && shortened >= Duration::from_millis(1));
        }
    }
}
