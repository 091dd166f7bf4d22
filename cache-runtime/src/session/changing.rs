//! A session is changed, prolonged, given another token, ended.

use std::time::{Duration, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::events::{Count, SessionEvent};
use super::lifetimes::millis;
use super::record::Part;
use super::shared::{Place, Shared};
use super::token::SessionToken;
use super::view::Times;
use super::{Session, SessionError, Sessions};
use crate::error::Fault;
use crate::retry::sleep;
use crate::store::{Change, Head, Rotation, Saving, StoredSession};

/// How often an update is tried that meets others.
const TRIES: u32 = 24;
/// How long it waits between two of the later tries, at most.
const PAUSE: Duration = Duration::from_millis(10);
/// How often a rotation is sent whose answer is lost.
const SENDINGS: usize = 3;

const CHANGING: &str = "changing a session";

impl<D: Serialize + DeserializeOwned> Sessions<D> {
    /// Changes what a session holds, so that no two changes lose each other.
    ///
    /// If somebody else has changed the session meanwhile, `change` runs again on what is there now,
    /// so it should do nothing but change the data. The session ends when it would have ended.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if there is no such session, or not any more: nothing is brought back.
    /// [`SessionError::Conflict`] after 24 tries. [`SessionError::Unavailable`]: it may be done.
    /// [`SessionError::Encode`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, the change is made or not.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let session = sessions.create("ada", 7, SessionContext::new()).await?;
    /// let session = sessions.update(session.token(), |visits| *visits += 1).await?;
    /// assert_eq!(*session.data(), 8);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update(
        &self,
        token: &SessionToken,
        mut change: impl FnMut(&mut D),
    ) -> Result<Session<D>, SessionError> {
        let shared = &*self.shared;
        let place = shared.place(token);
        let mut session = self.present(token, &place, CHANGING).await?;
        let _changing = shared.changing(token.locator());
        for tried in 1..=TRIES {
            change(&mut session.data);
            let saved = self.save_once(&mut session, &place).await?;
            let Some(stored) = saved else {
                return Ok(session);
            };
            if tried > 2 {
                sleep(PAUSE.mul_f64(rand::random())).await;
            }
            let now: Option<Session<D>> = shared.session(token, &place, &stored);
            session = now.ok_or(SessionError::Gone)?;
        }
        Err(SessionError::Conflict)
    }

    /// Stores what a session holds, if nobody else has changed it since it was read.
    ///
    /// The session ends when it would have ended. After [`SessionError::Conflict`], read it again,
    /// or use [`update`](Self::update), which does.
    ///
    /// # Errors
    ///
    /// [`SessionError::Conflict`]; [`SessionError::Gone`], also if the token was replaced and its
    /// grace is over; [`SessionError::Unavailable`], [`SessionError::Encode`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, the change is made or not; if it was, another `save` of this value is a conflict.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, SessionError, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let mut here = sessions.create("ada", 7, SessionContext::new()).await?;
    /// let mut there = sessions.get(here.token()).await?.expect("a session");
    /// *here.data_mut() = 8;
    /// sessions.save(&mut here).await?;
    /// *there.data_mut() = 9;
    /// assert!(matches!(sessions.save(&mut there).await, Err(SessionError::Conflict)));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn save(&self, session: &mut Session<D>) -> Result<(), SessionError> {
        let place = self.shared.place(&session.token);
        let _changing = self.shared.changing(session.token.locator());
        match self.save_once(session, &place).await? {
            None => Ok(()),
            Some(_) => Err(SessionError::Conflict),
        }
    }

    /// Lets a session live for `by` from now on at least, if nobody uses it.
    ///
    /// Not longer than [`AdaptiveIdle::most`](crate::AdaptiveIdle::most), and not past its absolute
    /// lifetime. Says when it ends now.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`], [`SessionError::Unavailable`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, it is prolonged or not.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let session = sessions.create("ada", 7, SessionContext::new()).await?;
    /// let end = sessions.extend(session.token(), Duration::from_secs(7200)).await?;
    /// assert!(end > session.expires_at());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn extend(
        &self,
        token: &SessionToken,
        by: Duration,
    ) -> Result<SystemTime, SessionError> {
        let shared = &*self.shared;
        let place = shared.place(token);
        let (digest, most) = (token.digest(), shared.idle.most);
        let store = shared.store();
        let change = store.extend_session(place.at(), &digest, millis(by), most);
        let head = shared.done(change.await, &place, "prolonging a session")?;
        Ok(Times::of(&head, shared.zero).expires)
    }

    /// Gives a session another token: at a login, and whenever its user may do more than before.
    ///
    /// The token given may read, save and prolong for the
    /// [`grace`](crate::SessionsBuilder::grace), 10 s, so that requests under way are answered; it
    /// can't be rotated, and gives nobody the new one. Its [`id`](Session::id) stays.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`], [`SessionError::Superseded`] if another request has rotated it,
    /// [`SessionError::NoRandomness`]. [`SessionError::Unavailable`] after three tries: if one of
    /// them was done all the same, the token given ends with its grace, and the user logs in again.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the token may be replaced by one that nobody has: await it to its end, in a task of
    /// its own if need be.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let before = sessions.create("ada", 7, SessionContext::new()).await?;
    /// let after = sessions.rotate(before.token()).await?;
    /// assert_eq!(before.id(), after.id());
    /// let former = sessions.get(before.token()).await?.expect("for ten seconds");
    /// assert!(former.is_superseded());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rotate(&self, token: &SessionToken) -> Result<Session<D>, SessionError> {
        const ROTATING: &str = "rotating a session's token";
        let shared = &*self.shared;
        let place = shared.place(token);
        let mut session = self.present(token, &place, ROTATING).await?;
        let fresh = token.renewed()?;
        let _changing = shared.changing(token.locator());
        let changed = self.sent_rotation(token, &place, &fresh).await;
        let head = shared.done(changed, &place, ROTATING)?;
        shared.tell(Count::Rotated, SessionEvent::Rotated(place.id));
        // Saved in between: what was read is older than what is there.
        if head.revision != session.revision
            && let Ok(Some(stored)) = self.found(&fresh, &place, None).await
            && let Some(now) = shared.session(&fresh, &place, &stored)
        {
            return Ok(now);
        }
        session.times = Times::of(&head, shared.zero);
        session.token = fresh;
        Ok(session)
    }

    /// Ends a session; says whether there was one. A token that was replaced may do it, too.
    ///
    /// It is final: nothing that was under way brings the session back.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`]: the session may still be there. Let the user try again.
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
    /// assert!(sessions.delete(session.token()).await?);
    /// assert!(!sessions.delete(session.token()).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete(&self, token: &SessionToken) -> Result<bool, SessionError> {
        let digest = token.digest();
        let place = self.shared.place(token);
        let _changing = self.shared.changing(token.locator());
        self.shared.delete(&place, Some(&digest)).await
    }

    /// Reads a session that has to be there, and from the store.
    pub(super) async fn present(
        &self,
        token: &SessionToken,
        place: &Place,
        act: &'static str,
    ) -> Result<Session<D>, SessionError> {
        let shared = &*self.shared;
        let found = self.found(token, place, None).await;
        let found = found.map_err(|fault| shared.unavailable(act, fault))?;
        found
            .and_then(|stored| shared.session(token, place, &stored))
            .ok_or(SessionError::Gone)
    }

    /// Stores the session as it is here; answers what is there instead, if somebody else has
    /// changed it.
    async fn save_once(
        &self,
        session: &mut Session<D>,
        place: &Place,
    ) -> Result<Option<StoredSession>, SessionError> {
        let shared = &*self.shared;
        let data = shared
            .records
            .write(place.at(), Part::Data, &session.data)?;
        let saving = Saving {
            revision: Some(session.revision),
            data: &data,
            body: None,
            end: None,
        };
        let digest = session.token.digest();
        let change = shared
            .store()
            .save_session(place.at(), &digest, saving)
            .await;
        if let Ok(Change::Conflict(stored)) = change {
            shared.events.count(Count::Conflict);
            return Ok(Some(stored));
        }
        let head = shared.done(change, place, CHANGING)?;
        shared.events.count(Count::Saved);
        session.revision = head.revision;
        session.times = Times::of(&head, shared.zero);
        Ok(None)
    }

    /// Sent again if there was no answer: the same rotation once more is done already.
    async fn sent_rotation(
        &self,
        token: &SessionToken,
        place: &Place,
        fresh: &SessionToken,
    ) -> Result<Change<Head>, Fault> {
        let shared = &*self.shared;
        let (digest, new) = (token.digest(), fresh.digest());
        let rotation = Rotation {
            fresh: &new,
            grace: shared.grace,
            body: None,
        };
        let mut sent = 0;
        loop {
            sent += 1;
            let changed = shared.store().rotate_session(place.at(), &digest, rotation);
            match changed.await {
                Err(_) if sent < SENDINGS => sleep(PAUSE).await,
                changed => return changed,
            }
        }
    }
}

impl Shared {
    /// What a change has led to, if it was made.
    pub(super) fn done<T>(
        &self,
        change: Result<Change<T>, Fault>,
        place: &Place,
        act: &'static str,
    ) -> Result<T, SessionError> {
        match change.map_err(|fault| self.unavailable(act, fault))? {
            Change::Done(done) => Ok(done),
            Change::Gone => Err(SessionError::Gone),
            Change::Former => Err(SessionError::Superseded),
            Change::Conflict(_) => Err(SessionError::Conflict),
            Change::Corrupt => {
                self.unreadable(place.id);
                Err(SessionError::Gone)
            }
        }
    }
}
