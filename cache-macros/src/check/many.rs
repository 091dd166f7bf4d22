//! The rules that only `#[cache_many]` has.

use proc_macro2::{Ident, Span};
use syn::spanned::Spanned as _;
use syn::{Expr, FnArg, Pat, ReceiverKind, Type};

use super::key;
use super::names;
use super::options::{Options, literal, span_of};
use super::scope::{Parameter, Scope, ungrouped};
use crate::errors::{Errors, Rule};
use crate::model::{Batch, Body, Function, Key, Root};

/// What `by = id in ids` says, or `None` after a mistake.
pub(super) fn batch(options: &mut Options, scope: &Scope, errors: &mut Errors) -> Option<Batch> {
    if !options.has("by") {
        let message = "no `by`: write `by = id in ids`, with the name of one id and the \
                       parameter that has all of them";
        errors.push(Rule::MissingBatch, Span::call_site(), message);
    }
    let (one, all) = options.each("by", errors)?;
    if let Some((taken, _)) = scope.names().find(|(name, _)| **name == one) {
        let message = format!("`{taken}` is a parameter: call one id by another name");
        errors.push(Rule::BatchNameTaken, one.span(), message);
        return None;
    }
    let Some((_, parameter)) = scope.names().find(|(name, _)| **name == all) else {
        errors.push(Rule::UnknownBatch, all.span(), unknown(&all, scope));
        return None;
    };
    listed(one, parameter, errors)
}

fn unknown(all: &Ident, scope: &Scope) -> String {
    let known: Vec<String> = scope.names().map(|(name, _)| name.to_string()).collect();
    let instead = names::did_you_mean(&all.to_string(), known.iter().map(String::as_str))
        .unwrap_or_else(|| "name the one that has the ids".to_owned());
    format!("no parameter `{all}`: {instead}")
}

fn listed(one: Ident, parameter: &Parameter, errors: &mut Errors) -> Option<Batch> {
    let (Pat::Ident(pat), true) = (&parameter.pat, parameter.is_plain()) else {
        let message = "the body gets the missing ids under one name: write `ids: &[..]`";
        errors.push(Rule::InvalidBatch, parameter.pat.span(), message);
        return None;
    };
    if let Type::ImplTrait(ty) = &parameter.ty {
        let message = "the body gets the missing ids in a list of their own: write `ids: &[..]`";
        errors.push(Rule::InvalidBatch, ty.impl_token.span, message);
        return None;
    }
    let mut ty = parameter.ty.clone();
    let list = match &mut ty {
        Type::Reference(reference) => {
            // The body's list does not live as long as the caller's.
            reference.lifetime = None;
            ungrouped(&reference.elem).clone()
        }
        owned => owned.clone(),
    };
    let pat = pat.clone();
    Some(Batch { one, pat, ty, list })
}

/// The function with a parameter that is not `mut`: what is changed is the body's own list.
pub(super) fn unmut(function: &mut Function, batch: &Batch) {
    for input in &mut function.sig.inputs {
        if let FnArg::Typed(typed) = input
            && let Pat::Ident(pat) = &mut *typed.pat
            && pat.ident == batch.pat.ident
        {
            pat.mutability = None;
        }
    }
}

/// The key of one id, or `None` after a mistake.
pub(super) fn key(expr: Expr, batch: &Batch, scope: &Scope, errors: &mut Errors) -> Option<Key> {
    if literal(&expr).is_none() {
        let message = "every id has a key of its own: write a template, as in `\"user:<id>\"`";
        errors.push(Rule::KeyLiteral, span_of(&expr), message);
        return None;
    }
    let key = key::key(expr, scope, errors)?;
    let one = &batch.one;
    let is_one = |root: &Root| matches!(root, Root::Parameter { name, .. } if name == one);
    if !key.parts().iter().any(|part| is_one(&part.root)) {
        let message = format!(
            "`{one}` is not in the key, so all ids would share an entry: write `<{one}>` in the key"
        );
        errors.push(Rule::ParameterNotInKey, one.span(), message);
    }
    Some(key)
}

/// The body may be asked again, for ids that somebody else did not load.
pub(super) fn check_function(function: &Function, errors: &mut Errors) {
    if let Body::Blocking(_) = function.body {
        let message = "`#[cache_many]` waits for several loads at once: write `async fn`";
        let place = function.sig.fn_token.span;
        errors.push(Rule::ManyOfPlainFunction, place, message);
    }
    for input in &function.sig.inputs {
        let (place, instead) = match input {
            FnArg::Receiver(receiver) => match receiver.kind {
                ReceiverKind::Reference(_, _, Some(_)) => (receiver.self_token.span, "`&self`"),
                _ => continue,
            },
            FnArg::Typed(typed) => match ungrouped(&typed.ty) {
                Type::Reference(reference) if reference.mutability.is_some() => {
                    (typed.pat.span(), "a `&` reference, such as one to a pool")
                }
                _ => continue,
            },
        };
        let message = format!(
            "the body may run more than once, so it cannot borrow this for writing: take {instead}"
        );
        errors.push(Rule::MutableInMany, place, message);
    }
}
