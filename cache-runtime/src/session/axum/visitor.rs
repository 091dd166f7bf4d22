//! Who sends a request, as far as a session says.

use std::fmt::{self, Display};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::session::{Login, Session, SessionContext, SessionError, SessionToken, Sessions};

/// The session of this request, as it was when it was first asked for or last changed.
///
/// As an extractor it lets nobody in who has none (401), and asks nobody to log in while Redis is
/// away (503). `Option<CurrentSession<D>>` lets everybody in. However many ask for it in a request,
/// it is read once.
///
/// ```
/// use axum::{Router, routing::get};
/// use cache_runtime::{Cache, CurrentSession, SessionLayer, Sessions};
///
/// async fn home(session: CurrentSession<u32>) -> String {
///     format!("you are {:?}", session.user())
/// }
///
/// async fn front(session: Option<CurrentSession<u32>>) -> &'static str {
///     if session.is_some() { "welcome back" } else { "welcome" }
/// }
///
/// let sessions = Sessions::<u32>::new(&Cache::in_memory());
/// let app: Router = Router::new()
///     .route("/", get(front))
///     .route("/home", get(home))
///     .layer(SessionLayer::new(sessions));
/// ```
pub struct CurrentSession<D>(Arc<Session<D>>);

impl<D> Clone for CurrentSession<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D> Deref for CurrentSession<D> {
    type Target = Session<D>;

    fn deref(&self) -> &Session<D> {
        &self.0
    }
}

impl<D> fmt::Debug for CurrentSession<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Who sends a request: an extractor for handlers that log in, log out, or change the session.
///
/// It asks Redis when it is asked, and not before. What it does to the cookie goes out with the
/// response of the handler, at most one `Set-Cookie`; so use it while the request is handled, and
/// not in a task that outlives it. [`SessionLayer`](crate::SessionLayer) puts it there.
///
/// ```
/// use axum::{Router, response::Redirect, routing::post};
/// use cache_runtime::{Cache, SessionError, SessionLayer, Sessions, Visitor};
///
/// # fn password_is_right() -> bool { true }
/// async fn log_in(visitor: Visitor<u32>) -> Result<Redirect, SessionError> {
///     let login = visitor.begin_login("ada").await?;
///     if !password_is_right() {
///         return Ok(Redirect::to("/login?wrong"));
///     }
///     visitor.finish_login(login, 0).await?;
///     Ok(Redirect::to("/"))
/// }
///
/// async fn log_out(visitor: Visitor<u32>) -> Result<Redirect, SessionError> {
///     visitor.log_out().await?;
///     Ok(Redirect::to("/login"))
/// }
///
/// let sessions = Sessions::<u32>::new(&Cache::in_memory());
/// let app: Router = Router::new()
///     .route("/login", post(log_in))
///     .route("/logout", post(log_out))
///     .layer(SessionLayer::new(sessions));
/// ```
pub struct Visitor<D>(Arc<Visit<D>>);

struct Visit<D> {
    sessions: Sessions<D>,
    context: SessionContext,
    /// Whether there was a cookie, be it of use or not.
    has_cookie: bool,
    /// Locked while it is read or changed: who asks meanwhile gets what comes of it.
    known: tokio::sync::Mutex<Known<D>>,
    was_asked: AtomicBool,
    cookie: Mutex<Option<CookieChange>>,
}

/// What is known of the session in this request.
enum Known<D> {
    /// The token that came with it; nobody has asked yet.
    Brought(SessionToken),
    Read(CurrentSession<D>),
    Nothing,
}

impl<D> Known<D> {
    fn token(&self) -> Option<&SessionToken> {
        match self {
            Self::Brought(token) => Some(token),
            Self::Read(session) => Some(session.token()),
            Self::Nothing => None,
        }
    }
}

/// What the response is to say about the cookie.
pub(super) enum CookieChange {
    Kept {
        token: SessionToken,
        ends: SystemTime,
    },
    Removed,
}

