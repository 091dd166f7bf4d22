//! The bytes around a payload: what they are, whose, of which version, and whether intact.
//!
//! An entry, layout 1:
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 0 | 2 | magic `ff ca`: no UTF-8, so no JSON and no text starts like this |
//! | 2 | 1 | layout, 1 |
//! | 3 | 1 | kind: 1 value, 2 error (3 lease and 4 fence: see below) |
//! | 4 | 1 | length of the header, where the payload begins: 40, or more once fields are added |
//! | 5 | 1 | codec: 1 JSON, 2 postcard |
//! | 6 | 1 | flags: 1 compressed |
//! | 7 | 1 | reserved, 0 |
//! | 8 | 4 | the user's schema version, big endian ([`VERSION_OFFSET`]) |
//! | 12 | 8 | fingerprint of the type, little endian |
//! | 20 | 8 | stored at, milliseconds since 1970, little endian; 0 unknown |
//! | 28 | 4 | how long the load took, milliseconds, little endian; 0 unknown |
//! | 32 | 8 | checksum, little endian: xxh3 of all that follows, seeded with xxh3 of all before |
//! | 40 | | fields that later versions add, then the payload |
//!
//! A lease, or a write fence: bytes 0 to 4 as above (length 36), 5 to 11 zero (so that a script
//! sees version 0), 12 to 27 the token, 28 to 35 the xxh3 of bytes 0 to 27, little endian.
//! Whatever follows is reserved, and ignored here.

use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::format::Codec;
use super::token::Token;
use super::{codec, compression};

const MAGIC: [u8; 2] = [0xff, 0xca];
const LAYOUT: u8 = 1;
const VALUE: u8 = 1;
const ERROR: u8 = 2;
const LEASE: u8 = 3;
const FENCE: u8 = 4;
const COMPRESSED: u8 = 1;

/// Length of an entry's header, which fits its length byte.
pub(super) const HEADER: usize = HEADER_BYTE as usize;
const HEADER_BYTE: u8 = 40;
const FINGERPRINT: usize = 12;
const CHECKSUM: usize = 32;

/// Length of a lease or fence.
const CLAIM: usize = CLAIM_BYTE as usize;
const CLAIM_BYTE: u8 = 36;
const TOKEN: usize = 12;
const CLAIM_CHECKSUM: usize = 28;

/// Where scripts find the schema version of an entry: 4 bytes, big endian, from this offset
/// (in Lua `struct.unpack('>I4', entry, VERSION_OFFSET + 1)`).
pub(crate) const VERSION_OFFSET: usize = 8;

/// How every lease begins, whatever its token.
pub(crate) const LEASE_HEAD: [u8; 4] = [MAGIC[0], MAGIC[1], LAYOUT, LEASE];

/// How every entry begins, of a value and of an error.
pub(crate) const ENTRY_HEADS: [[u8; 4]; 2] = [
    [MAGIC[0], MAGIC[1], LAYOUT, VALUE],
    [MAGIC[0], MAGIC[1], LAYOUT, ERROR],
];

/// How every write fence begins.
pub(crate) const FENCE_HEAD: [u8; 4] = [MAGIC[0], MAGIC[1], LAYOUT, FENCE];

/// What an entry answers a call with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The value of a load that succeeded.
    Value,
    /// The error of one that failed, where `errors` says to keep it.
    Error,
}

/// What a key can hold.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stored<'a> {
    Entry(Entry<'a>),
    Lease(Token),
    /// A write is going on: nobody publishes.
    Fence,
}

/// Why bytes are a miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("not an entry of this cache")]
    Foreign,
    #[error("cut short")]
    Truncated,
    #[error("the checksum is wrong")]
    Corrupted,
    #[error("written by a version or with a feature that this build does not have")]
    UnknownVersion,
    #[cfg_attr(
        not(feature = "compression"),
        expect(dead_code, reason = "only a compressed payload can expand")
    )]
    #[error("longer than `max_entry`")]
    TooBig,
    #[error("not a value of this type")]
    Mistyped,
}

/// An intact entry whose payload is not yet decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'a> {
    kind: Kind,
    codec: Codec,
    is_compressed: bool,
    version: u32,
    fingerprint: u64,
    payload: &'a [u8],
}

impl Entry<'_> {
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The value; `max_entry` bounds what decompression may allocate.
    pub(crate) fn decode<V: DeserializeOwned + 'static>(
        &self,
        max_entry: usize,
    ) -> Result<V, Unreadable> {
        if self.is_compressed {
            codec::decode(&compression::expand(self.payload, max_entry)?, self.codec)
        } else {
            codec::decode(self.payload, self.codec)
        }
    }
}

