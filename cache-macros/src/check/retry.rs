//! The rules of `#[redis_retry]`.

use syn::{Expr, FnArg, Lit, Receiver, ReceiverKind};

use super::lifetimes::millis;
use super::options::{Options, literal, number, span_of, word};
use super::repeated;
use super::{function, options};
use crate::errors::{Errors, Rule};
use crate::model::{Retry, RetryOn};
use crate::parse::{Argument, Body, Function};

const OPTIONS: [&str; 5] = ["max_retries", "backoff", "max_time", "on", "crate"];
const ATTRIBUTE: &str = "`#[redis_retry]`";

pub(crate) fn retry(
    arguments: Vec<Argument>,
    mut function: Function,
    errors: &mut Errors,
) -> Option<Retry> {
    let mut options = Options::new(ATTRIBUTE, &OPTIONS, arguments, errors);
    let runtime = options.runtime(errors);
    let max_retries = options.expr("max_retries", errors);
    let max_retries = max_retries.and_then(|expr| number("max_retries", &expr, errors));
    let backoff = time("backoff", &mut options, errors);
    let max_time = time("max_time", &mut options, errors);
    if let (Some((backoff, expr)), Some((time, _))) = (&backoff, &max_time)
        && backoff >= time
    {
        let message = "`backoff` must be shorter than `max_time`, or hardly any second try begins";
        errors.push(Rule::BackoffExceedsMaxTime, span_of(expr), message);
    }
    let on = options.expr("on", errors).and_then(|expr| on(expr, errors));
    function::runnable(&function, errors);
    let returns = function::fallible_type(ATTRIBUTE, &function, errors);
    receiver(&function, errors);
    let again = repeated::parameters(&mut function);
    if !errors.is_empty() {
        return None;
    }
    Some(Retry {
        runtime,
        returns: returns?,
        function,
        max_retries,
        backoff: backoff.map(|(millis, _)| millis),
        max_time: max_time.map(|(millis, _)| millis),
        on: on.unwrap_or(RetryOn::Transient),
        again,
    })
}

fn time(name: &str, options: &mut Options, errors: &mut Errors) -> Option<(u64, Expr)> {
    let expr = options.expr(name, errors)?;
    millis(name, &expr, errors).map(|millis| (millis, expr))
}

fn on(expr: Expr, errors: &mut Errors) -> Option<RetryOn> {
    let written = word(&expr).map(ToString::to_string);
    match (written.as_deref(), literal(&expr)) {
        (Some("transient"), _) => Some(RetryOn::Transient),
        (Some("any"), _) => Some(RetryOn::Any),
        (_, Some(Lit::Int(_) | Lit::Str(_) | Lit::Bool(_) | Lit::Float(_))) => {
            let message = "`on` takes `transient`, `any`, a closure over the error, or a \
                           `RetryStrategy`: write `on = |error| error.is_busy()`";
            errors.push(Rule::UnknownValue, options::span_of(&expr), message);
            None
        }
        _ => Some(match expr {
            Expr::Closure(closure) => RetryOn::Closure(closure),
            strategy => RetryOn::Strategy(strategy),
        }),
    }
}

/// The first run would take it.
fn receiver(function: &Function, errors: &mut Errors) {
    let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() else {
        return;
    };
    let instead = match kind(receiver, &function.body) {
        Kept::Yes => return,
        Kept::NoValue => "take `&self`, or `self: Arc<Self>`",
        Kept::NoMutableTrait => "take `&self`: under `#[async_trait]` it is moved into the body",
    };
    let message = format!(
        "{ATTRIBUTE} may run the function more than once, and its first run would take `self` \
         away: {instead}"
    );
    errors.push(Rule::ReceiverInRetry, receiver.self_token.span, message);
}

enum Kept {
    Yes,
    NoValue,
    NoMutableTrait,
}

fn kind(receiver: &Receiver, body: &Body) -> Kept {
    match (&receiver.kind, body) {
        (ReceiverKind::Value, _) => Kept::NoValue,
        (ReceiverKind::Reference(_, _, Some(_)), Body::Boxed { .. }) => Kept::NoMutableTrait,
        _ => Kept::Yes,
    }
}
