//! What can go wrong outside the annotated functions, which never fail because of the cache.

use std::fmt;

use crate::client::{Unusable, Why};

/// An error of the cache.
///
/// Functions under `#[cache_result]` never return one: a cache fault costs them speed only.
/// Manual operations do. Messages name the act and the call site, never keys or values.
///
/// ```
/// use cache_runtime::{Cache, Error};
///
/// let error = Cache::builder().redis_url("http://localhost").build().unwrap_err();
/// assert!(matches!(error, Error::Config(_)));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `init` was called a second time, or after the global cache had started by itself.
    #[error("the global cache is already initialised: call `init` once, before its first use")]
    AlreadyInitialised,
    /// The configuration has at least one wrong field.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Redis could not be reached, or did not answer in time.
    #[error("{act} `{site}`: redis is unavailable")]
    Unavailable {
        /// What was attempted.
        act: &'static str,
        /// The template or function the key belongs to.
        site: &'static str,
        /// What the connection said.
        #[source]
        source: BackendError,
    },
    /// Redis answered with an error.
    #[error("{act} `{site}`: redis refused")]
    Refused {
        /// What was attempted.
        act: &'static str,
        /// The template or function the key belongs to.
        site: &'static str,
        /// What the server said.
        #[source]
        source: BackendError,
    },
    /// A value could not be turned into bytes, or is bigger than `max_entry`.
    #[error("encoding a value for `{site}`: {reason}")]
    Encode {
        /// The template or function the key belongs to.
        site: &'static str,
        /// Why, without the value.
        reason: String,
    },
    /// Bytes given to [`Cache::decode`](crate::Cache::decode) are not such a value.
    #[error("decoding a value: {reason}")]
    Decode {
        /// Why, without the bytes.
        reason: String,
    },
    /// Redis is away and the queue of invalidations waiting for it is full.
    #[error("invalidating `{site}`: redis is unavailable and the queue of invalidations is full")]
    JournalFull {
        /// The template or function the key belongs to.
        site: &'static str,
    },
    /// An invalidation is not applied: Redis is away, or too few replicas have confirmed it. It is
    /// queued, and will be sent.
    #[error("invalidating `{site}`: redis has not confirmed it; the invalidation is queued")]
    NotInvalidated {
        /// The function.
        site: &'static str,
    },
    /// The body of a cached function took longer than its `hard_timeout`, and no older value may
    /// be answered instead.
    #[error("loading `{site}`: no answer within its `hard_timeout`")]
    LoadTimedOut {
        /// The function.
        site: &'static str,
    },
    /// A key has a part of the caller's key context in it, as `<@tenant>`, and the caller has none.
    #[error("`{site}` needs `<@{name}>`: run it inside `key_context(\"{name}\", ..)`")]
    ContextMissing {
        /// The template.
        site: &'static str,
        /// The part.
        name: &'static str,
    },
    /// Somebody else held the lock for as long as the call waited.
    #[error("waiting for a lock: somebody else held it all the time")]
    Locked,
    /// A call that waits was made on a thread of an async runtime, whose other tasks it would stop.
    #[error(
        "{act}: this thread belongs to an async runtime and must not be blocked: await the async \
         form, or say `allow_blocking` on a thread of `spawn_blocking`"
    )]
    WouldBlock {
        /// What was attempted.
        act: &'static str,
    },
    /// The server will not do, as [`Cache::validate`](crate::Cache::validate) has found.
    #[error("redis at {server} can't be used: {reason}")]
    Unusable {
        /// Its address, without secrets.
        server: String,
        /// Why.
        reason: Unusable,
    },
    /// A raw connection was asked of a cache that has no Redis behind it.
    #[error("this cache is the embedded store: set `REDIS_URL` or `redis_url` for a connection")]
    NoRedis,
}

/// What Redis, or the connection to it, said; opaque, so that no client library is in our API.
///
/// ```
/// fn describe(error: &cache_runtime::BackendError) -> String {
///     error.to_string()
/// }
/// ```
pub struct BackendError(pub(crate) Fault);

impl fmt::Debug for BackendError {
    /// As `Display`: `unwrap` prints it, and a server quotes keys in what it says.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Fault::NotConnected | Fault::Dropped => out.write_str("not connected"),
            Fault::Unreachable(why) => write!(out, "not connected: {why}"),
            Fault::NoRuntime => out.write_str("called outside a tokio runtime"),
            Fault::Timeout => out.write_str("no answer in time"),
            Fault::WrongType => out.write_str("the key holds another kind of redis value"),
            // The client's `Display` may quote what a server said about a key; its code never does.
            Fault::Redis(error) => match error.code() {
                Some(code) => write!(out, "server error {code}"),
                None => write!(out, "{}", error.category()),
            },
        }
    }
}

impl std::error::Error for BackendError {}

/// Why a command has no answer.
#[derive(Debug)]
pub(crate) enum Fault {
    NotConnected,
    Unreachable(Why),
    NoRuntime,
    Timeout,
    /// The runtime that was to fetch the answer is gone.
    Dropped,
    WrongType,
    Redis(redis::RedisError),
}

impl Fault {
    /// Whether the server answered, if only to refuse.
    pub(crate) fn is_answer(&self) -> bool {
        match self {
            Self::NotConnected
            | Self::Unreachable(_)
            | Self::NoRuntime
            | Self::Timeout
            | Self::Dropped => false,
            Self::WrongType => true,
            Self::Redis(error) => error.code().is_some() && !error.is_io_error(),
        }
    }

    pub(crate) fn during(self, act: &'static str, site: &'static str) -> Error {
        let answered = self.is_answer();
        let source = BackendError(self);
        if answered {
            Error::Refused { act, site, source }
        } else {
            Error::Unavailable { act, site, source }
        }
    }
}

impl From<redis::RedisError> for Fault {
    fn from(error: redis::RedisError) -> Self {
        // Before Redis 7, what goes wrong inside a script is told in words only.
        let in_words = || {
            error
                .detail()
                .is_some_and(|words| words.contains("WRONGTYPE"))
        };
        if error.code() == Some("WRONGTYPE") || in_words() {
            return Self::WrongType;
        }
        Self::Redis(error)
    }
}

/// All that is wrong with a configuration, a line for each field.
///
/// ```
/// use cache_runtime::Cache;
///
/// let error = Cache::builder().namespace("").redis_url("nonsense").build().unwrap_err();
/// assert_eq!(error.to_string().lines().count(), 3);
/// ```
#[derive(thiserror::Error)]
pub struct ConfigError {
    pub(crate) fields: Vec<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the cache configuration is invalid:")?;
        self.fields
            .iter()
            .try_for_each(|field| write!(out, "\n  {field}"))
    }
}

impl fmt::Debug for ConfigError {
    /// As for people: a `main` that returns the error prints it this way.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}
