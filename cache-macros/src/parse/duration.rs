//! `"1h30m"`: a length of time in a string.

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Milliseconds, or `None` for anything that is not whole numbers with units.
pub(crate) fn millis(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let (number, unit, behind) = leading_term(rest)?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        // `30m1h` and `5s5s` are slips, not sums.
        if *factor >= last {
            return None;
        }
        total = total.checked_add(number.checked_mul(*factor)?)?;
        last = *factor;
        rest = behind;
    }
    (!text.is_empty()).then_some(total)
}

fn leading_term(text: &str) -> Option<(u64, &str, &str)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, rest) = text.split_at(digits);
    let end = rest
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (unit, behind) = rest.split_at(end);
    Some((number.parse().ok()?, unit, behind))
}

#[cfg(test)]
mod tests {
    use super::millis;

    #[test]
    fn adds_up_terms_from_long_to_short() {
        assert_eq!(millis("30m"), Some(1_800_000));
        assert_eq!(millis("1h30m"), Some(5_400_000));
        assert_eq!(millis("1500ms"), Some(1_500));
        assert_eq!(millis("2d1s5ms"), Some(172_801_005));
        assert_eq!(millis("0s"), Some(0));
    }

    #[test]
    fn refuses_what_could_be_read_in_two_ways() {
        for text in [
            "",
            "30",
            "m",
            "30 m",
            "1.5h",
            "30M",
            "1m1h",
            "1s1s",
            "-1s",
            "99999999999999d",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }
}
