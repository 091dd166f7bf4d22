//! What a visitor does to the session: logging in and out, and changes of it.

use std::fmt::Display;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::current::CurrentSession;
use super::visitor::{Known, Visitor, read};
use crate::session::{Login, Session, SessionError};

impl<D: Serialize + DeserializeOwned> Visitor<D> {
    /// Begins a login, before the password is checked; [`finish_login`](Self::finish_login) makes
    /// the session.
    ///
    /// # Errors
    ///
    /// As [`Sessions::begin_login`](crate::Sessions::begin_login).
    ///
    /// # Cancel safety
    ///
    /// As [`Sessions::begin_login`](crate::Sessions::begin_login).
    ///
    /// See [`Visitor`] for an example.
    pub async fn begin_login(&self, user: impl Display) -> Result<Login<D>, SessionError> {
        self.sessions().begin_login(user).await
    }

    /// Makes the session of a user who has proved to be that user, and has the browser keep it.
    ///
    /// Whatever session the browser had until now ends, be it an anonymous one or somebody's: who
    /// knows a token from before a login has nothing. What is to be kept of it goes into `data`.
    ///
    /// # Errors
    ///
    /// [`SessionError::Revoked`] if all sessions of the user were revoked since the login began;
    /// else as [`Sessions::create`](crate::Sessions::create).
    ///
    /// # Cancel safety
    ///
    /// Dropped, there may be a session that nobody has the token of; it ends when it is idle.
    ///
    /// See [`Visitor`] for an example.
    pub async fn finish_login(
        &self,
        login: Login<D>,
        data: D,
    ) -> Result<CurrentSession<D>, SessionError> {
        let mut known = self.known().await;
        let session = login.finish(data, self.context().clone()).await?;
        Ok(self.replace(&mut known, session).await)
    }

