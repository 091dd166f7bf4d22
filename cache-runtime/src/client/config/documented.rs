//! `docs/configuration.md` says what the table says.

use super::table::{ALL, Described};
use super::{Builder, Config};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration");

fn page() -> String {
    std::fs::read_to_string(PAGE).unwrap()
}

/// The row of a setting, up to the reason for its default.
fn row(setting: &dyn Described) -> String {
    let row = setting.row();
    let (rule, default) = setting.documented();
    let code = |text: &str| format!("`{text}`");
    let variable = row.variable.map_or("none".to_owned(), code);
    let default = Some(default).filter(|text| !text.is_empty());
    let default = default.map_or("none".to_owned(), |text| code(&text));
    // Where the file is, is not for the file to say.
    let key = Some(row.key)
        .filter(|key| key.contains('.'))
        .map_or("none".to_owned(), code);
    let method = code(row.method);
    format!("| {variable} | {key} | {method} | {default} | {rule} |")
}

#[test]
fn every_setting_has_its_row_and_a_reason() {
    let page = page();
    let missing: Vec<_> = ALL
        .iter()
        .map(|setting| row(*setting))
        .filter(|row| {
            let reason = page
                .lines()
                .find_map(|line| line.strip_prefix(row.as_str()));
            reason.is_none_or(|reason| reason.trim_matches(['|', ' ']).is_empty())
        })
        .collect();
    assert!(
        missing.is_empty(),
        "add, with a reason:\n{}",
        missing.join("\n")
    );
}

#[test]
fn no_row_is_of_a_setting_that_is_gone() {
    let page = page();
    let (_, settings) = page.split_once("## All settings").unwrap();
    let table = settings
        .split("\n\n")
        .find(|part| part.starts_with("| variable"));
    // Without the heading and the line below it.
    let rows = table.unwrap().lines().count() - 2;
    assert_eq!(rows, ALL.len());
}

#[test]
fn the_examples_of_files_set_every_key_that_a_file_may_have() {
    let explain = |name: &str| {
        let config = Builder::default()
            .config_file(format!("{EXAMPLES}/{name}"))
            .config();
        config.unwrap_or_else(|error| panic!("{error}")).explain()
    };
    let (json, toml) = (explain("cache.json"), explain("cache.toml"));
    assert_eq!(
        json,
        toml.replace("cache.toml", "cache.json"),
        "one says what the other says"
    );
    let of_file = |line: &&str| line.contains(" in cache.json)");
    // An address says what host and port say; certificates and passwords are files of their own.
    let unset = [
        "config_file",
        "redis.url",
        "redis.password",
        "redis.ssl_cert",
        "redis.ssl_key",
    ];
    let unset = [
        &unset[..],
        &["redis.ssl_ca_cert", "redis.password_file", "redis.ssl"],
    ]
    .concat();
    let mut left = ALL
        .iter()
        .map(|setting| setting.row().key)
        .filter(|key| !unset.contains(key));
    let set: Vec<_> = json
        .lines()
        .filter(of_file)
        .filter_map(|line| line.split(" = ").next())
        .collect();
    assert!(left.all(|key| set.contains(&key)), "{json}");
    assert!(Config::default().redacted_url().is_none());
}
