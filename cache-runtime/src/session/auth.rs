//! Sessions that say what their user may do, and answers that are HTTP's.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::context::SessionContext;
use super::login::Login;
use super::token::SessionToken;
use super::{Session, SessionError, Sessions};
use crate::cache::Cache;

/// A session of somebody who is logged in.
pub type AuthSession<D> = Session<Identity<D>>;

/// A login of [`AuthSessions`] that is under way.
pub type AuthLogin<D> = Login<Identity<D>>;

/// What somebody who is logged in is, and may do, as it was at the login.
///
/// ```
/// use cache_runtime::Identity;
///
/// let identity = Identity::new("teacher", ()).allow("grade").allow("read");
/// assert!(identity.may("grade") && !identity.may("pay"));
/// assert_eq!(identity.role(), "teacher");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Identity<D> {
    role: String,
    #[serde(default)]
    permissions: BTreeSet<String>,
    /// What else the application keeps.
    pub data: D,
}

impl<D> Identity<D> {
    /// Somebody in a role, who may do nothing yet.
    ///
    /// ```
    /// # use cache_runtime::Identity;
    /// assert!(!Identity::new("guest", ()).may("read"));
    /// ```
    pub fn new(role: impl Into<String>, data: D) -> Self {
        Self {
            role: role.into(),
            permissions: BTreeSet::new(),
            data,
        }
    }

    /// The same, who may do this, too.
    ///
    /// ```
    /// # use cache_runtime::Identity;
    /// assert!(Identity::new("teacher", ()).allow("grade").may("grade"));
    /// ```
    pub fn allow(mut self, permission: impl Into<String>) -> Self {
        self.grant(permission);
        self
    }

    /// Permits this, too; for [`AuthSessions::change`].
    ///
    /// ```
    /// # use cache_runtime::Identity;
    /// let mut identity = Identity::new("teacher", ());
    /// identity.grant("grade");
    /// assert!(identity.may("grade"));
    /// ```
    pub fn grant(&mut self, permission: impl Into<String>) {
        self.permissions.insert(permission.into());
    }

    /// Permits this no more; says whether it was permitted.
    ///
    /// ```
    /// # use cache_runtime::Identity;
    /// let mut identity = Identity::new("teacher", ()).allow("grade");
    /// assert!(identity.withdraw("grade") && !identity.may("grade"));
    /// ```
    pub fn withdraw(&mut self, permission: &str) -> bool {
        self.permissions.remove(permission)
    }

    /// Another role; what is permitted stays.
    ///
    /// ```
    /// # use cache_runtime::Identity;
    /// let mut identity = Identity::new("guest", ());
    /// identity.set_role("teacher");
    /// assert_eq!(identity.role(), "teacher");
    /// ```
    pub fn set_role(&mut self, role: impl Into<String>) {
        self.role = role.into();
    }

    /// Whether this is permitted; nothing is that was not allowed.
    ///
    /// ```
    /// # use cache_runtime::Identity;
    /// assert!(!Identity::new("admin", ()).may("grade"), "a role permits nothing by itself");
    /// ```
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.contains(permission)
    }

    /// The role.
    ///
    /// ```
    /// # use cache_runtime::Identity;
    /// assert_eq!(Identity::new("teacher", ()).role(), "teacher");
    /// ```
    pub fn role(&self) -> &str {
        &self.role
    }

    /// All that is permitted, in the order of the alphabet.
    ///
    /// ```
    /// # use cache_runtime::Identity;
    /// let identity = Identity::new("teacher", ()).allow("read").allow("grade");
    /// assert!(identity.permissions().eq(["grade", "read"]));
    /// ```
    pub fn permissions(&self) -> impl Iterator<Item = &str> {
        self.permissions.iter().map(String::as_str)
    }
}

/// Why a request is not let through; [`status`](Self::status) is its answer.
///
/// ```
/// use cache_runtime::{AuthError, SessionError};
///
/// assert_eq!(AuthError::Unauthorized.status(), 401);
/// assert_eq!(AuthError::Forbidden.status(), 403);
/// assert_eq!(AuthError::from(SessionError::Gone).status(), 401);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// There is no such session, or not any more: 401, and a login page.
    #[error("not logged in")]
    Unauthorized,
    /// The session is there, and its user may not do this: 403.
    #[error("not permitted")]
    Forbidden,
    /// Nobody knows whether there is such a session: 503, and no login page.
    #[error("sessions are unavailable")]
    Unavailable(#[source] SessionError),
    /// What else can go wrong with a session: 409 if another request was quicker, 429 for too many,
    /// else 500.
    #[error("the session could not be used")]
    Failed(#[source] SessionError),
}

impl AuthError {
    /// The HTTP status that says so.
    ///
    /// ```
    /// # use cache_runtime::{AuthError, SessionError};
    /// assert_eq!(AuthError::from(SessionError::TooMany).status(), 429);
    /// ```
    pub fn status(&self) -> u16 {
        match self {
            Self::Unauthorized => 401,
            Self::Forbidden => 403,
            Self::Unavailable(_) => 503,
            Self::Failed(SessionError::Conflict | SessionError::Superseded) => 409,
            Self::Failed(SessionError::TooMany) => 429,
            Self::Failed(_) => 500,
        }
    }
}

impl From<SessionError> for AuthError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Gone | SessionError::Revoked => Self::Unauthorized,
            SessionError::Unavailable { .. } => Self::Unavailable(error),
            _ => Self::Failed(error),
        }
    }
}

