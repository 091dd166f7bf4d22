//! How a session's body and data are written: JSON, plain or sealed.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::SessionError;
use super::context::SessionContext;
#[cfg(feature = "session-encryption")]
use super::encryption::Encryption;
use crate::store::SessionAt;

/// The first byte says what follows.
const PLAIN: u8 = 0;
#[cfg(feature = "session-encryption")]
const SEALED: u8 = 1;

/// What is known of a session beside its data, and does not change with it.
#[derive(Serialize, Deserialize)]
pub(super) struct Body {
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    #[serde(rename = "c", default)]
    pub(super) context: SessionContext,
}

/// Which part of a session; what is sealed as one can't be read as the other.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Body,
    Data,
}

#[cfg(feature = "session-encryption")]
impl Part {
    /// What a sealed part is bound to: moved to another session, or part, it can't be opened.
    fn bound_to(self, at: SessionAt<'_>) -> Vec<u8> {
        let part = match self {
            Self::Body => b'b',
            Self::Data => b'd',
        };
        [at.key.as_bytes(), &at.id, &[part]].concat()
    }
}

/// Writes and reads the parts of sessions.
#[derive(Default)]
pub(super) struct Records {
    #[cfg(feature = "session-encryption")]
    pub(super) encryption: Option<Encryption>,
}

impl Records {
    /// # Errors
    ///
    /// If it would not come back.
    pub(super) fn write<T: Serialize + DeserializeOwned>(
        &self,
        at: SessionAt<'_>,
        part: Part,
        value: &T,
    ) -> Result<Vec<u8>, SessionError> {
        let failed = |error: serde_json::Error| SessionError::Encode {
            reason: error.to_string(),
        };
        let mut bytes = vec![PLAIN];
        serde_json::to_writer(&mut bytes, value).map_err(failed)?;
        // A `NaN` is written as `null`, and its session would be unreadable from then on.
        serde_json::from_slice::<T>(&bytes[1..]).map_err(failed)?;
        self.seal(at, part, bytes)
    }

    /// Nothing if it can't be read.
    pub(super) fn read<T: DeserializeOwned>(
        &self,
        at: SessionAt<'_>,
        part: Part,
        bytes: &[u8],
    ) -> Option<T> {
        let (kind, rest) = bytes.split_first()?;
        match *kind {
            PLAIN if self.accepts_plain() => serde_json::from_slice(rest).ok(),
            #[cfg(feature = "session-encryption")]
            SEALED => {
                let encryption = self.encryption.as_ref()?;
                let plain = encryption.open(rest, &part.bound_to(at))?;
                serde_json::from_slice(&plain).ok()
            }
            _ => {
                // Without encryption nothing is bound to its place.
                let _ = (at, part);
                None
            }
        }
    }

    #[cfg(feature = "session-encryption")]
    fn accepts_plain(&self) -> bool {
        self.encryption
            .as_ref()
            .is_none_or(Encryption::does_accept_plain)
    }

    #[cfg(not(feature = "session-encryption"))]
    #[expect(
        clippy::unused_self,
        reason = "it depends on the keys, where there may be some"
    )]
    fn accepts_plain(&self) -> bool {
        true
    }

    #[cfg(feature = "session-encryption")]
    fn seal(&self, at: SessionAt<'_>, part: Part, bytes: Vec<u8>) -> Result<Vec<u8>, SessionError> {
        let Some(encryption) = &self.encryption else {
            return Ok(bytes);
        };
        let mut sealed = vec![SEALED];
        let plain = zeroize::Zeroizing::new(bytes);
        encryption.seal(&plain[1..], &part.bound_to(at), &mut sealed)?;
        Ok(sealed)
    }

    #[cfg(not(feature = "session-encryption"))]
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "as where there may be keys"
    )]
    fn seal(
        &self,
        _at: SessionAt<'_>,
        _part: Part,
        bytes: Vec<u8>,
    ) -> Result<Vec<u8>, SessionError> {
        Ok(bytes)
    }
}
