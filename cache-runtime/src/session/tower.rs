//! Sessions of applications that use `tower-sessions`, in a cache's store.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tower_sessions_core::session::{Id, Record};
use tower_sessions_core::session_store::{Error, Result, SessionStore};

#[cfg(feature = "session-encryption")]
use super::encryption::Encryption;
use super::record::{Part, Records};
use crate::cache::Cache;
use crate::error::Fault;
use crate::observe::Event;
use crate::store::{
    ANONYMOUS, Change, Creation, Digest, Found, Idle, Locator, NewSession, Saving, SessionAt,
    SessionField, Store, StoredSession, session_key,
};

/// Says which part of a digest is meant, and that it is none of our own tokens.
const OF_ID: &str = "cache-runtime tower session 1\0";
/// Idle for as long as it likes: `tower-sessions` moves the end with each save.
const NEVER_IDLE: Idle = Idle {
    active_gap: u64::MAX,
    active: u64::MAX,
    usual: u64::MAX,
    least: u64::MAX,
    most: u64::MAX,
    touch_every: u64::MAX,
};

/// A store for `tower-sessions`, so that an application that uses it changes one line.
///
/// Records keep the identifiers that `tower-sessions` gives them. The store has digests of these
/// only: whoever reads Redis, or a dump of it, can use no session. All else is as with
/// [`Sessions`](crate::Sessions): each operation is one atomic step on every topology, and nothing
/// that was deleted comes back.
///
/// | what | what comes of it |
/// | --- | --- |
/// | create with the identifier of a session that is there | another identifier; the one that is there stays as it is |
/// | save of a session that was deleted, or has ended | an error, and no session. `tower-sessions` answers that request with a 500: its session was logged out while it was on its way. |
/// | an expiry in the past | no session from then on |
/// | Redis is away | an error, and so a 500, never a visitor without a session |
/// | a record that can't be read | no session; it is logged, and counted in [`Stats::unreadable`](crate::Stats::unreadable) |
///
/// Two requests that save one session at once overwrite each other, as with any store: its
/// interface has no word for it. [`Sessions`](crate::Sessions) has.
///
/// ```
/// use axum::{Router, body::Body, http::{Request, StatusCode}, routing::get};
/// use cache_runtime::{Cache, TowerStore};
/// use tower::ServiceExt;
/// use tower_sessions::{Session, SessionManagerLayer};
///
/// async fn count(session: Session) -> Result<String, StatusCode> {
///     let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
///     let count = session.get::<u32>("count").await.map_err(failed)?.unwrap_or_default() + 1;
///     session.insert("count", count).await.map_err(failed)?;
///     Ok(count.to_string())
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let cache = Cache::in_memory();
/// // It was `MemoryStore::default()`.
/// let store = TowerStore::new(&cache);
/// let app: Router = Router::new()
///     .route("/", get(count))
///     .layer(SessionManagerLayer::new(store));
///
/// let first = app.clone().oneshot(Request::get("/").body(Body::empty())?).await?;
/// let cookie = first.headers()["set-cookie"].to_str()?;
/// let again = Request::get("/").header("cookie", cookie).body(Body::empty())?;
/// let again = app.oneshot(again).await?.into_body();
/// assert_eq!(axum::body::to_bytes(again, 10).await?, "2");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct TowerStore {
    cache: Cache,
    name: Arc<str>,
    records: Arc<Records>,
}

impl TowerStore {
    /// In a cache's store.
    ///
    /// ```
    /// use cache_runtime::{Cache, TowerStore};
    ///
    /// let store = TowerStore::new(&Cache::in_memory());
    /// ```
    pub fn new(cache: &Cache) -> Self {
        Self {
            cache: cache.clone(),
            name: "tower".into(),
            records: Arc::default(),
        }
    }

