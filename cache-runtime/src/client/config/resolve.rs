//! One value for each setting, what is wrong with any, and where each came from.

use std::collections::BTreeMap;

use super::kind::{Kind, Shown};
use super::layers::{Given, Layers, Rank, refusal};
use super::table::{Row, Setting, rows};

/// Takes values out of the layers, and remembers what it took and what it could not take.
pub(super) struct Resolver<'a> {
    layers: &'a Layers,
    pub(super) errors: Vec<String>,
    lines: BTreeMap<&'static str, String>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(layers: &'a Layers, errors: Vec<String>) -> Self {
        Self {
            layers,
            errors,
            lines: BTreeMap::new(),
        }
    }

    /// What the strongest source says; the default if nobody says anything, or nothing usable.
    pub(super) fn take<T>(&mut self, setting: &Setting<T>) -> T {
        let Setting { row, kind, default } = setting;
        let Some(given) = self.layers.strongest(row.key) else {
            let value = default();
            self.explain(row, kind, &value, "default");
            return value;
        };
        if let Some(value) = (kind.parse)(&given.text) {
            self.explain(row, kind, &value, &given.source.to_string());
            return value;
        }
        self.errors.push(refusal(given, kind.rule));
        default()
    }

    fn explain<T>(&mut self, row: &Row, kind: &Kind<T>, value: &T, source: &str) {
        let text = (kind.write)(value);
        let shown = match kind.shown {
            _ if text.is_empty() => "none".to_owned(),
            Shown::AsItIs => text.escape_debug().to_string(),
            Shown::ThatItIsSet => "set".to_owned(),
        };
        self.lines
            .insert(row.key, format!("{} = {shown} ({source})", row.key));
    }

    /// A setting that came to nothing, because of what another one says.
    pub(super) fn overrule(&mut self, row: &Row, by: &str) {
        self.lines
            .insert(row.key, format!("{} = unused ({by})", row.key));
    }

    fn given(&self, row: &Row) -> Option<&'a Given> {
        self.layers.strongest(row.key)
    }

    pub(super) fn is_given(&self, row: &Row) -> bool {
        self.given(row).is_some()
    }

    /// How strong the source is that says this.
    pub(super) fn rank(&self, row: &Row) -> Option<Rank> {
        self.given(row).map(|given| given.source.rank)
    }

    /// As messages name the setting: by its source, else as files do.
    pub(super) fn name(&self, row: &Row) -> String {
        self.given(row).map_or_else(
            || format!("`{}`", row.key),
            |given| given.source.to_string(),
        )
    }

    pub(super) fn refuse(&mut self, row: &Row, why: &str) {
        let error = format!("{} {why}", self.name(row));
        self.errors.push(error);
    }

    /// All that is wrong, and a line for each setting, in the order of the table.
    pub(super) fn finish(mut self) -> (Vec<String>, Vec<String>) {
        let lines = rows().filter_map(|row| self.lines.remove(row.key));
        let lines = lines.collect();
        (self.errors, lines)
    }
}
