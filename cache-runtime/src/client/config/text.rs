//! Texts of people: times and sizes as they write them, and what a text looks like that is not
//! to be repeated.

use std::time::Duration;

const TIMES: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

const SIZES: [(&str, u64); 4] = [("b", 1), ("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)];

/// Seconds, also with a fraction; or terms with units, the longer ones first, as in attributes.
pub(super) fn duration(text: &str) -> Option<Duration> {
    if text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.')
    {
        return Duration::try_from_secs_f64(text.parse().ok()?).ok();
    }
    let (mut rest, mut total, mut last) = (text, 0_u64, u64::MAX);
    while !rest.is_empty() {
        let (number, unit, behind) = leading_term(rest)?;
        let factor = factor(&TIMES, unit).filter(|factor| *factor < last)?;
        total = total.checked_add(number.checked_mul(factor)?)?;
        (last, rest) = (factor, behind);
    }
    (!text.is_empty()).then(|| Duration::from_nanos(total))
}

/// A number of bytes, or of a unit that is a power of two.
pub(super) fn bytes(text: &str) -> Option<u64> {
    if let Ok(bytes) = text.parse() {
        return Some(bytes);
    }
    let (number, unit, behind) = leading_term(text)?;
    let factor = factor(&SIZES, &unit.to_ascii_lowercase()).filter(|_| behind.is_empty())?;
    number.checked_mul(factor)
}

fn leading_term(text: &str) -> Option<(u64, &str, &str)> {
    let (number, rest) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let end = rest.find(|c: char| c.is_ascii_digit());
    let (unit, behind) = rest.split_at(end.unwrap_or(rest.len()));
    Some((number.parse().ok()?, unit, behind))
}

fn factor(units: &[(&str, u64)], unit: &str) -> Option<u64> {
    let known = units.iter().find(|(name, _)| *name == unit);
    known.map(|(_, factor)| *factor)
}

/// The coarsest unit that loses nothing, but none above a second: `3600s` is what variables say.
pub(super) fn shortest(time: Duration) -> String {
    let nanos = time.as_nanos();
    if nanos.is_multiple_of(1_000_000_000) {
        format!("{}s", time.as_secs())
    } else if nanos.is_multiple_of(1_000_000) {
        format!("{}ms", time.as_millis())
    } else {
        format!("{nanos}ns")
    }
}

/// What a text looks like, without saying what it is: it may be a password in the wrong place.
pub(super) fn shape(text: &str) -> String {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match text {
        "" => "empty".to_owned(),
        _ if text.contains("-----BEGIN") => "a PEM text".to_owned(),
        _ if text.starts_with("tcp://") => {
            "an address, as Kubernetes sets it for a service named `redis`: give the service \
             another name, or say `enableServiceLinks: false`"
                .to_owned()
        }
        _ if text.contains("://") => "an address".to_owned(),
        _ if is_number && digits.len() < text.len() => "a negative number".to_owned(),
        _ if is_number => format!("a number of {} digits", digits.len()),
        _ => format!("text of {} characters", text.chars().count()),
    }
}

/// The name that was perhaps meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(distance, known)| *distance <= known.len().max(name.len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_seconds_or_with_units() {
        let cases = [
            ("30", 30_000),
            ("0.2", 200),
            ("200ms", 200),
            ("1h30m", 5_400_000),
            ("1d", 86_400_000),
            ("0", 0),
        ];
        for (text, millis) in cases {
            assert_eq!(
                duration(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "", ".", "1.5h", "30 s", "-1", "1m1h", "1s1s", "1w", "NaN", "1e3",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_in_bytes_or_with_units() {
        for (text, bytes_of_it) in [
            ("7", 7),
            ("16kb", 16_384),
            ("64MB", 64 << 20),
            ("1gb", 1 << 30),
        ] {
            assert_eq!(bytes(text), Some(bytes_of_it), "{text}");
        }
        for text in ["", "kb", "1.5mb", "1kb1b", "-1", "99999999999gb"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }

    #[test]
    fn a_shape_repeats_nothing() {
        for (text, shape_of_it) in [
            ("", "empty"),
            ("70000", "a number of 5 digits"),
            ("-5", "a negative number"),
            ("hunter2", "text of 7 characters"),
            ("redis://user:hunter2@h", "an address"),
        ] {
            assert_eq!(shape(text), shape_of_it);
        }
        assert!(shape("tcp://10.0.0.1:6379").contains("Kubernetes"));
    }

    #[test]
    fn only_what_is_near_was_perhaps_meant() {
        let known = || ["host", "port", "password"].into_iter();
        assert_eq!(nearest("prot", known()), Some("port"));
        assert_eq!(nearest("pasword", known()), Some("password"));
        assert_eq!(nearest("colour", known()), None);
    }
}
