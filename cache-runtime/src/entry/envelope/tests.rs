//! Bytes in Redis are a contract: these stay readable, and nothing else is taken for an entry.

use proptest::prelude::*;

use super::*;

/// A value, version 258, fingerprint `0x1122334455667788`, the JSON `[1,2]`.
const GOLDEN_VALUE: &str =
    "ffca010128010000000001028877665544332211000000000000000000000000c442bef463dd51cb5b312c325d";
/// The same as an error.
const GOLDEN_ERROR: &str =
    "ffca01022801000000000102887766554433221100000000000000000000000082a09e6d87e2fa1c5b312c325d";
const GOLDEN_LEASE: &str =
    "ffca010324000000000000000707070707070707070707070707070736a0f75d1e3fdd9a";
const GOLDEN_FENCE: &str =
    "ffca010424000000000000000707070707070707070707070707070738ba2cd1fa37bd1c";
/// As a later version may write it: six bytes of new fields behind the checksum.
const GOLDEN_LONGER: &str = "ffca01012e01000000000102887766554433221100000000000000000000000069b607a581f09fba6164646564215b312c325d";

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn header(kind: Kind) -> Header<'static> {
    let fingerprint = 0x1122_3344_5566_7788;
    Header {
        kind,
        codec: Codec::Json,
        is_compressed: false,
        version: 258,
        fingerprint,
        stamp: Stamp::default(),
    }
}

fn sealed(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes.extend_from_slice(payload);
    seal(&mut bytes, &header(kind));
    bytes
}

/// Puts the right checksum on bytes that were changed on purpose.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let (head, rest) = bytes.split_first_chunk_mut::<HEADER>().unwrap();
    let sum = checksum(head, rest);
    head[CHECKSUM..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn bare_lease() -> Lease<'static> {
    Lease {
        token: Token([7; 16]),
        is_cooling: false,
        kept: None,
    }
}

fn entry(bytes: &[u8]) -> Entry<'_> {
    let Ok(Stored::Entry(entry)) = parse(bytes) else {
        panic!("{:?}", parse(bytes))
    };
    entry
}

#[test]
fn what_is_written_stays_as_it_was() {
    assert_eq!(hex(&sealed(Kind::Value, b"[1,2]")), GOLDEN_VALUE);
    assert_eq!(hex(&sealed(Kind::Error, b"[1,2]")), GOLDEN_ERROR);
    assert_eq!(hex(&lease_bytes(Token([7; 16]))), GOLDEN_LEASE);
    assert_eq!(hex(&claim(FENCE_HEAD, false, Token([7; 16]))), GOLDEN_FENCE);
}

#[test]
fn what_was_written_is_still_read() {
    for (golden, kind) in [(GOLDEN_VALUE, Kind::Value), (GOLDEN_ERROR, Kind::Error)] {
        let golden = bytes(golden);
        let entry = entry(&golden);
        assert_eq!(entry.kind(), kind);
        assert_eq!(entry.version(), 258);
        assert_eq!(entry.fingerprint(), 0x1122_3344_5566_7788);
        assert_eq!(entry.decode::<Vec<u8>>(0), Ok(vec![1, 2]));
    }
    assert_eq!(parse(&bytes(GOLDEN_LEASE)), Ok(Stored::Lease(bare_lease())));
    assert_eq!(parse(&bytes(GOLDEN_FENCE)), Ok(Stored::Fence));
}

#[test]
fn fields_that_later_versions_add_are_skipped() {
    let mut longer = sealed(Kind::Value, b"added![1,2]");
    longer[4] += 6;
    let longer = resealed(longer);
    assert_eq!(hex(&longer), GOLDEN_LONGER);
    assert_eq!(
        entry(&bytes(GOLDEN_LONGER)).decode::<Vec<u8>>(0),
        Ok(vec![1, 2])
    );
}

#[test]
fn scripts_find_the_version_at_its_offset() {
    let bytes = sealed(Kind::Value, b"");
    assert_eq!(
        bytes[VERSION_OFFSET..VERSION_OFFSET + 4],
        258_u32.to_be_bytes()
    );
    let lease = lease_bytes(Token([7; 16]));
    assert_eq!(lease[VERSION_OFFSET..VERSION_OFFSET + 4], [0; 4]);
}

