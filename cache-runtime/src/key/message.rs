//! Text composed while the program is compiled, where `format!` cannot be called.

use super::grammar::MAX_TEXT_BYTES;

/// A range of the template.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Piece<'_> {
    /// Without the brackets around it.
    pub(super) const fn inner(self) -> Self {
        Self {
            start: self.start + 1,
            end: self.end - 1,
            ..self
        }
    }
}

/// A text that can be composed in a constant.
pub(super) struct Message {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Message {
    /// A template, two pieces of it, and our own words.
    const CAPACITY: usize = 4 * MAX_TEXT_BYTES;

    /// `cache key template "text"`, cut where the text is too long.
    pub(super) const fn about(text: &str) -> Self {
        let message = Self {
            bytes: [0; Self::CAPACITY],
            len: 0,
        }
        .say("cache key template \"");
        if text.len() <= MAX_TEXT_BYTES {
            return message
                .piece(Piece {
                    text,
                    start: 0,
                    end: text.len(),
                })
                .say("\"");
        }
        let mut end = MAX_TEXT_BYTES / 4;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        message
            .piece(Piece {
                text,
                start: 0,
                end,
            })
            .say("..\"")
    }

    pub(super) const fn say(self, text: &str) -> Self {
        self.piece(Piece {
            text,
            start: 0,
            end: text.len(),
        })
    }

    pub(super) const fn quote(self, piece: Piece<'_>) -> Self {
        self.say(" has `").piece(piece).say("`")
    }

    /// Control characters are shown as `?`, so that the message stays on its line.
    pub(super) const fn piece(mut self, piece: Piece<'_>) -> Self {
        let mut at = piece.start;
        while at < piece.end && self.len < Self::CAPACITY {
            let byte = piece.text.as_bytes()[at];
            self.bytes[self.len] = if byte.is_ascii_control() { b'?' } else { byte };
            self.len += 1;
            at += 1;
        }
        self
    }

    pub(super) const fn number(self, value: usize) -> Self {
        let message = if value < 10 {
            self
        } else {
            self.number(value / 10)
        };
        let digits = "0123456789";
        message.piece(Piece {
            text: digits,
            start: value % 10,
            end: value % 10 + 1,
        })
    }

    pub(super) const fn as_str(&self) -> &str {
        let (written, _) = self.bytes.split_at(self.len);
        match str::from_utf8(written) {
            Ok(text) => text,
            Err(_) => "cache key template is wrong",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn composes_text_pieces_and_numbers() {
        let piece = Piece {
            text: "a<b>c",
            start: 1,
            end: 4,
        };
        let message = Message::about("a\tb")
            .say(" has ")
            .piece(piece.inner())
            .number(1024);
        assert_eq!(message.as_str(), "cache key template \"a?b\" has b1024");
    }

    #[test]
    fn has_room_for_the_longest_template_and_two_pieces() {
        let text = "x".repeat(MAX_TEXT_BYTES);
        let message = Message::about(&text).say(&text).say(&text).say("!");
        assert!(message.as_str().ends_with('!'));
    }
}
