//! The grammar of templates, read when the program is compiled.

use super::fault::{Fault, Problem};
use super::template::{MAX_PLACES, Place, Template};
use super::writer::Shown;

/// Beyond this a key costs more than it says.
pub(super) const MAX_TEXT_BYTES: usize = 256;

/// What the text is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A key of a macro, which knows the parameters and so what `{name}` means.
    Key,
    /// A key of a constant: here `{name}` is always a mistake.
    Typed,
    /// A glob pattern.
    Pattern,
}

/// Reads a template.
pub(super) const fn parse(text: &'static str, kind: Kind) -> Result<Template, Fault> {
    if text.is_empty() {
        return Err(Fault::new(Problem::Empty, 0, 0));
    }
    if text.len() > MAX_TEXT_BYTES {
        return Err(Fault::new(Problem::TooLong, 0, 0));
    }
    let mut reader = Reader::new(text, kind);
    while reader.at < text.len() && reader.fault.is_none() {
        reader.step();
    }
    reader.finish()
}

struct Reader {
    text: &'static str,
    kind: Kind,
    at: usize,
    has_glob: bool,
    places: [Place; MAX_PLACES],
    count: usize,
    /// A `const fn` has no `?`: the first fault ends the loop.
    fault: Option<Fault>,
}

impl Reader {
    const fn new(text: &'static str, kind: Kind) -> Self {
        let nowhere = Place {
            start: 0,
            end: 0,
            shown: Shown::Spelled,
            is_context: false,
        };
        let places = [nowhere; MAX_PLACES];
        Self {
            text,
            kind,
            at: 0,
            has_glob: false,
            places,
            count: 0,
            fault: None,
        }
    }

    const fn step(&mut self) {
        match self.byte(self.at) {
            b'<' => return self.placeholder(),
            b'>' => self.fail(Problem::LoneClose, self.at, self.at + 1),
            b'*' | b'?' | b'[' | b']' => self.glob(),
            b'{' => self.brace(),
            0..0x20 | 0x7F => self.fail(Problem::Control, self.at, self.at),
            0xC2 if self.byte(self.at + 1) < 0xA0 => self.fail(Problem::Control, self.at, self.at),
            _ => {}
        }
        self.at += 1;
    }

    /// `<path>` or `<path|hash>`; a `@` in front says that the caller's context has it.
    const fn placeholder(&mut self) {
        let start = self.at;
        let Some(end) = self.find(b'>', start + 1) else {
            return self.fail(Problem::Unclosed, start, self.text.len());
        };
        let bar = match self.find(b'|', start + 1) {
            Some(bar) if bar < end => bar,
            _ => end,
        };
        let is_context = self.byte(start + 1) == b'@';
        if is_context && !self.is_name(start + 2, bar) {
            self.fail(Problem::Context, start, end + 1);
        } else if !is_context && !self.is_path(start + 1, bar) {
            self.fail(Problem::NotAName, start, end + 1);
        } else if bar != end && !self.is_hash(bar + 1, end) {
            self.fail(Problem::Suffix, start, end + 1);
        } else {
            let shown = if bar == end {
                Shown::Spelled
            } else {
                Shown::Digested
            };
            self.push(Place {
                start,
                end: end + 1,
                shown,
                is_context,
            });
        }
    }

    const fn push(&mut self, place: Place) {
        if self.count == MAX_PLACES {
            return self.fail(Problem::TooManyPlaces, place.start, place.end);
        }
        if self.count > 0 {
            let last = self.places[self.count - 1];
            if !self.separates(last.end, place.start) {
                return self.fail(Problem::NoSeparator, last.start, place.end);
            }
        }
        self.places[self.count] = place;
        self.count += 1;
        self.at = place.end;
    }

    /// Whether two places with this text between them can be told apart in a key.
    ///
    /// It takes a character that no rendered value holds. `% ~ # ( )` are escaped in
    /// values but written by rendering itself: with `<a>%<b>`, ("x ", "20") and
    /// ("x", "20 ") are one key. The comma is written only within parentheses.
    const fn separates(&self, from: usize, to: usize) -> bool {
        let mut comma_counts = true;
        let mut at = from;
        while at < to {
            match self.byte(at) {
                b',' if comma_counts => return true,
                b'(' | b')' => comma_counts = false,
                byte if is_separator(byte) => return true,
                _ => {}
            }
            at += 1;
        }
        false
    }

    const fn glob(&mut self) {
        self.has_glob = true;
        if !matches!(self.kind, Kind::Pattern) {
            self.fail(Problem::Glob, self.at, self.at + 1);
        }
    }

    /// `{name}` is how other libraries write a placeholder.
    const fn brace(&mut self) {
        if let (Kind::Typed, Some(end)) = (self.kind, self.find(b'}', self.at))
            && self.is_name(self.at + 1, end)
        {
            self.fail(Problem::Braces, self.at, end + 1);
        }
    }

    const fn finish(self) -> Result<Template, Fault> {
        match self.fault {
            Some(fault) => Err(fault),
            None if matches!(self.kind, Kind::Pattern) && !self.has_glob => {
                Err(Fault::new(Problem::NoGlob, 0, 0))
            }
            None => Ok(Template::of(self.text, self.places, self.count)),
        }
    }

    /// A name, and perhaps fields: `user`, `user.id`, `pair.0`.
    const fn is_path(&self, from: usize, to: usize) -> bool {
        let Some(dot) = self.find(b'.', from) else {
            return self.is_name(from, to);
        };
        if dot >= to {
            return self.is_name(from, to);
        }
        let mut start = dot + 1;
        while let Some(end) = self.find(b'.', start) {
            if end >= to {
                break;
            }
            if !self.is_field(start, end) {
                return false;
            }
            start = end + 1;
        }
        self.is_name(from, dot) && self.is_field(start, to)
    }

    const fn is_field(&self, from: usize, to: usize) -> bool {
        self.is_name(from, to) || self.is_number(from, to)
    }

    const fn is_name(&self, from: usize, to: usize) -> bool {
        from < to && !self.byte(from).is_ascii_digit() && self.is_word(from, to)
    }

    const fn is_word(&self, from: usize, to: usize) -> bool {
        let mut at = from;
        while at < to {
            // Letters beyond ASCII are rustc's to judge.
            if !matches!(self.byte(at), b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | 0x80..) {
                return false;
            }
            at += 1;
        }
        true
    }

    const fn is_number(&self, from: usize, to: usize) -> bool {
        let mut at = from;
        while at < to && self.byte(at).is_ascii_digit() {
            at += 1;
        }
        from < to && at == to
    }

    const fn is_hash(&self, from: usize, to: usize) -> bool {
        to - from == 4
            && self.byte(from) == b'h'
            && self.byte(from + 1) == b'a'
            && self.byte(from + 2) == b's'
            && self.byte(from + 3) == b'h'
    }

    const fn find(&self, wanted: u8, from: usize) -> Option<usize> {
        let mut at = from;
        while at < self.text.len() {
            if self.byte(at) == wanted {
                return Some(at);
            }
            at += 1;
        }
        None
    }

    const fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes()[at]
    }

    const fn fail(&mut self, problem: Problem, start: usize, end: usize) {
        self.fault = Some(Fault::new(problem, start, end));
    }
}

/// Escaped in values, and not written by rendering either.
const fn is_separator(byte: u8) -> bool {
    let separators = b":/|;=& *?[]\\^{}";
    let mut at = 0;
    while at < separators.len() {
        if separators[at] == byte {
            return true;
        }
        at += 1;
    }
    false
}

#[cfg(test)]
mod tests;
