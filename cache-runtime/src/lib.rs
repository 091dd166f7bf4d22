//! Caching by annotation, on Redis or on no server at all.
//!
//! Annotate a function, and its answers are cached; annotate the functions that change what it
//! answers from, and they invalidate it. Whatever is hard about that is done here: one load per
//! key however many ask, no stale value after an invalidation, no error because of the cache.
//!
//! ```
//! use cache_runtime::{Cache, cache_result, invalidate_cache};
//!
//! #[cache_result(key = "user:assignments:<user_id>", ttl = 1800)]
//! async fn assignments_of(user_id: u64) -> Result<Vec<String>, std::io::Error> {
//!     Ok(vec![format!("an essay for user {user_id}")]) // a slow query, in earnest
//! }
//!
//! #[invalidate_cache(key = "user:assignments:<user_id>")]
//! async fn create_assignment(user_id: u64, title: String) -> Result<(), std::io::Error> {
//!     Ok(())
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), std::io::Error> {
//! let cache = Cache::in_memory();
//! cache.scope(async {
//!     assignments_of(7).await?; // a miss: loads
//!     assignments_of(7).await?; // a hit
//!     create_assignment(7, "A poem".to_owned()).await?;
//!     assignments_of(7).await?; // a miss again
//!     Ok::<_, std::io::Error>(())
//! }).await?;
//! assert_eq!((cache.stats().loads, cache.stats().hits), (2, 1));
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! - [`KeyTemplate`] makes [`Key`]s; [`KeyPart`] is what may stand in one.
//! - [`Cache`] is a handle on a store; [`init`] starts the global one.
//! - [`cache_result`] reads, [`cache_many`] reads many ids at once; [`invalidate_cache`] and
//!   [`update_cache`] write. Their pages list all options: windows, tags, fences.
//! - [`Transaction`] holds invalidations back until the commit.
//! - [`Sessions`] are who is logged in, in the same store.
//! - [`bypass`], [`refresh`], [`read_only`], [`key_context`] and [`Cache::scope`] hold for the calls
//!   of a task.
//! - [`assert_catalogue!`] checks all annotations of a program against each other.

mod blocking;
mod cache;
mod cache_key;
mod call;
mod catalogue;
mod client;
mod clock;
mod entry;
mod error;
mod fence;
mod flight;
mod key;
mod lease;
mod limit;
mod lock;
#[cfg(test)]
mod model;
mod observe;
mod retry;
mod scoped;
mod session;
mod store;
mod transaction;
mod warm;
mod with_redis;

#[doc(hidden)]
pub mod __private;

pub use blocking::{BlockingCache, BlockingConnection};
pub use cache::{Cache, Invalidation, JournalStats, Mode, StoreStats, init};
pub use cache_key::{AnyKey, Counter, CounterKey, IntoKey, IntoKeys, Key, KeyOf};
pub use cache_macros::{
    KeyPart, cache_keys, cache_many, cache_result, invalidate_cache, redis_retry, update_cache,
    with_redis,
};
pub use call::allow_blocking;
pub use call::scope::{bypass, read_only, refresh, spawn};
pub use call::{Cacheable, CacheableErrors, FallibleReturn, GivesCache, Optional};
pub use call::{Each, IdArg, IdList, IdOf, ManyReturn};
pub use catalogue::{
    Catalogue, CatalogueEntry, EntryKind, Report, catalogue, check as check_catalogue,
};
pub use client::config::{Builder, Config};
pub use client::health::{
    Health, HealthEvent, HealthEvents, HealthReason, HealthStatus, ServerHealth,
};
pub use client::{BreakerState, Unusable, Validated, ValidationWarning};
pub use client::{Connections, Dedicated, RedisConnection};
pub use clock::Clock;
pub use entry::{EntryCodec, EntryCompression};
pub use error::{BackendError, ConfigError, Error};
pub use key::{
    KeyArg, KeyArguments, KeyName, KeyPart, KeyTemplate, KeyWriter, Secret, key_context,
};
pub use limit::{Allowance, Limit};
pub use lock::Lock;
pub use observe::Stats;
/// The client library behind [`Cache::connection`].
pub use redis;
pub use retry::{AnyFailure, Failure, Retry, RetryStrategy, Retryable, Transient, retry};
#[cfg(feature = "session-encryption")]
pub use session::Encryption;
#[cfg(feature = "tower-sessions")]
pub use session::TowerStore;
pub use session::{
    AdaptiveIdle, Login, NotASessionId, Session, SessionCleanup, SessionContext, SessionCounts,
    SessionError, SessionEvent, SessionEvents, SessionFallback, SessionId, SessionInfo,
    SessionStats, SessionToken, Sessions, SessionsBuilder,
};
pub use session::{AuthError, AuthLogin, AuthSession, AuthSessions, Identity};
#[cfg(feature = "axum")]
pub use session::{
    CurrentSession, SameSite, SessionLayer, SessionRejection, SessionService, Visitor,
};
#[cfg(feature = "sqlx")]
pub use transaction::SqlxTransaction;
pub use transaction::Transaction;
pub use warm::{Warmed, Warming};

/// Checks all annotations of the named crates against each other; for a test.
///
/// It links the crates, prints what it found, and panics if two templates can make the same key,
/// if one template stands for two value types, if something is invalidated that nothing caches
/// (`external = ".."` excuses it), or if a crate has no entries at all. What is cached and never
/// invalidated is listed only. Name every crate that takes part: one may invalidate what another
/// caches. Write `crate` for the crate that the test is in.
///
/// ```standalone_crate
/// # use cache_runtime::{cache_result, invalidate_cache};
/// #[cache_result(key = "user:<id>", ttl = 60)]
/// async fn user(id: u64) -> String {
///     id.to_string()
/// }
///
/// #[invalidate_cache(key = "user:<id>")]
/// async fn rename(id: u64) {}
///
/// cache_runtime::assert_catalogue!(crate);
/// ```
#[macro_export]
macro_rules! assert_catalogue {
    (crate) => {
        $crate::__private::assert_catalogue(&[::core::module_path!()])
    };
    ($($name:ident),+ $(,)?) => {{
        $(use $name as _;)+
        $crate::__private::assert_catalogue(&[$(::core::stringify!($name)),+])
    }};
}

/// The code in the README compiles and runs, too.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// And so does that of the page on web applications.
#[cfg(all(doctest, feature = "axum", feature = "tower-sessions"))]
#[doc = include_str!("../../docs/web-sessions.md")]
struct WebSessions;
