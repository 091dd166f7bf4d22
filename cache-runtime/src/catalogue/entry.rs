//! The entries of the catalogue.

use crate::call::{KeySource, Site, SiteKind};
use crate::key::Template;

use super::{Registered, RegisteredTemplate};

/// What an entry of the catalogue is.
///
/// ```
/// # use cache_runtime::{cache_result, catalogue, EntryKind};
/// #[cache_result(key = "user:<id>", ttl = 60)]
/// async fn user(id: u64) -> String {
///     id.to_string()
/// }
///
/// assert!(catalogue().entries().iter().any(|entry| entry.kind == EntryKind::Read));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryKind {
    /// A function under `#[cache_result]`.
    Read,
    /// A function under `#[update_cache]`.
    Update,
    /// A function under `#[invalidate_cache]`.
    Write,
    /// A constant under `#[cache_keys]`.
    Template,
}

/// One annotated function, or one constant template.
///
/// ```
/// # use cache_runtime::{cache_result, catalogue};
/// #[cache_result(key = "user:<id>", ttl = 60)]
/// async fn user(id: u64) -> String {
///     id.to_string()
/// }
///
/// let catalogue = catalogue();
/// let entry = catalogue.entries().iter().find(|entry| entry.name.ends_with("::user"));
/// assert_eq!(entry.map(|entry| &entry.keys[..]), Some(&["user:<id>".to_owned()][..]));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CatalogueEntry {
    /// What it is.
    pub kind: EntryKind,
    /// Its path: module and name.
    pub name: &'static str,
    /// The crate it is in.
    pub krate: &'static str,
    /// The templates of its keys; those of companions it names are looked up.
    pub keys: Vec<String>,
    /// The patterns it clears.
    pub patterns: Vec<&'static str>,
    /// The templates of the tags that its entries carry, or that it invalidates.
    pub tags: Vec<&'static str>,
    /// Key expressions that say nothing about their template.
    pub computed: Vec<&'static str>,
    /// The type it returns, or that a template is for, as written.
    pub value: Option<&'static str>,
    /// Its time to live, as written.
    pub ttl: Option<&'static str>,
    /// Why nothing in this program caches what it invalidates.
    pub external: Option<&'static str>,
    /// Source file.
    pub file: &'static str,
    /// Line.
    pub line: u32,
}

/// All annotated functions and templates that are linked into this program.
///
/// ```
/// let catalogue = cache_runtime::catalogue();
/// for entry in catalogue.entries() {
///     println!("{:?} {} {:?}", entry.kind, entry.name, entry.keys);
/// }
/// ```
pub fn catalogue() -> Catalogue {
    let sites: Vec<&Site> = inventory::iter::<Registered>
        .into_iter()
        .map(|found| found.0)
        .collect();
    let functions = sites.iter().map(|site| from_site(site, &sites));
    let templates = inventory::iter::<RegisteredTemplate>
        .into_iter()
        .filter_map(from_template);
    let mut entries: Vec<_> = functions.chain(templates).collect();
    // The linker's order is unspecified.
    entries.sort_by_key(|entry| (entry.file, entry.line, entry.name));
    Catalogue { entries }
}

/// The entries of a program.
///
/// ```
/// assert!(cache_runtime::catalogue().of(&["no_such_crate"]).entries().is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: Vec<CatalogueEntry>,
}

impl Catalogue {
    /// The entries, by file and line.
    ///
    /// ```
    /// let catalogue = cache_runtime::catalogue();
    /// assert!(catalogue.entries().is_sorted_by_key(|entry| entry.file));
    /// ```
    pub fn entries(&self) -> &[CatalogueEntry] {
        &self.entries
    }

    /// The entries of some crates only.
    ///
    /// ```
    /// assert!(cache_runtime::catalogue().of(&["no_such_crate"]).entries().is_empty());
    /// ```
    #[must_use]
    pub fn of(mut self, crates: &[&str]) -> Self {
        self.entries.retain(|entry| crates.contains(&entry.krate));
        self
    }
}

