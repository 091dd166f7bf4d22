//! Who may see a page, and where the others are sent.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Redirect, Response};
use cache_runtime::CurrentSession;

use super::Guest;
use crate::failure::Failure;
use crate::model::{Notice, UserId, Visit};

/// Somebody with a session, which is of a user.
pub(super) struct SignedIn {
    pub(super) id: UserId,
    pub(super) session: CurrentSession<Visit>,
    pub(super) guest: Guest,
}

impl SignedIn {
    /// On the next page.
    pub(super) async fn tell(&self, notice: Notice) -> Result<(), Failure> {
        self.guest
            .update(|visit| visit.notice = Some(notice))
            .await?;
        Ok(())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let guest = Guest::from_request_parts(parts, state).await;
        let guest = guest.map_err(axum::response::IntoResponse::into_response)?;
        // While Redis is away it is a page that says so, and not the login.
        let session = guest.session().await;
        let session = session.map_err(|error| Failure::from(error).into_response())?;
        let user = session.as_ref().and_then(|session| session.user());
        let id = user.and_then(|user| user.parse().ok()).map(UserId);
        match (id, session) {
            (Some(id), Some(session)) => Ok(Self { id, session, guest }),
            _ => Err(Redirect::to("/login").into_response()),
        }
    }
}
