//! The made-up values a type is shown while its shape is recorded.
//!
//! Those taken are not part of the record, so more can be added without making the entries of
//! types that were complete before unreadable.

/// Strings, from what everything takes to what only one kind of type takes.
pub(super) const STRINGS: &[&str] = &[
    "",
    "a",
    "0",
    "00000000-0000-0000-0000-000000000000",
    "2020-01-01T00:00:00Z",
    "2020-01-01T00:00:00",
    "2020-01-01",
    "00:00:00",
    "127.0.0.1",
    "::1",
    "127.0.0.1:80",
    "[::1]:80",
    "http://a.example/",
    "a@a.example",
    "a.example",
    "0.0",
    "true",
    "1s",
    "PT1S",
    "P1D",
    "Wed, 01 Jan 2020 00:00:00 GMT",
    "2020-01-01T00:00:00+00:00[UTC]",
    "2020-01-01 00:00:00",
    "2020-01-01 00:00:00.0 +00:00:00",
    "Mon",
    "UTC",
    "Europe/London",
    "+00:00",
    "en",
    "en-GB",
    "EUR",
    "GB",
    "1.0.0",
    "^1",
    "127.0.0.0/8",
    "00:00:00:00:00:00",
    "#000000",
    "text/plain",
    "GET",
    "/",
    "AA==",
    "00000000000000000000000000",
    "000000000000000000000000",
    "00000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0x0",
    "+442079460000",
    "A",
];

/// Byte strings, by the lengths that fixed-size types insist on.
pub(super) const BYTES: &[&[u8]] = &[
    &[],
    &[0],
    &[0; 4],
    &[0; 8],
    &[0; 12],
    &[0; 16],
    &[0; 20],
    &[0; 32],
    &[0; 64],
];

/// Characters.
pub(super) const CHARS: &[char] = &['a', '0', 'A'];

/// Integers of every width.
pub(super) const INTEGERS: &[u8] = &[0, 1, 2, 7, 10, 100];

/// Fractions of both widths.
pub(super) const FLOATS: &[f32] = &[0.0, 1.0, 0.5, 100.0];

/// How many elements a sequence or map has.
pub(super) const LENGTHS: &[usize] = &[1, 0, 2, 3, 4];

/// What stands at `choice`; the recorder never chooses beyond the end.
pub(super) fn pick<T: Copy>(candidates: &[T], choice: usize) -> Option<T> {
    candidates.get(choice).copied()
}

/// What a type that takes anything is shown.
pub(super) enum Anything {
    Str(&'static str),
    Integer(u8),
    Bool,
    Unit,
    Float,
    Seq,
    Map,
}

/// How many kinds of anything there are.
pub(super) const ANYTHING: usize = 6 + STRINGS.len();

/// The kind at `choice`: one of each, then the other strings.
pub(super) fn anything(choice: usize) -> Anything {
    match choice {
        0 => Anything::Str(""),
        1 => Anything::Integer(0),
        2 => Anything::Bool,
        3 => Anything::Unit,
        4 => Anything::Float,
        5 => Anything::Seq,
        6 => Anything::Map,
        more => Anything::Str(pick(STRINGS, more - 6).unwrap_or_default()),
    }
}
