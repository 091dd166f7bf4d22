//! The options an attribute takes, each at most once.

use proc_macro2::{Ident, Span};
use syn::{Expr, ExprLit, ExprPath, Lit, Path};

use super::names;
use crate::errors::{Errors, Rule};
use crate::model::Runtime;
use crate::parse::{Argument, Value};

/// Where each option of one attribute stands, in the order they were written.
pub(super) struct Places(Vec<(String, Span)>);

impl Places {
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(written, _)| written == name)
    }

    /// The place of the one that is written last; one of them is written.
    pub(super) fn last_of(&self, names: &[&str]) -> Span {
        let is_named = |(written, _): &&(String, Span)| names.contains(&written.as_str());
        let last = self.0.iter().rev().find(is_named);
        last.map_or_else(Span::call_site, |(_, place)| *place)
    }
}

/// The options of one attribute that are known and not yet taken.
pub(super) struct Options {
    arguments: Vec<Argument>,
}

impl Options {
    pub(super) fn new(
        attribute: &str,
        known: &[&str],
        arguments: Vec<Argument>,
        errors: &mut Errors,
    ) -> Self {
        let mut kept: Vec<Argument> = Vec::new();
        for argument in arguments {
            let name = argument.name.to_string();
            if !known.contains(&name.as_str()) {
                let instead = names::did_you_mean(&name, known.iter().copied())
                    .unwrap_or_else(|| format!("{attribute} takes {}", list(known)));
                let message = format!("unknown option `{name}`: {instead}");
                errors.push(Rule::UnknownOption, argument.name.span(), message);
            } else if kept.iter().any(|earlier| earlier.name == argument.name) {
                let message = format!("`{name}` is given twice: keep one");
                errors.push(Rule::DuplicateOption, argument.name.span(), message);
            } else {
                kept.push(argument);
            }
        }
        Self { arguments: kept }
    }

    /// Whether the option stands there, even with a value that does not parse.
    pub(super) fn has(&self, name: &str) -> bool {
        self.arguments.iter().any(|argument| argument.name == name)
    }

    /// Where those stand that are not yet taken.
    pub(super) fn places(&self) -> Places {
        let places = self.arguments.iter();
        Places(
            places
                .map(|argument| (argument.name.to_string(), argument.name.span()))
                .collect(),
        )
    }

    fn take(&mut self, name: &str) -> Option<Argument> {
        let at = self
            .arguments
            .iter()
            .position(|argument| argument.name == name)?;
        Some(self.arguments.remove(at))
    }

    /// The expression behind `name =`.
    pub(super) fn expr(&mut self, name: &str, errors: &mut Errors) -> Option<Expr> {
        let argument = self.take(name)?;
        expr_of(argument, errors).map(|(_, expr)| expr)
    }

    /// The names in `name(..)`.
    pub(super) fn names(&mut self, name: &str, errors: &mut Errors) -> Vec<Ident> {
        let Some(argument) = self.take(name) else {
            return Vec::new();
        };
        match argument.value {
            Value::Names(names) => names,
            Value::Broken => Vec::new(),
            Value::Expr(_) | Value::Each { .. } => {
                let message = format!("`{name}` takes a list: write `{name}(..)`");
                errors.push(Rule::Syntax, argument.name.span(), message);
                Vec::new()
            }
        }
    }

    /// The names in `name = one in all`.
    pub(super) fn each(&mut self, name: &str, errors: &mut Errors) -> Option<(Ident, Ident)> {
        let argument = self.take(name)?;
        match argument.value {
            Value::Each { one, all } => Some((one, all)),
            Value::Broken => None,
            Value::Expr(_) | Value::Names(_) => {
                let message = format!(
                    "`{name}` names one id, and the parameter with all of them: write \
                     `{name} = id in ids`"
                );
                errors.push(Rule::Syntax, argument.name.span(), message);
                None
            }
        }
    }

