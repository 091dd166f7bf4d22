//! Redis' glob patterns, for the embedded store: `*`, `?`, `[a-c]`, `[^a]` and `\` escapes.

/// Whether `text` matches `pattern`, as Redis would say.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where to go on when the last `*` has to take one byte more.
    let mut star = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
            continue;
        }
        match one(&pattern[p..], text[t]) {
            Some(used) => (p, t) = (p + used, t + 1),
            None => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, t) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// How much of the pattern matches this one byte, if it does.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', class @ ..] => in_class(class, byte),
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

fn in_class(class: &[u8], byte: u8) -> Option<usize> {
    let negated = class.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    while at < class.len() && class[at] != b']' {
        match class[at..] {
            [b'\\', escaped, ..] => {
                found |= escaped == byte;
                at += 2;
            }
            [low, b'-', high, ..] if high != b']' => {
                found |= (low.min(high)..=low.max(high)).contains(&byte);
                at += 3;
            }
            _ => {
                found |= class[at] == byte;
                at += 1;
            }
        }
    }
    (found != negated).then_some((at + 2).min(class.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn matches_as_redis_does() {
        let cases = [
            ("user:*", "user:1", true),
            ("user:*", "user:", true),
            ("user:*:name", "user:1:2:name", true),
            ("user:*:name", "user:1:2:nam", false),
            ("user:?", "user:1", true),
            ("user:?", "user:12", false),
            ("user:[a-c]", "user:b", true),
            ("user:[^a-c]", "user:b", false),
            ("user:[^a-c]x", "user:dx", true),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("**a", "bca", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
