//! What the cache does with a value, as functions of its type.
//!
//! They are gathered where the type is known to be cacheable, so that nothing downstream needs
//! that bound: rustc then reports an uncacheable type once.

use std::any::{Any, TypeId};
use std::sync::Arc;

use super::shape::Cacheable;
use crate::entry::{self, EncodeError, Entry, Fingerprint, Format, Kind, Stamp, Unreadable};
use crate::flight::Shared;

type Encoded = Result<Vec<u8>, EncodeError>;

/// By a pointer, which is moved more cheaply.
pub(crate) type OpsOf<V> = fn() -> Ops<V>;

pub(crate) struct Ops<V> {
    pub(crate) type_id: fn() -> TypeId,
    pub(crate) fingerprint: fn(Format) -> Fingerprint,
    pub(crate) decode: fn(&Entry<'_>, usize) -> Result<V, Unreadable>,
    pub(crate) encode: fn(&V, Kind, &Format, Fingerprint, &Stamp<'_>) -> Encoded,
    pub(crate) is_same: fn(&V, &V, &Format) -> bool,
    pub(crate) encoded_len: fn(&V, &Format) -> Result<usize, EncodeError>,
    pub(crate) share: fn(&V) -> Shared,
    pub(crate) open: fn(&(dyn Any + Send + Sync)) -> Option<V>,
}

pub(crate) trait HasOps: Sized + 'static {
    fn ops() -> Ops<Self>;
}

impl<V: Cacheable> HasOps for V {
    fn ops() -> Ops<Self> {
        Ops {
            type_id: TypeId::of::<V>,
            fingerprint: |format| entry::fingerprint::<V>(format.readability()),
            decode: |entry, max_entry| entry.decode::<V>(max_entry),
            encode: |value, kind, format, fingerprint, stamp| {
                entry::encode(value, kind, format, fingerprint, stamp)
            },
            is_same: |one, other, format| entry::is_same(one, other, format),
            encoded_len: |value, format| entry::encoded_len(value, format),
            share: |value| Arc::new(value.clone()),
            open: |shared| shared.downcast_ref::<V>().cloned(),
        }
    }
}
