//! One session, as its reader has it.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::context::SessionContext;
use super::id::SessionId;
use super::record::Body;
use super::token::SessionToken;
use crate::store::{ANONYMOUS, Head};

/// A session, as it was when it was read.
///
/// Change [`data_mut`](Self::data_mut) and give it to [`Sessions::save`](crate::Sessions::save),
/// or let [`Sessions::update`](crate::Sessions::update) do both. `Debug` shows neither the user nor
/// the data.
///
/// ```
/// use cache_runtime::{Cache, SessionContext, Sessions};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::SessionError> {
/// let sessions = Sessions::<Vec<String>>::new(&Cache::in_memory());
/// let mut session = sessions.create("ada", Vec::new(), SessionContext::new()).await?;
/// session.data_mut().push("a book".to_owned());
/// sessions.save(&mut session).await?;
/// assert_eq!(session.user(), Some("ada"));
/// # Ok(())
/// # }
/// ```
pub struct Session<D> {
    pub(super) token: SessionToken,
    pub(super) user: Option<String>,
    pub(super) context: SessionContext,
    pub(super) data: D,
    pub(super) times: Times,
    pub(super) revision: u64,
    pub(super) is_superseded: bool,
    pub(super) is_fallback: bool,
}

/// When a session began and when it ends.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) created: SystemTime,
    pub(super) accessed: SystemTime,
    pub(super) expires: SystemTime,
    pub(super) ends: SystemTime,
}

impl Times {
    /// `zero` is the zero of the store's time.
    pub(super) fn of(head: &Head, zero: SystemTime) -> Self {
        let at = |millis| zero + Duration::from_millis(millis);
        Self {
            created: at(head.created),
            accessed: at(head.accessed),
            expires: at(head.deadline),
            ends: at(head.end),
        }
    }
}

impl<D> Session<D> {
    pub(super) fn new(
        token: SessionToken,
        body: Body,
        data: D,
        head: &Head,
        zero: SystemTime,
    ) -> Self {
        let is_anonymous = head.flags & ANONYMOUS != 0;
        Self {
            token,
            user: body.user.filter(|_| !is_anonymous),
            context: body.context,
            data,
            times: Times::of(head, zero),
            revision: head.revision,
            is_superseded: head.is_former,
            is_fallback: false,
        }
    }

    /// What proves the session, for the cookie: the one it was read by, or the new one after a
    /// rotation.
    pub fn token(&self) -> &SessionToken {
        &self.token
    }

    /// Its public name, for device lists.
    pub fn id(&self) -> SessionId {
        self.token.id()
    }

    /// Whose it is; nothing if it is anonymous.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// Whether it is nobody's.
    pub fn is_anonymous(&self) -> bool {
        self.user.is_none()
    }

    /// What the application keeps in it.
    pub fn data(&self) -> &D {
        &self.data
    }

    /// The same, to be changed; [`Sessions::save`](crate::Sessions::save) stores it.
    pub fn data_mut(&mut self) -> &mut D {
        &mut self.data
    }

    /// The data alone.
    pub fn into_data(self) -> D {
        self.data
    }

    /// Where it came from.
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// When it was made.
    pub fn created_at(&self) -> SystemTime {
        self.times.created
    }

    /// When it was last used, to within `touch_every`.
    pub fn accessed_at(&self) -> SystemTime {
        self.times.accessed
    }

    /// When it ends if nobody uses it from now on.
    pub fn expires_at(&self) -> SystemTime {
        self.times.expires
    }

    /// When it ends however much it is used.
    pub fn ends_at(&self) -> SystemTime {
        self.times.ends
    }

    /// Whether it was read by a token that a rotation has replaced, within its grace.
    ///
    /// It may be read, saved and prolonged by requests that were under way, but not rotated, and it
    /// ends no other sessions.
    pub fn is_superseded(&self) -> bool {
        self.is_superseded
    }

    /// Whether it comes from this process's memory, because Redis is away; see
    /// [`SessionFallback`](crate::SessionFallback).
    ///
    /// It may have been changed or revoked elsewhere: let nothing weighty depend on it.
    pub fn is_fallback(&self) -> bool {
        self.is_fallback
    }
}

impl<D> fmt::Debug for Session<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Session")
            .field("id", &self.id())
            .field("is_anonymous", &self.is_anonymous())
            .field("created_at", &self.times.created)
            .field("expires_at", &self.times.expires)
            .field("ends_at", &self.times.ends)
            .field("is_superseded", &self.is_superseded)
            .field("is_fallback", &self.is_fallback)
            .finish_non_exhaustive()
    }
}
