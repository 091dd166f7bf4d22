//! Counters: raw integers, as any Redis client reads them.

use std::time::Duration;

use super::typed::Key;
use crate::error::Error;
use crate::store::{Content, Store};

/// The value type of a [`CounterKey`]; there are no values of it.
///
/// ```
/// use cache_runtime::{Counter, KeyTemplate};
///
/// const VISITS: KeyTemplate<(u64,), Counter> = KeyTemplate::new("page:<id>:visits");
/// ```
#[derive(Clone, Copy, Debug)]
pub enum Counter {}

/// A key of a raw integer, without an envelope, that is only added to.
///
/// ```
/// use cache_runtime::{Cache, Counter, CounterKey, KeyTemplate};
///
/// const VISITS: KeyTemplate<(u64,), Counter> = KeyTemplate::new("page:<id>:visits");
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::Error> {
/// Cache::in_memory().scope(async {
///     let visits: CounterKey = VISITS.key(7);
///     assert_eq!(visits.increment(1).await?, 1);
///     assert_eq!(visits.increment(10).await?, 11);
///     assert_eq!(visits.decrement(1).await?, 10);
///     assert_eq!(visits.count().await?, Some(10));
///     Ok(())
/// }).await
/// # }
/// ```
pub type CounterKey = Key<Counter>;

impl Key<Counter> {
    /// Adds, and gives the sum; a counter that does not exist starts at 0 and lives for ever.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`]; it may then have been added all the same. [`Error::Refused`] if
    /// the key holds something else, or the sum overflows.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, it may or may not have been added.
    ///
    /// ```
    /// # use cache_runtime::{Cache, Counter, KeyTemplate};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const VISITS: KeyTemplate<(), Counter> = KeyTemplate::new("visits");
    /// assert_eq!(Cache::in_memory().scope(VISITS.key().increment(2)).await?, 2);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn increment(&self, by: i64) -> Result<i64, Error> {
        self.add(by, None).await
    }

    /// [`increment`](Self::increment), but a counter that does not exist lives for `ttl` from now.
    ///
    /// Adding to one that exists leaves its time to live as it is, so it counts within a window.
    ///
    /// # Errors
    ///
    /// As [`increment`](Self::increment).
    ///
    /// # Cancel safety
    ///
    /// As [`increment`](Self::increment).
    ///
    /// ```
    /// # use cache_runtime::{Cache, Counter, KeyTemplate};
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const LOGINS: KeyTemplate<(u64,), Counter> = KeyTemplate::new("logins:<user>");
    ///
    /// let minute = Duration::from_secs(60);
    /// Cache::in_memory().scope(async {
    ///     assert_eq!(LOGINS.key(7).increment_within(1, minute).await?, 1);
    ///     assert!(LOGINS.key(7).remaining_ttl().await?.is_some_and(|left| left <= minute));
    ///     Ok(())
    /// }).await
    /// # }
    /// ```
    pub async fn increment_within(&self, by: i64, ttl: Duration) -> Result<i64, Error> {
        self.add(by, Some(ttl)).await
    }

    /// Subtracts, and gives the difference.
    ///
    /// # Errors
    ///
    /// As [`increment`](Self::increment).
    ///
    /// # Cancel safety
    ///
    /// As [`increment`](Self::increment).
    ///
    /// ```
    /// # use cache_runtime::{Cache, Counter, KeyTemplate};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const SEATS: KeyTemplate<(), Counter> = KeyTemplate::new("seats");
    /// assert_eq!(Cache::in_memory().scope(SEATS.key().decrement(2)).await?, -2);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn decrement(&self, by: i64) -> Result<i64, Error> {
        self.add(by.saturating_neg(), None).await
    }

    /// The count, if the counter exists.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] or [`Error::Refused`].
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    ///
    /// ```
    /// # use cache_runtime::{Cache, Counter, KeyTemplate};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const VISITS: KeyTemplate<(), Counter> = KeyTemplate::new("visits");
    /// assert_eq!(Cache::in_memory().scope(VISITS.key().count()).await?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn count(&self) -> Result<Option<i64>, Error> {
        let cache = self.current();
        match &cache.0.store {
            Store::Memory(memory) => {
                Ok(memory
                    .entry(&self.text)
                    .and_then(|entry| match entry.content {
                        Content::Counter(count) => Some(count),
                        Content::Value(_) | Content::Generation(_) => None,
                    }))
            }
            Store::Redis(redis) => {
                let bytes = redis.get(&self.text).await;
                let bytes =
                    bytes.map_err(|fault| self.failed(&cache, "reading the counter", fault))?;
                Ok(bytes.and_then(|bytes| std::str::from_utf8(&bytes).ok()?.parse().ok()))
            }
            #[cfg(test)]
            Store::Sim(_) => unreachable!("no scenario works by hand"),
        }
    }

    async fn add(&self, by: i64, ttl: Option<Duration>) -> Result<i64, Error> {
        let cache = self.current();
        let counted = match &cache.0.store {
            Store::Memory(memory) => memory
                .count(&self.text, by, ttl)
                .ok_or(crate::error::Fault::WrongType),
            Store::Redis(redis) => redis.count(&self.text, by, ttl).await,
            #[cfg(test)]
            Store::Sim(_) => unreachable!("no scenario works by hand"),
        };
        counted.map_err(|fault| self.failed(&cache, "adding to the counter", fault))
    }
}
