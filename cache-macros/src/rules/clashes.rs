//! Options that do not go together.

use super::{broken, on_read, on_write};
use crate::errors::Rule;

#[test]
fn options_of_a_read_that_clash() {
    let with = |options: &str| on_read(&format!("key = \"u:<id>\", {options}"));
    for fine in [
        "stale = 5, fail_safe = 6, refresh_ahead = 10, refresh = background",
        "stale = 5, refresh = caller, hard_timeout = 1, verify = 1",
        "fail_safe = 5, soft_timeout = 1, hard_timeout = 2",
        "stale = 5, soft_timeout = 1",
        "ttl = 5, sliding = 4",
        "ttl = short, sliding = \"1d\"",
        "errors = skip, fail_safe = 5",
    ] {
        assert_eq!(with(fine), [], "{fine}");
    }
    for (options, rule) in [
        ("stale = 5, fail_safe = 5", Rule::FailSafeWithinStale),
        ("sliding = 5, stale = 5", Rule::SlidingWithWindow),
        ("fail_safe = 5, sliding = 5", Rule::SlidingWithWindow),
        ("refresh_ahead = 1, sliding = 5", Rule::SlidingWithWindow),
        ("ttl = 5, sliding = 5", Rule::SlidingExceedsTtl),
        ("refresh = background", Rule::RefreshWithoutWindow),
        (
            "refresh = caller, fail_safe = 5, soft_timeout = 1",
            Rule::RefreshWithoutWindow,
        ),
        (
            "refresh = caller, stale = 5, soft_timeout = 1",
            Rule::RefreshByCallerWithSoftTimeout,
        ),
        ("soft_timeout = 1", Rule::SoftTimeoutWithoutWindow),
        (
            "refresh_ahead = 1, soft_timeout = 1",
            Rule::SoftTimeoutWithoutWindow,
        ),
        (
            "hard_timeout = 1, stale = 5, soft_timeout = 1",
            Rule::SoftTimeoutExceedsHard,
        ),
        ("errors = 5, fail_safe = 5", Rule::ErrorsWithFailSafe),
    ] {
        assert_eq!(with(options), [rule], "{options}");
    }
    let broken = "stale = \"x\", refresh = caller";
    assert_eq!(
        with(broken),
        [Rule::InvalidDuration],
        "is written all the same"
    );
}

#[test]
fn options_of_an_update_that_clash() {
    let with = |options: &str| {
        broken(&format!(
            "#[update_cache(key = \"u:<id>\", {options})]\nfn save(id: &u32) -> User {{}}"
        ))
    };
    assert_eq!(with("stale = 5, fail_safe = 6, refresh_ahead = 1"), []);
    assert_eq!(
        with("stale = 5, fail_safe = 5"),
        [Rule::FailSafeWithinStale]
    );
    assert_eq!(
        with("sliding = 5, fail_safe = 5"),
        [Rule::SlidingWithWindow]
    );
    assert_eq!(with("ttl = 5, sliding = 6"), [Rule::SlidingExceedsTtl]);
    for option in ["refresh = caller", "soft_timeout = 5", "verify = 1"] {
        assert_eq!(with(option), [Rule::UnknownOption], "{option}");
    }
}

#[test]
fn functions_that_cannot_run_in_the_background() {
    let plain = |options: &str| {
        broken(&format!(
            "#[cache_result(key = \"u:<id>\", {options})]\nfn user(id: &u32) -> User {{}}"
        ))
    };
    assert_eq!(plain("stale = 5"), [Rule::BackgroundOfPlainFunction]);
    assert_eq!(
        plain("refresh_ahead = 1"),
        [Rule::BackgroundOfPlainFunction]
    );
    assert_eq!(plain("stale = 5, refresh = caller, fail_safe = 6"), []);
    assert_eq!(plain("hard_timeout = 5"), [Rule::TimeoutOfPlainFunction]);
    assert_eq!(
        plain("fail_safe = 5, soft_timeout = 1, hard_timeout = 2"),
        [Rule::TimeoutOfPlainFunction]
    );

    let method = |options: &str, parameters: &str| {
        broken(&format!(
            "#[cache_result(key = \"u:<id>\", key_ignores(db), {options})]\n\
             async fn user<'a>({parameters}, id: u32) -> User {{}}"
        ))
    };
    for borrowing in [
        "&self, db: Db",
        "&'a mut self, db: Db",
        "self: &Arc<Self>, db: Db",
        "db: &Db",
        "db: Option<&Db>",
        "db: Cow<'_, Db>",
        "db: impl Load<'a>",
        "db: impl Iterator<Item = &Db>",
    ] {
        let rules = [Rule::BorrowedInBackground];
        assert_eq!(method("stale = 5", borrowing), rules, "{borrowing}");
        let soft = method("fail_safe = 5, soft_timeout = 1", borrowing);
        assert_eq!(soft, rules, "{borrowing}");
        for inline in [
            "fail_safe = 5",
            "hard_timeout = 5",
            "refresh = caller, stale = 5",
        ] {
            assert_eq!(method(inline, borrowing), [], "{inline} {borrowing}");
        }
    }
    for owned in [
        "self, db: Db",
        "self: Arc<Self>, db: Arc<Db>",
        "db: &'static Db",
        "db: impl Load<'static>",
        "db: fn(&u8) -> &u8",
        "db: Box<dyn Fn(&u8)>",
    ] {
        assert_eq!(method("refresh_ahead = 1", owned), [], "{owned}");
    }
    let both = method("stale = 5", "&self, db: &Db");
    assert_eq!(both, [Rule::BorrowedInBackground; 2]);
}

#[test]
fn options_of_a_write_that_clash() {
    for fine in [
        "keys = [\"u:<id>\", user_key(id)], tags = [\"u\"], when = around, settle = 2",
        "key = \"u:<return.id>\", pattern = \"u:*\", settle = 2",
        "key = \"u:<return.id>\", when = after",
        "key = \"u:<id>\", on_failure = error, confirm = replicas(2), when = around",
        "key = \"u:<id>\", on_failure = queue",
    ] {
        assert_eq!(on_write(fine), [], "{fine}");
    }
    for (options, rule) in [
        (
            "key = \"u\", when = around, pattern = \"u:*\"",
            Rule::AroundPattern,
        ),
        (
            "pattern = \"u:<return.id>:*\", when = around",
            Rule::AroundPattern,
        ),
        ("key = \"u:<return.id>\", when = around", Rule::AroundReturn),
        (
            "keys = [\"u\", \"u:<return>\"], when = around",
            Rule::AroundReturn,
        ),
        (
            "tags = [\"u:<return.id>\"], when = around",
            Rule::AroundReturn,
        ),
        ("pattern = \"u:*\", settle = 2", Rule::SettleOfPatterns),
    ] {
        assert_eq!(on_write(options), [rule], "{options}");
    }
    let plain = |on_failure: &str| {
        broken(&format!(
            "#[invalidate_cache(key = \"u\", on_failure = {on_failure})]\nfn save() -> Result<(), E> {{}}"
        ))
    };
    assert_eq!(plain("error"), [Rule::FailureOfPlainFunction]);
    assert_eq!(plain("queue"), []);
}
