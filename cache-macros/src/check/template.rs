//! The rules of a template's text.

use proc_macro2::Span;
use syn::LitStr;

use crate::errors::{Errors, Rule};
use crate::parse::template::{Fault, Placeholder, is_ident, scan};

const MAX_BYTES: usize = 256;
const MAX_PLACEHOLDERS: usize = 8;
const GLOBS: [char; 4] = ['*', '?', '[', ']'];

/// Characters that never stand unescaped in a rendered value. `%` starts an
/// escape, `~` is an absent value, `#` a digest and the brackets hold a group.
const SEPARATORS: &str = ":/|,;=&*?[]\\^{} ";

/// What a template is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Key,
    Pattern,
    Tag,
}

/// A template's text, and how to point into it.
pub(super) struct Text {
    pub(super) literal: LitStr,
    pub(super) text: String,
}

impl Text {
    pub(super) fn of(literal: &LitStr) -> Self {
        Self {
            literal: literal.clone(),
            text: literal.value(),
        }
    }

    pub(super) fn span(&self) -> Span {
        self.literal.span()
    }

    /// The message, with the template and a caret under byte `at`.
    pub(super) fn at(&self, at: usize, message: &str) -> String {
        let (before, behind) = self.text.split_at(at);
        let before = before.escape_debug().to_string();
        let indent = " ".repeat(1 + before.chars().count());
        format!(
            "{message}\n\"{before}{}\"\n{indent}^",
            behind.escape_debug()
        )
    }
}

/// The placeholders, and whether the text keeps every rule.
pub(super) fn check(
    text: &Text,
    role: Role,
    names: &[String],
    errors: &mut Errors,
) -> (Vec<Placeholder>, bool) {
    let (placeholders, faults) = scan(&text.text);
    let mut found = Vec::new();
    whole(text, &placeholders, &mut found);
    found.extend(faults.iter().map(|fault| fault_of(text, fault)));
    braces(text, names, &mut found);
    globs(text, role, &placeholders, &mut found);
    if faults.is_empty() {
        adjacent(text, &placeholders, &mut found);
    }
    let is_fine = found.is_empty();
    for (rule, message) in found {
        errors.push(rule, text.span(), message);
    }
    (placeholders, is_fine)
}

type Found = Vec<(Rule, String)>;

fn whole(text: &Text, placeholders: &[Placeholder], found: &mut Found) {
    let length = text.text.len();
    if length == 0 {
        let message = "an empty template names every entry: write e.g. `\"user:<id>\"`";
        found.push((Rule::EmptyTemplate, message.to_owned()));
    }
    if length > MAX_BYTES {
        let message = format!("this template has {length} bytes: write at most {MAX_BYTES}");
        found.push((Rule::OversizedTemplate, message));
    }
    if let Some(at) = text.text.find(char::is_control) {
        let message = text.at(at, "control character in a template: write a visible one");
        found.push((Rule::ControlCharacter, message));
    }
    if let Some(ninth) = placeholders.get(MAX_PLACEHOLDERS) {
        let message = format!(
            "{} placeholders: write at most {MAX_PLACEHOLDERS}, or put them in one \
             type with `#[derive(KeyPart)]`",
            placeholders.len()
        );
        found.push((Rule::TooManyPlaceholders, text.at(ninth.at.start, &message)));
    }
}

fn fault_of(text: &Text, fault: &Fault) -> (Rule, String) {
    match fault {
        Fault::Unclosed { at } => {
            let message = text.at(*at, "unclosed placeholder: write `<name>`");
            (Rule::UnclosedPlaceholder, message)
        }
        Fault::LoneBracket { at } => {
            let message = text.at(*at, "`>` without its `<`: write `<name>`");
            (Rule::LoneBracket, message)
        }
        Fault::Malformed { at, content } => {
            let message = format!(
                "`<{}>` is not a placeholder: write `<name>`, `<name.field>` or `<name|hash>`",
                content.escape_debug()
            );
            (Rule::MalformedPlaceholder, text.at(*at, &message))
        }
        Fault::MalformedContext { at, content } => {
            let message = format!(
                "`<{}>` is not a part of the caller's context: write `<@name>` or `<@name|hash>`",
                content.escape_debug()
            );
            (Rule::MalformedContext, text.at(*at, &message))
        }
    }
}

/// `{user_id}` is a hash tag to Redis, but hardly meant as one.
fn braces(text: &Text, names: &[String], found: &mut Found) {
    for (at, _) in text.text.match_indices('{') {
        let Some(end) = text.text[at..].find('}') else {
            continue;
        };
        let content = &text.text[at + 1..at + end];
        if is_ident(content) && names.iter().any(|name| name == content) {
            let message = format!("`{{{content}}}` is not a placeholder: write `<{content}>`");
            found.push((Rule::BracesAroundName, text.at(at, &message)));
        }
    }
}

fn globs(text: &Text, role: Role, placeholders: &[Placeholder], found: &mut Found) {
    let is_literal = |at: usize| !placeholders.iter().any(|one| one.at.contains(&at));
    let glob = text
        .text
        .match_indices(GLOBS)
        .find(|(at, _)| is_literal(*at));
    match (role, glob) {
        (Role::Key, Some((at, glob))) => {
            let message = format!(
                "`{glob}` in a key: a key names one entry; write `pattern = ..` in \
                 `#[invalidate_cache]` to remove many"
            );
            found.push((Rule::GlobInKey, text.at(at, &message)));
        }
        (Role::Tag, Some((at, glob))) => {
            let message = format!("`{glob}` in a tag: a tag is one name; write each of them");
            found.push((Rule::GlobInKey, text.at(at, &message)));
        }
        (Role::Pattern, None) if !text.text.is_empty() => {
            let message = "a pattern without `*`, `?` or `[..]` is one key: write `key = ..`";
            found.push((Rule::PatternWithoutGlob, message.to_owned()));
        }
        _ => {}
    }
}

fn adjacent(text: &Text, placeholders: &[Placeholder], found: &mut Found) {
    for pair in placeholders.windows(2) {
        let between = &text.text[pair[0].at.end..pair[1].at.start];
        if !between.contains(|c: char| SEPARATORS.contains(c)) {
            let message = "nothing separates these placeholders, so two argument lists could \
                           give one key: write `:` between them";
            found.push((
                Rule::AdjacentPlaceholders,
                text.at(pair[1].at.start, message),
            ));
        }
    }
}
