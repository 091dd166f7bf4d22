//! What happens to sessions, told to those who listen, and counted.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::id::SessionId;
use super::listing::SessionCleanup;

/// Events kept for a listener that is behind.
const KEPT: usize = 256;

/// Something that happened to sessions, in this process.
///
/// Events name no user, token, address or data. What other processes do is told there.
///
/// ```
/// use cache_runtime::{Cache, SessionContext, SessionEvent, Sessions};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::SessionError> {
/// let sessions = Sessions::<()>::new(&Cache::in_memory());
/// let mut events = sessions.events();
/// let session = sessions.create("ada", (), SessionContext::new()).await?;
/// assert_eq!(events.next().await, Some(SessionEvent::Created(session.id())));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// A session was made.
    Created(SessionId),
    /// The token of a session was replaced.
    Rotated(SessionId),
    /// A session was deleted, by its token or its name.
    Deleted(SessionId),
    /// A session was asked for and found to be over; it is removed.
    Expired(SessionId),
    /// All sessions of a user were deleted, or all but one: how many.
    Revoked(u64),
    /// Sessions of a user that were used least recently gave way to a new one: how many.
    Evicted(u32),
    /// A session was not made, as its user has as many as are allowed.
    Refused,
    /// A login was overtaken by a revocation, and made no session.
    Overtaken,
    /// A session can't be read: corrupt, foreign, of another shape, or sealed by a key that is not
    /// known here. It counts as missing, and is left alone.
    Unreadable(SessionId),
    /// A session was answered from this process's memory, because Redis is away.
    FromMemory(SessionId),
    /// Ended sessions were swept up.
    Cleaned(SessionCleanup),
}

/// What happens to sessions from now on; see [`Sessions::events`](crate::Sessions::events).
///
/// ```
/// use cache_runtime::{Cache, SessionEvents, Sessions};
///
/// let events: SessionEvents = Sessions::<()>::new(&Cache::in_memory()).events();
/// ```
pub struct SessionEvents(broadcast::Receiver<SessionEvent>);

impl SessionEvents {
    /// The next event; nothing once the sessions' last handle is gone. A listener that is more than
    /// 256 behind misses the oldest.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no event.
    ///
    /// ```
    /// use cache_runtime::{Cache, Sessions};
    ///
    /// # #[tokio::main]
    /// # async fn main() {
    /// let sessions = Sessions::<()>::new(&Cache::in_memory());
    /// let mut events = sessions.events();
    /// drop(sessions);
    /// assert_eq!(events.next().await, None);
    /// # }
    /// ```
    pub async fn next(&mut self) -> Option<SessionEvent> {
        loop {
            match self.0.recv().await {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl std::fmt::Debug for SessionEvents {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SessionEvents").finish_non_exhaustive()
    }
}

macro_rules! counted {
    ($($(#[$doc:meta])* $count:ident => $field:ident,)+) => {
        #[derive(Clone, Copy, Debug)]
        pub(super) enum Count { $($count,)+ }

        const COUNTS: usize = [$(Count::$count,)+].len();

        /// What these sessions have counted in this process since they were built.
        ///
        /// ```
        /// use cache_runtime::{Cache, Sessions};
        ///
        /// assert_eq!(Sessions::<()>::new(&Cache::in_memory()).counts().created, 0);
        /// ```
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
        #[non_exhaustive]
        pub struct SessionCounts { $($(#[$doc])* pub $field: u64,)+ }

        impl Events {
            pub(super) fn counts(&self) -> SessionCounts {
                SessionCounts { $($field: self.counts[Count::$count as usize].load(Ordering::Relaxed),)+ }
            }
        }
    };
}

counted! {
    /// Sessions made, anonymous ones too.
    Created => created,
    /// Reads that found their session.
    Found => found,
    /// Reads that found none.
    Missing => missing,
    /// Of these, how many found one that was over.
    Expired => expired,
    /// Sessions that can't be read; they count as missing.
    Unreadable => unreadable,
    /// Changes written.
    Saved => saved,
    /// Changes that met another's, and were tried again or refused.
    Conflict => conflicts,
    /// Tokens replaced.
    Rotated => rotated,
    /// Sessions deleted one by one.
    Deleted => deleted,
    /// Sessions deleted with all others of their user.
    Revoked => revoked,
    /// Sessions that gave way to newer ones of their user.
    Evicted => evicted,
    /// Sessions not made, as their user had too many.
    Refused => refused,
    /// Logins overtaken by a revocation.
    Overtaken => overtaken,
    /// Operations that Redis did not answer, or refused.
    Unavailable => unavailable,
    /// Of these, reads answered from this process's memory.
    FromMemory => from_memory,
}

/// Who listens, and the counts.
pub(super) struct Events {
    counts: [AtomicU64; COUNTS],
    listeners: broadcast::Sender<SessionEvent>,
}

impl Events {
    pub(super) fn new() -> Self {
        Self {
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            listeners: broadcast::Sender::new(KEPT),
        }
    }

    pub(super) fn count(&self, count: Count) {
        self.add(count, 1);
    }

    pub(super) fn add(&self, count: Count, by: u64) {
        self.counts[count as usize].fetch_add(by, Ordering::Relaxed);
    }

    pub(super) fn tell(&self, event: SessionEvent) {
        // Nobody may listen.
        let _ = self.listeners.send(event);
    }

    pub(super) fn listen(&self) -> SessionEvents {
        SessionEvents(self.listeners.subscribe())
    }
}
