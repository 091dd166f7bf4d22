//! What lies behind a key, seen by one function.

use std::cmp::Ordering;

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
    Newer(Reading),
}

/// What an entry of some version is to code of ours.
enum Seen<T> {
    Answer(T),
    Newer,
    Unusable,
}

impl<T> Seen<T> {
    fn of(version: u32, ours: u32, read: impl FnOnce() -> Option<T>) -> Self {
        match version.cmp(&ours) {
            Ordering::Greater => Self::Newer,
            Ordering::Less => Self::Unusable,
            Ordering::Equal => read().map_or(Self::Unusable, Self::Answer),
        }
    }
}

impl<S: Shape, H> Call<S, H> {
    pub(super) fn interpret(&self, cache: &Cache, reading: Reading) -> Found<S> {
        let ours = self.site.format.schema_version();
        let seen = match &reading {
            Reading::Nothing => return Found::Nothing,
            Reading::Leased => return Found::Leased,
            Reading::Entry(entry) => Seen::of(entry.version, ours, || self.read_memory(entry)),
            Reading::Bytes(bytes) => match entry::parse(bytes) {
                Ok(Stored::Entry(entry)) => {
                    Seen::of(entry.version(), ours, || self.read_bytes(&entry))
                }
                Ok(Stored::Lease(_) | Stored::Fence) => return Found::Leased,
                Err(_) => Seen::Unusable,
            },
        };
        match seen {
            Seen::Answer(result) => Found::Answer(result),
            Seen::Newer => {
                cache.count(Event::Newer);
                Found::Newer(reading)
            }
            Seen::Unusable => {
                cache.count(Event::Unreadable);
                Found::Unusable(reading)
            }
        }
    }

    fn read_memory(&self, entry: &MemoryEntry) -> Option<Result<S::Value, S::Error>> {
        let Content::Value(value) = &entry.content else {
            return None;
        };
        match entry.kind {
            Kind::Value => ((self.ops)().open)(&**value).map(Ok),
            Kind::Error => (self.errors.as_ref()?.1().open)(&**value).map(Err),
        }
    }

    fn read_bytes(&self, entry: &Entry<'_>) -> Option<Result<S::Value, S::Error>> {
        let format = self.site.format;
        let most = format.entry_limit();
        match entry.kind() {
            Kind::Value => {
                (entry.fingerprint() == self.fingerprint().hash).then_some(())?;
                ((self.ops)().decode)(entry, most).ok().map(Ok)
            }
            Kind::Error => {
                let ops = self.errors.as_ref()?.1();
                (entry.fingerprint() == (ops.fingerprint)(format).hash).then_some(())?;
                (ops.decode)(entry, most).ok().map(Err)
            }
        }
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let compute = || ((self.ops)().fingerprint)(self.site.format);
        self.site.fingerprint(((self.ops)().type_id)(), compute)
    }
}
