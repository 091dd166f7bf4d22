//! The public name of a session.

use std::fmt;
use std::str::FromStr;

use super::text;
use crate::store::SessionField;

/// The name of a session: public, 16 characters, the same after each rotation.
///
/// A device list shows it, and [`Sessions::delete_by_id`](crate::Sessions::delete_by_id) takes it.
/// Nobody gets into a session by its name.
///
/// ```
/// use cache_runtime::SessionId;
///
/// let id: SessionId = "c2Vzc2lvbi0wMDAx".parse()?;
/// assert_eq!(id.to_string(), "c2Vzc2lvbi0wMDAx");
/// assert!("c2Vzc2lvbi0wMDA".parse::<SessionId>().is_err());
/// # Ok::<(), cache_runtime::NotASessionId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub(crate) SessionField);

/// Why a text is no [`SessionId`]: it is not 16 characters of base64url.
///
/// ```
/// use cache_runtime::SessionId;
///
/// let error = "nonsense".parse::<SessionId>().unwrap_err();
/// assert_eq!(error.to_string(), "not the id of a session");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a session")]
pub struct NotASessionId;

impl fmt::Display for SessionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&text::encode(&self.0))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SessionId({self})")
    }
}

impl FromStr for SessionId {
    type Err = NotASessionId;

    fn from_str(text: &str) -> Result<Self, NotASessionId> {
        let mut id = Self(SessionField::default());
        text::decode(text, &mut id.0)
            .then_some(id)
            .ok_or(NotASessionId)
    }
}
