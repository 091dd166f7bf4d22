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

/// The value, aged: stored at 1 000 000 000 000, loaded in 7 ms, fresh for a minute, kept for two.
const GOLDEN_AGED: &str = "ffca0101380102000000010288776655443322110010a5d4e800000007000000ead4af7a0e532efb\
60ea000000000000c0d40100000000005b312c325d";
/// The value under two tags, the same times.
const GOLDEN_TAGGED: &str = "ffca0101580104000000010288776655443322110010a5d4e800000007000000bcc0323924ef1567\
60ea000000000000c0d4010000000000010101010101010101010101010101010202020202020202\
02020202020202025b312c325d";
const GOLDEN_BOTH: &str = "ffca0101580106000000010288776655443322110010a5d4e800000007000000b8611c49f2137d3f\
60ea000000000000c0d4010000000000010101010101010101010101010101010202020202020202\
02020202020202025b312c325d";
const GOLDEN_COOLING: &str =
    "ffca01032401000000000000070707070707070707070707070707077854ca7650a416a2";
/// The lease until 1 000 000 060 000, beside the value, which is of use until 1 000 000 120 000.
const GOLDEN_BESIDE: &str = "ffca010324000000000000000707070707070707070707070707070736a0f75d1e3fdd9a000000e8\
d4a5fa60000000e8d4a6e4c0ffca0101280100000000010288776655443322110000000000000000\
00000000c442bef463dd51cb5b312c325d";
/// The fence, held by two until 1 000 000 060 000 and 1 000 000 000 000.
const GOLDEN_HELD_FENCE: &str = "ffca010424000000000000000707070707070707070707070707070738ba2cd1fa37bd1c\
01010101010101010101010101010101000000e8d4a5fa60\
02020202020202020202020202020202000000e8d4a51000";

const AGE: Age = Age {
    stored_at: 1_000_000_000_000,
    fresh_for: 60_000,
    kept_for: 120_000,
    load_ms: 7,
};
const GENERATIONS: [Generation; 2] = [[1; 16], [2; 16]];

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

fn stamped(is_aged: bool, generations: &[Generation]) -> Vec<u8> {
    let stamp = Stamp {
        age: AGE,
        is_aged,
        generations,
    };
    let mut bytes = vec![0; room(&stamp)];
    bytes.extend_from_slice(b"[1,2]");
    let header = Header {
        stamp,
        ..header(Kind::Value)
    };
    seal(&mut bytes, &header);
    bytes
}

/// As the script that takes it writes it.
fn beside(claim: &[u8], entry: &[u8]) -> Vec<u8> {
    let times = [1_000_000_060_000_u64, 1_000_000_120_000].map(u64::to_be_bytes);
    [claim, times.as_flattened(), entry].concat()
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
    assert_eq!(
        hex(&claim(LEASE_HEAD, true, Token([7; 16]))),
        GOLDEN_COOLING
    );
    assert_eq!(hex(&stamped(true, &[])), GOLDEN_AGED);
    assert_eq!(hex(&stamped(false, &GENERATIONS)), GOLDEN_TAGGED);
    assert_eq!(hex(&stamped(true, &GENERATIONS)), GOLDEN_BOTH);
    let lease = beside(&lease_bytes(Token([7; 16])), &sealed(Kind::Value, b"[1,2]"));
    assert_eq!(hex(&lease), GOLDEN_BESIDE);
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
    for fence in [GOLDEN_FENCE, GOLDEN_HELD_FENCE] {
        assert_eq!(parse(&bytes(fence)), Ok(Stored::Fence));
    }
}

#[test]
fn the_age_and_the_tags_of_an_entry_are_read() {
    for (golden, is_aged, generations) in [
        (GOLDEN_AGED, true, &[][..]),
        (GOLDEN_TAGGED, false, &GENERATIONS),
        (GOLDEN_BOTH, true, &GENERATIONS),
    ] {
        let golden = bytes(golden);
        let entry = entry(&golden);
        assert_eq!((entry.age(), entry.is_aged()), (AGE, is_aged));
        assert_eq!(entry.generations(), generations);
        assert_eq!((entry.version(), entry.kind()), (258, Kind::Value));
        assert_eq!(entry.decode::<Vec<u8>>(0), Ok(vec![1, 2]));
    }
    let golden = bytes(GOLDEN_VALUE);
    let old = entry(&golden);
    assert_eq!((old.age(), old.is_aged()), (Age::default(), false));
    assert!(old.generations().is_empty());
}

