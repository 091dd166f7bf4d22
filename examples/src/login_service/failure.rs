//! What can go wrong, and the page that says so.

use std::time::Duration;

use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{Html, IntoResponse, Redirect, Response};
use cache_runtime::{Error, SessionError};

use crate::pages;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no such page")]
    NotFound,
    #[error("too many attempts")]
    TooManyAttempts(Duration),
    #[error("a password could not be hashed")]
    Passwords,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Cache(#[from] Error),
}

impl Failure {
    /// Whether nobody knows who is signed in: they stay so, and are told to wait.
    fn is_outage(&self) -> bool {
        match self {
            Self::Session(error) => error.is_unavailable(),
            Self::Cache(error) => matches!(error, Error::Unavailable { .. }),
            _ => false,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => {
                let page = pages::trouble("No such page", "There is nothing here.");
                (StatusCode::NOT_FOUND, Html(page)).into_response()
            }
            Self::TooManyAttempts(wait) => {
                let seconds = wait.as_secs() + 1;
                let wait = format!("Please wait for {seconds} seconds, and try again.");
                let page = Html(pages::trouble("Too many attempts", &wait));
                let retry = [(RETRY_AFTER, seconds.to_string())];
                (StatusCode::TOO_MANY_REQUESTS, retry, page).into_response()
            }
            outage if outage.is_outage() => {
                let what = "We can't look up your session right now. You are not signed out.";
                let page = Html(pages::trouble("One moment", what));
                let retry = [(RETRY_AFTER, "1")];
                (StatusCode::SERVICE_UNAVAILABLE, retry, page).into_response()
            }
            // Ended while the request was on its way, from another device perhaps.
            Self::Session(SessionError::Gone | SessionError::Revoked) => {
                Redirect::to("/login").into_response()
            }
            // Of another request of this browser, which has won.
            Self::Session(SessionError::Conflict | SessionError::Superseded) => {
                Redirect::to("/").into_response()
            }
            failure => {
                eprintln!("a request failed: {failure:?}");
                let page = pages::trouble("That did not work", "It is our fault, not yours.");
                (StatusCode::INTERNAL_SERVER_ERROR, Html(page)).into_response()
            }
        }
    }
}
