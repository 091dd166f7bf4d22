//! Each rule on the smallest input that breaks it, and nothing else.

mod batches;
mod clashes;
mod operations;

use crate::check::Attribute;
use crate::errors::{Errors, Rule};
use crate::stages;

/// The rules that `source`, an attribute above an item, breaks.
fn broken(source: &str) -> Vec<Rule> {
    let mut errors = Errors::default();
    let Some((head, item)) = source.split_once("]\n") else {
        unreachable!("an attribute first")
    };
    let head = head.trim_start_matches("#[");
    let (name, arguments) = head.split_once('(').unwrap_or((head, ")"));
    let tokens = |text: &str| text.parse().expect("the test's tokens parse");
    let arguments = tokens(arguments.strip_suffix(')').expect("a closing bracket"));
    let item = tokens(item);
    match name {
        "cache_result" => stages::load(Attribute::Read, arguments, item, &mut errors),
        "update_cache" => stages::load(Attribute::Update, arguments, item, &mut errors),
        "cache_many" => stages::load(Attribute::Many, arguments, item, &mut errors),
        "invalidate_cache" => stages::write(arguments, item, &mut errors),
        "redis_retry" => stages::retry(arguments, item, &mut errors),
        "with_redis" => stages::with_redis(arguments, item, &mut errors),
        "cache_keys" => stages::keys(arguments, item, &mut errors),
        "derive" => stages::key_part(item, &mut errors),
        other => unreachable!("no attribute {other}"),
    };
    errors.rules()
}

/// `broken` for an attribute on a function of one number.
fn on_read(arguments: &str) -> Vec<Rule> {
    broken(&format!(
        "#[cache_result({arguments})]\nasync fn user(id: u32) -> User {{}}"
    ))
}

fn on_write(arguments: &str) -> Vec<Rule> {
    broken(&format!(
        "#[invalidate_cache({arguments})]\nasync fn user(id: u32) -> User {{}}"
    ))
}

#[test]
fn options_that_are_no_options() {
    assert_eq!(on_read("key = \"u:<id>\", ttl"), [Rule::Syntax]);
    assert_eq!(on_read("key = \"u:<id>\", 5"), [Rule::Syntax]);
    assert_eq!(on_read("key = \"u:<id>\" ttl = 5"), [Rule::Syntax]);
    assert_eq!(on_read("key = \"u:<id>\", ttl(5)"), [Rule::Syntax]);
    assert_eq!(
        on_read("key = \"u:<id>\", key_ignores = id"),
        [Rule::Syntax]
    );
    assert_eq!(on_read("key = \"u:<id>\", tll = 5"), [Rule::UnknownOption]);
    assert_eq!(on_write("key = \"u:<id>\", ttl = 5"), [Rule::UnknownOption]);
    assert_eq!(
        on_read("key = \"u:<id>\", ttl = 5, ttl = 6"),
        [Rule::DuplicateOption]
    );
    assert_eq!(
        on_read("key = \"u:<id>\", ttl = , ttl = 6"),
        [Rule::Syntax, Rule::DuplicateOption]
    );
}

/// `on_read` with one option more.
fn with(option: &str) -> Vec<Rule> {
    on_read(&format!("key = \"u:<id>\", {option}"))
}

#[test]
fn values_that_are_not_allowed() {
    assert_eq!(with("codec = bincode"), [Rule::UnknownValue]);
    assert_eq!(with("companion = \"name\""), [Rule::UnknownValue]);
    assert_eq!(with("crate = \"path\""), [Rule::UnknownValue]);
    for ttl in [
        "0",
        "\"0s\"",
        "-5",
        "1.5",
        "\"5 minutes\"",
        "\"\"",
        "99999999999",
        "true",
    ] {
        assert_eq!(
            with(&format!("ttl = {ttl}")),
            [Rule::InvalidDuration],
            "{ttl}"
        );
    }
    assert_eq!(with("errors = |e| 5"), [Rule::InvalidDuration]);
    for size in ["0", "\"16 kb\"", "\"9gb\"", "1.5", "five"] {
        assert_eq!(
            with(&format!("compress = {size}")),
            [Rule::InvalidSize],
            "{size}"
        );
    }
    for jitter in ["0.0", "1.0", "0.125", "\"0%\"", "\"100%\"", "\"x\"", "5"] {
        assert_eq!(
            with(&format!("jitter = {jitter}")),
            [Rule::InvalidJitter],
            "{jitter}"
        );
    }
    for number in ["0", "\"3\"", "-1", "4294967296"] {
        assert_eq!(
            with(&format!("version = {number}")),
            [Rule::InvalidNumber],
            "{number}"
        );
        assert_eq!(
            with(&format!("max_loads = {number}")),
            [Rule::InvalidNumber],
            "{number}"
        );
    }
    assert_eq!(with("ttl = 30, jitter = \"30s\""), [Rule::JitterExceedsTtl]);
}

