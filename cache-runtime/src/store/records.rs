//! What is no entry: locks, what limits count, and sessions.
//!
//! Their keys lie in the namespace under marks that no template and no value can begin with, and
//! survive `clear`: nobody who empties a cache wants to end somebody's lock.

use std::sync::Arc;
use std::time::Duration;

use super::{Store, sessions};
use crate::entry::Token;
use crate::error::Fault;
use crate::key::escaped;

/// Brackets are a glob's, so no entry's key begins like this; as the mark of tags.
const LOCK: &str = "[lock]";
const LIMIT: &str = "[limit]";

/// The parts of a window that are counted apart.
const PARTS: u64 = 20;

/// The keys of one lock. The braces are a hash tag: on a cluster both are in one slot.
#[derive(Clone)]
pub(crate) struct LockKeys {
    pub(crate) holder: Arc<str>,
    pub(crate) fencing: Arc<str>,
}

impl LockKeys {
    pub(crate) fn of(name: &str) -> Self {
        let name = tagged(name);
        Self {
            holder: format!("{LOCK}{name}").into(),
            fencing: format!("{LOCK}{name}:fencing").into(),
        }
    }
}

/// `{name}`; braces with nothing between are no hash tag, and no name is written `~`.
fn tagged(name: &str) -> String {
    let name = escaped(name);
    let name = if name.is_empty() { "~" } else { &name };
    format!("{{{name}}}")
}

/// What came of asking for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locking {
    /// With its fencing token.
    Taken(u64),
    /// By somebody else, for so long unless it is prolonged.
    Held(Duration),
}

/// So many in any time of this length.
#[derive(Clone)]
pub(crate) struct Window {
    pub(crate) key: Arc<str>,
    pub(crate) most: u64,
    /// In milliseconds, as all times here.
    pub(crate) per: u64,
    /// What is counted together.
    pub(crate) part: u64,
}

impl Window {
    /// The length is in the key: counts of another length are others.
    pub(crate) fn new(name: &str, most: u64, per: Duration) -> Self {
        const LONGEST: u64 = 1000 * 60 * 60 * 24 * 365 * 100;
        let per = u64::try_from(per.as_millis()).unwrap_or(LONGEST);
        let per = per.clamp(1, LONGEST);
        Self {
            key: format!("{LIMIT}{}/{per}", tagged(name)).into(),
            most,
            per,
            part: per.div_ceil(PARTS),
        }
    }
}

/// What came of taking from a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) is_allowed: bool,
    pub(crate) remaining: u64,
    /// When it may be allowed; nothing if never.
    pub(crate) retry_after: Option<u64>,
}

/// Whether the key, without its namespace, is one of these.
pub(super) fn is_record(key: &[u8]) -> bool {
    let marks = [LOCK, LIMIT, sessions::MARK];
    marks.iter().any(|mark| key.starts_with(mark.as_bytes()))
}

impl Store {
    /// Takes the lock for `lease`, if nobody holds it.
    pub(crate) async fn lock(
        &self,
        keys: &LockKeys,
        token: Token,
        lease: Duration,
    ) -> Result<Locking, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.records().lock(&keys.holder, token, lease)),
            Self::Redis(redis) => redis.lock(keys, token, lease).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable!("no scenario locks or counts"),
        }
    }

    /// Lets the lock stand for `lease` from now, if it is the token's; says whether it is.
    pub(crate) async fn prolong_lock(
        &self,
        keys: &LockKeys,
        token: Token,
        lease: Duration,
    ) -> Result<bool, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.records().prolong(&keys.holder, token, lease)),
            Self::Redis(redis) => redis.prolong_lock(keys, token, lease).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable!("no scenario locks or counts"),
        }
    }

    /// Gives the lock back, if it is the token's; says whether it was.
    pub(crate) async fn unlock(&self, keys: &LockKeys, token: Token) -> Result<bool, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.records().unlock(&keys.holder, token)),
            Self::Redis(redis) => redis.unlock(keys, token).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable!("no scenario locks or counts"),
        }
    }

    /// Counts `amount` if it is within the limit.
    pub(crate) async fn take(&self, window: &Window, amount: u64) -> Result<Taken, Fault> {
        match self {
            Self::Memory(memory) => Ok(memory.records().take(window, amount, memory.now())),
            Self::Redis(redis) => redis.count_within(window, amount).await,
            #[cfg(test)]
            Self::Sim(_) => unreachable!("no scenario locks or counts"),
        }
    }
}