/// [`Sessions`] for authentication: who is logged in, in which role, and what that permits.
///
/// ```
/// use cache_runtime::{AuthSessions, Cache, Identity, SessionContext};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::AuthError> {
/// let auth = AuthSessions::<()>::new(&Cache::in_memory());
/// let login = auth.begin_login("ada").await?;
/// // .. the password is right ..
/// let teacher = Identity::new("teacher", ()).allow("grade");
/// let cookie = login.finish(teacher, SessionContext::new()).await?.token().expose();
///
/// // With each request.
/// let session = auth.require(&cookie, "grade").await?;
/// assert_eq!((session.user(), session.data().role()), (Some("ada"), "teacher"));
/// assert_eq!(auth.require(&cookie, "pay").await.unwrap_err().status(), 403);
/// assert_eq!(auth.validate("nonsense").await.unwrap_err().status(), 401);
/// # Ok(())
/// # }
/// ```
pub struct AuthSessions<D> {
    sessions: Sessions<Identity<D>>,
}

impl<D: Serialize + DeserializeOwned> AuthSessions<D> {
    /// On sessions as [`Sessions::new`] makes them.
    ///
    /// ```
    /// # use cache_runtime::{AuthSessions, Cache};
    /// let auth = AuthSessions::<()>::new(&Cache::in_memory());
    /// ```
    pub fn new(cache: &Cache) -> Self {
        Self::over(Sessions::new(cache))
    }

