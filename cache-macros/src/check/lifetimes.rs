//! How long: `ttl`, `jitter`, `none`, `errors`.

use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::{Expr, ExprLit, Lit, UnOp};

use super::options::{Options, literal, span_of, word};
use super::scope::Scope;
use crate::errors::{Errors, Rule};
use crate::model::{Jitter, Keep, Policy, Ttl};
use crate::parse::duration;
use crate::text;

const MAX_MILLIS: u64 = 36_500 * 86_400_000;

pub(super) fn policy(options: &mut Options, scope: &Scope, errors: &mut Errors) -> Policy {
    let ttl = options.expr("ttl", errors).and_then(|expr| {
        let written = written(&expr);
        ttl("ttl", expr, Closure::Allowed, scope, errors).map(|ttl| (ttl, written))
    });
    let jitter = options
        .expr("jitter", errors)
        .and_then(|expr| jitter(&expr, ttl.as_ref(), errors));
    let none = options.expr("none", errors).and_then(|expr| {
        let place = span_of(&expr);
        keep("none", expr, scope, errors).map(|keep| (keep, place))
    });
    // Skipping errors is what happens without the option, too.
    let errors_kept = options.expr("errors", errors).and_then(|expr| {
        let place = span_of(&expr);
        keep("errors", expr, scope, errors).and_then(|keep| match keep {
            Keep::Never => None,
            Keep::For(ttl) => Some((ttl, place)),
        })
    });
    let store_if = options.expr("store_if", errors);
    Policy {
        ttl,
        jitter,
        none,
        errors: errors_kept,
        store_if,
    }
}

/// As the user wrote it, for the catalogue.
fn written(expr: &Expr) -> String {
    match expr {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => text.value(),
        Expr::Closure(closure) => {
            let inputs = text::of(closure.inputs.to_token_stream());
            format!("|{inputs}| {}", text::of(closure.body.to_token_stream()))
        }
        _ => text::of(expr.to_token_stream()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Closure {
    Allowed,
    Refused,
}

fn ttl(
    name: &str,
    expr: Expr,
    closure: Closure,
    scope: &Scope,
    errors: &mut Errors,
) -> Option<Ttl> {
    match expr {
        Expr::Closure(_) if closure == Closure::Allowed => Some(Ttl::Of(expr)),
        Expr::Lit(_)
        | Expr::Unary(syn::ExprUnary {
            op: UnOp::Neg(_), ..
        }) => millis(name, &expr, errors).map(Ttl::Millis),
        Expr::Closure(_) => {
            let message = format!("`{name}` takes no closure: write `{name} = \"30s\"`");
            errors.push(Rule::InvalidDuration, span_of(&expr), message);
            None
        }
        other => Some(match word(&other).map(ToString::to_string).as_deref() {
            Some("short") => Ttl::Short,
            Some("default") => Ttl::Default,
            Some("long") => Ttl::Long,
            _ => Ttl::Exactly(scope.reach(other)),
        }),
    }
}

fn keep(name: &str, expr: Expr, scope: &Scope, errors: &mut Errors) -> Option<Keep> {
    if word(&expr).is_some_and(|word| word == "skip") {
        return Some(Keep::Never);
    }
    ttl(name, expr, Closure::Refused, scope, errors).map(Keep::For)
}

/// A literal duration: whole seconds, or text with units.
pub(super) fn millis(name: &str, expr: &Expr, errors: &mut Errors) -> Option<u64> {
    let millis = match literal(expr) {
        Some(Lit::Int(seconds)) => seconds
            .base10_parse::<u64>()
            .ok()
            .and_then(|seconds| seconds.checked_mul(1_000)),
        Some(Lit::Str(text)) => duration::millis(&text.value()),
        _ => None,
    };
    let fault = match millis {
        Some(1..=MAX_MILLIS) => return millis,
        Some(0) => "is no time at all",
        Some(_) => "is longer than 36500 days",
        None => "is not a duration",
    };
    let written: TokenStream = expr.to_token_stream();
    let message = format!(
        "`{}` {fault}: write whole seconds, as in `{name} = 1800`, or units, as in \
         `{name} = \"1h30m\"` (`ms`, `s`, `m`, `h`, `d`)",
        text::of(written)
    );
    errors.push(Rule::InvalidDuration, span_of(expr), message);
    None
}

fn jitter(expr: &Expr, ttl: Option<&(Ttl, String)>, errors: &mut Errors) -> Option<Jitter> {
    let jitter = match literal(expr) {
        Some(Lit::Float(share)) => percent_of_share(share.base10_digits()),
        Some(Lit::Str(text)) => match text.value().strip_suffix('%') {
            Some(percent) => percent.parse().ok().map(Jitter::Percent),
            None => duration::millis(&text.value()).map(Jitter::Millis),
        },
        _ => None,
    };
    match (jitter, ttl) {
        (Some(Jitter::Millis(jitter)), Some((Ttl::Millis(ttl), _))) if jitter >= *ttl => {
            let message = "`jitter` must be shorter than `ttl`: it only shortens";
            errors.push(Rule::JitterExceedsTtl, span_of(expr), message);
            None
        }
        (Some(Jitter::Percent(1..=99) | Jitter::Millis(1..)), _) => jitter,
        _ => {
            let message = "`jitter` takes a share of the ttl from 1 to 99 percent or a time: \
                           write `jitter = 0.1`, `\"10%\"` or `\"30s\"`";
            errors.push(Rule::InvalidJitter, span_of(expr), message);
            None
        }
    }
}

/// `10` of `0.1`; shares finer than a percent are refused.
fn percent_of_share(digits: &str) -> Option<Jitter> {
    let fraction = digits.strip_prefix("0.")?.trim_end_matches('0');
    let percent = match fraction.len() {
        1 | 2 => format!("{fraction:0<2}").parse().ok()?,
        _ => return None,
    };
    Some(Jitter::Percent(percent))
}
