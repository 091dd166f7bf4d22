//! What lies behind a key, seen by one function.

use super::read::Call;
use super::shape::Shape;
use crate::cache::Cache;
use crate::entry::{self, Entry, Fingerprint, Kind, Stored};
use crate::observe::Event;
use crate::store::{Content, MemoryEntry, Reading};

/// What a reading means to this call.
pub(super) enum Found<S: Shape> {
    Answer(Result<S::Value, S::Error>),
    Nothing,
    /// Somebody is loading, or writing.
    Leased,
    /// Nothing that this code can read; it may be replaced.
    Unusable(Reading),
    /// Written by newer code, which must not lose it.
    Newer,
}

impl<S: Shape, H> Call<S, H> {
    pub(super) fn interpret(&self, cache: &Cache, reading: Reading) -> Found<S> {
        let found = match &reading {
            Reading::Nothing => return Found::Nothing,
            Reading::Leased => return Found::Leased,
            Reading::Entry(entry) => self.read_memory(cache, entry),
            Reading::Bytes(bytes) => match entry::parse(bytes) {
                Ok(Stored::Entry(entry)) => self.read_bytes(cache, &entry),
                Ok(Stored::Lease(_) | Stored::Fence) => return Found::Leased,
                Err(_) => None,
            },
        };
        found.unwrap_or_else(|| {
            cache.count(Event::Unreadable);
            Found::Unusable(reading)
        })
    }

    fn read_memory(&self, cache: &Cache, entry: &MemoryEntry) -> Option<Found<S>> {
        let Content::Value(value) = &entry.content else {
            return None;
        };
        self.readable(cache, entry.version, || match entry.kind {
            Kind::Value => ((self.ops)().open)(&**value).map(Ok),
            Kind::Error => {
                let ops = self.errors.as_ref()?.1();
                (ops.open)(&**value).map(Err)
            }
        })
    }

    fn read_bytes(&self, cache: &Cache, entry: &Entry<'_>) -> Option<Found<S>> {
        self.readable(cache, entry.version(), || {
            let most = self.site.format.entry_limit();
            match entry.kind() {
                Kind::Value if entry.fingerprint() == self.fingerprint().hash => {
                    ((self.ops)().decode)(entry, most).ok().map(Ok)
                }
                Kind::Error => {
                    let ops = self.errors.as_ref()?.1();
                    let known = (ops.fingerprint)(self.site.format).hash;
                    (entry.fingerprint() == known).then_some(())?;
                    (ops.decode)(entry, most).ok().map(Err)
                }
                Kind::Value => None,
            }
        })
    }

    fn readable(
        &self,
        cache: &Cache,
        version: u32,
        read: impl FnOnce() -> Option<Result<S::Value, S::Error>>,
    ) -> Option<Found<S>> {
        let ours = self.site.format.schema_version();
        if version > ours {
            cache.count(Event::Newer);
            return Some(Found::Newer);
        }
        if version < ours {
            None
        } else {
            read().map(Found::Answer)
        }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let compute = || ((self.ops)().fingerprint)(self.site.format);
        self.site.fingerprint(((self.ops)().type_id)(), compute)
    }
}
