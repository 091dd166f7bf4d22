//! Bytes as text for cookies and addresses: base64url without padding.

use crate::key::push_base64url;

pub(super) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    push_base64url(bytes, &mut out);
    out
}

/// Reads exactly as many bytes as `out` has, a multiple of three; says whether the text was that.
pub(super) fn decode(text: &str, out: &mut [u8]) -> bool {
    let text = text.as_bytes();
    if text.len() != out.len() / 3 * 4 {
        return false;
    }
    let mut is_text = true;
    for (four, three) in text.chunks_exact(4).zip(out.chunks_exact_mut(3)) {
        let mut bits = 0;
        for byte in four {
            let value = sextet(*byte);
            is_text &= value.is_some();
            bits = bits << 6 | value.unwrap_or(0);
        }
        three.copy_from_slice(&bits.to_be_bytes()[1..]);
    }
    is_text
}

fn sextet(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_comes_back() {
        for byte in 0..=u8::MAX {
            for bytes in [[byte, 0, 255], [255, byte, 0], [0, 255, byte]] {
                let mut read = [0; 3];
                assert!(decode(&encode(&bytes), &mut read));
                assert_eq!(read, bytes);
            }
        }
    }

    #[test]
    fn other_characters_and_lengths_are_refused() {
        let mut out = [0; 3];
        for wrong in ["", "AAA", "AAAAA", "AA+A", "AA/A", "AAA=", "A AA", "é12"] {
            assert!(!decode(wrong, &mut out), "{wrong:?}");
        }
    }
}
