//! What an entry is good for beyond its ttl, and how a load may keep its caller waiting.

use syn::{Expr, Lit};

use super::lifetimes::millis;
use super::options::{Options, choice, literal, span_of};
use crate::errors::{Errors, Rule};
use crate::model::{Refresh, Windows};

pub(super) fn windows(options: &mut Options, errors: &mut Errors) -> Windows {
    let stale = time("stale", options, errors);
    let fail_safe = options.expr("fail_safe", errors).and_then(|expr| {
        let place = span_of(&expr);
        millis("fail_safe", &expr, errors).map(|millis| (millis, place))
    });
    let refresh_ahead = options.expr("refresh_ahead", errors);
    let refresh_ahead = refresh_ahead.and_then(|expr| beta(&expr, errors));
    let refresh = options.expr("refresh", errors).and_then(|expr| {
        let chosen = choice("refresh", &expr, &["background", "caller"], errors)?;
        Some(match chosen {
            "caller" => Refresh::Caller,
            _ => Refresh::Background,
        })
    });
    let soft_timeout = time("soft_timeout", options, errors);
    let hard_timeout = time("hard_timeout", options, errors);
    let sliding = time("sliding", options, errors);
    let verify = options.expr("verify", errors);
    let verify = verify.and_then(|expr| share(&expr, errors));
    Windows {
        stale,
        fail_safe,
        refresh_ahead,
        refresh: refresh.unwrap_or(Refresh::Background),
        soft_timeout,
        hard_timeout,
        sliding,
        verify,
    }
}

fn time(name: &str, options: &mut Options, errors: &mut Errors) -> Option<u64> {
    let expr = options.expr(name, errors)?;
    millis(name, &expr, errors)
}

/// How eagerly entries are refreshed before they end; its inventors call it beta.
fn beta(expr: &Expr, errors: &mut Errors) -> Option<f64> {
    let beta = number(expr).filter(|beta| (0.1..=10.0).contains(beta));
    if beta.is_none() {
        let message = "`refresh_ahead` takes a number from 0.1 to 10: write \
                       `refresh_ahead = 1.0`, and more to refresh earlier";
        errors.push(Rule::InvalidNumber, span_of(expr), message);
    }
    beta
}

fn share(expr: &Expr, errors: &mut Errors) -> Option<f64> {
    let share = number(expr).filter(|share| *share > 0.0 && *share <= 1.0);
    if share.is_none() {
        let message = "`verify` takes a share of the hits, over 0 and at most 1: write \
                       `verify = 0.01` for one in a hundred";
        errors.push(Rule::InvalidNumber, span_of(expr), message);
    }
    share
}

fn number(expr: &Expr) -> Option<f64> {
    match literal(expr)? {
        Lit::Float(number) => number.base10_parse().ok(),
        Lit::Int(number) => number.base10_parse().ok(),
        _ => None,
    }
}
