//! Values to payloads, stopping at a bound, and payloads to values.

use std::error::Error as StdError;
use std::io;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fidelity;
use super::fingerprint::{Fingerprint, Readability, fingerprint};
use super::format::{Codec, Format};
use super::{EncodeError, Unreadable};

/// Appends the payload of `value` and says in which codec it is.
///
/// What `format` asks for is replaced by JSON where postcard could give back another value.
pub(super) fn append<V: Serialize + DeserializeOwned>(
    value: &V,
    format: &Format,
    fingerprint: Fingerprint,
    bytes: &mut Vec<u8>,
) -> Result<Codec, EncodeError> {
    let (start, limit) = (bytes.len(), format.entry_limit());
    if format.codec == Codec::Postcard && fingerprint.packs {
        match faithful(value, Codec::Postcard, limit, bytes) {
            Ok(()) => return Ok(Codec::Postcard),
            Err(too_big @ EncodeError::TooBig { .. }) => return Err(too_big),
            Err(_) => bytes.truncate(start),
        }
    }
    faithful(value, Codec::Json, limit, bytes)?;
    Ok(Codec::Json)
}

/// The length of the payload of `value`, found without building it.
pub(super) fn measure<V: Serialize>(value: &V, format: &Format) -> Result<usize, EncodeError> {
    let count = |codec| {
        write(
            value,
            codec,
            &mut Bounded::new(io::sink(), format.entry_limit()),
        )
    };
    match count(format.codec) {
        // Such a value would be stored as JSON.
        Err(EncodeError::Serialize(_)) if format.codec == Codec::Postcard => count(Codec::Json),
        counted => counted,
    }
}

/// Writes a payload and reads it back, so that none is stored which comes back as another value.
///
/// This costs a write about one decoding more, and a hit nothing.
fn faithful<V: Serialize + DeserializeOwned>(
    value: &V,
    codec: Codec,
    limit: usize,
    bytes: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let start = bytes.len();
    write(value, codec, &mut Bounded::new(&mut *bytes, limit))?;
    let before = fidelity::digest(value, codec.readability()).map_err(EncodeError::serialize)?;
    let back: Option<V> = bytes.get(start..).and_then(|payload| read(payload, codec));
    let after = back.and_then(|back| fidelity::digest(&back, codec.readability()).ok());
    if after == Some(before) {
        Ok(())
    } else {
        Err(EncodeError::Altered)
    }
}

fn write<V: Serialize, W: io::Write>(
    value: &V,
    codec: Codec,
    out: &mut Bounded<W>,
) -> Result<usize, EncodeError> {
    let done: Result<(), Box<dyn StdError + Send + Sync>> = match codec {
        Codec::Json => serde_json::to_writer(&mut *out, value).map_err(Into::into),
        #[cfg(feature = "postcard")]
        Codec::Postcard => postcard::to_io(value, &mut *out)
            .map(drop)
            .map_err(Into::into),
        #[cfg(not(feature = "postcard"))]
        Codec::Postcard => Err("the feature `postcard` is off".into()),
    };
    match done {
        _ if out.overflowed => Err(EncodeError::TooBig { bytes: out.written }),
        Ok(()) => Ok(out.written),
        Err(error) => Err(EncodeError::Serialize(error)),
    }
}

/// The value in a payload whose checksum was right.
pub(super) fn decode<V: DeserializeOwned + 'static>(
    payload: &[u8],
    codec: Codec,
) -> Result<V, Unreadable> {
    // A forged payload of a recursive type would overflow the stack: nothing else bounds postcard.
    if codec == Codec::Postcard && !fingerprint::<V>(Readability::Compact).packs {
        return Err(Unreadable::Mistyped);
    }
    read(payload, codec).ok_or(Unreadable::Mistyped)
}

fn read<V: DeserializeOwned>(payload: &[u8], codec: Codec) -> Option<V> {
    match codec {
        Codec::Json => serde_json::from_slice(payload).ok(),
        #[cfg(feature = "postcard")]
        Codec::Postcard => match postcard::take_from_bytes(payload) {
            Ok((value, [])) => Some(value),
            _ => None,
        },
        #[cfg(not(feature = "postcard"))]
        Codec::Postcard => None,
    }
}

/// A writer that fails at the first byte over its limit, so that nothing huge is ever built.
struct Bounded<W> {
    inner: W,
    written: usize,
    limit: usize,
    overflowed: bool,
}

impl<W> Bounded<W> {
    fn new(inner: W, limit: usize) -> Self {
        Self {
            inner,
            written: 0,
            limit,
            overflowed: false,
        }
    }
}

impl<W: io::Write> io::Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written = self.written.saturating_add(bytes.len());
        if self.written > self.limit {
            self.overflowed = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.inner.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
