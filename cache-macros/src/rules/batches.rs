//! What `#[cache_many]` refuses.

use super::{broken, on_read};
use crate::errors::Rule;

/// `broken` for a batch of numbers.
fn on_many(arguments: &str, parameters: &str) -> Vec<Rule> {
    broken(&format!(
        "#[cache_many({arguments})]\nasync fn users({parameters}) -> HashMap<u32, User> {{}}"
    ))
}

#[test]
fn batches_without_ids() {
    let with = |by: &str, parameters: &str| {
        on_many(
            &format!("key = \"u:<id>\", by = {by}, key_ignores(db)"),
            &format!("{parameters}, db: &Db"),
        )
    };
    for ids in [
        "ids: &[u32]",
        "mut ids: Vec<u32>",
        "ids: &'a HashSet<u32, S>",
        "ids: Ids",
    ] {
        assert_eq!(with("id in ids", ids), [], "{ids}");
    }
    assert_eq!(
        on_many("key = \"u:<id>\"", "ids: &[u32]"),
        [Rule::MissingBatch]
    );
    for by in ["ids", "(ids)", "\"id in ids\""] {
        assert_eq!(with(by, "ids: &[u32]"), [Rule::Syntax], "{by}");
    }
    for by in ["id in idz", "id in self", "id in User"] {
        assert_eq!(with(by, "&self, ids: &[u32]"), [Rule::UnknownBatch], "{by}");
    }
    for by in ["ids in ids", "db in ids"] {
        assert_eq!(with(by, "ids: &[u32]"), [Rule::BatchNameTaken], "{by}");
    }
    for ids in [
        "Json(ids): Json<Vec<u32>>",
        "ids @ [_, ..]: &[u32]",
        "ids: impl IntoIterator<Item = u32>",
    ] {
        assert_eq!(with("id in ids", ids), [Rule::InvalidBatch], "{ids}");
    }
    assert_eq!(on_read("key = \"u:<id>\", ttl = id in ids"), [Rule::Syntax]);
    assert_eq!(
        on_read("key = \"u:<id>\", by = id in ids"),
        [Rule::UnknownOption]
    );
}

#[test]
fn keys_of_batches() {
    let with = |options: &str| {
        on_many(
            &format!("by = id in ids, {options}"),
            "&self, ids: &[u32], kind: Kind",
        )
    };
    assert_eq!(with("key = \"<self.site>:<kind>:<id.of>:<@tenant>\""), []);
    assert_eq!(with("ttl = 5, key_ignores(kind)"), [Rule::MissingKey]);
    assert_eq!(with("key = USER.key(id)"), [Rule::KeyLiteral]);
    assert_eq!(with("key = \"u:<id>\""), [Rule::ParameterNotInKey]);
    assert_eq!(with("key = \"u:<kind>\""), [Rule::ParameterNotInKey]);
    assert_eq!(with("key = \"u:<kind>:<ids>\""), [Rule::UnknownPlaceholder]);
    assert_eq!(
        with("key = \"u:<kind>:<id>\", key_ignores(ids)"),
        [Rule::IgnoredButUsed]
    );
    assert_eq!(
        with("key = \"u:<kind>:<id>\", key_ignores(id)"),
        [Rule::UnknownIgnored]
    );
    let tagged = |tag: &str| {
        with(&format!(
            "key = \"u:<id>\", key_ignores(kind), tags = [\"{tag}\"]"
        ))
    };
    assert_eq!(tagged("<id.class>"), []);
    assert_eq!(tagged("<kind>"), [Rule::TagOutsideKey]);
    assert_eq!(tagged("<ids>"), [Rule::UnknownPlaceholder]);
    for option in ["none = skip", "errors = 5", "stale = 5", "verify = 1"] {
        let options = format!("key = \"u:<id>:<kind>\", {option}");
        assert_eq!(with(&options), [Rule::UnknownOption], "{option}");
    }
}

#[test]
fn functions_that_are_no_batches() {
    let on = |item: &str| {
        broken(&format!(
            "#[cache_many(key = \"u:<id>\", by = id in ids, key_ignores(db))]\n{item}"
        ))
    };
    assert_eq!(
        on("fn users(ids: &[u32], db: Db) -> HashMap<u32, User> {}"),
        [Rule::ManyOfPlainFunction]
    );
    assert_eq!(
        on("async fn users(ids: &[u32], db: Db) {}"),
        [Rule::NothingToCache]
    );
    for parameters in [
        "ids: &mut [u32], db: Db",
        "ids: &[u32], db: &mut Db",
        "&mut self, ids: &[u32], db: Db",
    ] {
        assert_eq!(
            on(&format!(
                "async fn users({parameters}) -> HashMap<u32, User> {{}}"
            )),
            [Rule::MutableInMany],
            "{parameters}"
        );
    }
}
