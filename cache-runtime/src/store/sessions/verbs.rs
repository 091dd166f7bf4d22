//! What is done to sessions, each in one atomic step.
//!
//! A verb whose answer is lost may have been executed, or may be later. Nothing that is executed
//! late brings a session back: names are random and never used again, a change finds its session or
//! does nothing, and a login finds its generation or is refused.

use std::sync::Arc;
use std::time::Duration;

use super::{
    Change, Creation, Digest, FAR, Found, Head, Idle, NewSession, SessionAt, SessionCursor,
    SessionField, SessionTally,
};
use crate::entry::Generation;
use crate::error::Fault;
use crate::store::Store;

/// A change of a session's content.
#[derive(Clone, Copy)]
pub(crate) struct Saving<'a> {
    /// Nothing: whatever it is now.
    pub(crate) revision: Option<u64>,
    pub(crate) data: &'a [u8],
    /// Nothing: it stays.
    pub(crate) body: Option<&'a [u8]>,
    /// When the session is to end, used or not. Nothing: as before.
    pub(crate) end: Option<u64>,
}

/// Another token for a session.
#[derive(Clone, Copy)]
pub(crate) struct Rotation<'a> {
    pub(crate) fresh: &'a Digest,
    /// How long the former token may still read and save, in milliseconds.
    pub(crate) grace: u64,
    /// Nothing: it stays.
    pub(crate) body: Option<&'a [u8]>,
}

#[cfg(test)]
macro_rules! unreachable_sim {
    () => {
        unreachable!("no scenario has sessions")
    };
}

impl Store {
    /// Begins a login: answers the generation of the user's logins, `fresh` if there is none, and
    /// keeps it for `window` at least. Nothing if the key holds something else.
    ///
    /// `fresh` belongs to one sending: sent again after a revocation it would let a login go on
    /// that was to be refused.
    pub(crate) async fn open_login(
        &self,
        key: &Arc<str>,
        fresh: Generation,
        window: Duration,
    ) -> Result<Option<Generation>, Fault> {
        let window = millis(window);
        match self {
            Self::Memory(memory) => {
                let mut sessions = memory.records().sessions();
                Ok(Some(sessions.open(key, fresh, window, memory.now())))
            }
            Self::Redis(redis) => redis.open_login(key, fresh, window).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable_sim!(),
        }
    }

    /// Creates a session, unless there is one of that name.
    pub(crate) async fn create_session(&self, new: NewSession<'_>) -> Result<Creation, Fault> {
        let new = NewSession {
            end: new.end.min(FAR),
            idle: new.idle.exact(),
            ..new
        };
        match self {
            Self::Memory(memory) => {
                let mut sessions = memory.records().sessions();
                Ok(sessions.create(&new, memory.now()))
            }
            Self::Redis(redis) => redis.create_session(&new).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable_sim!(),
        }
    }

    /// Reads a session; with `idle` that it was used is written down when it is time to.
    pub(crate) async fn get_session(
        &self,
        at: SessionAt<'_>,
        digest: &Digest,
        idle: Option<Idle>,
    ) -> Result<Found, Fault> {
        let idle = idle.map(Idle::exact);
        match self {
            Self::Memory(memory) => {
                let mut sessions = memory.records().sessions();
                Ok(sessions.get(at, digest, idle, memory.now()))
            }
            Self::Redis(redis) => redis.get_session(at, digest, idle).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable_sim!(),
        }
    }

    /// Changes the content of a session that is there; its remaining lifetime stays.
    pub(crate) async fn save_session(
        &self,
        at: SessionAt<'_>,
        digest: &Digest,
        saving: Saving<'_>,
    ) -> Result<Change<Head>, Fault> {
        let saving = Saving {
            end: saving.end.map(|end| end.min(FAR)),
            ..saving
        };
        match self {
            Self::Memory(memory) => {
                let mut sessions = memory.records().sessions();
                Ok(sessions.save(at, digest, &saving, memory.now()))
            }
            Self::Redis(redis) => redis.save_session(at, digest, &saving).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable_sim!(),
        }
    }

