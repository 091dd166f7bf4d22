//! What the annotated functions and templates of a program are, known without running them.
//!
//! Each registers itself when the program is linked; [`assert_catalogue!`](crate::assert_catalogue)
//! checks them against each other in a user's test.

mod check;
mod entry;
mod overlap;
mod report;

pub use check::check;
pub use entry::{Catalogue, CatalogueEntry, EntryKind, catalogue};
pub use report::Report;

use crate::call::Site;

/// A registered function.
pub struct Registered(pub &'static Site);

inventory::collect!(Registered);

/// A registered constant template.
pub struct RegisteredTemplate {
    /// Where it was declared.
    pub module: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Source file.
    pub file: &'static str,
    /// Line.
    pub line: u32,
    /// Its text and value type; nothing if the constant is not a template.
    pub describe: fn() -> Option<(&'static str, &'static str)>,
}

inventory::collect!(RegisteredTemplate);

/// Asks a constant whether it is a template.
pub struct Probe<'a, T>(pub &'a T);

impl<A, V> Probe<'_, crate::KeyTemplate<A, V>> {
    /// The text and the value type.
    pub fn __cache_describe(&self) -> Option<(&'static str, &'static str)> {
        Some((self.0.text(), std::any::type_name::<V>()))
    }
}

/// Any other constant.
pub trait NotATemplate {
    /// Nothing.
    fn __cache_describe(&self) -> Option<(&'static str, &'static str)> {
        None
    }
}

impl<T> NotATemplate for &Probe<'_, T> {}

/// Prints the report on these crates, given by a path in each.
///
/// # Panics
///
/// If the report has problems.
#[track_caller]
pub fn assert_catalogue(paths: &[&'static str]) {
    let crates: Vec<_> = paths
        .iter()
        .filter_map(|path| path.split("::").next())
        .collect();
    let report = check(&catalogue(), &crates);
    println!("{report}");
    assert!(report.problems().is_empty(), "{report}");
}
