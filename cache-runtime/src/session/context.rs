//! What is known about where a session came from.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The longest text that is kept, in bytes.
const LONGEST: usize = 512;

/// What is known about where a session came from: for device lists, and for people who ask
/// "was that me?".
///
/// It decides nothing: addresses change and user agents are whatever the client says. It is
/// personal data, so `Debug` says only what is there.
///
/// ```
/// use std::net::IpAddr;
/// use cache_runtime::SessionContext;
///
/// let context = SessionContext::new()
///     .address(IpAddr::from([192, 0, 2, 7]))
///     .user_agent("Mozilla/5.0");
/// assert_eq!(context.peer_address(), Some(IpAddr::from([192, 0, 2, 7])));
/// assert_eq!(context.agent(), Some("Mozilla/5.0"));
/// ```
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct SessionContext {
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    address: Option<IpAddr>,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
}

impl SessionContext {
    /// Nothing known.
    ///
    /// ```
    /// assert!(cache_runtime::SessionContext::new().peer_address().is_none());
    /// ```
    pub const fn new() -> Self {
        Self {
            address: None,
            user_agent: None,
        }
    }

    /// The client's address; behind a proxy, the one that the proxy vouches for.
    ///
    /// ```
    /// # use cache_runtime::SessionContext;
    /// let context = SessionContext::new().address([192, 0, 2, 7]);
    /// assert!(context.peer_address().is_some_and(|address| address.is_ipv4()));
    /// ```
    pub fn address(mut self, address: impl Into<IpAddr>) -> Self {
        self.address = Some(address.into());
        self
    }

    /// What the client calls itself; at most the first 512 bytes are kept.
    ///
    /// ```
    /// # use cache_runtime::SessionContext;
    /// let context = SessionContext::new().user_agent("x".repeat(4096));
    /// assert_eq!(context.agent().map(str::len), Some(512));
    /// ```
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        let mut agent = agent.into();
        if agent.len() > LONGEST {
            let is_boundary = |at: &usize| agent.is_char_boundary(*at);
            agent.truncate((0..=LONGEST).rev().find(is_boundary).unwrap_or(0));
        }
        self.user_agent = Some(agent);
        self
    }

    /// The address given to [`address`](Self::address).
    ///
    /// ```
    /// assert_eq!(cache_runtime::SessionContext::new().peer_address(), None);
    /// ```
    pub fn peer_address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The user agent given to [`user_agent`](Self::user_agent).
    ///
    /// ```
    /// assert_eq!(cache_runtime::SessionContext::new().agent(), None);
    /// ```
    pub fn agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }
}

impl fmt::Debug for SessionContext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SessionContext")
            .field("has_address", &self.address.is_some())
            .field("has_user_agent", &self.user_agent.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        let context = SessionContext::new().user_agent("é".repeat(400));
        assert_eq!(context.agent().unwrap().len(), 512);
        let context = SessionContext::new().user_agent(format!("x{}", "é".repeat(400)));
        assert_eq!(context.agent().unwrap().len(), 511);
    }

    #[test]
    fn debug_has_no_personal_data() {
        let context = SessionContext::new()
            .address([192, 0, 2, 7])
            .user_agent("Ada");
        let text = format!("{context:?}");
        assert!(!text.contains("192") && !text.contains("Ada"), "{text}");
    }
}
