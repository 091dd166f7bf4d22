//! Operations on Redis.

use super::broken;
use crate::errors::Rule;

fn on_retry(arguments: &str, item: &str) -> Vec<Rule> {
    broken(&format!("#[redis_retry({arguments})]\n{item}"))
}

const RESERVE: &str = "async fn reserve(seat: u32) -> Result<(), E> {}";

#[test]
fn options_of_a_retry() {
    for fine in [
        "",
        "max_retries = 5, backoff = \"500ms\", max_time = 30",
        "on = transient",
        "on = any",
        "on = |error: &E| error.is_busy()",
        "on = strategies::Busy { most: 3 }",
        "crate = my::rt",
    ] {
        assert_eq!(on_retry(fine, RESERVE), [], "{fine}");
    }
    for (wrong, rule) in [
        ("max_retries = 0", Rule::InvalidNumber),
        ("max_retries = \"3\"", Rule::InvalidNumber),
        ("backoff = 0", Rule::InvalidDuration),
        ("backoff = \"fast\"", Rule::InvalidDuration),
        ("max_time = long", Rule::InvalidDuration),
        (
            "backoff = 2, max_time = \"2s\"",
            Rule::BackoffExceedsMaxTime,
        ),
        ("on = \"any\"", Rule::UnknownValue),
        ("on = 3", Rule::UnknownValue),
        ("retries = 3", Rule::UnknownOption),
        ("ttl = 3", Rule::UnknownOption),
    ] {
        assert_eq!(on_retry(wrong, RESERVE), [rule], "{wrong}");
    }
}

#[test]
fn functions_that_cannot_run_again() {
    let on = |item: &str| on_retry("", item);
    assert_eq!(on("struct Orders;"), [Rule::NotAFunction]);
    assert_eq!(on("async fn f() -> Result<(), E>;"), [Rule::MissingBody]);
    assert_eq!(
        on("const fn f() -> Result<(), E> {}"),
        [Rule::ConstFunction]
    );
    assert_eq!(on("async fn f(id: u32) {}"), [Rule::CannotFail]);
    assert_eq!(
        on("async fn f() -> Result<impl Display, E> {}"),
        [Rule::UnnamedReturn]
    );
    let hand_written = "fn f() -> impl Future<Output = Result<(), E>> {}";
    assert_eq!(on(hand_written), [Rule::HandWrittenFuture]);
    for receiver in ["self", "mut self"] {
        let item = format!("fn f({receiver}, id: u32) -> Result<(), E> {{}}");
        assert_eq!(on(&item), [Rule::ReceiverInRetry], "{receiver}");
    }
    for receiver in ["&self", "&mut self", "self: Arc<Self>", "self: &Arc<Self>"] {
        let item = format!("fn f({receiver}, id: u32) -> Result<(), E> {{}}");
        assert_eq!(on(&item), [], "{receiver}");
    }
    let boxed = |receiver: &str| {
        on(&format!(
            "fn f<'life0, 'async_trait>({receiver}) -> Pin<Box<dyn Future<Output = Result<(), E>> \
             + Send + 'async_trait>> where Self: 'async_trait \
             {{ Box::pin(async move {{ let __self = self; __self.load().await }}) }}"
        ))
    };
    assert_eq!(boxed("&'life0 self"), []);
    assert_eq!(boxed("&'life0 mut self"), [Rule::ReceiverInRetry]);
}

#[test]
fn functions_that_cannot_be_given_a_connection() {
    let on = |arguments: &str, item: &str| broken(&format!("#[with_redis({arguments})]\n{item}"));
    let fine = "async fn f(&self, redis: &mut C, id: u32) -> Result<(), E> {}";
    for arguments in ["", "cache = self.cache(id)", "crate = my::rt"] {
        assert_eq!(on(arguments, fine), [], "{arguments}");
    }
    assert_eq!(on("ttl = 5", fine), [Rule::UnknownOption]);
    assert_eq!(
        on("", "fn f(&self) -> Result<(), E> {}"),
        [Rule::MissingConnection]
    );
    assert_eq!(
        on("", "fn f() -> Result<(), E> {}"),
        [Rule::MissingConnection]
    );
    assert_eq!(on("", "fn f(redis: C) {}"), [Rule::CannotFail]);
    for unnamed in ["impl AsyncCommands", "&mut impl AsyncCommands"] {
        let item = format!("async fn f(redis: {unnamed}) -> Result<(), E> {{}}");
        assert_eq!(on("", &item), [Rule::UnnamedConnection], "{unnamed}");
    }
    let both = "const fn f() {}";
    let rules = [
        Rule::ConstFunction,
        Rule::MissingConnection,
        Rule::CannotFail,
    ];
    assert_eq!(on("", both), rules);
}
