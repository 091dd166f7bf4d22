//! Why there is no connection, in words that hold no secret.

use std::fmt;
use std::sync::Arc;

use redis::{ErrorKind, RedisError};

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why(Arc<str>);

impl Why {
    pub(crate) fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    pub(super) fn silent() -> Self {
        Self::new("no answer in time")
    }

    /// What the operating system, TLS or the client library said; of a server's own words only the
    /// code, as they may quote a name.
    pub(crate) fn of(error: &RedisError) -> Self {
        if let Some(code) = error.code() {
            return Self::new(&format!("server error {code}"));
        }
        match error.kind() {
            ErrorKind::Io | ErrorKind::InvalidClientConfig => Self::new(&error.to_string()),
            _ => Self::new(error.category()),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