    /// What kind of sessions these are, if a program has several; `tower` if nobody says.
    ///
    /// ```
    /// # use cache_runtime::{Cache, TowerStore};
    /// let staff = TowerStore::new(&Cache::in_memory()).name("staff");
    /// ```
    pub fn name(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Seals what the sessions hold, before it is stored.
    ///
    /// ```
    /// # use cache_runtime::{Cache, Encryption, TowerStore};
    /// # let key = [7; 32];
    /// let store = TowerStore::new(&Cache::in_memory()).encryption(Encryption::new(key));
    /// ```
    #[cfg(feature = "session-encryption")]
    pub fn encryption(mut self, encryption: Encryption) -> Self {
        self.records = Arc::new(Records {
            encryption: Some(encryption),
        });
        self
    }

    fn store(&self) -> &Store {
        &self.cache.0.store
    }

    fn place(&self, id: &Id) -> Place {
        let part = |which: &str| -> Digest {
            let digest = Sha256::new_with_prefix(OF_ID)
                .chain_update(which)
                .chain_update(id.0.to_be_bytes());
            digest.finalize().into()
        };
        let (of_key, of_field) = (part("key"), part("field"));
        let (mut locator, mut field) = (Locator::default(), SessionField::default());
        locator.copy_from_slice(&of_key[..16]);
        field.copy_from_slice(&of_field[..12]);
        Place {
            key: session_key(&self.name, &locator),
            id: field,
            digest: part("secret"),
        }
    }

    /// When a record ends, in the store's time; nothing if it has ended.
    fn end(&self, record: &Record) -> Option<u64> {
        let left = record.expiry_date - OffsetDateTime::now_utc();
        let left = Duration::try_from(left)
            .ok()
            .filter(|left| !left.is_zero())?;
        // Rounded up: less than a millisecond is more than nothing.
        let left = u64::try_from(left.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        Some(self.store().now().saturating_add(left))
    }

    fn write(&self, place: &Place, record: &Record) -> Result<Written> {
        let failed = |error: super::SessionError| Error::Encode(error.to_string());
        let expiry = record.expiry_date.unix_timestamp_nanos();
        let body = self.records.write(place.at(), Part::Body, &expiry);
        let data = self.records.write(place.at(), Part::Data, &record.data);
        Ok(Written {
            body: body.map_err(failed)?,
            data: data.map_err(failed)?,
        })
    }

    fn read(&self, id: Id, place: &Place, stored: &StoredSession) -> Option<Record> {
        let body = &stored.head.body;
        let expiry: i128 = self.records.read(place.at(), Part::Body, body)?;
        let expiry_date = OffsetDateTime::from_unix_timestamp_nanos(expiry).ok()?;
        let data: HashMap<String, Value> =
            self.records.read(place.at(), Part::Data, &stored.data)?;
        Some(Record {
            id,
            data,
            expiry_date,
        })
    }

    fn unreadable(&self) {
        self.cache.count(Event::Unreadable);
        tracing::warn!("a session of tower-sessions can't be read, and counts as missing");
    }

    fn unavailable(&self, fault: Fault) -> Error {
        self.cache.count(Event::Fault);
        Error::Backend(super::SessionError::unavailable("a session", fault).to_string())
    }

    async fn found(&self, place: &Place) -> Result<Option<StoredSession>> {
        let found = self
            .store()
            .get_session(place.at(), &place.digest, None)
            .await;
        match found.map_err(|fault| self.unavailable(fault))? {
            Found::Session(stored) => Ok(Some(stored)),
            Found::Absent | Found::Expired => Ok(None),
            Found::Corrupt => {
                self.unreadable();
                Ok(None)
            }
        }
    }

    /// Whether the identifier of a record was free, and is its own now.
    async fn claim(&self, record: &Record) -> Result<bool> {
        let place = self.place(&record.id);
        let Some(end) = self.end(record) else {
            // It has ended before it began: there is nothing to store, and nobody's to take over.
            return Ok(self.found(&place).await?.is_none());
        };
        let written = self.write(&place, record)?;
        let new = NewSession {
            at: place.at(),
            digest: &place.digest,
            flags: ANONYMOUS,
            end,
            idle: NEVER_IDLE,
            body: &written.body,
            data: &written.data,
            expected: None,
            limit: None,
        };
        let created = self.store().create_session(new).await;
        match created.map_err(|fault| self.unavailable(fault))? {
            Creation::Created { .. } => Ok(true),
            // What lies there is not ours to write over.
            Creation::Collision | Creation::Corrupt => Ok(false),
            Creation::Revoked | Creation::Full => {
                unreachable!("neither a generation nor a limit was given")
            }
        }
    }
}

/// Where a record lies, and what proves it: all of it digests of its identifier.
struct Place {
    key: Arc<str>,
    id: SessionField,
    digest: Digest,
}

impl Place {
    fn at(&self) -> SessionAt<'_> {
        SessionAt {
            key: &self.key,
            id: self.id,
        }
    }
}

struct Written {
    body: Vec<u8>,
    data: Vec<u8>,
}

fn gone() -> Error {
    Error::Backend(super::SessionError::Gone.to_string())
}

#[async_trait]
impl SessionStore for TowerStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        while !self.claim(record).await? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let place = self.place(&record.id);
        let Some(end) = self.end(record) else {
            let deleted = self.store().delete_session(place.at(), Some(&place.digest));
            let was_there = deleted.await.map_err(|fault| self.unavailable(fault))?;
            return was_there.then_some(()).ok_or_else(gone);
        };
        let written = self.write(&place, record)?;
        let saving = Saving {
            revision: None,
            data: &written.data,
            body: Some(&written.body),
            end: Some(end),
        };
        let saved = self.store().save_session(place.at(), &place.digest, saving);
        match saved.await.map_err(|fault| self.unavailable(fault))? {
            Change::Done(_) => Ok(()),
            Change::Gone => Err(gone()),
            Change::Corrupt => {
                self.unreadable();
                Err(gone())
            }
            Change::Former | Change::Conflict(_) => {
                unreachable!("it is never rotated, and saved whatever its revision")
            }
        }
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let place = self.place(id);
        let Some(stored) = self.found(&place).await? else {
            return Ok(None);
        };
        let record = self.read(*id, &place, &stored);
        if record.is_none() {
            self.unreadable();
        }
        // This machine's clock decides, too: `tower-sessions` reckons by it.
        Ok(record.filter(|record| record.expiry_date > OffsetDateTime::now_utc()))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let place = self.place(id);
        let deleted = self.store().delete_session(place.at(), Some(&place.digest));
        deleted.await.map_err(|fault| self.unavailable(fault))?;
        Ok(())
    }
}

impl fmt::Debug for TowerStore {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("TowerStore")
            .field("name", &self.name)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}
