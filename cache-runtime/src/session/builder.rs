//! Settings of sessions, checked at once.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Sessions;
#[cfg(feature = "session-encryption")]
use super::encryption::Encryption;
use super::fallback::SessionFallback;
use super::lifetimes::AdaptiveIdle;
use super::record::Records;
use super::shared::Shared;
use crate::cache::Cache;
use crate::error::ConfigError;
use crate::store::{MOST, SessionLimit};

/// A former token is for requests that are under way, and not for tomorrow.
const LONGEST_GRACE: Duration = Duration::from_secs(300);
const LONGEST_NAME: usize = 128;

/// Settings for sessions of your own; [`Sessions::builder`] makes one.
///
/// ```
/// use std::time::Duration;
/// use cache_runtime::{Cache, Sessions};
///
/// # fn main() -> Result<(), cache_runtime::ConfigError> {
/// let sessions = Sessions::<u32>::builder(&Cache::in_memory())
///     .name("shop")
///     .lifetime(Duration::from_secs(8 * 3600))
///     .idle(Duration::from_secs(900))
///     .most_per_user(5)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct SessionsBuilder<D> {
    cache: Cache,
    options: Options,
    records: Records,
    fallback: Option<SessionFallback>,
    data: PhantomData<fn() -> D>,
}

pub(super) struct Options {
    pub(super) name: String,
    pub(super) lifetime: Duration,
    pub(super) idle: AdaptiveIdle,
    pub(super) touch_every: Duration,
    pub(super) grace: Duration,
    pub(super) limit: Option<SessionLimit>,
    pub(super) cleanup_every: Option<Duration>,
}

impl<D> SessionsBuilder<D> {
    pub(super) fn new(cache: &Cache) -> Self {
        Self {
            options: Options {
                name: String::new(),
                lifetime: cache.0.session_expire,
                idle: AdaptiveIdle::new(),
                touch_every: Duration::from_secs(60),
                grace: Duration::from_secs(10),
                limit: None,
                cleanup_every: Some(cache.0.session_cleanup),
            },
            cache: cache.clone(),
            records: Records::default(),
            fallback: None,
            data: PhantomData,
        }
    }

    /// What kind of sessions these are, if a program has several, as of customers and of staff:
    /// neither kind's tokens are known to the other. None is a kind of its own.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = Cache::in_memory();
    /// let customers = Sessions::<()>::new(&cache);
    /// let staff = Sessions::<()>::builder(&cache).name("staff").build()?;
    /// let session = customers.create("ada", (), SessionContext::new()).await?;
    /// assert!(staff.get(session.token()).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// How long a session lives however much it is used; `SESSION_EXPIRE_SECONDS`, a day, if
    /// nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cache_runtime::{Cache, Sessions};
    /// let builder = Sessions::<()>::builder(&Cache::in_memory());
    /// assert!(builder.lifetime(Duration::from_secs(8 * 3600)).build().is_ok());
    /// ```
    pub fn lifetime(mut self, time: Duration) -> Self {
        self.options.lifetime = time;
        self
    }

    /// How long a session lives that nobody uses: the same for all. [`AdaptiveIdle`] if nothing is
    /// set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cache_runtime::{Cache, Sessions};
    /// let builder = Sessions::<()>::builder(&Cache::in_memory());
    /// assert!(builder.idle(Duration::from_secs(900)).build().is_ok());
    /// ```
    pub fn idle(self, time: Duration) -> Self {
        self.adaptive_idle(AdaptiveIdle::fixed(time))
    }

    /// How long a session lives that nobody uses, by how it was used before.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cache_runtime::{AdaptiveIdle, Cache, Sessions};
    /// let idle = AdaptiveIdle::new().least(Duration::from_secs(300));
    /// let builder = Sessions::<()>::builder(&Cache::in_memory());
    /// assert!(builder.adaptive_idle(idle).build().is_ok());
    /// ```
    pub fn adaptive_idle(mut self, idle: AdaptiveIdle) -> Self {
        self.options.idle = idle;
        self
    }

    /// How often it is written down that a session was used: every minute, and at least ten times
    /// in the shortest time that it may be idle.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cache_runtime::{Cache, Sessions};
    /// let builder = Sessions::<()>::builder(&Cache::in_memory());
    /// assert!(builder.touch_every(Duration::from_secs(10)).build().is_ok());
    /// ```
    pub fn touch_every(mut self, time: Duration) -> Self {
        self.options.touch_every = time;
        self
    }

    /// How long a token that was replaced by [`rotate`](Sessions::rotate) may still read and save,
    /// for requests that are under way: 10 s; at most 5 min.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cache_runtime::{Cache, Sessions};
    /// let builder = Sessions::<()>::builder(&Cache::in_memory());
    /// assert!(builder.grace(Duration::ZERO).build().is_ok());
    /// ```
    pub fn grace(mut self, time: Duration) -> Self {
        self.options.grace = time;
        self
    }