/// What `bytes` are, whoever wrote them.
pub(crate) fn parse(bytes: &[u8]) -> Result<Stored<'_>, Unreadable> {
    match bytes {
        [0xff, 0xca, LAYOUT, LEASE, ..] => parse_claim(bytes).map(Stored::Lease),
        [0xff, 0xca, LAYOUT, FENCE, ..] => parse_claim(bytes).map(|_| Stored::Fence),
        [0xff, 0xca, LAYOUT, _, ..] => parse_entry(bytes).map(Stored::Entry),
        [0xff, 0xca, _, _, ..] => Err(Unreadable::UnknownVersion),
        _ if bytes.starts_with(&MAGIC) => Err(Unreadable::Truncated),
        _ => Err(Unreadable::Foreign),
    }
}

fn parse_entry(bytes: &[u8]) -> Result<Entry<'_>, Unreadable> {
    let (head, rest) = bytes
        .split_first_chunk::<HEADER>()
        .ok_or(Unreadable::Truncated)?;
    let added = head[4]
        .checked_sub(HEADER_BYTE)
        .ok_or(Unreadable::Corrupted)?;
    let payload = rest
        .get(usize::from(added)..)
        .ok_or(Unreadable::Truncated)?;
    if field(head, CHECKSUM) != checksum(head, rest).to_le_bytes() {
        return Err(Unreadable::Corrupted);
    }
    if head[6] & !COMPRESSED != 0 {
        return Err(Unreadable::UnknownVersion);
    }
    Ok(Entry {
        kind: kind_of(head[3])?,
        codec: codec_of(head[5])?,
        is_compressed: head[6] & COMPRESSED != 0,
        version: u32::from_be_bytes(field(head, VERSION_OFFSET)),
        fingerprint: u64::from_le_bytes(field(head, FINGERPRINT)),
        payload,
    })
}

fn parse_claim(bytes: &[u8]) -> Result<Token, Unreadable> {
    let claim = bytes.first_chunk::<CLAIM>().ok_or(Unreadable::Truncated)?;
    let intact = field(claim, CLAIM_CHECKSUM) == xxh3_64(&claim[..CLAIM_CHECKSUM]).to_le_bytes();
    if intact {
        Ok(Token(field(claim, TOKEN)))
    } else {
        Err(Unreadable::Corrupted)
    }
}

/// What an entry says about its payload.
pub(super) struct Header {
    pub(super) kind: Kind,
    pub(super) codec: Codec,
    pub(super) is_compressed: bool,
    pub(super) version: u32,
    pub(super) fingerprint: u64,
}

/// Writes the header into the first [`HEADER`] bytes, which the payload was put behind.
pub(super) fn seal(bytes: &mut [u8], header: &Header) {
    let Some((head, rest)) = bytes.split_first_chunk_mut::<HEADER>() else {
        unreachable!("the caller leaves room for the header");
    };
    *head = [0; HEADER];
    head[..2].copy_from_slice(&MAGIC);
    head[2] = LAYOUT;
    head[3] = match header.kind {
        Kind::Value => VALUE,
        Kind::Error => ERROR,
    };
    head[4] = HEADER_BYTE;
    head[5] = match header.codec {
        Codec::Json => 1,
        Codec::Postcard => 2,
    };
    head[6] = if header.is_compressed { COMPRESSED } else { 0 };
    head[VERSION_OFFSET..FINGERPRINT].copy_from_slice(&header.version.to_be_bytes());
    head[FINGERPRINT..20].copy_from_slice(&header.fingerprint.to_le_bytes());
    let sum = checksum(head, rest);
    head[CHECKSUM..].copy_from_slice(&sum.to_le_bytes());
}

/// A whole lease. Scripts compare it with as many first bytes of what the key holds.
pub(crate) fn lease_bytes(token: Token) -> [u8; CLAIM] {
    claim(LEASE_HEAD, token)
}

fn claim(head: [u8; 4], token: Token) -> [u8; CLAIM] {
    let mut bytes = [0; CLAIM];
    bytes[..4].copy_from_slice(&head);
    bytes[4] = CLAIM_BYTE;
    bytes[TOKEN..CLAIM_CHECKSUM].copy_from_slice(&token.0);
    let sum = xxh3_64(&bytes[..CLAIM_CHECKSUM]);
    bytes[CLAIM_CHECKSUM..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// Seeding with the header's hash makes one checksum of two pieces, without copying them together.
fn checksum(head: &[u8; HEADER], rest: &[u8]) -> u64 {
    xxh3_64_with_seed(rest, xxh3_64(&head[..CHECKSUM]))
}

fn kind_of(byte: u8) -> Result<Kind, Unreadable> {
    match byte {
        VALUE => Ok(Kind::Value),
        ERROR => Ok(Kind::Error),
        _ => Err(Unreadable::UnknownVersion),
    }
}

fn codec_of(byte: u8) -> Result<Codec, Unreadable> {
    match byte {
        1 => Ok(Codec::Json),
        2 => Ok(Codec::Postcard),
        _ => Err(Unreadable::UnknownVersion),
    }
}

/// `N` bytes from `at`; both are constants within the header's length.
fn field<const N: usize>(header: &[u8], at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&header[at..at + N]);
    bytes
}

#[cfg(test)]
mod tests;