    /// The options among `names` in the order they were written.
    pub(super) fn in_order(&mut self, names: &[&str], errors: &mut Errors) -> Vec<(Ident, Expr)> {
        let (wanted, rest) = std::mem::take(&mut self.arguments)
            .into_iter()
            .partition(|argument| names.iter().any(|name| argument.name == name));
        self.arguments = rest;
        let wanted: Vec<Argument> = wanted;
        wanted
            .into_iter()
            .filter_map(|argument| expr_of(argument, errors))
            .collect()
    }

    /// `crate = path`, or where the runtime is by default.
    pub(super) fn runtime(&mut self, errors: &mut Errors) -> Runtime {
        let path = self.expr("crate", errors).and_then(|expr| match expr {
            Expr::Path(ExprPath {
                qself: None, path, ..
            }) => Some(path),
            other => {
                let message = "`crate` takes a path: write `crate = my_crate::cache_runtime`";
                errors.push(Rule::UnknownValue, span_of(&other), message);
                None
            }
        });
        Runtime(path.unwrap_or_else(default_runtime))
    }
}

pub(super) fn default_runtime() -> Path {
    syn::parse_quote!(::cache_runtime)
}

fn expr_of(argument: Argument, errors: &mut Errors) -> Option<(Ident, Expr)> {
    match argument.value {
        Value::Expr(expr) => Some((argument.name, ungrouped(*expr))),
        Value::Broken => None,
        Value::Names(_) | Value::Each { .. } => {
            let name = &argument.name;
            let message = format!("`{name}` takes a value: write `{name} = ..`");
            errors.push(Rule::Syntax, name.span(), message);
            None
        }
    }
}

fn list(known: &[&str]) -> String {
    names::list(known.iter().copied())
}

/// Without the invisible brackets around what a `macro_rules!` passed on.
pub(super) fn ungrouped(expr: Expr) -> Expr {
    match expr {
        Expr::Group(group) => ungrouped(*group.expr),
        other => other,
    }
}

/// `word` of an expression that is one word.
pub(super) fn word(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        _ => None,
    }
}

pub(super) fn literal(expr: &Expr) -> Option<&Lit> {
    match expr {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        _ => None,
    }
}

pub(super) fn span_of(expr: &Expr) -> Span {
    syn::spanned::Spanned::span(expr)
}

/// One of a few words.
pub(super) fn choice(
    name: &str,
    expr: &Expr,
    choices: &[&'static str],
    errors: &mut Errors,
) -> Option<&'static str> {
    let written = word(expr).map(ToString::to_string);
    let chosen = choices
        .iter()
        .find(|choice| written.as_deref() == Some(**choice))
        .copied();
    if chosen.is_none() {
        let message = format!("unknown value of `{name}`: expected {}", list(choices));
        errors.push(Rule::UnknownValue, span_of(expr), message);
    }
    chosen
}

/// `replicas(1)`: how many replicas must have what is written.
pub(super) fn replicas(expr: &Expr, errors: &mut Errors) -> Option<u32> {
    let count = match expr {
        Expr::Call(call) if word(&call.func).is_some_and(|word| word == "replicas") => {
            match call.args.first().and_then(literal) {
                Some(Lit::Int(count)) if call.args.len() == 1 => count.base10_parse().ok(),
                _ => None,
            }
        }
        _ => None,
    };
    // Redis reads it as a number with a sign.
    let count = count.filter(|count| (1..=i32::MAX.unsigned_abs()).contains(count));
    if count.is_none() {
        let message = "`confirm` says how many replicas must have it: write \
                       `confirm = replicas(1)`";
        errors.push(Rule::InvalidConfirm, span_of(expr), message);
    }
    count
}

/// A whole number from one on.
pub(super) fn number(name: &str, expr: &Expr, errors: &mut Errors) -> Option<u32> {
    let number = match literal(expr) {
        Some(Lit::Int(number)) => number.base10_parse().ok().filter(|number| *number > 0),
        _ => None,
    };
    if number.is_none() {
        let message = format!("`{name}` takes a whole number from 1 on: write `{name} = 3`");
        errors.push(Rule::InvalidNumber, span_of(expr), message);
    }
    number
}
