//! The bytes around a payload: what they are, whose, of which version, and whether intact.
//!
//! An entry, layout 1:
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 0 | 2 | magic `ff ca`: no UTF-8, so no JSON and no text starts like this |
//! | 2 | 1 | layout, 1 |
//! | 3 | 1 | kind: 1 value, 2 error (3 lease and 4 fence: see below) |
//! | 4 | 1 | length of the header, where the payload begins: 40, or 56 and 16 for each tag |
//! | 5 | 1 | codec: 1 JSON, 2 postcard |
//! | 6 | 1 | flags: 1 compressed, 2 aged: it may be found after its time to live, 4 tagged |
//! | 7 | 1 | reserved, 0 |
//! | 8 | 4 | the user's schema version, big endian ([`VERSION_OFFSET`]) |
//! | 12 | 8 | fingerprint of the type, little endian |
//! | 20 | 8 | stored at, milliseconds since 1970 on the server's clock, little endian; 0 unknown |
//! | 28 | 4 | how long the load took, milliseconds, little endian; 0 unknown |
//! | 32 | 8 | checksum, little endian: xxh3 of all that follows, seeded with xxh3 of all before |
//! | 40 | 8 | time to live, milliseconds, little endian |
//! | 48 | 8 | for how long it is of use at all, windows included, milliseconds, little endian |
//! | 56 | 16 each | the generations of its tags, in the order of the tags |
//! | | | fields that later versions add, then the payload |
//!
//! A lease: bytes 0 to 4 as above (length 36), 5 whether it is cooling (1: the load failed, nobody
//! holds it), 6 to 11 zero (so that a script sees version 0), 12 to 27 the token, 28 to 35 the
//! xxh3 of bytes 0 to 27, little endian. If the entry it took the place of is kept: 36 to 43 until
//! when the lease stands, 44 to 51 until when the entry is of use (both milliseconds since 1970,
//! big endian, for scripts), then the whole entry.
//!
//! A write fence: as a lease without an entry, but its token is an epoch, a new one whenever
//! anything about the key changes. Behind it, for each writer: 16 bytes of its token, 8 bytes
//! until when it holds the fence.

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
const AGED: u8 = 2;
const TAGGED: u8 = 4;

/// Length of an entry's header, which fits its length byte.
pub(super) const HEADER: usize = HEADER_BYTE as usize;
const HEADER_BYTE: u8 = 40;
const FINGERPRINT: usize = 12;
const STORED_AT: usize = 20;
const LOAD_MS: usize = 28;
const CHECKSUM: usize = 32;
/// What follows the checksum: the time to live and the whole time.
const TIMES_BYTE: u8 = 16;
const TIMES: usize = TIMES_BYTE as usize;

/// Length of a lease or fence.
const CLAIM: usize = CLAIM_BYTE as usize;
const CLAIM_BYTE: u8 = 36;
const COOLING: usize = 5;
const TOKEN: usize = 12;
const CLAIM_CHECKSUM: usize = 28;
/// Where the entry begins that a lease keeps.
const KEPT: usize = CLAIM + 16;

/// Where scripts find the schema version of an entry: 4 bytes, big endian, from this offset
/// (in Lua `struct.unpack('>I4', entry, VERSION_OFFSET + 1)`).
const VERSION_OFFSET: usize = 8;

/// How every lease begins, whatever its token.
const LEASE_HEAD: [u8; 4] = [MAGIC[0], MAGIC[1], LAYOUT, LEASE];

/// How every write fence begins.
const FENCE_HEAD: [u8; 4] = [MAGIC[0], MAGIC[1], LAYOUT, FENCE];

/// The length of what tells one entry from all others: its checksum is in it.
pub(crate) const IDENTITY: usize = HEADER;

/// What an invalidation of a tag changes: random, and never the same again.
pub(crate) type Generation = [u8; 16];

/// When an entry was stored, and for how long it is of use, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Age {
    pub(crate) stored_at: u64,
    /// Its time to live.
    pub(crate) fresh_for: u64,
    /// Its windows included.
    pub(crate) kept_for: u64,
    pub(crate) load_ms: u32,
}

/// What an entry says about its age and its tags.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stamp<'a> {
    pub(crate) age: Age,
    /// Whether it may be found after its time to live.
    pub(crate) is_aged: bool,
    pub(crate) generations: &'a [Generation],
}

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
    Lease(Lease<'a>),
    /// A write is going on: nobody publishes.
    Fence,
}

/// A lease, and the entry that it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lease<'a> {
    pub(crate) token: Token,
    /// The load failed, and nobody is to try again until the deadline.
    pub(crate) is_cooling: bool,
    pub(crate) kept: Option<Kept<'a>>,
}

/// The entry that a lease took the place of, and which may still be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept<'a> {
    /// Until when the lease stands; without an entry, the key itself ends with it.
    pub(crate) deadline: u64,
    /// Until when the entry is of use.
    pub(crate) end: u64,
    pub(crate) entry: Entry<'a>,
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
    is_aged: bool,
    version: u32,
    fingerprint: u64,
    age: Age,
    generations: &'a [Generation],
    payload: &'a [u8],
}

impl<'a> Entry<'a> {
    pub(crate) fn age(&self) -> Age {
        self.age
    }

    /// Whether it may be found after its time to live.
    pub(crate) fn is_aged(&self) -> bool {
        self.is_aged
    }

