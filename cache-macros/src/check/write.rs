//! The rules of `#[invalidate_cache]`.

use proc_macro2::Span;
use syn::{Expr, Lit, LitStr};

use super::clashes::{self, OfWrite};
use super::key::{Form, computed};
use super::lifetimes::millis;
use super::options::{Options, choice, literal, replicas, span_of, ungrouped};
use super::placeholders::{self, Outcome};
use super::scope::Scope;
use super::template::Role;
use super::{function, tags};
use crate::errors::{Errors, Rule};
use crate::model::{Body, On, OnFailure, Root, Source, Target, TargetAct, Template, When, Write};
use crate::parse::{Argument, Function};

const OPTIONS: [&str; 12] = [
    "key",
    "keys",
    "tags",
    "pattern",
    "when",
    "settle",
    "on",
    "on_failure",
    "confirm",
    "cache",
    "external",
    "crate",
];
const TARGETS: [&str; 3] = ["key", "keys", "pattern"];

pub(crate) fn write(
    arguments: Vec<Argument>,
    function: Function,
    errors: &mut Errors,
) -> Option<Write> {
    let mut options = Options::new("`#[invalidate_cache]`", &OPTIONS, arguments, errors);
    let places = options.places();
    let scope = Scope::of(&function.sig);
    let runtime = options.runtime(errors);
    if !places.has("tags") && !TARGETS.iter().any(|name| places.has(name)) {
        let message = "nothing to invalidate: write `key = \"user:<id>\"`, `keys = [..]`, \
                       `tags = [\"class:<id>\"]` or `pattern = \"user:<id>:*\"`";
        errors.push(Rule::MissingKey, Span::call_site(), message);
    }
    let targets = targets(&mut options, &scope, errors);
    let tags = options
        .expr("tags", errors)
        .map(|expr| tags::tags(expr, &scope, Outcome::Known, errors))
        .unwrap_or_default();
    let cache = options.expr("cache", errors).map(|expr| scope.reach(expr));
    let when = when(&mut options, errors);
    let settle = options.expr("settle", errors);
    let settle = settle.and_then(|expr| millis("settle", &expr, errors));
    let confirm = options.expr("confirm", errors);
    let confirm = confirm.and_then(|expr| replicas(&expr, errors));
    let on_failure = on_failure(&mut options, errors);
    let is_around = when == When::Around;
    let facts = OfWrite {
        places,
        is_around,
        is_async: !matches!(function.body, Body::Blocking(_)),
        on_failure,
    };
    clashes::of_write(&facts, errors);
    if is_around {
        known_before(&targets, &tags, errors);
    }
    let on = on(&mut options, errors);
    let external = options
        .expr("external", errors)
        .and_then(|expr| reason(&expr, errors));
    function::runnable(&function, errors);
    let mut templates = targets.iter().filter_map(Target::template).chain(&tags);
    let tells = matches!(on, On::Ok { .. }) || on_failure == OnFailure::Error;
    if tells || templates.any(Template::needs_result) {
        function
            .returns
            .as_ref()
            .map(|returns| function::named(returns, errors));
    }
    errors.is_empty().then_some(Write {
        runtime,
        function,
        targets,
        tags,
        cache,
        on,
        when,
        settle,
        confirm,
        on_failure,
        external,
    })
}

fn targets(options: &mut Options, scope: &Scope, errors: &mut Errors) -> Vec<Target> {
    let mut targets = Vec::new();
    for (name, expr) in options.in_order(&TARGETS, errors) {
        match (name.to_string().as_str(), expr) {
            ("pattern", expr) => targets.extend(pattern(&expr, scope, errors)),
            ("keys", Expr::Array(list)) => {
                for element in list.elems {
                    targets.extend(one_key(ungrouped(element), scope, errors));
                }
            }
            (_, expr) => targets.extend(one_key(expr, scope, errors)),
        }
    }
    targets
}

fn one_key(expr: Expr, scope: &Scope, errors: &mut Errors) -> Option<Target> {
    match Form::of(expr, errors)? {
        Form::Template(literal) => {
            let template = placeholders::check(&literal, Role::Key, scope, Outcome::Known, errors)?;
            Some(Target {
                act: TargetAct::Key(template),
                source: Source::Template(literal),
            })
        }
        Form::Expression(expr) => {
            let (keys, source) = computed(expr, scope);
            Some(Target {
                act: TargetAct::Keys(keys),
                source,
            })
        }
    }
}

fn pattern(expr: &Expr, scope: &Scope, errors: &mut Errors) -> Option<Target> {
    let Some(Lit::Str(literal)) = literal(expr) else {
        let message = "a pattern is a template: write `pattern = \"user:<id>:*\"`";
        errors.push(Rule::KeyLiteral, span_of(expr), message);
        return None;
    };
    let template = placeholders::check(literal, Role::Pattern, scope, Outcome::Known, errors)?;
    Some(Target {
        act: TargetAct::Pattern(template),
        source: Source::Pattern(literal.clone()),
    })
}

fn when(options: &mut Options, errors: &mut Errors) -> When {
    let chosen = options
        .expr("when", errors)
        .and_then(|expr| choice("when", &expr, &["after", "around"], errors));
    match chosen {
        Some("around") => When::Around,
        _ => When::After,
    }
}

fn on(options: &mut Options, errors: &mut Errors) -> On {
    let Some(expr) = options.expr("on", errors) else {
        return On::Always;
    };
    match choice("on", &expr, &["always", "ok"], errors) {
        Some("ok") => On::Ok {
            place: span_of(&expr),
        },
        _ => On::Always,
    }
}

fn on_failure(options: &mut Options, errors: &mut Errors) -> OnFailure {
    let chosen = options
        .expr("on_failure", errors)
        .and_then(|expr| choice("on_failure", &expr, &["queue", "error"], errors));
    match chosen {
        Some("error") => OnFailure::Error,
        _ => OnFailure::Queue,
    }
}

fn reason(expr: &Expr, errors: &mut Errors) -> Option<LitStr> {
    match literal(expr) {
        Some(Lit::Str(reason)) if !reason.value().trim().is_empty() => Some(reason.clone()),
        _ => {
            let message = "`external` takes the reason: write \
                           `external = \"the mobile gateway caches it\"`";
            errors.push(Rule::UnknownValue, span_of(expr), message);
            None
        }
    }
}

/// Reports what a fence cannot be put in before the function has run.
fn known_before(targets: &[Target], tags: &[Template], errors: &mut Errors) {
    let keys = targets.iter().filter_map(|target| match &target.act {
        TargetAct::Key(template) => Some(template),
        // Refused altogether.
        TargetAct::Pattern(_) | TargetAct::Keys(_) => None,
    });
    let fault = |root: &Root| {
        let message = "`<return>` is not known before the function has run, and `when = around` \
                       begins before it: name a parameter, or write `when = after`";
        matches!(root, Root::Return).then(|| message.to_owned())
    };
    for template in keys.chain(tags) {
        placeholders::refuse(Rule::AroundReturn, template, fault, errors);
    }
}
