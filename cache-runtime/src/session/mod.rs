//! Sessions: who is logged in, on which devices, and what the application remembers of them.
//!
//! `token` is what a browser has, `record` how a session's content is written, `shared` what all
//! handles have in common; `reading`, `changing` and `users` are the operations, `login` the one
//! that takes two steps. What a store does in one step is `store/sessions.rs`.

mod auth;
#[cfg(feature = "axum")]
mod axum;
mod builder;
mod changing;
mod cleaner;
mod context;
#[cfg(feature = "session-encryption")]
mod encryption;
mod error;
mod events;
mod fallback;
mod id;
mod lifetimes;
mod listing;
mod login;
mod reading;
mod record;
mod shared;
mod text;
mod token;
#[cfg(feature = "tower-sessions")]
mod tower;
mod users;
mod view;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cache::Cache;
use shared::Shared;

pub use auth::{AuthError, AuthLogin, AuthSession, AuthSessions, Identity};
#[cfg(feature = "axum")]
pub use axum::{CurrentSession, SameSite, SessionLayer, SessionRejection, SessionService, Visitor};
pub use builder::SessionsBuilder;
pub use context::SessionContext;
#[cfg(feature = "session-encryption")]
pub use encryption::Encryption;
pub use error::SessionError;
pub use events::{SessionCounts, SessionEvent, SessionEvents};
pub use fallback::SessionFallback;
pub use id::{NotASessionId, SessionId};
pub use lifetimes::AdaptiveIdle;
pub use listing::{SessionCleanup, SessionInfo, SessionStats};
pub use login::Login;
pub use token::SessionToken;
#[cfg(feature = "tower-sessions")]
pub use tower::TowerStore;
pub use view::Session;

/// Sessions that hold a `D` each, in a cache's store.
///
/// A session belongs to a user, or to nobody yet, and is proved by a [`SessionToken`]. It ends when
/// nobody has used it for a while ([`AdaptiveIdle`]), when its absolute lifetime is over, or when it
/// is deleted, which is final: nothing that was under way brings it back. All sessions of a user are
/// one key of the store, so every operation is one atomic step on a server, behind sentinels, on a
/// cluster and in memory. `docs/sessions.md` has the whole story.
///
/// `D` is stored as JSON, so a new version of the program may add fields that have a default. The
/// handle is cheap to clone.
///
/// ```
/// use cache_runtime::{Cache, SessionContext, SessionToken, Sessions};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Basket {
///     books: Vec<String>,
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::SessionError> {
/// let sessions = Sessions::<Basket>::new(&Cache::in_memory());
///
/// // At the login, after the password was checked.
/// let context = SessionContext::new().user_agent("Firefox");
/// let session = sessions.create("ada", Basket::default(), context).await?;
/// let cookie = session.token().expose();
///
/// // With each request.
/// let token = SessionToken::parse(&cookie).expect("a token");
/// let session = sessions.get(&token).await?.expect("a session");
/// assert_eq!(session.user(), Some("ada"));
/// sessions.update(&token, |basket| basket.books.push("Emma".to_owned())).await?;
///
/// // "Sign out", and "sign out everywhere".
/// assert!(sessions.delete(&token).await?);
/// assert_eq!(sessions.delete_all("ada").await?, 0);
/// # Ok(())
/// # }
/// ```
pub struct Sessions<D> {
    shared: Arc<Shared>,
    data: PhantomData<fn() -> D>,
}

impl<D: Serialize + DeserializeOwned> Sessions<D> {
    /// Sessions in a cache's store, with the lifetime of its configuration and all else as
    /// [`builder`](Self::builder) has it.
    ///
    /// ```
    /// use cache_runtime::{Cache, Sessions};
    ///
    /// let sessions = Sessions::<u32>::new(&Cache::in_memory());
    /// ```
    pub fn new(cache: &Cache) -> Self {
        SessionsBuilder::new(cache).unchecked()
    }

    /// Settings for sessions of your own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use cache_runtime::{Cache, Sessions};
    ///
    /// # fn main() -> Result<(), cache_runtime::ConfigError> {
    /// let sessions = Sessions::<u32>::builder(&Cache::in_memory())
    ///     .idle(Duration::from_secs(900))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(cache: &Cache) -> SessionsBuilder<D> {
        SessionsBuilder::new(cache)
    }
}

impl<D> Sessions<D> {
    fn of(shared: Arc<Shared>) -> Self {
        let data = PhantomData;
        Self { shared, data }
    }

    /// What happens to these sessions in this process, from now on.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionEvent, Sessions};
    /// # #[tokio::main]
    /// # async fn main() {
    /// let sessions = Sessions::<()>::new(&Cache::in_memory());
    /// let mut events = sessions.events();
    /// tokio::spawn(async move {
    ///     while let Some(event) = events.next().await {
    ///         if let SessionEvent::Unreadable(id) = event {
    ///             eprintln!("session {id} can't be read"); // or page somebody
    ///         }
    ///     }
    /// });
    /// # }
    /// ```
    pub fn events(&self) -> SessionEvents {
        self.shared.events.listen()
    }

    /// What these sessions have counted in this process.
    ///
    /// ```
    /// # use cache_runtime::{Cache, SessionContext, Sessions};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), cache_runtime::SessionError> {
    /// let sessions = Sessions::<()>::new(&Cache::in_memory());
    /// let session = sessions.create("ada", (), SessionContext::new()).await?;
    /// sessions.get(session.token()).await?;
    /// assert_eq!((sessions.counts().created, sessions.counts().found), (1, 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn counts(&self) -> SessionCounts {
        self.shared.events.counts()
    }

    /// The cache in whose store they are.
    ///
    /// ```
    /// # use cache_runtime::{Cache, Sessions};
    /// assert!(!Sessions::<()>::new(&Cache::in_memory()).cache().is_redis());
    /// ```
    pub fn cache(&self) -> &Cache {
        &self.shared.cache
    }
}

impl<D> Clone for Sessions<D> {
    fn clone(&self) -> Self {
        Self::of(self.shared.clone())
    }
}

impl<D> fmt::Debug for Sessions<D> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Sessions")
            .field("name", &self.shared.name)
            .field("cache", &self.shared.cache)
            .finish_non_exhaustive()
    }
}
