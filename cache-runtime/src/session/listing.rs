//! What is said about many sessions: a user's list, and all of them counted.

use std::time::SystemTime;

use super::context::SessionContext;
use super::id::SessionId;
use crate::store::SessionTally;

/// One of a user's sessions, for a device list; nobody gets into it by this.
///
/// ```
/// use cache_runtime::{Cache, SessionContext, Sessions};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::SessionError> {
/// let sessions = Sessions::<()>::new(&Cache::in_memory());
/// let context = SessionContext::new().user_agent("Firefox");
/// let here = sessions.create("ada", (), context).await?;
/// for session in sessions.list("ada").await? {
///     let mark = if session.id == here.id() { "this device" } else { "" };
///     println!("{} since {:?} {mark}", session.id, session.created_at);
///     assert_eq!(session.context.agent(), Some("Firefox"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionInfo {
    /// Its name, for [`Sessions::delete_by_id`](crate::Sessions::delete_by_id).
    pub id: SessionId,
    /// When it was made.
    pub created_at: SystemTime,
    /// When it was last used, to within `touch_every`.
    pub accessed_at: SystemTime,
    /// When it ends if nobody uses it.
    pub expires_at: SystemTime,
    /// When it ends however much it is used.
    pub ends_at: SystemTime,
    /// Where it came from; empty if that can't be read.
    pub context: SessionContext,
}

/// All sessions of one kind, counted.
///
/// ```
/// use cache_runtime::{Cache, SessionContext, Sessions};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::SessionError> {
/// let sessions = Sessions::<()>::new(&Cache::in_memory());
/// sessions.create("ada", (), SessionContext::new()).await?;
/// sessions.create("ada", (), SessionContext::new()).await?;
/// sessions.create_anonymous((), SessionContext::new()).await?;
/// let stats = sessions.stats().await?;
/// assert_eq!((stats.total, stats.active, stats.users, stats.anonymous), (3, 3, 1, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SessionStats {
    /// All that are stored.
    pub total: u64,
    /// Of these, those that can be used.
    pub active: u64,
    /// Of these, those that are over and not yet swept up.
    pub expired: u64,
    /// Users with at least one session that can be used.
    pub users: u64,
    /// Of the active ones, those of nobody.
    pub anonymous: u64,
    /// What lies among them and can't be read.
    pub corrupt: u64,
}

/// What a sweep has done, or would do.
///
/// A user whose sessions are all over is gone without it, with what was left of them.
///
/// ```
/// use std::time::Duration;
/// use cache_runtime::{Cache, Clock, SessionContext, Sessions};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = Clock::manual();
/// let cache = Cache::builder().clock(clock.clone()).build()?;
/// let sessions = Sessions::<()>::builder(&cache).idle(Duration::from_secs(900)).build()?;
/// for _ in 0..2 {
///     sessions.create("ada", (), SessionContext::new()).await?;
///     clock.advance(Duration::from_secs(600));
/// }
/// assert_eq!(sessions.cleanup_dry_run().await?.expired, 1);
/// assert_eq!(sessions.cleanup().await?.removed, 1);
/// assert_eq!(sessions.cleanup().await?.expired, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct SessionCleanup {
    /// Sessions looked at.
    pub seen: u64,
    /// Of these, those that are over.
    pub expired: u64,
    /// Of these, those removed; none in a dry run.
    pub removed: u64,
}

impl From<SessionTally> for SessionStats {
    fn from(tally: SessionTally) -> Self {
        Self {
            total: tally.active + tally.expired,
            active: tally.active,
            expired: tally.expired,
            users: tally.users,
            anonymous: tally.anonymous,
            corrupt: tally.corrupt,
        }
    }
}

impl From<SessionTally> for SessionCleanup {
    fn from(tally: SessionTally) -> Self {
        Self {
            seen: tally.active + tally.expired,
            expired: tally.expired,
            removed: tally.removed,
        }
    }
}
