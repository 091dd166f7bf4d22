//! Sessions as the store knows them: who they are, how long they live, and what is done to them
//! in one step.
//!
//! All sessions of a user are in one key, so every verb is atomic on every topology. Nothing here
//! knows tokens or users: those who call bring digests and bytes.

#[cfg(test)]
mod orders;
mod verbs;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::client::Primary;
use crate::entry::Generation;
use crate::key::{escaped, push_base64url};

pub(crate) use verbs::{Rotation, Saving};

/// Brackets are a glob's, so no entry's key begins like this; as the mark of locks.
pub(super) const MARK: &str = "[session]";

/// So many sessions a user has at most, whatever he is allowed: some scripts go over all of them,
/// and the longest takes two milliseconds with so many. The least recently used makes way.
pub(crate) const MOST: u32 = 256;

/// How long a login that has begun may take, in milliseconds.
pub(crate) const LOGIN: u64 = 600_000;

/// Numbers above this are it: Lua counts exactly to 2^53, and two of these are added.
const FAR: u64 = 1 << 52;

/// The public name of a session within its user, and of its fields.
pub(crate) type SessionField = [u8; 12];
/// Where the sessions of a user are.
pub(crate) type Locator = [u8; 16];
/// Of a token's secret.
pub(crate) type Digest = [u8; 32];

/// The key of a user's sessions. What is in braces decides on its slot.
pub(crate) fn session_key(name: &str, locator: &Locator) -> Arc<str> {
    let mut key = before_locator(name);
    push_base64url(locator, &mut key);
    key.push('}');
    key.into()
}

/// How all keys of one kind of sessions begin; escaped names have no braces.
pub(super) fn before_locator(name: &str) -> String {
    format!("{MARK}{}{{", escaped(name))
}

/// The locator of a user who has a name.
pub(crate) fn locator_of(name: &str, user: &str) -> Locator {
    let digest = Sha256::new()
        .chain_update("cache-runtime session locator 1\0")
        .chain_update(u64::try_from(name.len()).unwrap_or(u64::MAX).to_be_bytes())
        .chain_update(name)
        .chain_update(user)
        .finalize();
    let mut locator = Locator::default();
    locator.copy_from_slice(&digest[..16]);
    locator
}

/// One session of a user.
#[derive(Clone, Copy)]
pub(crate) struct SessionAt<'a> {
    pub(crate) key: &'a Arc<str>,
    pub(crate) id: SessionField,
}

/// The rule for idle sessions; times in milliseconds.
///
/// Whoever comes back within `active_gap` may be idle for `active`, others for `usual`; half of it
/// when more than half of the session's absolute lifetime is over. Never for less than `least` or
/// more than `most`. When somebody was here is written down every `touch_every`.
#[derive(Clone, Copy)]
pub(crate) struct Idle {
    pub(crate) active_gap: u64,
    pub(crate) active: u64,
    pub(crate) usual: u64,
    pub(crate) least: u64,
    pub(crate) most: u64,
    pub(crate) touch_every: u64,
}

impl Idle {
    /// In the order in which scripts get them.
    pub(super) fn numbers(&self) -> [u64; 6] {
        [
            self.active_gap,
            self.active,
            self.usual,
            self.least,
            self.most,
            self.touch_every,
        ]
    }

    fn exact(self) -> Self {
        Self {
            active_gap: self.active_gap.min(FAR),
            active: self.active.min(FAR),
            usual: self.usual.min(FAR),
            least: self.least.min(FAR),
            most: self.most.min(FAR),
            touch_every: self.touch_every.min(FAR),
        }
    }
}

/// So many sessions of a user at most; at least one and at most [`MOST`].
#[derive(Clone, Copy)]
pub(crate) struct SessionLimit {
    pub(crate) most: u32,
    /// Whether the least recently used makes way; else the new one is refused.
    pub(crate) evicts: bool,
}

/// A session to be.
#[derive(Clone, Copy)]
pub(crate) struct NewSession<'a> {
    pub(crate) at: SessionAt<'a>,
    pub(crate) digest: &'a Digest,
    pub(crate) flags: u8,
    /// When it ends at the latest, in the store's time.
    pub(crate) end: u64,
    pub(crate) idle: Idle,
    pub(crate) body: &'a [u8],
    pub(crate) data: &'a [u8],
    /// What [`Store::open_login`](super::Store::open_login) has answered, for a login in two steps.
    pub(crate) expected: Option<Generation>,
    /// Without one there are [`MOST`], and the least recently used makes way.
    pub(crate) limit: Option<SessionLimit>,
}

