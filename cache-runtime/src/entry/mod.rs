//! An entry: the bytes that stand for a value in Redis, and back.
//!
//! `format` says how, `codec` makes the payload, `fidelity` refuses one that would come back as
//! another value, `compression` shortens it, `envelope` puts a header around it, and
//! `fingerprint` tells types of another shape apart.

mod codec;
mod compression;
mod envelope;
mod fidelity;
mod fingerprint;
mod format;
mod token;

use std::error::Error as StdError;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use envelope::{
    Age, Entry, Generation, IDENTITY, Kind, Lease, Stamp, Stored, Unreadable, cooling_bytes,
    fence_bytes, lease_bytes, parse,
};
pub(crate) use fingerprint::{Fingerprint, fingerprint};
pub use format::{Compression, EntryCodec, EntryCompression, Format, Json, Postcard};
pub(crate) use token::Token;

/// Room for the header and a small payload, so that most entries are allocated once.
const USUAL_ENTRY: usize = 512;

/// The bytes of an entry that is sure to come back as `value`.
///
/// A value that its codec would give back as another one is refused: in JSON a `NaN`, an
/// infinity, a `Some` of something that is written as `null`, a variant of an `untagged` enum
/// that reads as an earlier one, a field that is written but not read. What an implementation
/// leaves out on writing (`skip`, a masked password) cannot be noticed.
pub(crate) fn encode<V: Serialize + DeserializeOwned>(
    value: &V,
    kind: Kind,
    format: &Format,
    fingerprint: Fingerprint,
    stamp: &Stamp<'_>,
) -> Result<Vec<u8>, EncodeError> {
    let room = envelope::room(stamp);
    let mut bytes = Vec::with_capacity(USUAL_ENTRY);
    bytes.resize(room, 0);
    let codec = codec::append(value, format, fingerprint, &mut bytes)?;
    let is_compressed = compression::shrink(&mut bytes, room, format.compress);
    let (version, fingerprint) = (format.schema_version(), fingerprint.hash);
    let header = envelope::Header {
        kind,
        codec,
        is_compressed,
        version,
        fingerprint,
        stamp: *stamp,
    };
    envelope::seal(&mut bytes, &header);
    Ok(bytes)
}

/// Whether two values are the same to a reader of this format: in a set, order does not count.
pub(crate) fn is_same<V: Serialize>(one: &V, other: &V, format: &Format) -> bool {
    let digest = |value| fidelity::digest(value, format.readability()).ok();
    let (one, other) = (digest(one), digest(other));
    one.is_some() && one == other
}

/// The length of the payload of `value` before compression: its weight in the embedded store.
pub(crate) fn encoded_len<V: Serialize>(value: &V, format: &Format) -> Result<usize, EncodeError> {
    codec::measure(value, format)
}

/// Why a value has no entry.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    /// Encoding stopped here, so the whole would be this long or longer.
    #[error("it encodes to {bytes} bytes or more, which is over `max_entry`")]
    TooBig { bytes: usize },
    #[error("its `Serialize` implementation failed")]
    Serialize(#[source] Box<dyn StdError + Send + Sync>),
    #[error(
        "it would come back as another value: JSON has no `NaN` and no `Some(None)` \
         (`codec = postcard` has), and fields that are written but not read are lost"
    )]
    Altered,
}

impl EncodeError {
    fn serialize(error: impl StdError + Send + Sync + 'static) -> Self {
        Self::Serialize(Box::new(error))
    }
}

#[cfg(test)]
mod tests;
