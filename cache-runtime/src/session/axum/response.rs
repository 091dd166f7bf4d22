//! What errors of sessions are to browsers: statuses, and nothing of what went wrong inside.

use axum_core::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};

use super::extract::SessionRejection;
use crate::session::{AuthError, SessionError};

/// When to try again if Redis is away, in seconds.
const SOON: HeaderValue = HeaderValue::from_static("1");

fn answer(status: StatusCode, said: &'static str) -> Response {
    let mut response = (status, said).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, SOON);
    }
    response
}

/// Unavailable is a 503 that says when to try again, never a 401: who is logged in stays so.
impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        match self {
            Self::Unavailable { .. } => {
                answer(StatusCode::SERVICE_UNAVAILABLE, "sessions are unavailable")
            }
            Self::Gone | Self::Revoked => answer(StatusCode::UNAUTHORIZED, "not logged in"),
            // The session is there, under a newer token, so this is no reason to log in.
            Self::Conflict | Self::Superseded => {
                answer(StatusCode::CONFLICT, "changed by another request")
            }
            Self::TooMany => answer(StatusCode::TOO_MANY_REQUESTS, "too many sessions"),
            Self::Encode { .. } | Self::Corrupt | Self::NoRandomness => {
                tracing::error!(error = %self, "a session could not be used");
                answer(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the session could not be used",
                )
            }
        }
    }
}

impl IntoResponse for SessionRejection {
    fn into_response(self) -> Response {
        match self {
            Self::Missing => answer(StatusCode::UNAUTHORIZED, "not logged in"),
            Self::Failed(error) => error.into_response(),
            Self::NoLayer { .. } => {
                tracing::error!("{self}");
                answer(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the session could not be used",
                )
            }
        }
    }
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthorized => answer(StatusCode::UNAUTHORIZED, "not logged in"),
            Self::Forbidden => answer(StatusCode::FORBIDDEN, "not permitted"),
            Self::Unavailable(error) | Self::Failed(error) => error.into_response(),
        }
    }
}