/// The flag of a session whose user has no name.
pub(crate) const ANONYMOUS: u8 = 1;

/// What came of a new session.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) enum Creation {
    Created {
        head: Head,
        /// How many made way for it.
        evicted: u32,
    },
    /// There is one of that name: whatever it is stays as it is.
    Collision,
    /// All sessions of the user were revoked since the login began, or it took too long.
    Revoked,
    /// The user has as many as he may have.
    Full,
    /// The key holds something else.
    Corrupt,
}

/// What is known of a session beside its data. Times are the store's, in milliseconds.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct Head {
    pub(crate) created: u64,
    /// When it was last used, to the precision of `touch_every`.
    pub(crate) accessed: u64,
    /// When it ends unless it is used.
    pub(crate) deadline: u64,
    /// When it ends at the latest.
    pub(crate) end: u64,
    /// One more with each change of body or data.
    pub(crate) revision: u64,
    pub(crate) flags: u8,
    /// Whether it was found by the token that a rotation has replaced.
    pub(crate) is_former: bool,
    pub(crate) body: Vec<u8>,
}

#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) struct StoredSession {
    pub(crate) head: Head,
    pub(crate) data: Vec<u8>,
}

/// What a token leads to.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) enum Found {
    Session(StoredSession),
    Absent,
    /// It was there until now.
    Expired,
    Corrupt,
}

/// What came of a change.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) enum Change<T> {
    Done(T),
    /// There is no such session, or not any more.
    Gone,
    /// The token was replaced by a rotation, and may not do this.
    Former,
    /// Somebody else has changed it; this is what it is now.
    Conflict(StoredSession),
    Corrupt,
}

impl<T> Change<T> {
    pub(super) fn map<U>(self, map: impl FnOnce(T) -> U) -> Change<U> {
        match self {
            Self::Done(done) => Change::Done(map(done)),
            Self::Gone => Change::Gone,
            Self::Former => Change::Former,
            Self::Conflict(found) => Change::Conflict(found),
            Self::Corrupt => Change::Corrupt,
        }
    }
}

/// What a sweep has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SessionTally {
    /// With a name and at least one live session.
    pub(crate) users: u64,
    /// Live sessions without a user's name; they are among the active.
    pub(crate) anonymous: u64,
    /// Live sessions.
    pub(crate) active: u64,
    /// Sessions that had ended and were still there.
    pub(crate) expired: u64,
    /// How many of those are gone now.
    pub(crate) removed: u64,
    /// What is no session, or one of a later version. It stays, and ends with its key.
    pub(crate) corrupt: u64,
}

impl std::ops::AddAssign for SessionTally {
    fn add_assign(&mut self, other: Self) {
        self.users += other.users;
        self.anonymous += other.anonymous;
        self.active += other.active;
        self.expired += other.expired;
        self.removed += other.removed;
        self.corrupt += other.corrupt;
    }
}

/// How far a sweep has come.
#[derive(Clone, Default)]
pub(crate) struct SessionCursor(pub(super) Place);

#[derive(Clone, Default)]
pub(super) enum Place {
    #[default]
    Start,
    /// In memory: after this key.
    After(Arc<str>),
    /// On Redis: where `SCAN` goes on, at the last of the primaries that are left. On one server
    /// there are none.
    Scan {
        cursor: Vec<u8>,
        primaries: Vec<Primary>,
    },
    End,
}

impl SessionCursor {
    /// Whether all was swept; without it there is more to do.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.0, Place::End)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_the_slot_of_its_user() {
        let key = session_key("a{b}*", &[0xff; 16]);
        assert_eq!(&*key, "[session]a%7Bb%7D%2A{_____________________w}");
        assert_eq!(
            &*session_key("", &[0; 16]),
            "[session]{AAAAAAAAAAAAAAAAAAAAAA}"
        );
    }

    #[test]
    fn users_and_kinds_are_apart() {
        let all = [("", "ab"), ("a", "b"), ("ab", ""), ("", "ba"), ("", "ab\0")];
        for (at, (name, user)) in all.iter().enumerate() {
            for (other_name, other) in &all[..at] {
                assert_ne!(locator_of(name, user), locator_of(other_name, other));
            }
        }
        assert_eq!(locator_of("", "ada"), locator_of("", "ada"));
    }
}
