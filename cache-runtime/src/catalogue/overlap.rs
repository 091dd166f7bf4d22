//! Whether two templates can make the same key.
//!
//! A placeholder makes any text without the characters that are escaped in values; what stands
//! between two placeholders holds one that is. So templates are compared piece by piece.

/// What a template is made of, for comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    /// What a placeholder makes.
    Any,
    /// What a placeholder with `|hash` makes.
    Hashed,
    /// `*` of a pattern.
    Star,
    /// `?` or a class of a pattern.
    One,
}

impl Piece {
    fn repeats(self) -> bool {
        !matches!(self, Self::Byte(_) | Self::One)
    }

    /// Whether some byte is one of both.
    fn shares_a_byte(self, other: Self) -> bool {
        match (self, other) {
            (Self::Byte(one), Self::Byte(two)) => one == two,
            (Self::Byte(byte), Self::Any | Self::Hashed)
            | (Self::Any | Self::Hashed, Self::Byte(byte)) => fits_value(byte),
            _ => true,
        }
    }
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
    meet(&globbed(pattern), &pieces(template))
}

/// A pattern's pieces: a class counts as any one byte, since it is the user's to get right.
fn globbed(pattern: &str) -> Vec<Piece> {
    let mut globbed = Vec::new();
    let mut pieces = pieces(pattern).into_iter();
    while let Some(piece) = pieces.next() {
        globbed.push(match piece {
            Piece::Byte(b'?') => Piece::One,
            Piece::Byte(b'[') => {
                pieces.by_ref().find(|piece| *piece == Piece::Byte(b']'));
                Piece::One
            }
            Piece::Byte(b'\\') => pieces.next().unwrap_or(piece),
            // A value holds no separator; a glob in its place may.
            Piece::Byte(b'*') | Piece::Any | Piece::Hashed => Piece::Star,
            piece => piece,
        });
    }
    globbed
}

fn pieces(template: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once('<') {
        pieces.extend(literal.bytes().map(Piece::Byte));
        let (name, after) = after.split_once('>').unwrap_or((after, ""));
        let is_hashed = name.trim_end().ends_with("|hash");
        pieces.push(if is_hashed { Piece::Hashed } else { Piece::Any });
        rest = after;
    }
    pieces.extend(rest.bytes().map(Piece::Byte));
    pieces
}

/// Bytes that a rendered value can hold: an escape's `%`, a digest's `#`, an absent value's `~`
/// and a group's `(,)` are written by rendering itself.
fn fits_value(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || b"%#~(,)-_.@+!$'\"`".contains(&byte)
}

/// Walks both at once; a position is reached if the two can be equal up to there.
fn meet(left: &[Piece], right: &[Piece]) -> bool {
    let width = right.len() + 1;
    let mut reached = vec![false; (left.len() + 1) * width];
    let mut open = vec![(0, 0)];
    while let Some((i, j)) = open.pop() {
        if std::mem::replace(&mut reached[i * width + j], true) {
            continue;
        }
        let (one, two) = (left.get(i), right.get(j));
        if one.is_some_and(|piece| piece.repeats()) {
            open.push((i + 1, j));
        }
        if two.is_some_and(|piece| piece.repeats()) {
            open.push((i, j + 1));
        }
        if let (Some(one), Some(two)) = (one, two)
            && one.shares_a_byte(*two)
        {
            open.push((
                i + usize::from(!one.repeats()),
                j + usize::from(!two.repeats()),
            ));
        }
    }
    reached.last() == Some(&true)
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
