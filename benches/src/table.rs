//! Figures as Markdown.

use crate::comparison::{Comparison, Figure};

/// Prints a heading, what stands under it, and the head of a table.
pub fn open(title: &str, about: &str, columns: &[&str]) {
    println!("\n## {title}\n\n{about}\n");
    row(columns.iter().copied());
    row(columns.iter().map(|_| "---"));
}

/// Prints one row.
pub fn row<T: AsRef<str>>(cells: impl Iterator<Item = T>) {
    let cells: Vec<_> = cells.map(|cell| cell.as_ref().to_owned()).collect();
    println!("| {} |", cells.join(" | "));
}

/// A column: which figure, and how to write it.
pub type Column = (Figure, fn(f64) -> String);

/// Prints a row for each subject: figures, and in brackets their ratio to the first subject's;
/// for the first subject its ratio to itself.
pub fn rows(labels: &[&str], comparison: &Comparison, columns: &[Column]) {
    for (subject, name) in comparison.subjects() {
        let cells = columns.iter().map(|(figure, write)| {
            let median = write(comparison.median(subject, *figure));
            if subject == 0 {
                format!("{median} (A/A {:.2})", comparison.control(*figure))
            } else {
                format!("{median} (**{:.2}**)", comparison.ratio(subject, *figure))
            }
        });
        let labels = labels.iter().copied().chain([name]).map(str::to_owned);
        row(labels.chain(cells));
    }
}

/// Calls a second.
pub fn rate(calls: f64) -> String {
    format!("{:.1} k/s", calls / 1e3)
}

/// Nanoseconds, in the unit that suits them.
pub fn time(nanos: f64) -> String {
    match nanos {
        nanos if nanos < 1e3 => format!("{nanos:.0} ns"),
        nanos if nanos < 1e6 => format!("{:.1} us", nanos / 1e3),
        nanos => format!("{:.2} ms", nanos / 1e6),
    }
}
