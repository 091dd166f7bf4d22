//! Templates, functions and invalidations held against each other.

use super::entry::{Catalogue, CatalogueEntry, EntryKind};
use super::overlap::{covers, is_same, overlap};
use super::report::Report;

/// Checks the entries of some crates: a report to print, or to fail with.
///
/// [`assert_catalogue!`](crate::assert_catalogue) is the usual way to call it.
///
/// ```
/// let report = cache_runtime::check_catalogue(&cache_runtime::catalogue(), &["no_such_crate"]);
/// assert_eq!(report.problems().len(), 1, "a crate without entries is a mistake in the test");
/// ```
pub fn check(catalogue: &Catalogue, crates: &[&str]) -> Report {
    let catalogue = catalogue.clone().of(crates);
    let entries = catalogue.entries();
    let mut problems = Vec::new();
    problems.extend(
        crates
            .iter()
            .filter_map(|name| without_entries(name, entries)),
    );
    problems.extend(collisions(entries));
    problems.extend(
        entries
            .iter()
            .flat_map(|entry| names_nothing_cached(entry, entries)),
    );
    problems.extend(
        entries
            .iter()
            .flat_map(|entry| names_no_tag(entry, entries)),
    );
    let uninvalidated = entries
        .iter()
        .filter(|entry| is_never_invalidated(entry, entries));
    let uninvalidated = uninvalidated.map(describe).collect();
    Report::new(entries, problems, uninvalidated)
}

fn without_entries(name: &str, entries: &[CatalogueEntry]) -> Option<String> {
    let is_empty = !entries.iter().any(|entry| entry.krate == name);
    is_empty.then(|| {
        format!("crate `{name}` has no annotated function and no template: is it the right name?")
    })
}

/// Those who put values behind keys.
fn stores(entry: &CatalogueEntry) -> bool {
    entry.kind != EntryKind::Write
}

fn collisions(entries: &[CatalogueEntry]) -> Vec<String> {
    let mut problems = Vec::new();
    let stored: Vec<_> = entries.iter().filter(|entry| stores(entry)).collect();
    for (index, left) in stored.iter().enumerate() {
        for right in &stored[index + 1..] {
            for (one, two) in pairs(left, right) {
                problems.extend(collision(left, one, right, two));
            }
        }
    }
    problems
}

fn pairs<'a>(
    left: &'a CatalogueEntry,
    right: &'a CatalogueEntry,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    left.keys.iter().flat_map(|one| {
        right
            .keys
            .iter()
            .map(move |two| (one.as_str(), two.as_str()))
    })
}

fn collision(
    left: &CatalogueEntry,
    one: &str,
    right: &CatalogueEntry,
    two: &str,
) -> Option<String> {
    if !overlap(one, two) {
        return None;
    }
    let both = format!("{}\n    {}", describe(left), describe(right));
    if !is_same(one, two) {
        return Some(format!(
            "`{one}` and `{two}` can make the same key: give one of them a prefix of its own\n    {both}"
        ));
    }
    let (value, other) = (value_type(left)?, value_type(right)?);
    if value == other || is_alias_of(&value, &other) || is_alias_of(&other, &value) {
        return None;
    }
    Some(format!(
        "`{one}` stands for `{value}` and for `{other}`: each would overwrite the other's \
         entries, so use two templates, or write the type the same way\n    {both}"
    ))
}

/// The type behind the key: without its `Result`, and each path by its last segment, since one
/// place may write `User` and another `model::User`.
fn value_type(entry: &CatalogueEntry) -> Option<String> {
    let written = short(entry.value?);
    let is_result = entry.kind != EntryKind::Template && written.starts_with("Result<");
    if !is_result {
        return Some(written);
    }
    let inner = &written["Result<".len()..written.len() - 1];
    Some(first_argument(inner).to_owned())
}

/// Whether the first type may be an alias for a `Result` of the second, as `Answer<User>` is.
fn is_alias_of(alias: &str, value: &str) -> bool {
    const NO_ALIASES: [&str; 6] = ["Option", "Vec", "Arc", "Box", "Rc", "Cow"];
    let arguments = alias
        .strip_suffix('>')
        .and_then(|rest| rest.split_once('<'));
    arguments.is_some_and(|(name, arguments)| {
        !NO_ALIASES.contains(&name) && first_argument(arguments) == value
    })
}

