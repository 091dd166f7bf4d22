//! Settings in a file, JSON or TOML.

use std::path::Path;

use serde_json::{Map, Value};

use super::layers::{Layers, Source};
use super::table::{Row, rows};
use super::text::nearest;

/// Takes in what the file says. What it holds is never quoted, only where it is wrong.
pub(super) fn take_file(
    path: &Path,
    named_by: &str,
    layers: &mut Layers,
    errors: &mut Vec<String>,
) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match tree(path) {
        Ok(tree) => take_tree(&tree, &name, layers, errors),
        Err(why) => errors.push(format!("{named_by} {why}")),
    }
}

fn tree(path: &Path) -> Result<Map<String, Value>, String> {
    let parse: fn(&str) -> Result<Value, String> = match path
        .extension()
        .and_then(|end| end.to_str())
    {
        Some("json") => json,
        Some("toml") => toml,
        _ => return Err("must be the path of a file that ends in `.json` or `.toml`".to_owned()),
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("names a file that can't be read: {}", error.kind()))?;
    match parse(&text)? {
        Value::Object(tree) => Ok(tree),
        _ => Err("names a file that holds no sections".to_owned()),
    }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| broken("JSON", error.line(), error.column()))
}

/// The parser's own message would show the line, and a password with it.
fn toml(text: &str) -> Result<Value, String> {
    toml::from_str(text).map_err(|error| {
        let before = text
            .get(..error.span().unwrap_or_default().start)
            .unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
        broken("TOML", line, column)
    })
}

fn broken(format: &str, line: usize, column: usize) -> String {
    format!("names a file that is no {format}: see line {line}, column {column}")
}

fn take_tree(tree: &Map<String, Value>, file: &str, layers: &mut Layers, errors: &mut Vec<String>) {
    for (section, content) in tree {
        let Some(content) = content.as_object() else {
            errors.push(unknown(section, file));
            continue;
        };
        if content.is_empty() && !sections().any(|known| known == section) {
            errors.push(unknown(section, file));
        }
        for (name, value) in content {
            let key = format!("{section}.{name}");
            let Some(row) = in_files().find(|row| row.key == key) else {
                errors.push(unknown(&key, file));
                continue;
            };
            match text(value) {
                Ok(text) if text.is_empty() => {}
                Ok(text) => layers.give(row.key, text, Source::file(row.key, file)),
                Err(what) => {
                    errors.push(format!("`{key}` in {file} must be one value; it is {what}"));
                }
            }
        }
    }
}

/// Those that stand in a section; where the file is, is not for the file to say.
fn in_files() -> impl Iterator<Item = &'static Row> {
    rows().filter(|row| row.key.contains('.'))
}

fn sections() -> impl Iterator<Item = &'static str> {
    in_files().filter_map(|row| row.key.split('.').next())
}

/// As variables are, so that one rule is for both; nothing is the same as an empty variable.
fn text(value: &Value) -> Result<String, &'static str> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(_) => Err("a list"),
        Value::Object(_) => Err("a section"),
    }
}

fn unknown(key: &str, file: &str) -> String {
    let known = || in_files().map(|row| row.key);
    // Without its section a name is not near the whole key.
    let of_name = |key: &str| {
        known().find(|known| known.split_once('.').is_some_and(|(_, name)| name == key))
    };
    let meant = of_name(key).or_else(|| nearest(key, known().chain(sections())));
    let meant = meant.map_or_else(
        || "known are those in docs/configuration.md".to_owned(),
        |meant| format!("did you mean `{meant}`?"),
    );
    format!("`{}` in {file} is no setting: {meant}", key.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(tree: &str) -> (Layers, Vec<String>) {
        let (mut layers, mut errors) = (Layers::default(), Vec::new());
        let tree = json(tree).unwrap();
        take_tree(
            tree.as_object().unwrap(),
            "a.json",
            &mut layers,
            &mut errors,
        );
        (layers, errors)
    }

    #[test]
    fn values_are_as_variables_would_say_them() {
        let (layers, errors) = taken(
            r#"{"redis": {"host": "h", "port": 7, "ssl": true, "retry_backoff": 0.2, "db": null}}"#,
        );
        assert_eq!(errors, [""; 0]);
        let text = |key| layers.strongest(key).map(|given| given.text.as_str());
        let texts = [
            "redis.host",
            "redis.port",
            "redis.ssl",
            "redis.retry_backoff",
            "redis.db",
        ];
        let expected = [Some("h"), Some("7"), Some("true"), Some("0.2"), None];
        assert_eq!(texts.map(text), expected);
    }

    #[test]
    fn what_is_no_setting_is_said_with_what_was_perhaps_meant() {
        for (tree, meant) in [
            (r#"{"redis": {"prot": 7}}"#, "`redis.port`"),
            (r#"{"port": 7}"#, "`redis.port`"),
            (r#"{"reddis": {}}"#, "`redis`"),
            (
                r#"{"cache": {"default_expires": 7}}"#,
                "`cache.default_expire`",
            ),
        ] {
            let (_, errors) = taken(tree);
            let said = format!("did you mean {meant}?");
            assert!(errors.len() == 1 && errors[0].contains(&said), "{errors:?}");
        }
        let (_, errors) = taken(r#"{"redis": {"host": ["a", "b"]}, "logging": {"level": 1}}"#);
        assert_eq!(errors.len(), 2, "{errors:?}");
    }

    #[test]
    fn a_file_that_is_broken_is_not_quoted() {
        let secret = "[redis]\npassword = hunter2\n";
        assert_eq!(
            toml(secret).unwrap_err(),
            "names a file that is no TOML: see line 2, column 12"
        );
        let secret = "{\"redis\": {\"password\": hunter2}}";
        assert!(!json(secret).unwrap_err().contains("hunter2"));
    }
}
