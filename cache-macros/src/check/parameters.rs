//! Every parameter of a cached function is in its key, or excused.

use std::collections::BTreeSet;

use proc_macro2::Ident;
use quote::ToTokens as _;

use super::names;
use super::occurrences;
use super::scope::Scope;
use crate::errors::{Errors, Rule};
use crate::model::{Key, Root};

/// What else two calls with the same key could differ in would be shared. `all_ids` is the
/// parameter that each key has one id of.
pub(super) fn check(
    key: &Key,
    all_ids: Option<&Ident>,
    ignored: &[Ident],
    scope: &Scope,
    errors: &mut Errors,
) {
    let mut used = used(key, scope);
    used.extend(all_ids.map(ToString::to_string));
    let mut seen = BTreeSet::new();
    for name in names_of(scope) {
        let text = name.to_string();
        if !seen.insert(text.clone()) {
            // To rustc they differ, if one is a `macro_rules!`'s own; `<name>` is the first.
            let message = format!(
                "two parameters are called `{name}`, and a key can only hold the first: rename one"
            );
            errors.push(Rule::ParameterNotInKey, name.span(), message);
            continue;
        }
        if used.contains(&text) || ignored.iter().any(|ignored| *ignored == text) {
            continue;
        }
        let is_type = scope.types.contains(name);
        let kind = if is_type {
            "type parameter"
        } else {
            "parameter"
        };
        let message = format!(
            "{kind} `{name}` is not in the key, so calls that differ in it would share an entry: \
             write `<{name}>` in the key, or `key_ignores({name})`"
        );
        errors.push(Rule::ParameterNotInKey, name.span(), message);
    }
    for name in ignored {
        let is_known = names_of(scope).any(|known| known == name);
        if is_known && used.contains(&name.to_string()) {
            let message = format!("`{name}` is in the key: remove it from `key_ignores`");
            errors.push(Rule::IgnoredButUsed, name.span(), message);
        }
    }
}

/// Whether `key_ignores` names what exists.
pub(super) fn check_ignored(ignored: &[Ident], scope: &Scope, errors: &mut Errors) {
    let known: Vec<String> = names_of(scope).map(ToString::to_string).collect();
    for name in ignored {
        let text = name.to_string();
        if known.contains(&text) {
            continue;
        }
        let instead = if text == "self" {
            "`self` need not be in the key".to_owned()
        } else {
            names::did_you_mean(&text, known.iter().map(String::as_str))
                .unwrap_or_else(|| "remove it".to_owned())
        };
        let message = format!("no parameter `{text}` to ignore: {instead}");
        errors.push(Rule::UnknownIgnored, name.span(), message);
    }
}

fn names_of(scope: &Scope) -> impl Iterator<Item = &Ident> {
    scope
        .names()
        .map(|(name, _)| name)
        .chain(&scope.types)
        .chain(&scope.consts)
}

fn used(key: &Key, scope: &Scope) -> BTreeSet<String> {
    match key {
        Key::Template(template) => template
            .parts
            .iter()
            .filter_map(|part| root_name(&part.root))
            .collect(),
        Key::Computed { key, .. } => {
            let tokens = key.expr.to_token_stream();
            let variables = key.rebound.iter().map(|(name, _)| name);
            let types = scope.types.iter().chain(&scope.consts);
            let types = types.filter(|name| occurrences::of_type(name, &tokens));
            variables.chain(types).map(ToString::to_string).collect()
        }
    }
}

fn root_name(root: &Root) -> Option<String> {
    match root {
        Root::Parameter { name, .. } | Root::Type(name) | Root::Const(name) => {
            Some(name.to_string())
        }
        Root::Receiver(_) | Root::Return | Root::Context(_) => None,
    }
}