#[test]
fn windows_that_are_not_allowed() {
    for time in ["0", "short", "\"5 s\"", "Duration::MAX"] {
        for name in ["stale", "fail_safe", "sliding", "hard_timeout"] {
            assert_eq!(
                with(&format!("{name} = {time}")),
                [Rule::InvalidDuration],
                "{name} = {time}"
            );
        }
    }
    assert_eq!(
        on_write("key = \"u\", settle = long"),
        [Rule::InvalidDuration]
    );
    for beta in ["0.09", "10.1", "\"1\"", "-1.0", "eager"] {
        assert_eq!(
            with(&format!("refresh_ahead = {beta}")),
            [Rule::InvalidNumber],
            "{beta}"
        );
    }
    for share in ["0", "0.0", "1.01", "\"1%\"", "-0.1"] {
        assert_eq!(
            with(&format!("verify = {share}")),
            [Rule::InvalidNumber],
            "{share}"
        );
    }
    assert_eq!(with("stale = 5, refresh = later"), [Rule::UnknownValue]);
}

#[test]
fn values_of_writes_that_are_not_allowed() {
    assert_eq!(
        on_write("key = \"u:<id>\", when = before"),
        [Rule::UnknownValue]
    );
    assert_eq!(on_write("key = \"u:<id>\", on = err"), [Rule::UnknownValue]);
    assert_eq!(
        on_write("key = \"u:<id>\", on_failure = retry"),
        [Rule::UnknownValue]
    );
    for confirm in [
        "1",
        "replicas",
        "replicas()",
        "replicas(0)",
        "replicas(1, 2)",
        "replicas(\"1\")",
        "replicas(-1)",
        "replicas(4294967296)",
        "all(1)",
    ] {
        assert_eq!(
            on_write(&format!("key = \"u:<id>\", confirm = {confirm}")),
            [Rule::InvalidConfirm],
            "{confirm}"
        );
    }
    assert_eq!(
        on_read("key = \"u:<id>\", confirm = replicas(1)"),
        [Rule::UnknownOption]
    );
    assert_eq!(
        on_write("key = \"u:<id>\", external = \" \""),
        [Rule::UnknownValue]
    );
}

#[test]
fn functions_that_cannot_be_cached() {
    let on = |item: &str| broken(&format!("#[cache_result(key = \"u:<id>\")]\n{item}"));
    assert_eq!(on("struct User;"), [Rule::NotAFunction]);
    assert_eq!(on("async fn user(id: u32) -> User;"), [Rule::MissingBody]);
    assert_eq!(
        on("const fn user(id: u32) -> User {}"),
        [Rule::ConstFunction]
    );
    assert_eq!(
        on("fn user(id: u32) -> impl Future<Output = User> {}"),
        [Rule::HandWrittenFuture]
    );
    assert_eq!(
        on("fn user(id: u32) -> Pin<Box<dyn Future<Output = User> + Send>> { Box::pin(load(id)) }"),
        [Rule::HandWrittenFuture]
    );
    assert_eq!(on("async fn user(id: u32) {}"), [Rule::NothingToCache]);
    assert_eq!(
        on("async fn user(id: u32) -> () {}"),
        [Rule::NothingToCache]
    );
    assert_eq!(
        on("async fn user(id: u32) -> impl Display {}"),
        [Rule::UnnamedReturn]
    );
    for borrowed in ["&str", "Option<&'a str>", "Result<Cow<'_, str>, E>"] {
        assert_eq!(
            on(&format!("async fn user<'a>(id: u32) -> {borrowed} {{}}")),
            [Rule::BorrowedReturn],
            "{borrowed}"
        );
    }
    for owned in ["Box<dyn Fn(&str) -> &str>", "Result<String, &'static str>"] {
        assert_eq!(
            on(&format!("async fn user(id: u32) -> {owned} {{}}")),
            [],
            "{owned}"
        );
    }
    let on_ok = "#[invalidate_cache(key = \"u\", on = ok)]\nasync fn user() -> impl Display {}";
    assert_eq!(broken(on_ok), [Rule::UnnamedReturn]);
}