fn first_argument(arguments: &str) -> &str {
    let mut depth = 0_i32;
    for (at, character) in arguments.char_indices() {
        match character {
            '<' | '(' | '[' => depth += 1,
            '>' | ')' | ']' => depth -= 1,
            ',' if depth == 0 => return &arguments[..at],
            _ => {}
        }
    }
    arguments
}

/// A type as written, without white space, a trailing comma, or paths.
fn short(written: &str) -> String {
    let compact: String = written.split_whitespace().collect();
    let mut short = String::with_capacity(compact.len());
    for part in compact.split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        short.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    short.replace(",>", ">")
}

fn names_nothing_cached(entry: &CatalogueEntry, entries: &[CatalogueEntry]) -> Vec<String> {
    if entry.kind != EntryKind::Write || entry.external.is_some() {
        return Vec::new();
    }
    let is_cached = |key: &String| {
        let mut cached = entries
            .iter()
            .filter(|other| stores(other))
            .flat_map(|other| &other.keys);
        cached.any(|template| is_same(template, key))
    };
    let keys = entry
        .keys
        .iter()
        .filter(|key| !is_cached(key))
        .map(String::as_str);
    let is_matched = |pattern: &str| {
        let mut cached = entries
            .iter()
            .filter(|other| stores(other))
            .flat_map(|other| &other.keys);
        cached.any(|template| covers(pattern, template))
    };
    let patterns = entry
        .patterns
        .iter()
        .copied()
        .filter(|pattern| !is_matched(pattern));
    let problem = |name: &str| {
        format!(
            "nothing caches `{name}`, which is invalidated here: correct it, or say \
             `external = \"who caches it\"`\n    {}",
            describe(entry)
        )
    };
    keys.chain(patterns).map(problem).collect()
}

/// Tags that no entry carries: their invalidation does nothing.
fn names_no_tag(entry: &CatalogueEntry, entries: &[CatalogueEntry]) -> Vec<String> {
    if entry.kind != EntryKind::Write || entry.external.is_some() {
        return Vec::new();
    }
    let is_carried = |tag: &str| {
        entries
            .iter()
            .any(|other| stores(other) && carries(other, tag))
    };
    let lost = entry.tags.iter().filter(|tag| !is_carried(tag));
    let problem = |tag: &&str| {
        format!(
            "no entry carries the tag `{tag}`, which is invalidated here: correct it, or say \
             `external = \"who caches it\"`\n    {}",
            describe(entry)
        )
    };
    lost.map(problem).collect()
}

fn carries(entry: &CatalogueEntry, tag: &str) -> bool {
    entry.tags.iter().any(|other| is_same(other, tag))
}

/// Entries end by their time to live alone; worth knowing, seldom wrong.
fn is_never_invalidated(entry: &CatalogueEntry, entries: &[CatalogueEntry]) -> bool {
    let is_named = |key: &String| {
        let writes = entries.iter().filter(|other| other.kind != EntryKind::Read);
        let mut writes = writes.filter(|other| other.kind != EntryKind::Template);
        writes.any(|write| {
            write.keys.iter().any(|other| is_same(other, key))
                || write.patterns.iter().any(|pattern| covers(pattern, key))
        })
    };
    let has_tag = |tag: &&str| {
        let mut writes = entries
            .iter()
            .filter(|other| other.kind == EntryKind::Write);
        writes.any(|write| carries(write, tag))
    };
    entry.kind == EntryKind::Read
        && !entry.keys.is_empty()
        && !entry.keys.iter().any(is_named)
        && !entry.tags.iter().any(has_tag)
}

fn describe(entry: &CatalogueEntry) -> String {
    format!("{} ({}:{})", entry.name, entry.file, entry.line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_compared_by_their_last_segments() {
        assert_eq!(
            short("Result < Vec < model :: User >, db :: Error >"),
            "Result<Vec<User>,Error>"
        );
        assert_eq!(short("alloc::vec::Vec<my_app::model::User>"), "Vec<User>");
        assert_eq!(first_argument("Vec<(A,B)>,E"), "Vec<(A,B)>");
    }

    #[test]
    fn an_alias_of_a_result_is_its_value() {
        assert!(is_alias_of("Answer<Vec<User>>", "Vec<User>"));
        assert!(is_alias_of("Answer<User,DbError>", "User"));
        assert!(!is_alias_of("Option<User>", "User"));
        assert!(!is_alias_of("User", "User"));
    }
}
