//! All sessions of a user, and all there are.

use std::fmt::Display;

use super::events::{Count, SessionEvent};
use super::id::SessionId;
use super::listing::{SessionCleanup, SessionInfo, SessionStats};
use super::record::{Body, Part};
use super::shared::{Place, Shared};
use super::token::SessionToken;
use super::view::Times;
use super::{SessionError, Sessions};
use crate::store::{Digest, Head, SessionCursor, SessionField, SessionTally, locator_of};

impl<D> Sessions<D> {
    /// A user's sessions, the one used last first; in one round trip.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`], [`SessionError::Corrupt`].
    ///
    /// # Cancel safety
    ///
    /// Changes nothing.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// sessions.create("ada", 1, SessionContext::new()).await?;
    /// sessions.create("ada", 2, SessionContext::new()).await?;
    /// sessions.create("bob", 3, SessionContext::new()).await?;
    /// assert_eq!(sessions.list("ada").await?.len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn list(&self, user: impl Display) -> Result<Vec<SessionInfo>, SessionError> {
        let shared = &*self.shared;
        let key = shared.key(&locator_of(&shared.name, &user.to_string()));
        let listed = shared.store().list_sessions(&key).await;
        let listed = listed
            .map_err(|fault| shared.unavailable("listing a user's sessions", fault))?
            .ok_or(SessionError::Corrupt)?;
        let info = |(id, head): (SessionField, Head)| {
            let id = SessionId(id);
            let key = key.clone();
            shared.info(&Place { key, id }, &head)
        };
        let mut all: Vec<_> = listed.into_iter().map(info).collect();
        all.sort_by_key(|session| std::cmp::Reverse((session.accessed_at, session.created_at)));
        Ok(all)
    }

    /// Ends one of a user's sessions by its name, as a device list does; says whether there was one.
    ///
    /// The user is the one who asks: a name says nothing about whose session it is.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`]: the session may still be there.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the session is deleted or not.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let session = sessions.create("ada", 7, SessionContext::new()).await?;
    /// assert!(!sessions.delete_by_id("bob", &session.id()).await?);
    /// assert!(sessions.delete_by_id("ada", &session.id()).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_by_id(
        &self,
        user: impl Display,
        id: &SessionId,
    ) -> Result<bool, SessionError> {
        let locator = locator_of(&self.shared.name, &user.to_string());
        let _changing = self.shared.changing(locator);
        let key = self.shared.key(&locator);
        self.shared.delete(&Place { key, id: *id }, None).await
    }

    /// Ends all sessions of a user, in one atomic step, and says how many there were.
    ///
    /// A login that has [begun](Sessions::begin_login) before makes no session after it.
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
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// sessions.create("ada", 1, SessionContext::new()).await?;
    /// sessions.create("ada", 2, SessionContext::new()).await?;
    /// assert_eq!(sessions.delete_all("ada").await?, 2);
    /// assert_eq!(sessions.delete_all("ada").await?, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_all(&self, user: impl Display) -> Result<u64, SessionError> {
        let shared = &*self.shared;
        let locator = locator_of(&shared.name, &user.to_string());
        let _changing = shared.changing(locator);
        let revoked = shared.store().revoke_sessions(&shared.key(&locator)).await;
        let revoked =
            revoked.map_err(|fault| shared.unavailable("ending a user's sessions", fault))?;
        shared.revoked(revoked);
        Ok(revoked)
    }

    /// Ends all sessions of a user but this one, in one atomic step, and says how many there were:
    /// "sign out everywhere else", and after a change of password.
    ///
    /// A login that has [begun](Sessions::begin_login) before makes no session after it.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] or [`SessionError::Superseded`] if this is no session, or not any
    /// more: then nothing is deleted. [`SessionError::Unavailable`]: they may still be there.
    ///
    /// # Cancel safety
    ///
    /// Dropped, all others are deleted or none.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let here = sessions.create("ada", 1, SessionContext::new()).await?;
    /// let there = sessions.create("ada", 2, SessionContext::new()).await?;
    /// assert_eq!(sessions.delete_others(here.token()).await?, 1);
    /// assert!(sessions.get(here.token()).await?.is_some());
    /// assert!(sessions.get(there.token()).await?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_others(&self, token: &SessionToken) -> Result<u64, SessionError> {
        let shared = &*self.shared;
        let place = shared.place(token);
        let _changing = shared.changing(token.locator());
        let digest = token.digest();
        let change = shared.store().revoke_others(place.at(), &digest).await;
        let revoked = shared.done(change, &place, "ending a user's other sessions")?;
        shared.revoked(revoked);
        Ok(revoked)
    }

    /// Counts all sessions of this kind, in bounded steps.
    ///
    /// It goes over every key of the store, so it is for dashboards and not for each request. What
    /// comes and goes meanwhile may or may not be counted.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`].
    ///
    /// # Cancel safety
    ///
    /// Changes nothing.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// sessions.create("ada", 7, SessionContext::new()).await?;
    /// assert_eq!(sessions.stats().await?.users, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn stats(&self) -> Result<SessionStats, SessionError> {
        Ok(self.shared.sweep_all(false).await?.into())
    }

    /// Removes what is left of ended sessions, in bounded steps, and says what it has done.
    ///
    /// The background does it, too; see
    /// [`cleanup_every`](crate::SessionsBuilder::cleanup_every).
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`]: some may be removed.
    ///
    /// # Cancel safety
    ///
    /// Dropped, some are removed.
    ///
    /// ```
    /// # use cache_runtime::{Cache, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let cleanup = Sessions::<u32>::new(&Cache::in_memory()).cleanup().await?;
    /// assert_eq!((cleanup.seen, cleanup.removed), (0, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn cleanup(&self) -> Result<SessionCleanup, SessionError> {
        let cleanup = SessionCleanup::from(self.shared.sweep_all(true).await?);
        self.shared.events.tell(SessionEvent::Cleaned(cleanup));
        Ok(cleanup)
    }

    /// Says what [`cleanup`](Self::cleanup) would do, and does nothing.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`].
    ///
    /// # Cancel safety
    ///
    /// Changes nothing.
    ///
    /// ```
    /// # use cache_runtime::{Cache, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// assert_eq!(sessions.cleanup_dry_run().await?.removed, 0);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn cleanup_dry_run(&self) -> Result<SessionCleanup, SessionError> {
        Ok(self.shared.sweep_all(false).await?.into())
    }
}