    /// On sessions with settings of their own.
    ///
    /// ```
    /// # use cache_runtime::{AuthSessions, Cache, Identity, Sessions};
    /// # fn main() -> Result<(), cache_runtime::ConfigError> {
    /// let sessions = Sessions::<Identity<()>>::builder(&Cache::in_memory()).most_per_user(3);
    /// let auth = AuthSessions::over(sessions.build()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn over(sessions: Sessions<Identity<D>>) -> Self {
        Self { sessions }
    }

    /// All else that can be done with them.
    ///
    /// ```
    /// # use cache_runtime::{AuthSessions, Cache};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::AuthError> {
    /// let auth = AuthSessions::<()>::new(&Cache::in_memory());
    /// assert!(auth.sessions().list("ada").await?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn sessions(&self) -> &Sessions<Identity<D>> {
        &self.sessions
    }

    /// [`Sessions::begin_login`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// As there.
    ///
    /// ```
    /// # use cache_runtime::{AuthSessions, Cache, Identity, SessionContext};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::AuthError> {
    /// let auth = AuthSessions::<()>::new(&Cache::in_memory());
    /// let login = auth.begin_login("ada").await?;
    /// login.finish(Identity::new("guest", ()), SessionContext::new()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn begin_login(&self, user: impl Display) -> Result<AuthLogin<D>, AuthError> {
        Ok(self.sessions.begin_login(user).await?)
    }

    /// [`Sessions::create`].
    ///
    /// # Errors
    ///
    /// As there.
    ///
    /// # Cancel safety
    ///
    /// As there.
    ///
    /// ```
    /// # use cache_runtime::{AuthSessions, Cache, Identity, SessionContext};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::AuthError> {
    /// let auth = AuthSessions::<()>::new(&Cache::in_memory());
    /// let session = auth.create(42, Identity::new("guest", ()), SessionContext::new()).await?;
    /// assert_eq!(session.user(), Some("42"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create(
        &self,
        user: impl Display,
        identity: Identity<D>,
        context: SessionContext,
    ) -> Result<AuthSession<D>, AuthError> {
        Ok(self.sessions.create(user, identity, context).await?)
    }

    /// The session that a cookie's text proves, or why the request is not let through.
    ///
    /// It counts as a use of the session. An anonymous session is nobody's login.
    ///
    /// # Errors
    ///
    /// [`AuthError::Unauthorized`], and [`AuthError::Unavailable`] while Redis is away.
    ///
    /// # Cancel safety
    ///
    /// As [`Sessions::get`].
    ///
    /// ```
    /// # use cache_runtime::{AuthSessions, Cache, Identity, SessionContext};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::AuthError> {
    /// let auth = AuthSessions::<()>::new(&Cache::in_memory());
    /// let session = auth.create("ada", Identity::new("guest", ()), SessionContext::new()).await?;
    /// let cookie = session.token().expose();
    /// assert!(auth.validate(&cookie).await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn validate(&self, cookie: &str) -> Result<AuthSession<D>, AuthError> {
        let token = SessionToken::parse(cookie).ok_or(AuthError::Unauthorized)?;
        let session = self.sessions.get(&token).await?;
        session
            .filter(|session| !session.is_anonymous())
            .ok_or(AuthError::Unauthorized)
    }

    /// [`validate`](Self::validate), and whether the user may do something.
    ///
    /// # Errors
    ///
    /// As there, and [`AuthError::Forbidden`].
    ///
    /// # Cancel safety
    ///
    /// As [`Sessions::get`].
    ///
    /// ```
    /// # use cache_runtime::{AuthError, AuthSessions, Cache, Identity, SessionContext};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), AuthError> {
    /// let auth = AuthSessions::<()>::new(&Cache::in_memory());
    /// let session = auth.create("ada", Identity::new("guest", ()), SessionContext::new()).await?;
    /// let outcome = auth.require(&session.token().expose(), "grade").await;
    /// assert!(matches!(outcome, Err(AuthError::Forbidden)));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn require(
        &self,
        cookie: &str,
        permission: &str,
    ) -> Result<AuthSession<D>, AuthError> {
        let session = self.validate(cookie).await?;
        if session.data().may(permission) {
            Ok(session)
        } else {
            Err(AuthError::Forbidden)
        }
    }

    /// Whether there is no such session any more; asking does not count as a use.
    ///
    /// # Errors
    ///
    /// [`AuthError::Unavailable`] while Redis is away.
    ///
    /// # Cancel safety
    ///
    /// Changes nothing.
    ///
    /// ```
    /// # use cache_runtime::{AuthSessions, Cache, Identity, SessionContext};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::AuthError> {
    /// let auth = AuthSessions::<()>::new(&Cache::in_memory());
    /// let session = auth.create("ada", Identity::new("guest", ()), SessionContext::new()).await?;
    /// assert!(!auth.is_expired(session.token()).await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn is_expired(&self, token: &SessionToken) -> Result<bool, AuthError> {
        let place = self.sessions.shared.place(token);
        let found = self.sessions.present(token, &place, "looking at a session");
        match found.await {
            Ok(_) => Ok(false),
            Err(SessionError::Gone) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets a session live for so many minutes from now on at least; see [`Sessions::extend`].
    ///
    /// # Errors
    ///
    /// As there; a session that is gone is [`AuthError::Unauthorized`].
    ///
    /// # Cancel safety
    ///
    /// As there.
    ///
    /// ```
    /// # use cache_runtime::{AuthSessions, Cache, Identity, SessionContext};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::AuthError> {
    /// let auth = AuthSessions::<()>::new(&Cache::in_memory());
    /// let session = auth.create("ada", Identity::new("guest", ()), SessionContext::new()).await?;
    /// assert!(auth.extend_minutes(session.token(), 90).await? > session.expires_at());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn extend_minutes(
        &self,
        token: &SessionToken,
        minutes: u32,
    ) -> Result<SystemTime, AuthError> {
        let by = Duration::from_secs(u64::from(minutes) * 60);
        Ok(self.sessions.extend(token, by).await?)
    }

    /// Changes what the user is and may do, and gives the session another token, so that no token
    /// from before the change has the new rights for longer than the grace.
    ///
    /// # Errors
    ///
    /// As [`Sessions::update`] and [`Sessions::rotate`]: after an error of the second, the change is
    /// made and the token the old one. A token that was replaced changes nothing: 409.
    ///
    /// # Cancel safety
    ///
    /// As there.
    ///
    /// ```
    /// # use cache_runtime::{AuthSessions, Cache, Identity, SessionContext};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::AuthError> {
    /// let auth = AuthSessions::<()>::new(&Cache::in_memory());
    /// let session = auth.create("ada", Identity::new("guest", ()), SessionContext::new()).await?;
    /// let session = auth.change(session.token(), |identity| identity.grant("grade")).await?;
    /// assert!(auth.require(&session.token().expose(), "grade").await.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn change(
        &self,
        token: &SessionToken,
        change: impl FnMut(&mut Identity<D>),
    ) -> Result<AuthSession<D>, AuthError> {
        let place = self.sessions.shared.place(token);
        let before = self.sessions.present(token, &place, "changing a session");
        if before.await?.is_superseded() {
            return Err(SessionError::Superseded.into());
        }
        self.sessions.update(token, change).await?;
        Ok(self.sessions.rotate(token).await?)
    }
}

impl<D> Clone for AuthSessions<D> {
    fn clone(&self) -> Self {
        let sessions = self.sessions.clone();
        Self { sessions }
    }
}

impl<D> fmt::Debug for AuthSessions<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.sessions, out)
    }
}
