//! What all handles on the same sessions share, whatever their data.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use once_cell::sync::OnceCell;
use tokio::task::AbortHandle;

use super::SessionError;
use super::builder::Options;
use super::cleaner;
use super::events::{Count, Events, SessionEvent};
use super::fallback::{Changing, Copies, SessionFallback};
use super::id::SessionId;
use super::lifetimes::millis;
use super::record::Records;
use super::token::SessionToken;
use crate::cache::Cache;
use crate::error::Fault;
use crate::observe::Event;
use crate::store::{
    Idle, Locator, SessionAt, SessionCursor, SessionLimit, SessionTally, Store, session_key,
};

pub(super) struct Shared {
    pub(super) cache: Cache,
    pub(super) name: String,
    pub(super) lifetime: u64,
    pub(super) idle: Idle,
    pub(super) grace: u64,
    pub(super) limit: Option<SessionLimit>,
    pub(super) records: Records,
    pub(super) events: Events,
    pub(super) copies: Option<Copies>,
    /// The zero of the store's time.
    pub(super) zero: SystemTime,
    cleaner: OnceCell<AbortHandle>,
}

/// Where a session is.
pub(super) struct Place {
    pub(super) key: Arc<str>,
    pub(super) id: SessionId,
}

impl Place {
    pub(super) fn at(&self) -> SessionAt<'_> {
        SessionAt {
            key: &self.key,
            id: self.id.0,
        }
    }
}

impl Shared {
    pub(super) fn start(
        cache: Cache,
        options: Options,
        records: Records,
        fallback: Option<SessionFallback>,
    ) -> Arc<Self> {
        let shared = Arc::new(Self {
            zero: zero_of(&cache),
            cache,
            name: options.name,
            lifetime: millis(options.lifetime).max(1),
            idle: options.idle.rule(options.touch_every),
            grace: millis(options.grace),
            limit: options.limit,
            records,
            events: Events::new(),
            copies: fallback.map(Copies::new),
            cleaner: OnceCell::new(),
        });
        if let Some(every) = options.cleanup_every
            && let Some(cleaner) = cleaner::start(&shared, every)
        {
            // Nobody else has it yet.
            let _ = shared.cleaner.set(cleaner);
        }
        shared
    }

    pub(super) fn store(&self) -> &Store {
        &self.cache.0.store
    }

    pub(super) fn key(&self, locator: &Locator) -> Arc<str> {
        session_key(&self.name, locator)
    }

    pub(super) fn place(&self, token: &SessionToken) -> Place {
        Place {
            key: self.key(&token.locator()),
            id: token.id(),
        }
    }

    /// From now until this is dropped no copy of the user's sessions is made.
    pub(super) fn changing(&self, locator: Locator) -> Option<Changing<'_>> {
        self.copies.as_ref().map(|copies| copies.change(locator))
    }

    pub(super) fn tell(&self, count: Count, event: SessionEvent) {
        self.events.count(count);
        self.events.tell(event);
    }

    /// What is there can't be read: it counts as missing, and people hear of it.
    pub(super) fn unreadable(&self, id: SessionId) {
        self.tell(Count::Unreadable, SessionEvent::Unreadable(id));
        tracing::warn!(session = %id, "a session can't be read, and counts as missing");
    }

    pub(super) fn unavailable(&self, act: &'static str, fault: Fault) -> SessionError {
        self.cache.count(Event::Fault);
        self.events.count(Count::Unavailable);
        SessionError::unavailable(act, fault)
    }

    /// One step over all sessions of this kind.
    pub(super) async fn sweep(
        &self,
        cursor: SessionCursor,
        removes: bool,
    ) -> Result<(SessionCursor, SessionTally), SessionError> {
        let step = self.store().sweep_sessions(&self.name, cursor, removes);
        let failed = |fault| self.unavailable("going over all sessions", fault);
        step.await.map_err(failed)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(cleaner) = self.cleaner.get() {
            cleaner.abort();
        }
    }
}

/// A server counts from 1970, and this process's memory from its own start.
fn zero_of(cache: &Cache) -> SystemTime {
    if cache.is_redis() {
        return UNIX_EPOCH;
    }
    let since = Duration::from_millis(cache.0.store.now());
    SystemTime::now().checked_sub(since).unwrap_or(UNIX_EPOCH)
}