impl Shared {
    pub(super) async fn delete(
        &self,
        place: &Place,
        digest: Option<&Digest>,
    ) -> Result<bool, SessionError> {
        let was_there = self.store().delete_session(place.at(), digest).await;
        let was_there = was_there.map_err(|fault| self.unavailable("deleting a session", fault))?;
        if was_there {
            self.tell(Count::Deleted, SessionEvent::Deleted(place.id));
        }
        Ok(was_there)
    }

    fn info(&self, place: &Place, head: &Head) -> SessionInfo {
        let body: Option<Body> = self.records.read(place.at(), Part::Body, &head.body);
        let times = Times::of(head, self.zero);
        SessionInfo {
            id: place.id,
            created_at: times.created,
            accessed_at: times.accessed,
            expires_at: times.expires,
            ends_at: times.ends,
            context: body.map(|body| body.context).unwrap_or_default(),
        }
    }

    fn revoked(&self, revoked: u64) {
        self.events.add(Count::Revoked, revoked);
        self.events.tell(SessionEvent::Revoked(revoked));
    }

    async fn sweep_all(&self, removes: bool) -> Result<SessionTally, SessionError> {
        let (mut cursor, mut all) = (SessionCursor::default(), SessionTally::default());
        while !cursor.is_done() {
            let tally;
            (cursor, tally) = self.sweep(cursor, removes).await?;
            all += tally;
        }
        Ok(all)
    }
}
