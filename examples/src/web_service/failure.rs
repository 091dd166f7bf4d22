//! What can go wrong, and which status it has. The cache is not in it: it never fails a request.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// `Clone`, so that requests who wait for one query can share its error.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    NotFound,
    Database(Arc<sqlx::Error>),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        let names_nothing = match &error {
            sqlx::Error::RowNotFound => true,
            sqlx::Error::Database(error) => error.is_foreign_key_violation(),
            _ => false,
        };
        if names_nothing {
            Self::NotFound
        } else {
            Self::Database(Arc::new(error))
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::Database(error) => {
                eprintln!("the database failed: {error}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}
