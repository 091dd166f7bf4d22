//! What the sources say, the strongest first.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use super::table::{Row, URL, rows};
use super::text::shape;

/// The sources, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Builder,
    Url,
    File,
    Variable,
}

/// Who said something; as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) rank: Rank,
    name: String,
}

impl Source {
    pub(super) fn builder(row: &Row) -> Self {
        let name = format!("`{}`", row.method);
        Self {
            rank: Rank::Builder,
            name,
        }
    }

    pub(super) fn file(key: &str, file: &str) -> Self {
        Self {
            rank: Rank::File,
            name: format!("`{key}` in {file}"),
        }
    }

    fn variable(name: &str) -> Self {
        let is_url = URL.row.variable == Some(name);
        Self {
            rank: if is_url { Rank::Url } else { Rank::Variable },
            name: format!("`{name}`"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}

/// A text, and who said it. No `Debug`: it may be a password.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) text: String,
    pub(super) source: Source,
}

/// What the sources say about each setting, the strongest first.
#[derive(Clone, Default)]
pub(super) struct Layers(BTreeMap<&'static str, BTreeMap<Rank, Given>>);

impl Layers {
    pub(super) fn give(&mut self, key: &'static str, text: String, source: Source) {
        let given = self.0.entry(key).or_default();
        given.insert(source.rank, Given { text, source });
    }

    pub(super) fn strongest(&self, key: &str) -> Option<&Given> {
        self.0.get(key)?.values().next()
    }

    /// What the source of this rank says.
    pub(super) fn at(&self, key: &str, rank: Rank) -> Option<&Given> {
        self.0.get(key)?.get(&rank)
    }

    /// Takes in all variables that are settings. Set to nothing is how many deployments say
    /// "not set".
    pub(super) fn take_variables(
        &mut self,
        variable: impl Fn(&str) -> Option<OsString>,
        errors: &mut Vec<String>,
    ) {
        for row in rows() {
            let Some(name) = row.variable else { continue };
            let Some(text) = variable(name).filter(|text| !text.is_empty()) else {
                continue;
            };
            match text.into_string() {
                Ok(text) => self.give(row.key, text, Source::variable(name)),
                Err(_) => errors.push(format!("`{name}` must be UTF-8 text")),
            }
        }
    }
}

/// That what a source said is not what it may be; the text itself is never repeated.
pub(super) fn refusal(given: &Given, rule: &str) -> String {
    format!(
        "{} must be {rule}; it is {}",
        given.source,
        shape(&given.text)
    )
}
