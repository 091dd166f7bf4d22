//! What a browser has of its session, and what of it the store may know.

use std::fmt;

use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

use super::SessionError;
use super::id::SessionId;
use super::text;
use crate::store::{Digest, Locator};

const LOCATOR: usize = 16;
const ID: usize = 12;
const SECRET: usize = 32;
const LENGTH: usize = LOCATOR + ID + SECRET;

/// Before a token that is digested, so that the digest is none that the store has.
const OF_TOKEN: &[u8] = b"cache-runtime session token\0";

/// What proves a session: 80 characters for a cookie, 256 bits of them secret.
///
/// It says where the session lies, which of its user's sessions it is, and a secret from the
/// operating system's generator. The store has a digest of the secret only, so whoever reads it
/// can't use a session. Neither `Debug` nor any error, event or log shows a token, and its bytes are
/// overwritten when it is dropped; what [`expose`](Self::expose) gave is the caller's to keep.
///
/// ```
/// use cache_runtime::{Cache, SessionContext, SessionToken, Sessions};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::SessionError> {
/// let sessions = Sessions::<u32>::new(&Cache::in_memory());
/// let session = sessions.create("ada", 7, SessionContext::new()).await?;
/// let cookie = session.token().expose();
/// assert_eq!(cookie.len(), 80);
///
/// let token = SessionToken::parse(&cookie).expect("a token");
/// assert_eq!(&token, session.token());
/// assert_eq!(format!("{token:?}"), "SessionToken(..)");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionToken([u8; LENGTH]);

impl SessionToken {
    /// Reads what a cookie holds; nothing if that is no token. It asks nobody.
    ///
    /// ```
    /// use cache_runtime::SessionToken;
    ///
    /// assert!(SessionToken::parse("").is_none());
    /// assert!(SessionToken::parse(&"A".repeat(80)).is_some(), "of no session, which `get` will say");
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let mut token = Self([0; LENGTH]);
        text::decode(text, &mut token.0).then_some(token)
    }

    /// Its text, for a cookie and nothing else: whoever has it, has the session.
    ///
    /// ```
    /// use cache_runtime::SessionToken;
    ///
    /// let text = "-_".repeat(40);
    /// assert_eq!(SessionToken::parse(&text).map(|token| token.expose()), Some(text));
    /// ```
    pub fn expose(&self) -> String {
        text::encode(&self.0)
    }

    /// The name of its session, which may be shown.
    ///
    /// ```
    /// use cache_runtime::SessionToken;
    ///
    /// let token = SessionToken::parse(&"A".repeat(80)).expect("a token");
    /// assert_eq!(token.id().to_string(), "A".repeat(16));
    /// ```
    pub fn id(&self) -> SessionId {
        SessionId(part(&self.0, LOCATOR))
    }

    /// A session of its own at a place.
    pub(crate) fn generate(locator: Locator) -> Result<Self, SessionError> {
        let mut token = Self([0; LENGTH]);
        token.0[..LOCATOR].copy_from_slice(&locator);
        fill(&mut token.0[LOCATOR..])?;
        Ok(token)
    }

    /// Another secret for the same session.
    pub(crate) fn renewed(&self) -> Result<Self, SessionError> {
        let mut token = self.clone();
        fill(&mut token.0[LOCATOR + ID..])?;
        Ok(token)
    }

    pub(crate) fn locator(&self) -> Locator {
        part(&self.0, 0)
    }

    /// What the store knows of the secret.
    pub(crate) fn digest(&self) -> Digest {
        Sha256::digest(&self.0[LOCATOR + ID..]).into()
    }

    /// A name for the whole token that is not the token, nor what the store has of it.
    pub(super) fn fingerprint(&self) -> Digest {
        Sha256::new_with_prefix(OF_TOKEN)
            .chain_update(self.0)
            .finalize()
            .into()
    }
}

/// By digest, so that the time it takes says nothing about the secrets.
impl PartialEq for SessionToken {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint() == other.fingerprint()
    }
}

impl Eq for SessionToken {}

impl Drop for SessionToken {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SessionToken(..)")
    }
}

/// Where an anonymous session lies: at a place of its own.
pub(crate) fn random_locator() -> Result<Locator, SessionError> {
    random()
}

/// Bytes of the operating system's generator.
pub(super) fn random<const N: usize>() -> Result<[u8; N], SessionError> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

fn fill(bytes: &mut [u8]) -> Result<(), SessionError> {
    SysRng
        .try_fill_bytes(bytes)
        .map_err(|_| SessionError::NoRandomness)
}

/// `N` bytes from `start` on; there always are as many.
fn part<const N: usize>(bytes: &[u8], start: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[start..start + N]);
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_from_its_text() {
        let token = SessionToken::generate([7; 16]).unwrap();
        let text = token.expose();
        let read = SessionToken::parse(&text).unwrap();
        assert_eq!(read.0, token.0);
        assert_eq!(read.locator(), [7; 16]);
        assert_eq!(read.id(), token.id());
        assert_eq!(read.digest(), token.digest());
    }

    #[test]
    fn what_is_no_token_is_none() {
        let text = SessionToken::generate([0; 16]).unwrap().expose();
        let long = format!("{text}A");
        let foreign = text.replacen('A', "+", 1);
        let wide = format!("{}é", &text[..78]);
        for wrong in ["", &text[..79], &long, &foreign, &wide, "\0", "=="] {
            assert!(SessionToken::parse(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn another_secret_is_the_same_session() {
        let token = SessionToken::generate([1; 16]).unwrap();
        let renewed = token.renewed().unwrap();
        assert_eq!(renewed.id(), token.id());
        assert_eq!(renewed.locator(), token.locator());
        assert_ne!(renewed.digest(), token.digest());
        assert_ne!(renewed, token);
    }

    #[test]
    fn every_token_is_another() {
        let all: std::collections::HashSet<_> = (0..1000)
            .map(|_| SessionToken::generate([0; 16]).unwrap().expose())
            .collect();
        assert_eq!(all.len(), 1000);
    }

    #[test]
    fn shows_nothing_of_itself() {
        let token = SessionToken::generate([1; 16]).unwrap();
        assert_eq!(format!("{token:?} {:?}", Some(&token)).len(), 16 + 1 + 22);
    }
}
