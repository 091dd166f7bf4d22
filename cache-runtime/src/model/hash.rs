//! One number for all that has happened.

/// `event` after `before`.
pub(super) fn mix(before: u64, event: u64) -> u64 {
    let sum = (before ^ event.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let sum = sum.wrapping_add(event);
    let sum = (sum ^ (sum >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    sum ^ (sum >> 29)
}

pub(super) fn of_bytes(bytes: &[u8]) -> u64 {
    let byte = |sum, byte: &u8| mix(sum, u64::from(*byte));
    bytes.iter().fold(7, byte)
}

pub(super) fn of_text(text: &str) -> u64 {
    of_bytes(text.as_bytes())
}