impl<D> Visitor<D> {
    pub(super) fn new(
        sessions: Sessions<D>,
        context: SessionContext,
        token: Option<SessionToken>,
        has_cookie: bool,
    ) -> Self {
        let known = token.map_or(Known::Nothing, Known::Brought);
        Self(Arc::new(Visit {
            sessions,
            context,
            has_cookie,
            known: tokio::sync::Mutex::new(known),
            was_asked: AtomicBool::new(false),
            cookie: Mutex::new(None),
        }))
    }

    /// The sessions of the layer, for what concerns others than this one.
    ///
    /// ```
    /// use cache_runtime::{SessionError, Visitor};
    ///
    /// async fn devices(visitor: Visitor<u32>) -> Result<String, SessionError> {
    ///     let all = visitor.sessions().list("ada").await?;
    ///     Ok(format!("{} devices", all.len()))
    /// }
    /// ```
    pub fn sessions(&self) -> &Sessions<D> {
        &self.0.sessions
    }

    /// Where the request came from, as far as the layer can tell.
    ///
    /// ```
    /// async fn agent(visitor: cache_runtime::Visitor<u32>) -> String {
    ///     visitor.context().agent().unwrap_or("somebody").to_owned()
    /// }
    /// ```
    pub fn context(&self) -> &SessionContext {
        &self.0.context
    }

    /// Whether anybody has asked, so that the response depends on the cookie.
    pub(super) fn was_asked(&self) -> bool {
        self.0.was_asked.load(Ordering::Relaxed)
    }

    pub(super) fn take_cookie(&self) -> Option<CookieChange> {
        self.0.cookie.lock().take()
    }

    async fn known(&self) -> tokio::sync::MutexGuard<'_, Known<D>> {
        self.0.was_asked.store(true, Ordering::Relaxed);
        self.0.known.lock().await
    }

    fn keep(&self, known: &mut Known<D>, session: Session<D>) -> CurrentSession<D> {
        let (token, ends) = (session.token().clone(), session.ends_at());
        *self.0.cookie.lock() = Some(CookieChange::Kept { token, ends });
        read(known, session)
    }

    fn forget(&self, known: &mut Known<D>) {
        *known = Known::Nothing;
        if self.0.has_cookie {
            *self.0.cookie.lock() = Some(CookieChange::Removed);
        } else {
            // One that was to be kept a moment ago.
            *self.0.cookie.lock() = None;
        }
    }
}

fn read<D>(known: &mut Known<D>, session: Session<D>) -> CurrentSession<D> {
    let session = CurrentSession(Arc::new(session));
    *known = Known::Read(session.clone());
    session
}

impl<D: Serialize + DeserializeOwned> Visitor<D> {
    /// The session, if there is one; it is read once a request.
    ///
    /// # Errors
    ///
    /// [`SessionError::Unavailable`]: nobody knows whether there is one, so this is no reason to
    /// show a login page.
    ///
    /// # Cancel safety
    ///
    /// Changes nothing, but that the session was used may be written down.
    ///
    /// ```
    /// use cache_runtime::{SessionError, Visitor};
    ///
    /// async fn greet(visitor: Visitor<u32>) -> Result<String, SessionError> {
    ///     let session = visitor.session().await?;
    ///     let name = session.as_ref().and_then(|session| session.user());
    ///     Ok(format!("hello {}", name.unwrap_or("stranger")))
    /// }
    /// ```
    pub async fn session(&self) -> Result<Option<CurrentSession<D>>, SessionError> {
        let mut known = self.known().await;
        let token = match &*known {
            Known::Brought(token) => token.clone(),
            Known::Read(session) => return Ok(Some(session.clone())),
            Known::Nothing => return Ok(None),
        };
        let Some(session) = self.0.sessions.get(&token).await? else {
            // The cookie stays: if another tab has logged in meanwhile, it is that tab's already.
            *known = Known::Nothing;
            return Ok(None);
        };
        Ok(Some(read(&mut known, session)))
    }