#[test]
fn an_age_that_nobody_has_to_judge_is_told_all_the_same() {
    let bytes = stamped(false, &[]);
    assert_eq!((bytes[4], bytes[6]), (56, 0));
    assert_eq!(entry(&bytes).age(), AGE);
}

#[test]
fn as_many_tags_as_an_entry_may_have_fit_into_its_header() {
    let generations = [[9; 16]; 8];
    let bytes = stamped(true, &generations);
    assert_eq!(bytes[4], 56 + 8 * 16);
    assert_eq!(entry(&bytes).generations(), generations);
    assert_eq!(entry(&bytes).decode::<Vec<u8>>(0), Ok(vec![1, 2]));
}

#[test]
fn flags_without_their_fields_are_corrupted() {
    for flag in [AGED, TAGGED, AGED | TAGGED] {
        let mut bytes = sealed(Kind::Value, b"[1,2]");
        bytes[6] = flag;
        assert_eq!(parse(&resealed(bytes)), Err(Unreadable::Corrupted));
    }
}

#[test]
fn a_lease_shows_the_entry_beside_it() {
    let value = bytes(GOLDEN_VALUE);
    let kept = Some(Kept {
        deadline: 1_000_000_060_000,
        end: 1_000_000_120_000,
        entry: entry(&value),
    });
    let golden = bytes(GOLDEN_BESIDE);
    let lease = Lease {
        kept,
        ..bare_lease()
    };
    assert_eq!(parse(&golden), Ok(Stored::Lease(lease)));
    let cooling = beside(&bytes(GOLDEN_COOLING), &value);
    let cooled = Lease {
        is_cooling: true,
        ..lease
    };
    assert_eq!(parse(&cooling), Ok(Stored::Lease(cooled)));
    let bare = Lease {
        is_cooling: true,
        ..bare_lease()
    };
    assert_eq!(parse(&bytes(GOLDEN_COOLING)), Ok(Stored::Lease(bare)));
}

#[test]
fn a_lease_beside_anything_else_keeps_nothing() {
    let golden = bytes(GOLDEN_BESIDE);
    for length in CLAIM..golden.len() {
        let cut = parse(&golden[..length]);
        assert_eq!(cut, Ok(Stored::Lease(bare_lease())), "{length} bytes");
    }
    for bit in KEPT * 8..golden.len() * 8 {
        let mut flipped = golden.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let lease = Ok(Stored::Lease(bare_lease()));
        assert_eq!(parse(&flipped), lease, "bit {bit}");
    }
    let nested = beside(&golden[..CLAIM], &golden);
    assert_eq!(parse(&nested), Ok(Stored::Lease(bare_lease())));
}

#[test]
fn a_lease_or_a_fence_is_told_by_its_intact_first_bytes() {
    for golden in [GOLDEN_BESIDE, GOLDEN_HELD_FENCE] {
        let golden = bytes(golden);
        for bit in 0..CLAIM * 8 {
            let mut flipped = golden.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(parse(&flipped).is_err(), "bit {bit}");
        }
        for length in 0..CLAIM {
            assert!(parse(&golden[..length]).is_err(), "{length} bytes");
        }
    }
}

#[test]
fn nobody_can_guess_the_token_of_a_cooling_lease_or_the_next_epoch() {
    assert_ne!(cooling_bytes(), cooling_bytes());
    assert_ne!(fence_bytes(), fence_bytes());
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
    for claim in [lease_bytes(Token([7; 16])), cooling_bytes(), fence_bytes()] {
        assert_eq!(claim[VERSION_OFFSET..VERSION_OFFSET + 4], [0; 4]);
    }
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
        GOLDEN_AGED,
        GOLDEN_TAGGED,
        GOLDEN_BOTH,
        GOLDEN_COOLING,
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
        GOLDEN_AGED,
        GOLDEN_TAGGED,
        GOLDEN_BOTH,
        GOLDEN_COOLING,
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
