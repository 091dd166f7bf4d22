//! How handlers get at the session of a request.

use std::any::type_name;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::current::CurrentSession;
use super::visitor::Visitor;
use crate::session::SessionError;

/// Why a handler was not called.
///
/// ```
/// use axum::response::IntoResponse;
/// use cache_runtime::SessionRejection;
///
/// assert_eq!(SessionRejection::Missing.into_response().status(), 401);
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionRejection {
    /// There is no session, or not any more: 401.
    #[error("not logged in")]
    Missing,
    /// It is not known whether there is one: 503 while Redis is away.
    #[error(transparent)]
    Failed(#[from] SessionError),
    /// The router has no `SessionLayer` with data of this type: 500, a mistake of the program's.
    #[error("no `SessionLayer` for `{data}` around this route")]
    NoLayer {
        /// The type.
        data: &'static str,
    },
}

fn visitor<D: Send + Sync + 'static>(parts: &Parts) -> Result<&Visitor<D>, SessionRejection> {
    let visitor = parts.extensions.get::<Visitor<D>>();
    let data = type_name::<D>();
    visitor.ok_or(SessionRejection::NoLayer { data })
}

impl<S, D> FromRequestParts<S> for Visitor<D>
where
    S: Send + Sync,
    D: Send + Sync + 'static,
{
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionRejection> {
        visitor(parts).cloned()
    }
}

impl<S, D> FromRequestParts<S> for CurrentSession<D>
where
    S: Send + Sync,
    D: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type Rejection = SessionRejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, SessionRejection> {
        let session = visitor(parts)?.session().await?;
        session.ok_or(SessionRejection::Missing)
    }
}

impl<S, D> OptionalFromRequestParts<S> for CurrentSession<D>
where
    S: Send + Sync,
    D: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type Rejection = SessionRejection;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Option<Self>, SessionRejection> {
        Ok(visitor(parts)?.session().await?)
    }
}
