//! What can be done to a key whatever is behind it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, Current, Invalidation, Target, Terms, current};
use crate::error::Error;
use crate::observe::Event;
use crate::store::{Keyed, Remaining, Store};

/// A key whose value type does not matter: what [`Key`](crate::Key) and
/// [`KeyOf`](crate::KeyOf) can do without it.
///
/// It works on the cache of the scope it is used in, else the global one, unless the function it
/// belongs to names a cache.
///
/// ```
/// use cache_runtime::{AnyKey, Cache, KeyTemplate};
///
/// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
///
/// async fn forget(key: &AnyKey) -> Result<(), cache_runtime::Error> {
///     key.invalidate().await.map(drop)
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::Error> {
/// Cache::in_memory().scope(forget(&USER.key(7))).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AnyKey {
    pub(super) text: Arc<str>,
    pub(super) template: &'static str,
    pub(super) cache: Option<Cache>,
    /// The keys of the tags that an entry here carries.
    pub(super) tags: Vec<Arc<str>>,
    /// The part of the caller's context that it lacks.
    pub(super) missing: Option<&'static str>,
}

impl AnyKey {
    /// The key as it is in Redis, behind the namespace.
    ///
    /// ```
    /// # use cache_runtime::KeyTemplate;
    /// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
    /// assert_eq!(USER.key(7).text(), "user:7");
    /// ```
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn shared_text(&self) -> &Arc<str> {
        &self.text
    }