    /// Begins a login, before the password is checked; [`finish_login`](Self::finish_login) makes
    /// the session.
    ///
    /// # Errors
    ///
    /// As [`Sessions::begin_login`].
    ///
    /// # Cancel safety
    ///
    /// As [`Sessions::begin_login`].
    ///
    /// See [`Visitor`] for an example.
    pub async fn begin_login(&self, user: impl Display) -> Result<Login<D>, SessionError> {
        self.0.sessions.begin_login(user).await
    }

    /// Makes the session of a user who has proved to be that user, and has the browser keep it.
    ///
    /// Whatever session the browser had until now ends, be it an anonymous one or somebody's: who
    /// knows a token from before a login has nothing. What is to be kept of it goes into `data`.
    ///
    /// # Errors
    ///
    /// [`SessionError::Revoked`] if all sessions of the user were revoked since the login began;
    /// else as [`Sessions::create`].
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
        let session = login.finish(data, self.0.context.clone()).await?;
        Ok(self.replace(&mut known, session).await)
    }

    /// Both steps of a login at once, for users who are known to be who they are, as after a
    /// sign-up.
    ///
    /// # Errors
    ///
    /// As [`Sessions::create`].
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
    /// As [`Sessions::create_anonymous`].
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
        let context = self.0.context.clone();
        let session = self.0.sessions.create_anonymous(data, context).await?;
        Ok(self.replace(&mut known, session).await)
    }

    async fn replace(&self, known: &mut Known<D>, session: Session<D>) -> CurrentSession<D> {
        let former = known.token().cloned();
        // Before anything is awaited: from here on there is a session, and the browser learns it.
        let session = self.keep(known, session);
        if let Some(former) = former {
            // The login is done, whatever becomes of the other one; it ends when it is idle.
            let _ = self.0.sessions.delete(&former).await;
        }
        session
    }

    /// Changes the session's data; if somebody else changes it meanwhile, once more on what is
    /// there then.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if there is no session, or not any more; else as
    /// [`Sessions::update`].
    ///
    /// # Cancel safety
    ///
    /// As [`Sessions::update`].
    ///
    /// See [`start`](Self::start) for an example.
    pub async fn update(
        &self,
        change: impl FnMut(&mut D) + Send,
    ) -> Result<CurrentSession<D>, SessionError> {
        let mut known = self.known().await;
        let token = known.token().ok_or(SessionError::Gone)?.clone();
        let session = self.0.sessions.update(&token, change).await?;
        Ok(read(&mut known, session))
    }

    /// Gives the session a new token, and the browser a new cookie: when its user may do more than
    /// before. Requests that are under way with the old one still get through, for a few seconds.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if there is no session; [`SessionError::Superseded`] if a request
    /// beside this one has just done it; else as [`Sessions::rotate`].
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
        let session = self.0.sessions.rotate(&token).await?;
        Ok(self.keep(&mut known, session))
    }

    /// Lets the session live for so long at least, if nobody uses it.
    ///
    /// # Errors
    ///
    /// [`SessionError::Gone`] if there is no session; else as [`Sessions::extend`].
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
        self.0.sessions.extend(token, by).await
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
            Some(token) => self.0.sessions.delete(token).await?,
            None => false,
        };
        self.forget(&mut known);
        Ok(was_there)
    }

    /// Ends all sessions of this one's user but this one, and says how many there were.
    ///
    /// # Errors
    ///
    /// As [`Sessions::delete_others`]; [`SessionError::Gone`] if there is no session.
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
        self.0.sessions.delete_others(token).await
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
        let ended = self.0.sessions.delete_all(user).await?;
        self.forget(&mut known);
        Ok(ended)
    }
}

impl<D> Clone for Visitor<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D> fmt::Debug for Visitor<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Visitor")
            .field("has_cookie", &self.0.has_cookie)
            .finish_non_exhaustive()
    }
}