fn from_site(site: &Site, sites: &[&Site]) -> CatalogueEntry {
    let mut entry = CatalogueEntry {
        kind: match site.kind {
            SiteKind::Read | SiteKind::Many => EntryKind::Read,
            SiteKind::Update => EntryKind::Update,
            SiteKind::Write => EntryKind::Write,
        },
        name: site.name,
        krate: first_segment(site.name),
        keys: Vec::new(),
        patterns: Vec::new(),
        tags: site.tags.iter().map(Template::text).collect(),
        computed: Vec::new(),
        value: match site.kind {
            SiteKind::Many => site.value.and_then(value_of_map),
            _ => site.value,
        },
        ttl: site.ttl,
        external: site.external,
        file: site.place.file(),
        line: site.place.line(),
    };
    for source in site.keys {
        match source {
            KeySource::Template(template) => entry.keys.push(template.text().to_owned()),
            KeySource::Pattern(template) => entry.patterns.push(template.text()),
            KeySource::Constant(text) => entry.keys.push(text().to_owned()),
            KeySource::Computed(text) => entry.computed.push(text),
            KeySource::Companion(name) => match templates_of_companion(name, sites) {
                found if found.is_empty() => entry.computed.push(name),
                found => entry.keys.extend(found),
            },
        }
    }
    entry
}

/// The templates of the functions that have a companion of this name, wherever they are: an
/// attribute sees the name that a call was written with, not what it resolves to.
fn templates_of_companion(name: &str, sites: &[&Site]) -> Vec<String> {
    let owners = sites.iter().filter(|site| site.companion == Some(name));
    let sources = owners.flat_map(|site| site.keys);
    let texts = sources.filter_map(|source| match source {
        KeySource::Template(template) => Some(template.text().to_owned()),
        KeySource::Constant(text) => Some(text().to_owned()),
        _ => None,
    });
    texts.collect()
}

fn from_template(found: &RegisteredTemplate) -> Option<CatalogueEntry> {
    let (text, value) = (found.describe)()?;
    Some(CatalogueEntry {
        kind: EntryKind::Template,
        name: found.name,
        krate: first_segment(found.module),
        keys: vec![text.to_owned()],
        patterns: Vec::new(),
        tags: Vec::new(),
        computed: Vec::new(),
        value: Some(value),
        ttl: None,
        external: None,
        file: found.file,
        line: found.line,
    })
}

/// `User` of `Result<HashMap<UserId, User>, DbError>`; nothing of an alias.
fn value_of_map(written: &'static str) -> Option<&'static str> {
    let arguments = written.split_once("Map<")?.1;
    let mut depth = 0_usize;
    let mut ends = arguments.char_indices().filter_map(|(at, letter)| {
        match letter {
            '<' | '(' | '[' => depth += 1,
            ',' | '>' | ')' | ']' if depth == 0 => return Some(at),
            '>' | ')' | ']' => depth -= 1,
            _ => {}
        }
        None
    });
    let (comma, end) = (ends.next()?, ends.next()?);
    arguments.get(comma + 1..end).map(str::trim)
}

fn first_segment(path: &'static str) -> &'static str {
    path.split("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::value_of_map;

    #[test]
    fn the_value_of_a_batch_is_that_of_its_map() {
        for (written, value) in [
            ("HashMap<u64, User>", Some("User")),
            (
                "Result<HashMap<UserId, Vec<(A, B)>>, DbError>",
                Some("Vec<(A, B)>"),
            ),
            (
                "std::collections::BTreeMap<(A, B), [u8; 4]>",
                Some("[u8; 4]"),
            ),
            ("HashMap<u64, User, Hasher>", Some("User")),
            ("Users", None),
        ] {
            assert_eq!(value_of_map(written), value, "{written}");
        }
    }
}
