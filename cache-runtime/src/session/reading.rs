//! A session is made, and read.

use std::fmt::Display;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::SessionContext;
use super::events::{Count, SessionEvent};
use super::fallback::Moment;
use super::record::{Body, Part};
use super::shared::{Place, Shared};
use super::token::{SessionToken, random_locator};
use super::{Session, SessionError, Sessions};
use crate::entry::Generation;
use crate::error::Fault;
use crate::store::{ANONYMOUS, Creation, Found, Idle, NewSession, StoredSession, locator_of};

/// Two names of 96 random bits that meet are a broken generator.
const TRIES: usize = 3;

/// A session to be made.
pub(super) struct Made<D> {
    /// Nothing: it is nobody's.
    pub(super) user: Option<String>,
    pub(super) data: D,
    pub(super) context: SessionContext,
    /// Of the login that makes it.
    pub(super) expected: Option<Generation>,
}

impl<D: Serialize + DeserializeOwned> Sessions<D> {
    /// Makes a session for a user who has just proved to be that user.
    ///
    /// The user is whatever tells users apart for good, as their number; it is not looked up. A
    /// login that checks a password, or anything else that takes a while, is safer with
    /// [`begin_login`](Self::begin_login).
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`], [`SessionError::TooMany`], [`SessionError::Encode`],
    /// [`SessionError::Corrupt`], [`SessionError::NoRandomness`].
    ///
    /// # Cancel safety
    ///
    /// Dropped, or after [`SessionError::Unavailable`], there may be a session whose token nobody
    /// has; it ends when it has been idle for its time.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let session = sessions.create(42, 0, SessionContext::new()).await?;
    /// assert_eq!(session.user(), Some("42"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(
        &self,
        user: impl Display,
        data: D,
        context: SessionContext,
    ) -> Result<Session<D>, SessionError> {
        let made = Made {
            user: Some(user.to_string()),
            data,
            context,
            expected: None,
        };
        self.make(made).await
    }

    /// Makes a session that is nobody's, as for a basket before the login.
    ///
    /// At the login, [`Login::upgrade`](crate::Login::upgrade) replaces it.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cancel safety
    ///
    /// As [`create`](Self::create).
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let session = sessions.create_anonymous(0, SessionContext::new()).await?;
    /// assert!(session.is_anonymous());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_anonymous(
        &self,
        data: D,
        context: SessionContext,
    ) -> Result<Session<D>, SessionError> {
        let made = Made {
            user: None,
            data,
            context,
            expected: None,
        };
        self.make(made).await
    }

    /// The session that a token proves; nothing if there is none, or none any more.
    ///
    /// One round trip. When it is due, the same round trip writes down that the session was used,
    /// which moves the end of its idle time; the data is not rewritten. A session that can't be read
    /// counts as missing, and is told as [`SessionEvent::Unreadable`].
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`]: nobody knows whether there is such a session.
    ///
    /// # Cancel safety
    ///
    /// Dropped, the session may count as used.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, SessionToken, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// let session = sessions.create("ada", 7, SessionContext::new()).await?;
    /// let found = sessions.get(session.token()).await?;
    /// assert_eq!(found.map(|session| *session.data()), Some(7));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get(&self, token: &SessionToken) -> Result<Option<Session<D>>, SessionError> {
        let shared = &*self.shared;
        let place = shared.place(token);
        let locator = token.locator();
        let now = shared.store().now();
        let mark = shared
            .copies
            .as_ref()
            .map(|copies| copies.mark(&locator, now));
        match self.found(token, &place, Some(shared.idle)).await {
            Ok(Some(stored)) => {
                let stored = Arc::new(stored);
                let session = shared.session(token, &place, &stored);
                if let (Some(copies), Some(mark)) = (&shared.copies, mark)
                    && session.is_some()
                    && !stored.head.is_former
                {
                    copies.keep(token, &stored, mark);
                }
                shared.count_read(session.is_some());
                Ok(session)
            }
            Ok(None) => {
                if let Some(copies) = &shared.copies {
                    copies.drop_one(token);
                }
                shared.count_read(false);
                Ok(None)
            }
            Err(fault) => self.answer_from_copy(token, &place, fault),
        }
    }

    fn answer_from_copy(
        &self,
        token: &SessionToken,
        place: &Place,
        fault: Fault,
    ) -> Result<Option<Session<D>>, SessionError> {
        let shared = &*self.shared;
        let error = shared.unavailable("reading a session", fault);
        let now = Moment::new(shared.store().now());
        let copy = shared
            .copies
            .as_ref()
            .and_then(|copies| copies.answer(token, now));
        let session = copy.and_then(|stored| shared.session::<D>(token, place, &stored));
        let Some(mut session) = session else {
            return Err(error);
        };
        session.is_fallback = true;
        shared.tell(Count::FromMemory, SessionEvent::FromMemory(place.id));
        Ok(Some(session))
    }

    /// What the store has of it, and nothing of what can't be read even there.
    pub(super) async fn found(
        &self,
        token: &SessionToken,
        place: &Place,
        idle: Option<Idle>,
    ) -> Result<Option<StoredSession>, Fault> {
        let shared = &*self.shared;
        let digest = token.digest();
        Ok(
            match shared
                .store()
                .get_session(place.at(), &digest, idle)
                .await?
            {
                Found::Session(stored) => Some(stored),
                Found::Absent => None,
                Found::Expired => {
                    shared.tell(Count::Expired, SessionEvent::Expired(place.id));
                    None
                }
                Found::Corrupt => {
                    shared.unreadable(place.id);
                    None
                }
            },
        )
    }

    pub(super) async fn make(&self, made: Made<D>) -> Result<Session<D>, SessionError> {
        let Made {
            user,
            data,
            context,
            expected,
        } = made;
        let shared = &*self.shared;
        let (locator, flags) = match &user {
            Some(user) => (locator_of(&shared.name, user), 0),
            None => (random_locator()?, ANONYMOUS),
        };
        let body = Body { user, context };
        for _ in 0..TRIES {
            let token = SessionToken::generate(locator)?;
            let place = shared.place(&token);
            let new = NewSession {
                at: place.at(),
                digest: &token.digest(),
                flags,
                end: shared.store().now().saturating_add(shared.lifetime),
                idle: shared.idle,
                body: &shared.records.write(place.at(), Part::Body, &body)?,
                data: &shared.records.write(place.at(), Part::Data, &data)?,
                expected,
                limit: shared.limit,
            };
            let creation = shared.store().create_session(new).await;
            let creation =
                creation.map_err(|fault| shared.unavailable("making a session", fault))?;
            let head = match creation {
                Creation::Created { head, evicted } => {
                    shared.made(&token, evicted);
                    head
                }
                Creation::Collision => continue,
                Creation::Revoked => {
                    shared.tell(Count::Overtaken, SessionEvent::Overtaken);
                    return Err(SessionError::Revoked);
                }
                Creation::Full => {
                    shared.tell(Count::Refused, SessionEvent::Refused);
                    return Err(SessionError::TooMany);
                }
                Creation::Corrupt => {
                    shared.unreadable(place.id);
                    return Err(SessionError::Corrupt);
                }
            };
            return Ok(Session::new(token, body, data, &head, shared.zero));
        }
        Err(SessionError::NoRandomness)
    }
}

