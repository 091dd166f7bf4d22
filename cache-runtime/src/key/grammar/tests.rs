//! One case for each rule of the grammar, with the whole message.

use super::*;

fn problem(text: &'static str, kind: Kind) -> Option<Problem> {
    parse(text, kind).err().map(|fault| fault.problem)
}

fn message(text: &'static str, kind: Kind) -> String {
    match parse(text, kind) {
        Ok(_) => String::new(),
        Err(fault) => fault.message(text).as_str().to_owned(),
    }
}

#[test]
fn reads_paths_and_digests() {
    for text in [
        "a",
        "user:<id>",
        "<id>",
        "<user.id>",
        "<self.tenant>:<pair.0.1>",
        "<_a1|hash>",
        "<größe>",
        "<return.x>",
        "{<id>}:x",
        "ü <a> ü",
    ] {
        assert!(
            parse(text, Kind::Typed).is_ok(),
            "{text}: {}",
            message(text, Kind::Typed)
        );
    }
}

#[test]
fn says_what_is_wrong_and_what_to_write() {
    for (text, expected) in [
        (
            "",
            " is empty: write the text of a key, such as `user:<id>`",
        ),
        ("a\n", " has a control character: remove it"),
        (
            "user:<id",
            " has a `<` that is never closed: write `<name>`",
        ),
        ("user:id>", " has a `>` that closes nothing: write `<name>`"),
        (
            "user:<>",
            " has `<>`: write a name or a path of fields, such as `<id>` or `<user.id>`",
        ),
        (
            "u:<@1>",
            " has `<@1>`: `@` takes the name of a part of the caller's context, as in `<@tenant>`",
        ),
        (
            "u:<id|sha>",
            " has `<id|sha>`: all that may follow a name is `|hash`",
        ),
        (
            "u:*",
            " has `*`, which is for patterns: use `pattern` to name many keys",
        ),
        ("u:{id}", " has `{id}`: write `<id>`"),
        (
            "u:<a><b>",
            " has `<a><b>`: write a separator such as `:` between the placeholders, \
             or two lists of arguments could share a key",
        ),
        (
            "<a>:<b>:<c>:<d>:<e>:<f>:<g>:<h>:<i>",
            " has more than 8 placeholders: group some of them in a tuple or a struct",
        ),
    ] {
        let quoted = text.replace('\n', "?");
        let expected = format!("cache key template \"{quoted}\"{expected}");
        assert_eq!(message(text, Kind::Typed), expected);
    }
}

#[test]
fn quotes_only_the_beginning_of_a_long_template() {
    let text = "ü".repeat(150).leak();
    let expected = format!(
        "cache key template \"{}..\" has 300 bytes: at most 256 are allowed",
        "ü".repeat(32)
    );
    assert_eq!(message(text, Kind::Key), expected);
    assert!(parse("x".repeat(256).leak(), Kind::Key).is_ok());
}

#[test]
fn refuses_what_is_not_a_path() {
    for text in [
        "<1>", "<a.>", "<.a>", "<a..b>", "<a b>", "< a>", "<a.1b>", "<a-b>", "<a:b>", "<<a>",
    ] {
        assert_eq!(problem(text, Kind::Key), Some(Problem::NotAName), "{text}");
    }
    for text in ["<a|>", "<a|hash|hash>", "<a|HASH>", "<a| hash>"] {
        assert_eq!(problem(text, Kind::Key), Some(Problem::Suffix), "{text}");
    }
    assert_eq!(problem("<|hash>", Kind::Key), Some(Problem::NotAName));
    assert_eq!(problem("<", Kind::Key), Some(Problem::Unclosed));
}

#[test]
fn refuses_control_characters_of_two_bytes() {
    assert_eq!(problem("a\u{85}", Kind::Key), Some(Problem::Control));
    assert_eq!(problem("a\u{7f}", Kind::Key), Some(Problem::Control));
    assert_eq!(problem("a\u{a0}½", Kind::Key), None);
}

#[test]
fn braces_around_a_name_are_refused_only_where_no_parameters_are_known() {
    assert_eq!(problem("{id}", Kind::Typed), Some(Problem::Braces));
    assert_eq!(problem("{id}", Kind::Key), None);
    for text in ["{user-1}", "{}", "{<id>}", "{", "}", "{ id }", "{1}"] {
        assert_eq!(problem(text, Kind::Typed), None, "{text}");
    }
}

#[test]
fn only_patterns_have_globs_and_they_have_to() {
    for text in ["a:*", "a:?", "a:[ab]"] {
        assert_eq!(problem(text, Kind::Key), Some(Problem::Glob), "{text}");
        assert_eq!(problem(text, Kind::Pattern), None, "{text}");
    }
    assert_eq!(
        message("a:<b>", Kind::Pattern),
        "cache key template \"a:<b>\" has no `*`, `?` or `[..]`: use `key` to name one key"
    );
}

#[test]
fn places_need_a_separator_that_no_value_holds() {
    for between in [":", "/", "x:", ":x", ",", " ", "{", "}", "::", "a,(", "(:"] {
        let text = format!("<a>{between}<b>").leak();
        assert_eq!(problem(text, Kind::Key), None, "{text}");
    }
    for between in [
        "", "x", "-", ".", "_", "ü", "%", "~", "#", "(", ")", "(,", ")x,",
    ] {
        let text = format!("<a>{between}<b>").leak();
        assert_eq!(
            problem(text, Kind::Key),
            Some(Problem::NoSeparator),
            "{text}"
        );
    }
}