    pub(crate) fn generations(&self) -> &'a [Generation] {
        self.generations
    }

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
        [0xff, 0xca, LAYOUT, LEASE, ..] => parse_lease(bytes).map(Stored::Lease),
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
    let (added, payload) = rest
        .split_at_checked(usize::from(added))
        .ok_or(Unreadable::Truncated)?;
    if field(head, CHECKSUM) != checksum(head, rest).to_le_bytes() {
        return Err(Unreadable::Corrupted);
    }
    let flags = head[6];
    if flags & !(COMPRESSED | AGED | TAGGED) != 0 {
        return Err(Unreadable::UnknownVersion);
    }
    let times = added.first_chunk::<TIMES>();
    if flags & (AGED | TAGGED) != 0 && times.is_none() {
        return Err(Unreadable::Corrupted);
    }
    let generations = match added.get(TIMES..) {
        Some(tags) if flags & TAGGED != 0 => tags.as_chunks().0,
        _ => &[],
    };
    let (fresh_for, kept_for) = times.map_or((0, 0), |times| {
        let time = |at| u64::from_le_bytes(field(times, at));
        (time(0), time(8))
    });
    Ok(Entry {
        kind: kind_of(head[3])?,
        codec: codec_of(head[5])?,
        is_compressed: flags & COMPRESSED != 0,
        is_aged: flags & AGED != 0,
        age: Age {
            stored_at: u64::from_le_bytes(field(head, STORED_AT)),
            fresh_for,
            kept_for,
            load_ms: u32::from_le_bytes(field(head, LOAD_MS)),
        },
        generations,
        version: u32::from_be_bytes(field(head, VERSION_OFFSET)),
        fingerprint: u64::from_le_bytes(field(head, FINGERPRINT)),
        payload,
    })
}

fn parse_lease(bytes: &[u8]) -> Result<Lease<'_>, Unreadable> {
    let token = parse_claim(bytes)?;
    let times = bytes.get(CLAIM..KEPT).and_then(<[u8]>::first_chunk::<16>);
    let entry = bytes.get(KEPT..).and_then(|entry| parse_entry(entry).ok());
    let kept = times.zip(entry).map(|(times, entry)| Kept {
        deadline: u64::from_be_bytes(field(times, 0)),
        end: u64::from_be_bytes(field(times, 8)),
        entry,
    });
    Ok(Lease {
        token,
        is_cooling: bytes[COOLING] == 1,
        kept,
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
pub(super) struct Header<'a> {
    pub(super) kind: Kind,
    pub(super) codec: Codec,
    pub(super) is_compressed: bool,
    pub(super) version: u32,
    pub(super) fingerprint: u64,
    pub(super) stamp: Stamp<'a>,
}

/// Room for the header of an entry with this stamp.
pub(super) fn room(stamp: &Stamp<'_>) -> usize {
    if stamp.age.kept_for == 0 {
        return HEADER;
    }
    HEADER + TIMES + 16 * stamp.generations.len()
}

/// Writes the header into the first bytes, of which there is [`room`].
pub(super) fn seal(bytes: &mut [u8], header: &Header<'_>) {
    let Some((head, rest)) = bytes.split_first_chunk_mut::<HEADER>() else {
        unreachable!("the caller leaves room for the header");
    };
    let Stamp {
        age,
        is_aged,
        generations,
    } = header.stamp;
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
    let flag = |is_set, flag| if is_set { flag } else { 0 };
    head[6] = flag(header.is_compressed, COMPRESSED)
        | flag(is_aged, AGED)
        | flag(!generations.is_empty(), TAGGED);
    head[VERSION_OFFSET..FINGERPRINT].copy_from_slice(&header.version.to_be_bytes());
    head[FINGERPRINT..STORED_AT].copy_from_slice(&header.fingerprint.to_le_bytes());
    head[STORED_AT..LOAD_MS].copy_from_slice(&age.stored_at.to_le_bytes());
    head[LOAD_MS..CHECKSUM].copy_from_slice(&age.load_ms.to_le_bytes());
    if age.kept_for > 0 {
        // At most 8 tags: it fits.
        let tags = u8::try_from(16 * generations.len()).unwrap_or(u8::MAX);
        head[4] = HEADER_BYTE.saturating_add(TIMES_BYTE).saturating_add(tags);
        rest[..8].copy_from_slice(&age.fresh_for.to_le_bytes());
        rest[8..TIMES].copy_from_slice(&age.kept_for.to_le_bytes());
        rest[TIMES..TIMES + 16 * generations.len()].copy_from_slice(generations.as_flattened());
    }
    let sum = checksum(head, rest);
    head[CHECKSUM..].copy_from_slice(&sum.to_le_bytes());
}

/// A whole lease. Scripts compare it with as many first bytes of what the key holds.
pub(crate) fn lease_bytes(token: Token) -> [u8; CLAIM] {
    claim(LEASE_HEAD, false, token)
}

/// A lease that nobody holds: the load has failed.
pub(crate) fn cooling_bytes() -> [u8; CLAIM] {
    claim(LEASE_HEAD, true, Token::random())
}

/// How a fence begins after any change.
pub(crate) fn fence_bytes() -> [u8; CLAIM] {
    claim(FENCE_HEAD, false, Token::random())
}

fn claim(head: [u8; 4], is_cooling: bool, token: Token) -> [u8; CLAIM] {
    let mut bytes = [0; CLAIM];
    bytes[..4].copy_from_slice(&head);
    bytes[4] = CLAIM_BYTE;
    bytes[COOLING] = u8::from(is_cooling);
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
