//! Who sends a request, as far as a session says: read once, and what it means for the cookie.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::current::CurrentSession;
use crate::session::{Session, SessionContext, SessionError, SessionToken, Sessions};

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
pub(super) enum Known<D> {
    /// The token that came with it; nobody has asked yet.
    Brought(SessionToken),
    Read(CurrentSession<D>),
    Nothing,
}

impl<D> Known<D> {
    pub(super) fn token(&self) -> Option<&SessionToken> {
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

    pub(super) async fn known(&self) -> tokio::sync::MutexGuard<'_, Known<D>> {
        self.0.was_asked.store(true, Ordering::Relaxed);
        self.0.known.lock().await
    }

    /// Has the browser keep a session's token.
    pub(super) fn keep(&self, known: &mut Known<D>, session: Session<D>) -> CurrentSession<D> {
        let (token, ends) = (session.token().clone(), session.ends_at());
        *self.0.cookie.lock() = Some(CookieChange::Kept { token, ends });
        read(known, session)
    }

    /// Has the browser forget it.
    pub(super) fn forget(&self, known: &mut Known<D>) {
        *known = Known::Nothing;
        if self.0.has_cookie {
            *self.0.cookie.lock() = Some(CookieChange::Removed);
        } else {
            // One that was to be kept a moment ago.
            *self.0.cookie.lock() = None;
        }
    }
}

pub(super) fn read<D>(known: &mut Known<D>, session: Session<D>) -> CurrentSession<D> {
    let session = CurrentSession::new(session);
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
