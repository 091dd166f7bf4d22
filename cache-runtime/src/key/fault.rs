//! What is wrong with a template, said when the program is compiled.

use super::grammar::MAX_TEXT_BYTES;
use super::message::{Message, Piece};
use super::template::MAX_PLACES;

/// A rule that a template breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Empty,
    TooLong,
    Control,
    Unclosed,
    LoneClose,
    NotAName,
    Context,
    Suffix,
    TooManyPlaces,
    NoSeparator,
    Glob,
    NoGlob,
    Braces,
}

/// A broken rule, and the part of the text that breaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) problem: Problem,
    start: usize,
    end: usize,
}

impl Fault {
    pub(super) const fn new(problem: Problem, start: usize, end: usize) -> Self {
        Self {
            problem,
            start,
            end,
        }
    }

    /// Fails the compilation.
    pub(super) const fn raise(self, text: &str) -> ! {
        panic!("{}", self.message(text).as_str())
    }

    pub(super) const fn message(self, text: &str) -> Message {
        let piece = Piece {
            text,
            start: self.start,
            end: self.end,
        };
        let message = Message::about(text);
        match self.problem {
            Problem::Empty => {
                message.say(" is empty: write the text of a key, such as `user:<id>`")
            }
            Problem::TooLong => message
                .say(" has ")
                .number(text.len())
                .say(" bytes: at most ")
                .number(MAX_TEXT_BYTES)
                .say(" are allowed"),
            Problem::Control => message.say(" has a control character: remove it"),
            Problem::Unclosed => message.say(" has a `<` that is never closed: write `<name>`"),
            Problem::LoneClose => message.say(" has a `>` that closes nothing: write `<name>`"),
            Problem::NotAName => message
                .quote(piece)
                .say(": write a name or a path of fields, such as `<id>` or `<user.id>`"),
            Problem::Context => message
                .quote(piece)
                .say(": `@` takes the name of a part of the caller's context, as in `<@tenant>`"),
            Problem::Suffix => message
                .quote(piece)
                .say(": all that may follow a name is `|hash`"),
            Problem::TooManyPlaces => message
                .say(" has more than ")
                .number(MAX_PLACES)
                .say(" placeholders: group some of them in a tuple or a struct"),
            Problem::NoSeparator => message
                .quote(piece)
                .say(": write a separator such as `:` between the placeholders, ")
                .say("or two lists of arguments could share a key"),
            Problem::Glob => message
                .quote(piece)
                .say(", which is for patterns: use `pattern` to name many keys"),
            Problem::NoGlob => message.say(" has no `*`, `?` or `[..]`: use `key` to name one key"),
            Problem::Braces => message
                .quote(piece)
                .say(": write `<")
                .piece(piece.inner())
                .say(">`"),
        }
    }
}

/// Text with the wrong number of placeholders for its arguments.
pub(super) const fn raise_arity(text: &str, places: usize, arguments: usize) -> ! {
    panic!("{}", arity_message(text, places, arguments).as_str())
}

const fn arity_message(text: &str, places: usize, arguments: usize) -> Message {
    let plural = if places == 1 { "" } else { "s" };
    Message::about(text)
        .say(" has ")
        .number(places)
        .say(" placeholder")
        .say(plural)
        .say(" but its argument tuple has ")
        .number(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_both_numbers_when_the_arity_is_wrong() {
        assert_eq!(
            arity_message("user:<id>:<b>", 2, 1).as_str(),
            "cache key template \"user:<id>:<b>\" has 2 placeholders but its argument tuple has 1"
        );
        assert_eq!(
            arity_message("user:<id>", 1, 0).as_str(),
            "cache key template \"user:<id>\" has 1 placeholder but its argument tuple has 0"
        );
    }
}
