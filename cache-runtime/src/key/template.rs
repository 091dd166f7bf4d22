//! A template: fixed text with places for parts, ready to be rendered.

use std::sync::Arc;

use super::grammar::{self, Kind};
use super::writer::Shown;
use super::{EscapeTable, KeyPart, KeyWriter, context, scratch};

/// More arguments than this belong in a tuple or a struct.
pub(super) const MAX_PLACES: usize = 8;

/// The text of a key, or of a pattern of keys, with places for its arguments.
///
/// Parsed when compiled; rendering only copies.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    text: &'static str,
    places: [Place; MAX_PLACES],
    count: usize,
}

/// One placeholder, from its `<` to behind its `>`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) shown: Shown,
    /// Whether the caller's context has its part, rather than an argument.
    pub(super) is_context: bool,
}

impl Template {
    /// The template of a key.
    ///
    /// # Panics
    /// If the text breaks a rule of the grammar: to be called in a constant.
    pub const fn parse(text: &'static str) -> Self {
        match grammar::parse(text, Kind::Key) {
            Ok(template) => template,
            Err(fault) => fault.raise(text),
        }
    }

    /// The template of a glob pattern that matches keys.
    ///
    /// # Panics
    /// If the text breaks a rule of the grammar: to be called in a constant.
    pub const fn pattern(text: &'static str) -> Self {
        match grammar::parse(text, Kind::Pattern) {
            Ok(template) => template,
            Err(fault) => fault.raise(text),
        }
    }

    pub(super) const fn of(text: &'static str, places: [Place; MAX_PLACES], count: usize) -> Self {
        Self {
            text,
            places,
            count,
        }
    }

    /// The template as it was written.
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// How many arguments it takes: the caller's context has the parts of all other placeholders.
    pub const fn arity(&self) -> usize {
        let (mut arity, mut at) = (0, 0);
        while at < self.count {
            arity += if self.places[at].is_context { 0 } else { 1 };
            at += 1;
        }
        arity
    }

    /// The first part that the caller's context should have and has not.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        let places = self.places.iter().take(self.count);
        let mut names = places
            .filter(|place| place.is_context)
            .map(|place| self.name(place));
        names.find(|name| !context::has(name))
    }

    /// What stands in a placeholder of the context, without its `@`.
    fn name(&self, place: &Place) -> &'static str {
        let inner = self.text.get(place.start + 2..place.end - 1);
        let inner = inner.unwrap_or_default();
        inner.split('|').next().unwrap_or(inner)
    }

    /// The key of these arguments and of the caller's context.
    pub(super) fn render_arguments(&self, arguments: &[&dyn KeyPart]) -> Arc<str> {
        if self.arity() == self.count {
            return self.render(arguments);
        }
        let places = self.places.iter().take(self.count);
        let parts: Vec<_> = places
            .map(|place| place.is_context.then(|| context::context(self.name(place))))
            .collect();
        let mut arguments = arguments.iter();
        let parts: Vec<&dyn KeyPart> = parts
            .iter()
            .filter_map(|part| match part {
                Some(part) => Some(part as &dyn KeyPart),
                None => arguments.next().copied(),
            })
            .collect();
        self.render(&parts)
    }

    /// The key of these parts, one for each placeholder, in order.
    ///
    /// The text is the only allocation.
    #[inline]
    pub fn render(&self, parts: &[&dyn KeyPart]) -> Arc<str> {
        self.render_with(parts, |text| Arc::from(text))
    }

    /// Lends the key to `read` without allocating.
    #[inline]
    pub fn render_with<R>(&self, parts: &[&dyn KeyPart], read: impl FnOnce(&str) -> R) -> R {
        self.render_after("", parts, read)
    }

    /// Lends the key with something in front of it.
    #[inline]
    pub(super) fn render_after<R>(
        &self,
        front: &str,
        parts: &[&dyn KeyPart],
        read: impl FnOnce(&str) -> R,
    ) -> R {
        scratch::with(|out| {
            out.push_str(front);
            self.write(parts, &mut KeyWriter::new(out, &EscapeTable::KEYS));
            read(out)
        })
    }

    /// Renders with another table: shows in tests what each of its members is for.
    pub fn render_escaping(&self, table: &EscapeTable, parts: &[&dyn KeyPart]) -> String {
        let mut out = String::new();
        self.write(parts, &mut KeyWriter::new(&mut out, table));
        out
    }

    fn write(&self, parts: &[&dyn KeyPart], out: &mut KeyWriter<'_>) {
        debug_assert_eq!(
            parts.len(),
            self.count,
            "the macros pass a part for each placeholder"
        );
        let mut from = 0;
        for (place, part) in self.places.iter().take(self.count).zip(parts) {
            out.verbatim(self.text.get(from..place.start).unwrap_or_default());
            out.place(*part, place.shown);
            from = place.end;
        }
        out.verbatim(self.text.get(from..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_parts_in_their_places() {
        const TEMPLATE: Template = Template::parse("{<class>}:user:<user.id>:end");
        let key = TEMPLATE.render(&[&7_u64, &"a:b"]);
        assert_eq!(&*key, "{7}:user:a%3Ab:end");
        assert_eq!(TEMPLATE.text(), "{<class>}:user:<user.id>:end");
        assert_eq!(TEMPLATE.arity(), 2);
    }

    #[test]
    fn renders_a_template_without_places() {
        assert_eq!(
            &*const { Template::parse("settings") }.render(&[]),
            "settings"
        );
    }

    #[test]
    fn digests_where_the_template_asks_for_it() {
        const TEMPLATE: Template = Template::parse("session:<token|hash>:<page>");
        let key = TEMPLATE.render(&[&"secret", &2_u8]);
        assert_eq!(
            &*key,
            "session:#K7gNU3sdo-OL0wNhqoVWhr3g6s1xYv72ol_pe_Unols:2"
        );
    }

    #[test]
    fn keeps_the_globs_of_a_pattern_and_escapes_those_of_values() {
        const PATTERN: Template = Template::pattern("user:<id>:*");
        assert_eq!(&*PATTERN.render(&[&"*"]), "user:%2A:*");
    }

    #[test]
    fn lends_the_same_text_as_it_renders() {
        const TEMPLATE: Template = Template::parse("ü:<a>:ö:<b>");
        let parts: [&dyn KeyPart; 2] = [&"ß", &Some(1)];
        assert_eq!(TEMPLATE.render_with(&parts, str::to_owned), "ü:ß:ö:1");
        assert_eq!(&*TEMPLATE.render(&parts), "ü:ß:ö:1");
    }

    #[test]
    fn a_part_may_render_a_key_of_its_own() {
        struct Nested;
        impl KeyPart for Nested {
            fn render(&self, out: &mut KeyWriter<'_>) {
                out.text(&const { Template::parse("inner:<x>") }.render(&[&1]));
            }
        }
        let key = const { Template::parse("outer:<x>") }.render(&[&Nested]);
        assert_eq!(&*key, "outer:inner%3A1");
    }
}
