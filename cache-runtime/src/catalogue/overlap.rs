//! Whether two templates can make the same key.
//!
//! A placeholder makes any text without the characters that are escaped in values; what stands
//! between two placeholders holds one that is. So templates are compared piece by piece.

/// What a template is made of, for comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    Any,
}

/// Whether some key is made by both templates.
pub(super) fn overlap(left: &str, right: &str) -> bool {
    meet(&pieces(left), &pieces(right))
}

/// Whether the templates are the same but for the names of their placeholders.
pub(super) fn is_same(left: &str, right: &str) -> bool {
    pieces(left) == pieces(right)
}

/// Whether some key of the template can match the pattern, whatever stands in the placeholders of
/// both.
pub(super) fn covers(pattern: &str, template: &str) -> bool {
    // A value holds no separator, a `*` may: so a placeholder of the pattern counts as its glob.
    let glob = texts(pattern).join("*");
    let sample = texts(template).join("0");
    crate::store::matches(&glob, &sample)
}

/// What stands around the placeholders.
fn texts(template: &str) -> Vec<&str> {
    let mut texts = Vec::new();
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once('<') {
        texts.push(literal);
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    texts.push(rest);
    texts
}

fn pieces(template: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once('<') {
        pieces.extend(literal.bytes().map(Piece::Byte));
        pieces.push(Piece::Any);
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    pieces.extend(rest.bytes().map(Piece::Byte));
    pieces
}

/// Bytes that a rendered value can hold: an escape's `%`, a digest's `#`, an absent value's `~`
/// and a group's `(,)` are written by rendering itself.
fn fits_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"%#~(,)-_.@+!$'\"`".contains(&byte)
}

fn meet(left: &[Piece], right: &[Piece]) -> bool {
    // Rows of the table are positions in `left`; `reach[j]`: the two prefixes can be equal.
    let mut reach = vec![false; right.len() + 1];
    reach[0] = true;
    for (j, piece) in right.iter().enumerate() {
        reach[j + 1] = reach[j] && *piece == Piece::Any;
    }
    for piece in left {
        let mut next = vec![false; right.len() + 1];
        next[0] = reach[0] && *piece == Piece::Any;
        for (j, other) in right.iter().enumerate() {
            next[j + 1] = match (piece, other) {
                (Piece::Any, Piece::Any) => reach[j] || reach[j + 1] || next[j],
                (Piece::Any, Piece::Byte(byte)) => reach[j + 1] || next[j] && fits_value(*byte),
                (Piece::Byte(byte), Piece::Any) => next[j] || reach[j + 1] && fits_value(*byte),
                (Piece::Byte(one), Piece::Byte(two)) => reach[j] && one == two,
            };
        }
        reach = next;
    }
    reach[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_templates_that_can_meet_from_those_that_cannot() {
        let cases = [
            ("user:<id>", "user:<name>", true),
            ("user:<id>", "user:me", true),
            ("user:<id>", "user:<id>:name", false),
            ("user:<id>", "class:<id>", false),
            ("<kind>:<id>", "user:<id>", true),
            ("<kind>:1", "user:<id>", true),
            ("<kind>:1", "user:2", false),
            ("a:<x>:c", "a:b:<y>", true),
            ("a<x>", "<y>b", true),
            ("user:<id>", "user:", true),
            ("user:1", "user:1", true),
            ("user:<id|hash>", "user:<id>", true),
        ];
        for (left, right, expected) in cases {
            assert_eq!(overlap(left, right), expected, "{left} and {right}");
            assert_eq!(overlap(right, left), expected, "{right} and {left}");
        }
    }

    #[test]
    fn a_pattern_covers_what_its_glob_can_match() {
        assert!(covers("user:<id>:*", "user:<user_id>:profile"));
        assert!(covers("class:*:students", "class:<id>:students"));
        assert!(!covers("clas:*:students", "class:<id>:students"));
    }

    #[test]
    fn names_of_placeholders_do_not_matter() {
        assert!(is_same("user:<id>", "user:<user.id>"));
        assert!(!is_same("user:<id>", "user:me"));
    }
}
