//! Why there is no connection, in words that hold no secret.

use std::fmt;
use std::sync::Arc;

use redis::{ErrorKind, RedisError};

use super::unusable::Unusable;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Why {
    words: Arc<str>,
    reason: Arc<Unusable>,
}

impl Why {
    pub(crate) fn new(text: &str) -> Self {
        Self::because(text, Unusable::Other(text.to_owned()))
    }

    pub(super) fn silent() -> Self {
        Self::because("no answer in time", Unusable::Silent)
    }

    /// What the operating system, TLS or the client library said; of a server's own words only the
    /// code, as they may quote a name.
    pub(crate) fn of(error: &RedisError) -> Self {
        let words = match (error.code(), error.kind()) {
            (Some(code), _) => format!("server error {code}"),
            (None, ErrorKind::Io | ErrorKind::InvalidClientConfig) => error.to_string(),
            (None, _) => error.category().to_owned(),
        };
        Self::because(&words, Unusable::of(error, &words))
    }

    fn because(words: &str, reason: Unusable) -> Self {
        Self {
            words: Arc::from(words),
            reason: Arc::new(reason),
        }
    }

    /// For whoever has to mend it.
    pub(super) fn reason(&self) -> &Unusable {
        &self.reason
    }
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.words)
    }
}