    /// How many sessions a user may have; of more, the one used least recently makes way. 256 if
    /// nothing is set, which is also the most.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sessions = Sessions::<()>::builder(&Cache::in_memory()).most_per_user(1).build()?;
    /// let first = sessions.create("ada", (), SessionContext::new()).await?;
    /// sessions.create("ada", (), SessionContext::new()).await?;
    /// assert!(sessions.get(first.token()).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn most_per_user(mut self, most: u32) -> Self {
        let evicts = true;
        self.options.limit = Some(SessionLimit { most, evicts });
        self
    }

    /// How many sessions a user may have; more are refused, as
    /// [`SessionError::TooMany`](crate::SessionError::TooMany).
    ///
    /// Somebody who knows a user's password can lock that user out this way.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, SessionError, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sessions = Sessions::<()>::builder(&Cache::in_memory()).refuse_above(1).build()?;
    /// sessions.create("ada", (), SessionContext::new()).await?;
    /// let second = sessions.create("ada", (), SessionContext::new()).await;
    /// assert!(matches!(second, Err(SessionError::TooMany)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn refuse_above(mut self, most: u32) -> Self {
        let evicts = false;
        self.options.limit = Some(SessionLimit { most, evicts });
        self
    }

    /// How often what is left of ended sessions is swept up in the background, by one process of
    /// all: `SESSION_CLEANUP_INTERVAL`, an hour, if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cache_runtime::{Cache, Sessions};
    /// let builder = Sessions::<()>::builder(&Cache::in_memory());
    /// assert!(builder.cleanup_every(Duration::from_secs(600)).build().is_ok());
    /// ```
    pub fn cleanup_every(mut self, time: Duration) -> Self {
        self.options.cleanup_every = Some(time);
        self
    }

    /// Sweeps nothing up in the background; [`Sessions::cleanup`] does it when it is called.
    ///
    /// What nobody sweeps up ends with the user's last session.
    ///
    /// ```
    /// # use cache_runtime::{Cache, Sessions};
    /// let builder = Sessions::<()>::builder(&Cache::in_memory());
    /// assert!(builder.no_cleanup().build().is_ok());
    /// ```
    pub fn no_cleanup(mut self) -> Self {
        self.options.cleanup_every = None;
        self
    }

    /// Seals what sessions hold before the store sees it.
    ///
    /// ```
    /// # use cache_runtime::{Cache, Encryption, Sessions};
    /// let builder = Sessions::<()>::builder(&Cache::in_memory());
    /// assert!(builder.encryption(Encryption::new([7; 32])).build().is_ok());
    /// ```
    #[cfg(feature = "session-encryption")]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.records.encryption = Some(encryption);
        self
    }

    /// Answers reads from this process's memory while Redis is away, by the rules of
    /// [`SessionFallback`]. Without it they are
    /// [`Unavailable`](crate::SessionError::Unavailable).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cache_runtime::{Cache, SessionFallback, Sessions};
    /// let fallback = SessionFallback::for_at_most(Duration::from_secs(60));
    /// let builder = Sessions::<()>::builder(&Cache::in_memory());
    /// assert!(builder.fallback(fallback).build().is_ok());
    /// ```
    pub fn fallback(mut self, fallback: SessionFallback) -> Self {
        self.fallback = Some(fallback);
        self
    }

    fn mistakes(&self) -> Vec<String> {
        let millisecond = Duration::from_millis(1);
        let Options {
            name,
            lifetime,
            idle,
            grace,
            limit,
            cleanup_every,
            ..
        } = &self.options;
        let rules = [
            (
                name.len() > LONGEST_NAME,
                "`name` must have at most 128 bytes",
            ),
            (
                *lifetime < millisecond,
                "`lifetime` must be a millisecond or more: no session lives for ever",
            ),
            (
                !idle.is_ordered(),
                "the times of `idle` must be a millisecond or more, and in the order `least`, \
                 `usual`, `active`, `most`",
            ),
            (*grace > LONGEST_GRACE, "`grace` must be at most 5 min"),
            (
                limit.is_some_and(|limit| !(1..=MOST).contains(&limit.most)),
                "`most_per_user` and `refuse_above` must be from 1 to 256",
            ),
            (
                cleanup_every.is_some_and(|every| every < millisecond),
                "`cleanup_every` must be a millisecond or more: write `no_cleanup` for none",
            ),
        ];
        let wrong = rules.iter().filter(|(is_wrong, _)| *is_wrong);
        wrong.map(|(_, rule)| format!("sessions: {rule}")).collect()
    }
}

impl<D: Serialize + DeserializeOwned> SessionsBuilder<D> {
    /// Checks the settings, and starts sweeping up in the background.
    ///
    /// # Errors
    ///
    /// All settings that are unusable, a line each.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cache_runtime::{Cache, Sessions};
    /// let builder = Sessions::<()>::builder(&Cache::in_memory());
    /// let error = builder.lifetime(Duration::ZERO).idle(Duration::ZERO).build().unwrap_err();
    /// assert_eq!(error.to_string().lines().count(), 3);
    /// ```
    pub fn build(self) -> Result<Sessions<D>, ConfigError> {
        let fields = self.mistakes();
        if fields.is_empty() {
            Ok(self.unchecked())
        } else {
            Err(ConfigError { fields })
        }
    }

    /// With settings that are known to be usable.
    pub(super) fn unchecked(self) -> Sessions<D> {
        Sessions::of(Shared::start(
            self.cache,
            self.options,
            self.records,
            self.fallback,
        ))
    }
}

impl<D> fmt::Debug for SessionsBuilder<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SessionsBuilder")
            .field("lifetime", &self.options.lifetime)
            .field("idle", &self.options.idle)
            .field("fallback", &self.fallback)
            .finish_non_exhaustive()
    }
}
