//! Sessions sealed before the store sees them.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use super::SessionError;
use super::token::random;

const NAME: usize = 4;
const NONCE: usize = 24;
/// Before a key that is digested for its name.
const OF_KEY: &[u8] = b"cache-runtime session key\0";

/// The keys that seal what a session holds: its data, its user's identifier, its context.
///
/// Sealed by `XChaCha20-Poly1305` and bound to the session that it belongs to, so whoever reads
/// Redis or its dumps learns when and how often sessions are used, and how large they are, and who
/// writes to Redis can't move what one session holds into another. He can put back an older state
/// of the same session.
///
/// **Replacing a key**: first have all processes [`accept`](Self::accepts) the new one, then let
/// it seal and the old one be accepted, and forget the old one when no session from before is
/// left, which is after the absolute lifetime. What none of the keys opens is a session that can't
/// be read: it counts as missing, and is told as [`Unreadable`](crate::SessionEvent::Unreadable).
///
/// ```
/// use cache_runtime::{Cache, Encryption, SessionContext, Sessions};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (new, old) = ([1; 32], [2; 32]);
/// let cache = Cache::in_memory();
/// let before = Sessions::<u32>::builder(&cache).encryption(Encryption::new(old)).build()?;
/// let session = before.create("ada", 7, SessionContext::new()).await?;
///
/// let ring = Encryption::new(new).accepts(old);
/// let after = Sessions::<u32>::builder(&cache).encryption(ring).build()?;
/// assert_eq!(after.get(session.token()).await?.map(|session| *session.data()), Some(7));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Encryption {
    /// The first one seals.
    keys: Vec<Key>,
    accepts_plain: bool,
}

struct Key {
    /// Tells which key has sealed something, without a try with each.
    name: [u8; NAME],
    cipher: XChaCha20Poly1305,
}

impl Key {
    fn new(mut key: [u8; 32]) -> Self {
        let digest = Sha256::new_with_prefix(OF_KEY).chain_update(key).finalize();
        let mut name = [0; NAME];
        name.copy_from_slice(&digest[..NAME]);
        let cipher = XChaCha20Poly1305::new(&key.into());
        key.zeroize();
        Self { name, cipher }
    }
}

impl Encryption {
    /// Seals and opens with a key: 32 bytes from a generator, and not a password.
    ///
    /// ```
    /// # let key = [7; 32];
    /// let encryption = cache_runtime::Encryption::new(key);
    /// assert_eq!(format!("{encryption:?}"), "Encryption { keys: 1, accepts_plain: false }");
    /// ```
    pub fn new(key: [u8; 32]) -> Self {
        Self {
            keys: vec![Key::new(key)],
            accepts_plain: false,
        }
    }

    /// Opens with another key, too.
    ///
    /// ```
    /// # use cache_runtime::Encryption;
    /// # let (new, old) = ([1; 32], [2; 32]);
    /// let ring = Encryption::new(new).accepts(old);
    /// ```
    pub fn accepts(mut self, key: [u8; 32]) -> Self {
        self.keys.push(Key::new(key));
        self
    }

    /// Reads what is not sealed, too: for as long as there are sessions from before encryption.
    ///
    /// Whoever can write to Redis can then write sessions of his own.
    ///
    /// ```
    /// # use cache_runtime::Encryption;
    /// let migrating = Encryption::new([1; 32]).accepts_plain();
    /// ```
    pub fn accepts_plain(mut self) -> Self {
        self.accepts_plain = true;
        self
    }

    pub(super) fn does_accept_plain(&self) -> bool {
        self.accepts_plain
    }

    /// Appends which key it was, a random nonce, and what is sealed.
    pub(super) fn seal(
        &self,
        plain: &[u8],
        bound_to: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SessionError> {
        let Some(key) = self.keys.first() else {
            unreachable!("a ring is made with its first key");
        };
        let nonce: [u8; NONCE] = random()?;
        let payload = Payload {
            msg: plain,
            aad: bound_to,
        };
        // It fails for messages of more than 256 GiB only.
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| SessionError::Encode {
            reason: "it is too long to be sealed".to_owned(),
        })?;
        out.extend_from_slice(&key.name);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(())
    }

    /// What was sealed, unless it was changed, moved, or sealed by a key that is not here.
    pub(super) fn open(&self, sealed: &[u8], bound_to: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (name, rest) = sealed.split_first_chunk::<NAME>()?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>()?;
        let nonce = XNonce::from(*nonce);
        let open = |key: &Key| {
            let payload = Payload {
                msg: sealed,
                aad: bound_to,
            };
            key.cipher.decrypt(&nonce, payload).ok()
        };
        let mut named = self.keys.iter().filter(|key| key.name == *name);
        named.find_map(open).map(Zeroizing::new)
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Encryption")
            .field("keys", &self.keys.len())
            .field("accepts_plain", &self.accepts_plain)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(ring: &Encryption) -> Vec<u8> {
        let mut out = Vec::new();
        ring.seal(b"Ada", b"here", &mut out).unwrap();
        out
    }

    fn opened(ring: &Encryption, sealed: &[u8]) -> bool {
        ring.open(sealed, b"here")
            .is_some_and(|plain| *plain == b"Ada")
    }

    #[test]
    fn a_key_of_the_ring_opens() {
        let (old, new) = (Encryption::new([1; 32]), Encryption::new([2; 32]));
        let (by_old, by_new) = (sealed(&old), sealed(&new));
        assert!(opened(&old, &by_old) && opened(&new, &by_new));
        assert!(!opened(&old, &by_new) && !opened(&new, &by_old));
        let ring = Encryption::new([2; 32]).accepts([1; 32]);
        assert!(opened(&ring, &by_old) && opened(&ring, &by_new));
        assert!(opened(&new, &sealed(&ring)), "the first one seals");
    }

    #[test]
    fn what_was_changed_or_moved_is_not_opened() {
        let ring = Encryption::new([1; 32]);
        let good = sealed(&ring);
        assert!(ring.open(&good, b"there").is_none());
        for at in 0..good.len() {
            let mut wrong = good.clone();
            wrong[at] ^= 1;
            assert!(!opened(&ring, &wrong), "{at}");
            assert!(!opened(&ring, &good[..at]), "{at}");
        }
    }

    #[test]
    fn nothing_is_sealed_twice_alike_or_readable() {
        let ring = Encryption::new([1; 32]);
        assert_ne!(sealed(&ring), sealed(&ring));
        assert!(!sealed(&ring).windows(3).any(|part| part == b"Ada"));
    }
}
