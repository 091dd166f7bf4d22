//! Which characters a value may not bring into a key, and how they are spelled instead.

use std::borrow::Cow;

/// Separators, globs, braces, and what rendering itself writes: `~ # % ( ) ,`.
const RESERVED: &[u8] = b"%:/|,;=#&~*?[]\\^{}<>() ";

/// The first byte of all characters from U+0080 to U+00BF, control characters among them.
const LATIN_LEAD: u8 = 0xC2;

/// The set of escaped characters.
///
/// Escaping is a bijection only with the whole set; [`EscapeTable::without`] exists
/// so that a test can show that each member is needed.
#[derive(Clone, Debug)]
pub struct EscapeTable {
    /// By byte of UTF-8: is it, or may it begin, an escaped character?
    stops: [bool; 256],
    /// By code point, for the control characters U+0080 to U+009F.
    latin_controls: [bool; 32],
}

impl EscapeTable {
    /// The table of all keys.
    pub const KEYS: Self = Self::all();

    const fn all() -> Self {
        let mut stops = [false; 256];
        let mut at = 0;
        while at < RESERVED.len() {
            stops[RESERVED[at] as usize] = true;
            at += 1;
        }
        let mut control = 0;
        while control < 0x20 {
            stops[control] = true;
            control += 1;
        }
        stops[0x7F] = true;
        stops[LATIN_LEAD as usize] = true;
        Self {
            stops,
            latin_controls: [true; 32],
        }
    }

    /// The table with one character left raw: broken, for tests.
    #[must_use]
    pub fn without(mut self, character: char) -> Self {
        match u32::from(character) {
            code @ 0..0x80 => self.stops[code as usize] = false,
            code @ 0x80..0xA0 => self.latin_controls[code as usize - 0x80] = false,
            _ => {}
        }
        self
    }

    /// Whether the character is escaped.
    pub fn contains(&self, character: char) -> bool {
        match u32::from(character) {
            code @ 0..0x80 => self.stops[code as usize],
            code @ 0x80..0xA0 => self.latin_controls[code as usize - 0x80],
            _ => false,
        }
    }

    /// Appends the text to `out`, escaped.
    pub(super) fn write(&self, text: &str, out: &mut String) {
        let mut rest = text;
        while let Some(at) = self.first_stop(rest) {
            let (plain, tail) = rest.split_at(at);
            out.push_str(plain);
            let mut characters = tail.chars();
            if let Some(character) = characters.next() {
                self.push(character, out);
            }
            rest = characters.as_str();
        }
        out.push_str(rest);
    }

    fn first_stop(&self, text: &str) -> Option<usize> {
        text.bytes().position(|byte| self.stops[usize::from(byte)])
    }

    fn push(&self, character: char, out: &mut String) {
        if !self.contains(character) {
            return out.push(character);
        }
        for byte in character.encode_utf8(&mut [0; 4]).bytes() {
            out.push('%');
            out.push(hex_digit(byte >> 4));
            out.push(hex_digit(byte & 15));
        }
    }
}

fn hex_digit(value: u8) -> char {
    char::from(b"0123456789ABCDEF"[usize::from(value & 15)])
}

/// The text as it stands in a key: a namespace, for example.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if EscapeTable::KEYS.first_stop(text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    EscapeTable::KEYS.write(text, &mut out);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_plain_text_without_allocating() {
        assert!(matches!(
            escaped("prod_eu-1.Größe@日本+'\"!$`"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn spells_reserved_characters_in_hexadecimal() {
        let all = RESERVED
            .iter()
            .map(|byte| char::from(*byte))
            .collect::<String>();
        assert_eq!(
            escaped(&all),
            "%25%3A%2F%7C%2C%3B%3D%23%26%7E%2A%3F%5B%5D%5C%5E%7B%7D%3C%3E%28%29%20"
        );
        assert_eq!(escaped("a:b:"), "a%3Ab%3A");
    }

    #[test]
    fn spells_control_characters_of_two_bytes_too() {
        assert_eq!(escaped("\0\n\x7f"), "%00%0A%7F");
        assert_eq!(escaped("\u{80}\u{85}\u{9f}"), "%C2%80%C2%85%C2%9F");
        assert_eq!(escaped("\u{a0}½¿"), "\u{a0}½¿");
    }

    #[test]
    fn escapes_exactly_the_reserved_and_the_control_characters() {
        for character in (0..=0x0011_0000_u32).filter_map(char::from_u32) {
            let reserved = character.is_ascii() && RESERVED.contains(&(character as u8));
            let expected = reserved || character.is_control();
            assert_eq!(
                EscapeTable::KEYS.contains(character),
                expected,
                "{character:?}"
            );
        }
    }
}
