//! Digests that stand in a key in place of long or secret text.

use sha2::{Digest as _, Sha256};

/// Marks a digest; a value cannot begin with it, because it is escaped in values.
const MARK: char = '#';

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Replaces what `out` holds from `start` on by its digest: 44 bytes.
pub(super) fn replace_tail(out: &mut String, start: usize) {
    let digest = Sha256::digest(out.get(start..).unwrap_or_default());
    out.truncate(start);
    out.push(MARK);
    push_base64url(&digest, out);
}

/// Without padding: 43 characters for 32 bytes, none of which needs an escape.
pub(crate) fn push_base64url(bytes: &[u8], out: &mut String) {
    for chunk in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or(0)));
        let bits = (a << 16) | (b << 8) | c;
        for sextet in 0..=chunk.len() {
            let index = (bits >> (18 - 6 * sextet)) & 63;
            out.push(char::from(ALPHABET[index as usize]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_only_the_tail() {
        let mut out = "user:secret".to_owned();
        replace_tail(&mut out, 5);
        assert_eq!(out, "user:#K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols");
        assert_eq!(out.len(), 5 + 44);
    }

    #[test]
    fn encodes_as_the_standard_says() {
        for (bytes, expected) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
        ] {
            let mut out = String::new();
            push_base64url(bytes.as_bytes(), &mut out);
            assert_eq!(out, expected);
        }
        let mut out = String::new();
        push_base64url(&[0xfb, 0xff, 0xfe], &mut out);
        assert_eq!(out, "-__-");
    }
}