    /// Lets the session live for `by` from now on at least, but not for more than `most`, and not
    /// beyond its end; in milliseconds.
    pub(crate) async fn extend_session(
        &self,
        at: SessionAt<'_>,
        digest: &Digest,
        by: u64,
        most: u64,
    ) -> Result<Change<Head>, Fault> {
        let by = by.min(most).min(FAR);
        match self {
            Self::Memory(memory) => {
                let mut sessions = memory.records().sessions();
                Ok(sessions.extend(at, digest, by, memory.now()))
            }
            Self::Redis(redis) => redis.extend_session(at, digest, by).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable_sim!(),
        }
    }

    /// Gives the session another token. The same rotation once more is done already.
    pub(crate) async fn rotate_session(
        &self,
        at: SessionAt<'_>,
        digest: &Digest,
        rotation: Rotation<'_>,
    ) -> Result<Change<Head>, Fault> {
        let rotation = Rotation {
            grace: rotation.grace.min(FAR),
            ..rotation
        };
        match self {
            Self::Memory(memory) => {
                let mut sessions = memory.records().sessions();
                Ok(sessions.rotate(at, digest, &rotation, memory.now()))
            }
            Self::Redis(redis) => redis.rotate_session(at, digest, &rotation).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable_sim!(),
        }
    }

    /// Ends a session, by its token, a former one too, or by its name; says whether there was one.
    pub(crate) async fn delete_session(
        &self,
        at: SessionAt<'_>,
        digest: Option<&Digest>,
    ) -> Result<bool, Fault> {
        match self {
            Self::Memory(memory) => {
                let mut sessions = memory.records().sessions();
                Ok(sessions.delete(at, digest, memory.now()))
            }
            Self::Redis(redis) => redis.delete_session(at, digest).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable_sim!(),
        }
    }

    /// The live sessions of a user; nothing if the key holds something else.
    pub(crate) async fn list_sessions(
        &self,
        key: &Arc<str>,
    ) -> Result<Option<Vec<(SessionField, Head)>>, Fault> {
        match self {
            Self::Memory(memory) => {
                let mut sessions = memory.records().sessions();
                Ok(Some(sessions.list(key, memory.now())))
            }
            Self::Redis(redis) => redis.list_sessions(key).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable_sim!(),
        }
    }

    /// Ends all sessions of a user and voids his logins in flight; says how many were live.
    pub(crate) async fn revoke_sessions(&self, key: &Arc<str>) -> Result<u64, Fault> {
        match self {
            Self::Memory(memory) => {
                let mut sessions = memory.records().sessions();
                Ok(sessions.revoke(key, memory.now()))
            }
            Self::Redis(redis) => redis.revoke_sessions(key).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable_sim!(),
        }
    }

    /// Ends all sessions of a user but this one, and voids his logins in flight; says how many
    /// were live.
    pub(crate) async fn revoke_others(
        &self,
        at: SessionAt<'_>,
        digest: &Digest,
    ) -> Result<Change<u64>, Fault> {
        match self {
            Self::Memory(memory) => {
                let mut sessions = memory.records().sessions();
                Ok(sessions.revoke_others(at, digest, memory.now()))
            }
            Self::Redis(redis) => redis.revoke_others(at, digest).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable_sim!(),
        }
    }

    /// Goes over some users, counts, and with `removes` takes away what has ended. To begin with
    /// the cursor is the default one.
    ///
    /// What comes and goes meanwhile may or may not be counted, and where keys move between the
    /// nodes of a cluster a user may be counted twice or not at all.
    pub(crate) async fn sweep_sessions(
        &self,
        name: &str,
        cursor: SessionCursor,
        removes: bool,
    ) -> Result<(SessionCursor, SessionTally), Fault> {
        match self {
            Self::Memory(memory) => {
                let mut sessions = memory.records().sessions();
                Ok(sessions.sweep(name, cursor, removes, memory.now()))
            }
            Self::Redis(redis) => redis.sweep_sessions(name, cursor, removes).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable_sim!(),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(FAR).min(FAR)
}
