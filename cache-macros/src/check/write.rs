//! The rules of `#[invalidate_cache]`.

use proc_macro2::Span;
use syn::{Expr, Lit, LitStr};

use super::key::{Form, computed};
use super::options::{Options, choice, literal, span_of, ungrouped};
use super::placeholders::{self, Outcome};
use super::scope::Scope;
use super::template::Role;
use super::{function, tags};
use crate::errors::{Errors, Rule};
use crate::model::{On, Source, Target, TargetAct, Template, Write};
use crate::parse::{Argument, Function};

const OPTIONS: [&str; 9] = [
    "key", "keys", "tags", "pattern", "when", "on", "cache", "external", "crate",
];
const TARGETS: [&str; 3] = ["key", "keys", "pattern"];

pub(crate) fn write(
    arguments: Vec<Argument>,
    function: Function,
    errors: &mut Errors,
) -> Option<Write> {
    let mut options = Options::new("`#[invalidate_cache]`", &OPTIONS, arguments, errors);
    let scope = Scope::of(&function.sig);
    let runtime = options.runtime(errors);
    if !TARGETS
        .iter()
        .chain(&["tags"])
        .any(|name| options.has(name))
    {
        let message = "nothing to invalidate: write `key = \"user:<id>\"`, `keys = [..]`, \
                       `tags = [\"class:<id>\"]` or `pattern = \"user:<id>:*\"`";
        errors.push(Rule::MissingKey, Span::call_site(), message);
    }
    let mut targets = Vec::new();
    for (name, expr) in options.in_order(&TARGETS, errors) {
        match (name.to_string().as_str(), expr) {
            ("pattern", expr) => targets.extend(pattern(&expr, &scope, errors)),
            ("keys", Expr::Array(list)) => {
                for element in list.elems {
                    targets.extend(one_key(ungrouped(element), &scope, errors));
                }
            }
            (_, expr) => targets.extend(one_key(expr, &scope, errors)),
        }
    }
    let tags = options
        .expr("tags", errors)
        .map(|expr| tags::tags(expr, &scope, Outcome::Known, errors))
        .unwrap_or_default();
    let cache = options.expr("cache", errors).map(|expr| scope.reach(expr));
    if let Some(expr) = options.expr("when", errors) {
        choice("when", &expr, &["after"], errors);
    }
    let on = on(&mut options, errors);
    let external = options
        .expr("external", errors)
        .and_then(|expr| reason(&expr, errors));
    function::runnable(&function, errors);
    if matches!(on, On::Ok { .. }) || needs_result(&targets, &tags) {
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
        external,
    })
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

fn needs_result(targets: &[Target], tags: &[Template]) -> bool {
    let templates = targets.iter().filter_map(|target| match &target.act {
        TargetAct::Key(template) | TargetAct::Pattern(template) => Some(template),
        TargetAct::Keys(_) => None,
    });
    templates.chain(tags).any(Template::needs_result)
}
