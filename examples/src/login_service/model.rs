//! What the service knows of its users, and of a session of one.

use cache_runtime::KeyPart;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, KeyPart, Serialize, Deserialize, sqlx::Type)]
#[sqlx(transparent)]
pub(crate) struct UserId(pub(crate) i64);

impl UserId {
    /// Nobody has this one.
    pub(crate) const NOBODY: Self = Self(0);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, sqlx::FromRow)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) full_name: String,
}

/// What a password is checked against.
#[derive(sqlx::FromRow)]
pub(crate) struct Credentials {
    pub(crate) id: UserId,
    pub(crate) password_hash: String,
}

/// What a session holds: what to tell on the next page.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Visit {
    pub(crate) notice: Option<Notice>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Notice {
    Renamed,
    SignedOut,
    SignedOutElsewhere(u64),
}