    /// Both steps of a login at once, for users who are known to be who they are, as after a
    /// sign-up.
    ///
    /// # Errors
    ///
    /// As [`Sessions::create`](crate::Sessions::create).
    ///
    /// # Cancel safety
    ///
    /// As [`finish_login`](Self::finish_login).
    ///
    /// ```
    /// use cache_runtime::{SessionError, Visitor};
    ///
    /// async fn sign_up(visitor: Visitor<u32>) -> Result<(), SessionError> {
    ///     let user = 42; // a new one
    ///     visitor.log_in(user, 0).await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn log_in(
        &self,
        user: impl Display,
        data: D,
    ) -> Result<CurrentSession<D>, SessionError> {
        let login = self.begin_login(user).await?;
        self.finish_login(login, data).await
    }

    /// Makes a session of nobody, such as for a basket, in place of the one that the browser had.
    ///
    /// # Errors
    ///
    /// As [`Sessions::create_anonymous`](crate::Sessions::create_anonymous).
    ///
    /// # Cancel safety
    ///
    /// As [`finish_login`](Self::finish_login).
    ///
    /// ```
    /// use cache_runtime::{SessionError, Visitor};
    ///
    /// async fn fill_basket(visitor: Visitor<u32>) -> Result<(), SessionError> {
    ///     if visitor.session().await?.is_none() {
    ///         visitor.start(0).await?;
    ///     }
    ///     visitor.update(|books| *books += 1).await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn start(&self, data: D) -> Result<CurrentSession<D>, SessionError> {
        let mut known = self.known().await;
        let context = self.context().clone();
        let session = self.sessions().create_anonymous(data, context).await?;
        Ok(self.replace(&mut known, session).await)
    }

    async fn replace(&self, known: &mut Known<D>, session: Session<D>) -> CurrentSession<D> {
        let former = known.token().cloned();
        // Before anything is awaited: from here on there is a session, and the browser learns it.
        let session = self.keep(known, session);
        if let Some(former) = former {
            // The login is done, whatever becomes of the other one; it ends when it is idle.
            let _ = self.sessions().delete(&former).await;
        }
        session
    }

    /// Changes the session's data; if somebody else changes it meanwhile, once more on what is
    /// there then.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if there is no session, or not any more; else as
    /// [`Sessions::update`](crate::Sessions::update).
    ///
    /// # Cancel safety
    ///
    /// As [`Sessions::update`](crate::Sessions::update).
    ///
    /// See [`start`](Self::start) for an example.
    pub async fn update(
        &self,
        change: impl FnMut(&mut D) + Send,
    ) -> Result<CurrentSession<D>, SessionError> {
        let mut known = self.known().await;
        let token = known.token().ok_or(SessionError::Gone)?.clone();
        let session = self.sessions().update(&token, change).await?;
        Ok(read(&mut known, session))
    }

    /// Gives the session a new token, and the browser a new cookie: when its user may do more than
    /// before. Requests that are under way with the old one still get through, for a few seconds.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if there is no session; [`SessionError::Superseded`] if a request
    /// beside this one has just done it; else as [`Sessions::rotate`](crate::Sessions::rotate).
    ///
    /// # Cancel safety
    ///
    /// Dropped, the session may have a token that nobody knows, and then ends after the grace: the
    /// browser has to log in again.
    ///
    /// ```
    /// use cache_runtime::{SessionError, Visitor};
    ///
    /// async fn enter_admin_mode(visitor: Visitor<u32>) -> Result<(), SessionError> {
    ///     visitor.update(|level| *level = 2).await?;
    ///     visitor.rotate().await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn rotate(&self) -> Result<CurrentSession<D>, SessionError> {
        let mut known = self.known().await;
        let token = known.token().ok_or(SessionError::Gone)?.clone();
        let session = self.sessions().rotate(&token).await?;
        Ok(self.keep(&mut known, session))
    }

    /// Lets the session live for so long at least, if nobody uses it.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if there is no session; else as [`Sessions::extend`](crate::Sessions::extend).
    ///
    /// # Cancel safety
    ///
    /// Dropped, it is extended or not.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cache_runtime::{SessionError, Visitor};
    ///
    /// async fn still_here(visitor: Visitor<u32>) -> Result<(), SessionError> {
    ///     visitor.extend(Duration::from_secs(1800)).await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn extend(&self, by: Duration) -> Result<SystemTime, SessionError> {
        let known = self.known().await;
        let token = known.token().ok_or(SessionError::Gone)?;
        self.sessions().extend(token, by).await
    }

    /// Ends the session, has the browser forget it, and says whether there was one.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`]: the session may still be there, so the browser keeps it, and
    /// can try again.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the session is deleted or not.
    ///
    /// See [`Visitor`] for an example.
    pub async fn log_out(&self) -> Result<bool, SessionError> {
        let mut known = self.known().await;
        let was_there = match known.token() {
            Some(token) => self.sessions().delete(token).await?,
            None => false,
        };
        self.forget(&mut known);
        Ok(was_there)
    }

    /// Ends all sessions of this one's user but this one, and says how many there were.
    ///
    /// # Errors
    ///
    /// As [`Sessions::delete_others`](crate::Sessions::delete_others); [`SessionError::Gone`] if there is no session.
    ///
    /// # Cancel safety
    ///
    /// Dropped, all others are deleted or none.
    ///
    /// ```
    /// use cache_runtime::{SessionError, Visitor};
    ///
    /// async fn password_changed(visitor: Visitor<u32>) -> Result<(), SessionError> {
    ///     visitor.log_out_elsewhere().await?;
    ///     visitor.rotate().await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn log_out_elsewhere(&self) -> Result<u64, SessionError> {
        let known = self.known().await;
        let token = known.token().ok_or(SessionError::Gone)?;
        self.sessions().delete_others(token).await
    }

    /// Ends all sessions of this one's user, this one too, and says how many there were. One of
    /// nobody ends alone.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`]: they may still be there.
    ///
    /// # Cancel safety
    ///
    /// Dropped, all are deleted or none.
    ///
    /// ```
    /// use cache_runtime::{SessionError, Visitor};
    ///
    /// async fn erase_account(visitor: Visitor<u32>) -> Result<(), SessionError> {
    ///     visitor.log_out_everywhere().await?;
    ///     Ok(())
    /// }
    /// ```
    pub async fn log_out_everywhere(&self) -> Result<u64, SessionError> {
        let session = self.session().await?;
        let Some(user) = session.as_ref().and_then(|session| session.user()) else {
            return self.log_out().await.map(u64::from);
        };
        let mut known = self.known().await;
        let ended = self.sessions().delete_all(user).await?;
        self.forget(&mut known);
        Ok(ended)
    }
}
