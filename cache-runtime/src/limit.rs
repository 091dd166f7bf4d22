//! So many in any time of a length, counted in all processes.

use std::time::Duration;

use crate::blocking::wait;
use crate::cache::Cache;
use crate::error::{Error, Fault};
use crate::observe::Event;
use crate::retry::{Failure, Retryable as _};
use crate::store::Window;

const SITE: &str = "Cache::limit";
/// When to ask again if Redis is away.
const AWAY: Duration = Duration::from_secs(1);

/// A limit: at most `most` in any `per`, over all processes of a Redis and a namespace.
///
/// [`Cache::limit`] makes one; it is cheap, and keeps nothing itself. The window slides: it is
/// counted in twentieths of `per`, and a twentieth counts until all of it has left the window. So
/// no window of this length ever has more than `most`; what was taken counts for at most 5 % longer
/// than `per`.
///
/// Redis decides, in one round trip. Whatever it forgets is not counted: after a failover to a
/// replica that lags behind, or a restart without a dump, up to `most` more may pass.
///
/// ```
/// use std::time::Duration;
/// use cache_runtime::{Cache, Clock};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::Error> {
/// let clock = Clock::manual();
/// let cache = Cache::builder().clock(clock.clone()).build()?;
/// let logins = cache.limit("login:ada", 2, Duration::from_secs(60));
/// assert!(logins.take().await?.is_allowed);
/// assert_eq!(logins.take().await?.remaining, 0);
/// let refused = logins.take().await?;
/// assert!(!refused.is_allowed);
/// clock.advance(refused.retry_after);
/// assert!(logins.take().await?.is_allowed);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Limit {
    cache: Cache,
    window: Window,
    away: Away,
}

/// What a limit answers while Redis is away.
#[derive(Clone, Copy)]
enum Away {
    Error,
    Open,
    Closed,
}

/// What came of taking from a [`Limit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allowance {
    /// Whether it is within the limit. What is refused is not counted.
    pub is_allowed: bool,
    /// How much more may be taken right now.
    pub remaining: u64,
    /// When as much may be allowed: zero if it is, [`Duration::MAX`] if it is more than the limit.
    pub retry_after: Duration,
}

impl Cache {
    /// A limit of `most` in any `per`, under a name.
    ///
    /// Names are apart from all keys. A limit of the same name and another `per` counts for
    /// itself; one with another `most` counts what this one counts.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// let cache = cache_runtime::Cache::in_memory();
    /// let mails = cache.limit("mails", 100, Duration::from_secs(3600));
    /// assert_eq!(mails.take_many(30).await?.remaining, 70);
    /// # Ok(())
    /// # }
    /// ```
    pub fn limit(&self, name: &str, most: u64, per: Duration) -> Limit {
        // A number of Lua is exact to 2^53 only, and an amount is added to it.
        let most = most.min(1 << 52);
        Limit {
            cache: self.clone(),
            window: Window::new(name, most, per),
            away: Away::Error,
        }
    }
}

impl Limit {
    /// While Redis is away everything is allowed: for limits that spare something.
    pub fn open(mut self) -> Self {
        self.away = Away::Open;
        self
    }

    /// While Redis is away nothing is allowed: for limits that guard something.
    pub fn closed(mut self) -> Self {
        self.away = Away::Closed;
        self
    }

    /// Takes one.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] while Redis is away, [`Error::Refused`] while it is full, read-only or
    /// loading, unless [`open`](Self::open) or [`closed`](Self::closed) decides; it may have been
    /// counted. [`Error::Refused`] in any case if Redis has something else under this name, or the
    /// user has no right to it.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, it may or may not be counted.
    pub async fn take(&self) -> Result<Allowance, Error> {
        self.take_many(1).await
    }

    /// Takes several at once, all or none; of nothing it says what remains.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    ///
    /// # Cancel safety
    ///
    /// As [`take`](Self::take).
    pub async fn take_many(&self, amount: u64) -> Result<Allowance, Error> {
        let most = self.window.most;
        let taken = match self
            .cache
            .0
            .store
            .take(&self.window, amount.min(1 << 52))
            .await
        {
            Ok(taken) => taken,
            Err(fault) => return self.without_redis(fault),
        };
        if !taken.is_allowed {
            self.cache.count(Event::Limited);
        }
        Ok(Allowance {
            is_allowed: taken.is_allowed,
            remaining: taken.remaining.min(most),
            retry_after: taken
                .retry_after
                .map_or(Duration::MAX, Duration::from_millis),
        })
    }

    /// [`take_many`](Self::take_many) for code that does not await.
    ///
    /// # Errors
    ///
    /// As there, and [`Error::WouldBlock`].
    ///
    /// ```
    /// # use std::time::Duration;
    /// # fn main() -> Result<(), cache_runtime::Error> {
    /// let cache = cache_runtime::Cache::in_memory();
    /// let limit = cache.limit("mails", 1, Duration::from_secs(60));
    /// assert!(limit.take_blocking(1)?.is_allowed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_blocking(&self, amount: u64) -> Result<Allowance, Error> {
        wait("taking from a limit", self.take_many(amount))
    }

    fn without_redis(&self, fault: Fault) -> Result<Allowance, Error> {
        self.cache.count(Event::Fault);
        let is_away = is_away(&fault);
        let error = fault.during("taking from a limit through", SITE);
        match self.away {
            Away::Open if is_away => Ok(Allowance {
                is_allowed: true,
                remaining: self.window.most,
                retry_after: Duration::ZERO,
            }),
            Away::Closed if is_away => Ok(Allowance {
                is_allowed: false,
                remaining: 0,
                retry_after: AWAY,
            }),
            _ => Err(error),
        }
    }
}

/// Whether Redis can't decide for now; an error that would come again is for people to see.
fn is_away(fault: &Fault) -> bool {
    let is_full = matches!(fault, Fault::Redis(error) if error.code() == Some("OOM"));
    is_full || fault.failure() != Failure::Permanent
}

impl std::fmt::Debug for Limit {
    /// Without its name, which may be personal data.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Limit")
            .field("most", &self.window.most)
            .field("per", &Duration::from_millis(self.window.per))
            .finish_non_exhaustive()
    }
}