#[test]
fn templates_that_are_not_allowed() {
    assert_eq!(on_read(""), [Rule::MissingKey]);
    assert_eq!(on_write("on = ok"), [Rule::MissingKey]);
    assert_eq!(on_read("key = 5"), [Rule::KeyLiteral]);
    assert_eq!(on_write("pattern = PATTERN"), [Rule::KeyLiteral]);
    assert_eq!(on_read("key = \"\""), [Rule::EmptyTemplate]);
    let long = "x".repeat(300);
    assert_eq!(
        on_read(&format!("key = \"{long}<id>\"")),
        [Rule::OversizedTemplate]
    );
    assert_eq!(on_read("key = \"u\\n<id>\""), [Rule::ControlCharacter]);
    assert_eq!(
        on_read(&format!("key = \"{}\"", "<id>:".repeat(9))),
        [Rule::TooManyPlaceholders]
    );
    assert_eq!(on_read("key = \"u:<id\""), [Rule::UnclosedPlaceholder]);
    assert_eq!(on_read("key = \"u:id>\""), [Rule::LoneBracket]);
    assert_eq!(
        on_read("key = \"u:<id|md5>\""),
        [Rule::MalformedPlaceholder]
    );
    assert_eq!(
        on_read("key = \"<@tenant.id>:<id>\""),
        [Rule::MalformedContext]
    );
    assert_eq!(on_write("pattern = \"<@>:*\""), [Rule::MalformedContext]);
    assert_eq!(on_read("key = \"u:{id}\""), [Rule::BracesAroundName]);
    assert_eq!(on_read("key = \"u:<id>:*\""), [Rule::GlobInKey]);
    assert_eq!(on_write("pattern = \"u:<id>\""), [Rule::PatternWithoutGlob]);
    for between in ["", "a", "-", "%", "~", "#", "("] {
        let key = format!("key = \"u:<id>{between}<id>\"");
        assert_eq!(on_read(&key), [Rule::AdjacentPlaceholders], "{between}");
    }
    assert_eq!(on_read("key = \"u:<idd>\""), [Rule::UnknownPlaceholder]);
    assert_eq!(on_read("key = \"u:<self.id>\""), [Rule::UnknownPlaceholder]);
    assert_eq!(on_read("key = \"u:<return.id>\""), [Rule::ReturnInKey]);
    let on_type = "#[cache_result(key = \"u:<T.id>\")]\nasync fn user<T>() -> User {}";
    assert_eq!(broken(on_type), [Rule::FieldOfType]);
}

#[test]
fn tags_that_are_not_allowed() {
    let with = |tags: &str| on_read(&format!("key = \"u:<id>\", tags = {tags}"));
    assert_eq!(with("[\"all\", \"user:<id>\", \"class:<id.class>\"]"), []);
    for tags in ["[]", "\"user:<id>\"", "TAGS", "[TAG]", "[5]"] {
        assert_eq!(with(tags), [Rule::InvalidTags], "{tags}");
    }
    let nine = format!("[{}]", "\"user:<id>\",".repeat(9));
    assert_eq!(with(&nine), [Rule::InvalidTags]);
    assert_eq!(on_write(&format!("tags = {nine}")), []);
    assert_eq!(with("[\"user:*\"]"), [Rule::GlobInKey]);
    assert_eq!(with("[\"user:<idd>\"]"), [Rule::UnknownPlaceholder]);
    assert_eq!(with("[\"user:<return.id>\"]"), [Rule::ReturnInKey]);
    assert_eq!(on_write("tags = [\"user:<return.id>\"]"), []);
    assert_eq!(with("[\"<@tenant>\"]"), [Rule::TagOutsideKey]);
    let update = "#[update_cache(key = \"u:<id>\", tags = [\"u:<user.class>\"])]\n\
                  async fn save(id: u32, user: User) -> User {}";
    assert_eq!(broken(update), [Rule::TagOutsideKey]);
}

