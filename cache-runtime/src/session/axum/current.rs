//! The session of a request, as its handler has it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::session::Session;

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

impl<D> CurrentSession<D> {
    pub(super) fn new(session: Session<D>) -> Self {
        Self(Arc::new(session))
    }
}

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