#[test]
fn claims_are_told_by_their_first_bytes() {
    assert!(lease_bytes(Token::random()).starts_with(&LEASE_HEAD));
    let mut followed = lease_bytes(Token([7; 16])).to_vec();
    followed.extend_from_slice(b"a stale payload, one day");
    assert_eq!(parse(&followed), Ok(Stored::Lease(bare_lease())));
}

#[test]
fn every_flipped_bit_is_noticed() {
    for golden in [
        GOLDEN_VALUE,
        GOLDEN_ERROR,
        GOLDEN_LEASE,
        GOLDEN_FENCE,
        GOLDEN_LONGER,
    ] {
        let golden = bytes(golden);
        for bit in 0..golden.len() * 8 {
            let mut flipped = golden.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&flipped).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn every_truncation_is_noticed() {
    for golden in [
        GOLDEN_VALUE,
        GOLDEN_ERROR,
        GOLDEN_LEASE,
        GOLDEN_FENCE,
        GOLDEN_LONGER,
    ] {
        let golden = bytes(golden);
        for length in 0..golden.len() {
            assert!(parse(&golden[..length]).is_err(), "{length} bytes");
        }
    }
}

#[test]
fn foreign_and_unknown_bytes_are_told_apart() {
    for foreign in [
        &b""[..],
        b"{}",
        b"[1,2]",
        b"null",
        &[0xff],
        &[0xff, 0xcb, 1, 1],
    ] {
        assert_eq!(parse(foreign), Err(Unreadable::Foreign));
    }
    assert_eq!(parse(&[0xff, 0xca]), Err(Unreadable::Truncated));
    let golden = bytes(GOLDEN_VALUE);
    for (at, unknown) in [(2, 2), (3, 9), (5, 0), (5, 3), (6, 8)] {
        let mut changed = golden.clone();
        changed[at] = unknown;
        assert_eq!(
            parse(&resealed(changed)),
            Err(Unreadable::UnknownVersion),
            "byte {at}"
        );
    }
    let mut short_header = golden.clone();
    short_header[4] = HEADER_BYTE - 1;
    assert_eq!(parse(&resealed(short_header)), Err(Unreadable::Corrupted));
    let mut endless_header = golden;
    endless_header[4] = 255;
    assert_eq!(parse(&resealed(endless_header)), Err(Unreadable::Truncated));
}

#[test]
fn another_value_in_an_intact_entry_is_mistyped() {
    let bytes = sealed(Kind::Value, b"[1,2]");
    assert_eq!(entry(&bytes).decode::<String>(0), Err(Unreadable::Mistyped));
    assert_eq!(
        entry(&sealed(Kind::Value, b"[1")).decode::<Vec<u8>>(0),
        Err(Unreadable::Mistyped)
    );
}

/// Any payload and any header, with a checksum that is right.
fn forged() -> impl Strategy<Value = Vec<u8>> {
    let payload = proptest::collection::vec(any::<u8>(), 0..64);
    (1..=2_u8, 40..96_u8, 1..=2_u8, 0..=7_u8, payload).prop_map(
        |(kind, length, codec, flags, payload)| {
            let mut bytes = sealed(Kind::Value, &payload);
            (bytes[3], bytes[4], bytes[5], bytes[6]) = (kind, length, codec, flags);
            resealed(bytes)
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_without_panic(bytes: Vec<u8>) {
        prop_assert_eq!(parse(&bytes), Err(Unreadable::Foreign));
    }

    #[test]
    fn any_bytes_behind_a_magic_are_no_entry(
        head in proptest::collection::vec(0..6_u8, 1..6),
        rest: Vec<u8>,
    ) {
        let bytes = [&MAGIC[..], &head, &rest].concat();
        prop_assert!(parse(&bytes).is_err());
    }

    #[test]
    fn forged_entries_are_decoded_or_refused(bytes in forged()) {
        if let Ok(Stored::Entry(entry)) = parse(&bytes) {
            let _unused = entry.decode::<Vec<(u8, Option<String>)>>(1000);
            let _unused = entry.decode::<std::collections::HashMap<String, f64>>(1000);
            let _unused = entry.decode::<serde_json::Value>(1000);
        }
    }

    #[test]
    fn every_token_comes_back(token: [u8; 16]) {
        let token = Token(token);
        let lease = lease_bytes(token);
        let lease = parse(&lease).map(|stored| match stored {
            Stored::Lease(lease) => Some(lease.token),
            _ => None,
        });
        prop_assert_eq!(lease, Ok(Some(token)));
    }
}