    pub(crate) fn template(&self) -> &'static str {
        self.template
    }

    pub(crate) fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    pub(crate) fn tags(&self) -> &[Arc<str>] {
        &self.tags
    }

    pub(crate) fn keyed(&self) -> Keyed<'_> {
        Keyed {
            key: &self.text,
            tags: &self.tags,
        }
    }

    /// The part of the caller's context that it lacks.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        self.missing
    }

    /// Refuses a key that lacks a part of the caller's context: it names nothing.
    pub(crate) fn complete(&self) -> Result<(), Error> {
        let site = self.template;
        self.missing
            .map_or(Ok(()), |name| Err(Error::ContextMissing { site, name }))
    }

    pub(super) fn current(&self) -> Current {
        current(self.cache.as_ref())
    }

    /// Invalidates the key: no call that starts afterwards gets a value loaded before.
    ///
    /// # Errors
    ///
    /// Only if Redis is away and the queue for its return is full.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, the invalidation may or may not have been sent.
    ///
    /// ```
    /// # use cache_runtime::{Cache, KeyTemplate};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// use cache_runtime::Invalidation;
    ///
    /// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
    ///
    /// Cache::in_memory().scope(async {
    ///     match USER.key(7).invalidate().await? {
    ///         Invalidation::Applied => println!("gone everywhere"),
    ///         Invalidation::Queued => println!("gone here, elsewhere when Redis is back"),
    ///     }
    ///     Ok(())
    /// }).await
    /// # }
    /// ```
    pub async fn invalidate(&self) -> Result<Invalidation, Error> {
        self.invalidate_confirmed(0).await
    }

    /// [`invalidate`](Self::invalidate), applied when that many replicas of the server have it.
    ///
    /// If too few have it within the time of a call (`budget`), it is `Queued`: it is sent again
    /// until they have it, or `replay_window` is over, and until then this process bypasses the
    /// key. The embedded store has no replicas, and needs none.
    ///
    /// # Errors
    ///
    /// Only if Redis is away and the queue for its return is full.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, the invalidation may or may not have been sent.
    ///
    /// ```
    /// # use cache_runtime::{Cache, Invalidation, KeyTemplate};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
    ///
    /// let outcome = Cache::in_memory().scope(USER.key(7).invalidate_confirmed(1)).await?;
    /// assert_eq!(outcome, Invalidation::Applied);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn invalidate_confirmed(&self, replicas: u32) -> Result<Invalidation, Error> {
        self.complete()?;
        let terms = Terms {
            replicas,
            ..Terms::default()
        };
        self.current()
            .invalidate_by_hand(vec![self.target()], terms, self.template)
            .await
    }

    fn target(&self) -> Target {
        Target::Key(self.text.clone())
    }

    /// Deletes the entry, and says whether there was one; a load under way is voided too.
    ///
    /// Unlike [`invalidate`](Self::invalidate) it fails when Redis is away, and in a
    /// [`Transaction`](crate::Transaction) it deletes at once, and again at the commit.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] or [`Error::Refused`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, the entry may or may not be deleted.
    ///
    /// ```
    /// # use cache_runtime::{Cache, KeyTemplate};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
    ///
    /// assert!(!Cache::in_memory().scope(USER.key(7).delete()).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(&self) -> Result<bool, Error> {
        self.complete()?;
        let cache = self.current();
        // And once more when the transaction of this scope is committed, if there is one.
        let _ = cache.defer(vec![self.target()], Terms::default());
        cache.remember(&[self.target()], Terms::default());
        cache.0.flights.close(&self.text);
        match &cache.0.store {
            Store::Memory(memory) => Ok(memory.invalidate(&self.text)),
            Store::Redis(redis) => {
                let deleted = redis.delete(&self.text).await;
                deleted.map_err(|fault| self.failed(&cache, "deleting the entry of", fault))
            }
            #[cfg(test)]
            Store::Sim(_) => unreachable!("no scenario works by hand"),
        }
    }

    /// Whether there is an entry; a load under way is none.
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
    /// # use cache_runtime::{Cache, KeyTemplate};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
    ///
    /// assert!(!Cache::in_memory().scope(USER.key(7).exists()).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn exists(&self) -> Result<bool, Error> {
        let remaining = self.remaining("looking for the entry of").await?;
        Ok(remaining != Remaining::NoEntry)
    }

    /// What is left of the entry's time to live: `None` if there is no entry.
    ///
    /// A counter without a time to live gives [`Duration::MAX`].
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
    /// # use cache_runtime::{Cache, KeyTemplate};
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
    ///
    /// Cache::in_memory().scope(async {
    ///     USER.key(7).put(&"Ada".to_owned(), Duration::from_secs(60)).await?;
    ///     let left = USER.key(7).remaining_ttl().await?;
    ///     assert!(left.is_some_and(|left| left > Duration::from_secs(50)));
    ///     Ok(())
    /// }).await
    /// # }
    /// ```
    pub async fn remaining_ttl(&self) -> Result<Option<Duration>, Error> {
        Ok(match self.remaining("reading the time to live of").await? {
            Remaining::NoEntry => None,
            Remaining::For(left) => Some(left),
            Remaining::ForEver => Some(Duration::MAX),
        })
    }

    /// Gives the entry another time to live, and says whether there was an entry.
    ///
    /// An entry with windows (`stale`, `fail_safe`, `sliding`) is not fresh any longer than it was
    /// stored for.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] or [`Error::Refused`].
    ///
    /// # Cancel safety
    ///
    /// Dropped before it has finished, the change may or may not be made.
    ///
    /// ```
    /// # use cache_runtime::{Cache, KeyTemplate};
    /// # use std::time::Duration;
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::Error> {
    /// const USER: KeyTemplate<(u64,), String> = KeyTemplate::new("user:<id>");
    ///
    /// Cache::in_memory().scope(async {
    ///     USER.key(7).put(&"Ada".to_owned(), Duration::from_secs(60)).await?;
    ///     assert!(USER.key(7).expire(Duration::from_secs(5)).await?);
    ///     assert!(!USER.key(8).expire(Duration::from_secs(5)).await?);
    ///     Ok(())
    /// }).await
    /// # }
    /// ```
    pub async fn expire(&self, ttl: Duration) -> Result<bool, Error> {
        self.complete()?;
        if ttl.is_zero() {
            return self.delete().await;
        }
        let cache = self.current();
        match &cache.0.store {
            Store::Memory(memory) => Ok(memory.expire(&self.text, ttl)),
            Store::Redis(redis) => {
                let expired = redis.expire(&self.text, ttl).await;
                expired.map_err(|fault| self.failed(&cache, "expiring the entry of", fault))
            }
            #[cfg(test)]
            Store::Sim(_) => unreachable!("no scenario works by hand"),
        }
    }

    async fn remaining(&self, act: &'static str) -> Result<Remaining, Error> {
        self.complete()?;
        let cache = self.current();
        let mut budget = cache.fresh_budget();
        let read = cache.0.store.read(self.keyed(), &mut budget);
        let read = read
            .await
            .map_err(|fault| self.failed(&cache, act, fault))?;
        let now = cache.0.store.now();
        let fresh_for = match read.fresh_entry(now) {
            // A counter is no entry.
            Err(_) => Duration::MAX,
            Ok(None) => return Ok(Remaining::NoEntry),
            Ok(Some(entry)) => entry.fresh_for(now),
        };
        let left = self.remaining_in(&cache, act).await?;
        Ok(match left {
            Remaining::For(left) => Remaining::For(left.min(fresh_for)),
            other => other,
        })
    }

    /// How long the store keeps the entry.
    async fn remaining_in(&self, cache: &Cache, act: &'static str) -> Result<Remaining, Error> {
        match &cache.0.store {
            Store::Memory(memory) => Ok(memory.remaining(&self.text)),
            Store::Redis(redis) => {
                let remaining = redis.remaining(&self.text).await;
                remaining.map_err(|fault| self.failed(cache, act, fault))
            }
            #[cfg(test)]
            Store::Sim(_) => unreachable!("no scenario works by hand"),
        }
    }

    pub(super) fn failed(
        &self,
        cache: &Cache,
        act: &'static str,
        fault: crate::error::Fault,
    ) -> Error {
        cache.count(Event::Fault);
        fault.during(act, self.template)
    }
}

impl fmt::Debug for AnyKey {
    /// The template, never the key: its values may be personal data.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Key").field(&self.template).finish()
    }
}
