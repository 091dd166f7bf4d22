//! What a check of the catalogue found, for a person to read.

use std::fmt;

use super::entry::{CatalogueEntry, EntryKind};

/// What a check of the catalogue found.
///
/// ```
/// let report = cache_runtime::check_catalogue(&cache_runtime::catalogue(), &["no_such_crate"]);
/// println!("{report}");
/// ```
#[derive(Clone, Debug)]
pub struct Report {
    counts: [usize; 4],
    problems: Vec<String>,
    uninvalidated: Vec<String>,
    computed: Vec<String>,
}

impl Report {
    pub(super) fn new(
        entries: &[CatalogueEntry],
        problems: Vec<String>,
        uninvalidated: Vec<String>,
    ) -> Self {
        let count = |kind| entries.iter().filter(|entry| entry.kind == kind).count();
        let computed = entries.iter().flat_map(|entry| {
            entry
                .computed
                .iter()
                .map(|text| format!("`{text}` in {}", entry.name))
        });
        Self {
            counts: [
                EntryKind::Read,
                EntryKind::Update,
                EntryKind::Write,
                EntryKind::Template,
            ]
            .map(count),
            computed: computed.collect(),
            problems,
            uninvalidated,
        }
    }

    /// What has to be mended.
    ///
    /// ```
    /// let catalogue = cache_runtime::catalogue();
    /// assert!(cache_runtime::check_catalogue(&catalogue, &[]).problems().is_empty());
    /// ```
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [reads, updates, writes, templates] = self.counts;
        writeln!(
            out,
            "{reads} cached, {updates} updating and {writes} invalidating functions, {templates} \
             templates; {} problems",
            self.problems.len()
        )?;
        list(out, "problem", &self.problems)?;
        list(
            out,
            "never invalidated, ends by its ttl alone",
            &self.uninvalidated,
        )?;
        list(out, "computed, not checked", &self.computed)
    }
}

fn list(out: &mut fmt::Formatter<'_>, title: &str, lines: &[String]) -> fmt::Result {
    lines
        .iter()
        .try_for_each(|line| writeln!(out, "- {title}: {line}"))
}
