//! docs/reliability.md is about the faults that there are.

use std::fs;
use std::path::Path;

use cache_tests::Fault;

/// The first cells of the table that begins with this one.
fn first_cells<'a>(page: &'a str, head: &str) -> Vec<&'a str> {
    let rows = page.lines().skip_while(|line| !line.starts_with(head));
    let rows = rows.skip(2).take_while(|line| line.starts_with("| "));
    rows.filter_map(|row| row.split('|').nth(1))
        .map(str::trim)
        .collect()
}

#[test]
fn the_page_lists_exactly_the_faults_of_the_program() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reliability.md");
    let page = fs::read_to_string(page).expect("docs/reliability.md");
    let names: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    let measured = first_cells(&page, "| fault | hit p50 |");
    assert_eq!(measured[0], "none", "the same load without a fault");
    assert_eq!(measured[1..], names);
    assert_eq!(first_cells(&page, "| fault | what it is |"), names);
    for fault in Fault::ALL {
        let row = format!("| {} | {} |", fault.name(), fault.meaning());
        assert!(page.contains(&row), "{row}");
    }
}