#[test]
fn what_tags_may_name() {
    let on = |key: &str, tag: &str| {
        broken(&format!(
            "#[cache_result(key = {key}, tags = [\"{tag}\"], key_ignores(db, T, class))]\n\
             async fn user<T>(&self, id: u32, class: Class, db: &Db) -> User {{}}"
        ))
    };
    for tag in ["<id>", "<id.class>", "<self.tenant>", "<@tenant>"] {
        assert_eq!(on("\"<self.tenant>:<id>:<@tenant>\"", tag), [], "{tag}");
        assert_eq!(on("self.keys.key(id)", tag), [], "{tag}");
    }
    for tag in ["<class>", "<self.tenant>", "<@tenant>", "<T>"] {
        assert_eq!(on("\"<id>:<@user>\"", tag), [Rule::TagOutsideKey], "{tag}");
    }
    for tag in ["<class>", "<self.tenant>", "<T>"] {
        assert_eq!(on("KEYS.key(id)", tag), [Rule::TagOutsideKey], "{tag}");
    }
}

#[test]
fn parameters_outside_the_key() {
    let on = |arguments: &str| {
        broken(&format!(
            "#[cache_result({arguments})]\nasync fn user<T, const N: usize>((id, _): (u32, u8), db: &Db) -> User {{}}"
        ))
    };
    assert_eq!(on("key = \"u:<id>:<T>:<N>\", key_ignores(db)"), []);
    assert_eq!(
        on("key = USER.key(id, N, name::<T>()), key_ignores(db)"),
        []
    );
    assert_eq!(
        on("key = USER.key(db.id), key_ignores(T, N)"),
        [Rule::ParameterNotInKey]
    );
    assert_eq!(
        on("key = \"u:<id>:<db.shard>\""),
        [Rule::ParameterNotInKey; 2]
    );
    let ignores = |names: &str| on(&format!("key = \"u:<id>:<T>:<N>\", key_ignores({names})"));
    assert_eq!(ignores("db, bd"), [Rule::UnknownIgnored]);
    assert_eq!(ignores("db, self"), [Rule::UnknownIgnored]);
    assert_eq!(ignores("db, id"), [Rule::IgnoredButUsed]);
}

#[test]
fn an_update_may_leave_parameters_out() {
    let source = "#[update_cache(key = \"u:<id>\")]\nasync fn save(id: u32, user: User) -> User {}";
    assert_eq!(broken(source), []);
    let returned = "#[update_cache(key = \"u:<return.id>\")]\nasync fn save(user: User) -> User {}";
    assert_eq!(broken(returned), [Rule::ReturnInKey]);
}

#[test]
fn types_that_hold_no_keys() {
    assert_eq!(broken("#[cache_keys]\nstruct Keys;"), [Rule::KeysTarget]);
    assert_eq!(
        broken("#[cache_keys]\nimpl Trait for Keys {}"),
        [Rule::KeysTarget]
    );
    assert_eq!(
        broken("#[cache_keys]\nimpl<T> Keys<T> {}"),
        [Rule::KeysTarget]
    );
    assert_eq!(broken("#[cache_keys]\nimpl [u8] {}"), [Rule::KeysTarget]);
    assert_eq!(
        broken("#[derive(KeyPart)]\nstruct Unit;"),
        [Rule::KeyPartWithoutFields]
    );
    assert_eq!(
        broken("#[derive(KeyPart)]\nstruct Empty {}"),
        [Rule::KeyPartWithoutFields]
    );
    assert_eq!(
        broken("#[derive(KeyPart)]\nenum Never {}"),
        [Rule::KeyPartWithoutFields]
    );
    assert_eq!(
        broken("#[derive(KeyPart)]\nunion Both { a: u8, b: u8 }"),
        [Rule::KeyPartUnion]
    );
    let field = "#[derive(KeyPart)]\nstruct Id(#[key_part(skip)] u32);";
    assert_eq!(broken(field), [Rule::UnknownOption]);
}

#[test]
fn all_mistakes_are_reported_in_one_build() {
    let arguments = "key = \"u:<idd>:<id\", tll = 5, ttl = \"x\", version = 0, codec = xml";
    let expected = [
        Rule::UnknownOption,
        Rule::UnclosedPlaceholder,
        Rule::UnknownPlaceholder,
        Rule::InvalidDuration,
        Rule::InvalidNumber,
        Rule::UnknownValue,
    ];
    assert_eq!(on_read(arguments), expected);
}