impl Shared {
    /// The session as its reader gets it; nothing, and one event, if it can't be read.
    pub(super) fn session<D: DeserializeOwned>(
        &self,
        token: &SessionToken,
        place: &Place,
        stored: &StoredSession,
    ) -> Option<Session<D>> {
        let read = || {
            let at = place.at();
            let body: Body = self.records.read(at, Part::Body, &stored.head.body)?;
            let data = self.records.read(at, Part::Data, &stored.data)?;
            // What was put where another user's sessions lie is nobody's.
            let is_theirs = |user| locator_of(&self.name, user) == token.locator();
            body.user
                .as_deref()
                .is_none_or(is_theirs)
                .then(|| Session::new(token.clone(), body, data, &stored.head, self.zero))
        };
        let session = read();
        if session.is_none() {
            self.unreadable(place.id);
        }
        session
    }

    fn count_read(&self, is_found: bool) {
        let count = if is_found {
            Count::Found
        } else {
            Count::Missing
        };
        self.events.count(count);
    }

    fn made(&self, token: &SessionToken, evicted: u32) {
        self.tell(Count::Created, SessionEvent::Created(token.id()));
        if evicted > 0 {
            // Their names are not told, so no copy of this user's stays.
            drop(self.changing(token.locator()));
            self.events.add(Count::Evicted, evicted.into());
            self.events.tell(SessionEvent::Evicted(evicted));
        }
    }
}
