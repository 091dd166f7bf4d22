//! The catalogue: what it knows of other crates, and the mistakes it finds in them.

use cache_runtime::{
    CatalogueEntry, EntryKind, Report, assert_catalogue, catalogue, check_catalogue,
};

fn report_on(crates: &[&str]) -> Report {
    check_catalogue(&catalogue(), crates)
}

fn entry(name: &str) -> CatalogueEntry {
    let catalogue = catalogue();
    let mut entries = catalogue.entries().iter();
    let found = entries.find(|entry| entry.name == name);
    found.unwrap_or_else(|| panic!("no entry {name}")).clone()
}

#[test]
fn a_crate_in_order_passes() {
    assert_catalogue!(school);
    let report = report_on(&["school"]);
    assert_eq!(report.problems(), [""; 0]);
    let text = report.to_string();
    assert!(
        text.contains("7 cached, 1 updating and 4 invalidating functions, 1 templates; 0 problems"),
        "{text}"
    );
}

#[test]
fn what_nothing_invalidates_is_listed() {
    let text = report_on(&["school"]).to_string();
    let listed: Vec<_> = text
        .lines()
        .filter(|line| line.contains("never invalidated"))
        .collect();
    assert_eq!(listed.len(), 1, "{text}");
    assert!(listed[0].contains("school::classes::average"), "{text}");
}

#[test]
fn computed_keys_are_listed_as_not_checked() {
    let text = report_on(&["school"]).to_string();
    let listed = "computed, not checked: `key_of(*class)` in school::classes::computed";
    assert!(text.contains(listed), "{text}");
}

#[test]
fn an_entry_says_what_its_attribute_says() {
    let name = entry("school::users::name_of");
    assert_eq!(
        (name.kind, name.krate, name.keys, name.ttl, name.value),
        (
            EntryKind::Read,
            "school",
            vec!["user:<id>:name".to_owned()],
            Some("1800"),
            Some("Answer<String>")
        )
    );
    assert!(name.file.ends_with("users.rs"), "{}", name.file);
    let line = name.line as usize - 1;
    let attribute = include_str!("../../fixtures/school/src/users.rs")
        .lines()
        .nth(line);
    assert!(
        attribute.is_some_and(|line| line.contains("ttl = 1800")),
        "{attribute:?}"
    );
    assert_eq!(entry("school::classes::rooms").tags, ["class:<class>"]);
    assert_eq!(entry("school::users::rename").kind, EntryKind::Update);
    let members = entry("school::classes::members");
    assert_eq!(members.keys, ["class:<id>:members"], "of the constant");
    let join = entry("school::classes::join");
    assert_eq!(join.keys, members.keys, "of the companion's function");
    assert_eq!(join.kind, EntryKind::Write);
    let templates = catalogue().of(&["school"]);
    let mut templates = templates.entries().iter();
    let template = templates.find(|entry| entry.kind == EntryKind::Template);
    let template = template.expect("an entry for the constant");
    assert_eq!(template.name, "school::classes::Keys::MEMBERS");
    assert_eq!(template.keys, members.keys);
}

#[test]
fn every_mistake_is_a_problem() {
    let report = report_on(&["muddle"]);
    let expected = [
        (
            "`class:<name>` and `class:all` can make the same key",
            "muddle::class ",
            "muddle::classes ",
        ),
        (
            "`user:<id>` stands for `String` and for `u64`",
            "muddle::user ",
            "muddle::age ",
        ),
        ("nothing caches `users:<id>`", "muddle::forget ", "lib.rs:"),
        ("nothing caches `classes:*`", "muddle::forget ", "lib.rs:"),
        (
            "no entry carries the tag `classes:<id>`",
            "muddle::dissolve ",
            "lib.rs:",
        ),
    ];
    for (problem, one, other) in expected {
        let found = report
            .problems()
            .iter()
            .filter(|text| text.contains(problem) && text.contains(one) && text.contains(other));
        assert_eq!(found.count(), 1, "{problem}\n{report}");
    }
    assert_eq!(report.problems().len(), expected.len(), "{report}");
}

#[test]
#[should_panic(expected = "nothing caches `users:<id>`")]
fn the_macro_panics_with_the_report() {
    assert_catalogue!(muddle);
}

#[test]
#[should_panic(expected = "crate `serde` has no annotated function and no template")]
fn a_crate_without_entries_is_a_mistake() {
    assert_catalogue!(serde);
}

#[test]
fn crates_are_checked_against_each_other() {
    let apart = report_on(&["muddle"]).problems().len() + report_on(&["school"]).problems().len();
    assert_eq!(report_on(&["muddle", "school"]).problems().len(), apart);
    let unknown = report_on(&["school", "no_such_crate"]);
    assert_eq!(unknown.problems().len(), 1, "{unknown}");
}
