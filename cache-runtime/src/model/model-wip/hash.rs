//! One number for what has happened.

/// `event` after `before`.
pub(super) fn mix(before: u64, event: u64) -> u64 {
    let mut sum = (before ^ event.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    sum = sum.wrapping_add(event);
    sum ^= sum >> 32;
    sum = sum.wrapping_mul(0xd6e8_feb8_6659_fd93);
    sum ^ (sum >> 29)
}

pub(super) fn text(text: &str) -> u64 {
    text.bytes().fold(7, |sum, byte| mix(sum, u64::from(byte)))
}
