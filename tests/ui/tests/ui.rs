//! What does not compile, and what is said about it.
//!
//! `ui/` has a case for each rule of the macros, by the rule's name; `ui/types/` has what only
//! rustc can judge, and `ui/together/` cases of several mistakes. `TRYBUILD=overwrite` writes what
//! the compiler says to the `.stderr` files: read that before you keep it.

#![expect(clippy::expect_used, reason = "the whole crate is tests")]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

/// Cases with another number of errors than one.
const SEVERAL: [(&str, usize); 1] = [("together/every_mistake_of_an_attribute", 6)];

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/**/*.rs");
}

#[test]
fn every_rule_has_a_case() {
    let rules = rules();
    let cases = stems(&folder(""), "rs");
    let without_case: Vec<_> = rules.difference(&cases).collect();
    assert!(without_case.is_empty(), "no case for {without_case:?}");
    let without_rule: Vec<_> = cases.difference(&rules).collect();
    assert!(
        without_rule.is_empty(),
        "no rule of that name: {without_rule:?} belongs in a folder"
    );
}

#[test]
fn one_mistake_is_one_error() {
    for part in ["", "types/", "together/"] {
        for case in stems(&folder(part), "rs") {
            let case = format!("{part}{case}");
            let said = fs::read_to_string(folder(&format!("{case}.stderr")));
            let said = said.unwrap_or_else(|_| panic!("{case}.rs has no .stderr"));
            let errors = said.lines().filter(|line| is_error(line)).count();
            let several = SEVERAL.iter().find(|(name, _)| *name == case);
            let expected = several.map_or(1, |(_, errors)| *errors);
            assert_eq!(errors, expected, "errors of {case}:\n{said}");
        }
    }
}

#[test]
fn no_answer_outlives_its_case() {
    for part in ["", "types/", "together/"] {
        let folder = folder(part);
        assert_eq!(stems(&folder, "stderr"), stems(&folder, "rs"), "{part}");
    }
}

fn is_error(line: &str) -> bool {
    line.starts_with("error:") || line.starts_with("error[")
}

/// The variants of the macros' `enum Rule`, in snake case.
fn rules() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cache-macros/src/errors.rs");
    let source = fs::read_to_string(source).expect("the list of rules");
    let (_, body) = source.split_once("enum Rule {").expect("`enum Rule`");
    let (body, _) = body.split_once('}').expect("its end");
    let rules: BTreeSet<_> = body
        .lines()
        .filter_map(|line| line.trim().strip_suffix(','))
        .map(snake_case)
        .collect();
    assert!(rules.len() > 30, "only found {rules:?}");
    rules
}

fn snake_case(variant: &str) -> String {
    let mut name = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

fn folder(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/ui")
        .join(part)
}

/// The names of a folder's files with this extension.
fn stems(folder: &Path, extension: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder).expect("a folder of cases");
    let paths = files.map(|file| file.expect("a readable folder").path());
    paths
        .filter(|path| path.extension() == Some(OsStr::new(extension)))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect()
}
