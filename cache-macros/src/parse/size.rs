//! `"16kb"`: a number of bytes in a string.

const UNITS: [(&str, u32); 4] = [("b", 1), ("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)];

/// Bytes, or `None` for anything that is not one whole number with its unit.
pub(crate) fn bytes(text: &str) -> Option<u32> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u32>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn counts_in_powers_of_two() {
        assert_eq!(bytes("16kb"), Some(16_384));
        assert_eq!(bytes("1mb"), Some(1_048_576));
        assert_eq!(bytes("3gb"), Some(3_221_225_472));
        assert_eq!(bytes("512b"), Some(512));
    }

    #[test]
    fn refuses_other_units_and_what_does_not_fit() {
        for text in [
            "", "16", "kb", "16 kb", "16KB", "1.5mb", "4gb", "1kb1b", "16kib",
        ] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
