//! What can go wrong with a session, without its token, its user or its data.

use crate::error::{BackendError, Fault};

/// Why something could not be done with a session.
///
/// A session that does not exist is no error to those who look for one: they get `None`, or
/// `false`. [`Unavailable`](Self::Unavailable) is the one that says nothing about the session: it
/// is to be a 503, and never a login page.
///
/// ```
/// use cache_runtime::{Cache, SessionContext, SessionError, Sessions};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), SessionError> {
/// let sessions = Sessions::<u32>::new(&Cache::in_memory());
/// let mut session = sessions.create("ada", 7, SessionContext::new()).await?;
/// sessions.delete(session.token()).await?;
/// // A request that began before the logout does not bring the session back.
/// *session.data_mut() += 1;
/// assert!(matches!(sessions.save(&mut session).await, Err(SessionError::Gone)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Redis could not be reached, did not answer in time, or refused; nobody knows whether there
    /// is such a session, nor, of a write, whether it was done.
    #[error("{act}: sessions are unavailable")]
    Unavailable {
        /// What was attempted.
        act: &'static str,
        /// What the connection said.
        #[source]
        source: BackendError,
    },
    /// There is no such session any more: deleted, revoked, expired, or never there. Nothing was
    /// written.
    #[error("there is no such session any more")]
    Gone,
    /// Somebody else has changed the session since it was read. Nothing was written.
    #[error("the session was changed by somebody else since it was read")]
    Conflict,
    /// The token was replaced by a rotation, and the new one has to do this.
    #[error("the token of the session was replaced by a newer one")]
    Superseded,
    /// All sessions of the user were revoked since the login began, or it began more than ten
    /// minutes ago. No session was made.
    #[error("the login was overtaken by a revocation, or took too long")]
    Revoked,
    /// The user has as many sessions as are allowed. No session was made.
    #[error("the user has as many sessions as are allowed")]
    TooMany,
    /// The data can't be written as JSON.
    #[error("encoding the data of a session: {reason}")]
    Encode {
        /// Why, by the data's own `Serialize`.
        reason: String,
    },
    /// What lies where the user's sessions should be is something else. It is left alone.
    #[error("what is stored where a user's sessions should be is something else")]
    Corrupt,
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers")]
    NoRandomness,
}

impl SessionError {
    /// Whether nothing is known about the session because Redis is away: a 503.
    ///
    /// ```
    /// use cache_runtime::SessionError;
    ///
    /// assert!(!SessionError::Gone.is_unavailable());
    /// ```
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    pub(crate) fn unavailable(act: &'static str, fault: Fault) -> Self {
        let source = BackendError(fault);
        Self::Unavailable { act, source }
    }
}
