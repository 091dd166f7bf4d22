//! A login, from before the password is checked until there is a session.

use std::fmt::{self, Display};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::SessionContext;
use super::reading::Made;
use super::token::random;
use super::{Session, SessionError, Sessions};
use crate::entry::Generation;
use crate::store::{LOGIN, locator_of};

/// A login under way; [`Sessions::begin_login`] begins one.
///
/// A login that was begun before all sessions of its user were revoked makes no session. So
/// whoever changes a password and revokes need not fear the one who has just sent the old one.
///
/// ```
/// use cache_runtime::{Cache, SessionContext, SessionError, Sessions};
///
/// # fn password_is_right(user: &str) -> bool { true }
/// # #[tokio::main]
/// # async fn main() -> Result<(), SessionError> {
/// let sessions = Sessions::<u32>::new(&Cache::in_memory());
/// let login = sessions.begin_login("ada").await?;
/// assert!(password_is_right("ada")); // slow, as it should be
/// let session = login.finish(0, SessionContext::new()).await?;
///
/// let overtaken = sessions.begin_login("ada").await?;
/// sessions.delete_all("ada").await?;
/// let outcome = overtaken.finish(0, SessionContext::new()).await;
/// assert!(matches!(outcome, Err(SessionError::Revoked)));
/// # Ok(())
/// # }
/// ```
#[must_use = "a login that is not finished makes no session"]
pub struct Login<D> {
    sessions: Sessions<D>,
    user: String,
    generation: Generation,
}

impl<D: Serialize + DeserializeOwned> Sessions<D> {
    /// Begins a login, before whatever proves who the user is; it has ten minutes.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`], which is a 503 and no wrong password;
    /// [`SessionError::Corrupt`], [`SessionError::NoRandomness`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, nothing is left but a mark that ends after ten minutes.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let login = sessions.begin_login("ada").await?;
    /// let session = login.finish(0, SessionContext::new()).await?;
    /// assert_eq!(session.user(), Some("ada"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn begin_login(&self, user: impl Display) -> Result<Login<D>, SessionError> {
        let shared = &*self.shared;
        let user = user.to_string();
        let key = shared.key(&locator_of(&shared.name, &user));
        let window = Duration::from_millis(LOGIN);
        let opened = shared.store().open_login(&key, random()?, window).await;
        let generation = opened
            .map_err(|fault| shared.unavailable("beginning a login", fault))?
            .ok_or(SessionError::Corrupt)?;
        Ok(Login {
            sessions: self.clone(),
            user,
            generation,
        })
    }
}

impl<D: Serialize + DeserializeOwned> Login<D> {
    /// Makes the session, once it is known that the user is the user.
    ///
    /// # Errors
    ///
    /// [`SessionError::Revoked`] if all sessions of the user were revoked since the login began, or
    /// it took more than ten minutes; else as [`Sessions::create`].
    ///
    /// # Cancel safety
    ///
    /// As [`Sessions::create`].
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let session = sessions.begin_login(42).await?.finish(0, SessionContext::new()).await?;
    /// assert_eq!(session.user(), Some("42"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn finish(
        self,
        data: D,
        context: SessionContext,
    ) -> Result<Session<D>, SessionError> {
        let made = Made {
            user: Some(self.user),
            data,
            context,
            expected: Some(self.generation),
        };
        self.sessions.make(made).await
    }

    /// Makes the session, and ends the anonymous one that the visitor had until now.
    ///
    /// The new one has a name and a token of its own, so whoever knew the token from before the
    /// login has nothing. What is to be kept of the anonymous session goes into `data`. If the old
    /// one can't be deleted, because Redis goes away in between, the login is done all the same: it
    /// is nobody's, and ends when it has been idle for its time.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    ///
    /// # Cancel safety
    ///
    /// As [`Sessions::create`]; the anonymous session may still be there.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let visitor = sessions.create_anonymous(7, SessionContext::new()).await?;
    /// let login = sessions.begin_login("ada").await?;
    /// let session = login.upgrade(&visitor, *visitor.data(), SessionContext::new()).await?;
    /// assert_eq!((session.user(), *session.data()), (Some("ada"), 7));
    /// assert!(sessions.get(visitor.token()).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn upgrade(
        self,
        anonymous: &Session<D>,
        data: D,
        context: SessionContext,
    ) -> Result<Session<D>, SessionError> {
        let sessions = self.sessions.clone();
        let session = self.finish(data, context).await?;
        // Counted there; see above.
        let _ = sessions.delete(anonymous.token()).await;
        Ok(session)
    }
}

impl<D> fmt::Debug for Login<D> {
    /// Without the user.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Login").finish_non_exhaustive()
    }
}
