//! `tags`: what entries have in common, so that they can be invalidated together.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::{Expr, Lit, LitStr};

use super::occurrences;
use super::options::{Options, literal, span_of, ungrouped};
use super::placeholders::{self, Outcome};
use super::scope::Scope;
use super::template::Role;
use crate::errors::{Errors, Rule};
use crate::model::{Key, Root, Template};

/// An entry holds a generation of each, and a read asks for all of them.
const MOST_OF_AN_ENTRY: usize = 8;

/// The tags of an entry, each told by what the entry's key tells.
pub(super) fn of_entry(
    options: &mut Options,
    key: Option<&Key>,
    scope: &Scope,
    errors: &mut Errors,
) -> Vec<Template> {
    let Some(expr) = options.expr("tags", errors) else {
        return Vec::new();
    };
    let place = span_of(&expr);
    let tags = tags(expr, scope, Outcome::Unknown, errors);
    if tags.len() > MOST_OF_AN_ENTRY {
        let message = format!(
            "{} tags: an entry has at most {MOST_OF_AN_ENTRY}, and every read asks for all of \
             them; leave out those that are never invalidated alone",
            tags.len()
        );
        errors.push(Rule::InvalidTags, place, message);
    }
    if let Some(key) = key {
        for tag in &tags {
            told_by(key, tag, errors);
        }
    }
    tags
}

/// The templates of a list.
pub(super) fn tags(
    expr: Expr,
    scope: &Scope,
    outcome: Outcome,
    errors: &mut Errors,
) -> Vec<Template> {
    let place = span_of(&expr);
    let elements = match expr {
        Expr::Array(list) if !list.elems.is_empty() => list.elems,
        _ => {
            let message = "`tags` takes a list of templates: write `tags = [\"class:<id>\"]`";
            errors.push(Rule::InvalidTags, place, message);
            return Vec::new();
        }
    };
    let elements = elements.into_iter().map(ungrouped);
    elements
        .filter_map(|element| {
            let literal = template(&element, errors)?;
            placeholders::check(literal, Role::Tag, scope, outcome, errors)
        })
        .collect()
}

fn template<'expr>(element: &'expr Expr, errors: &mut Errors) -> Option<&'expr LitStr> {
    if let Some(Lit::Str(template)) = literal(element) {
        return Some(template);
    }
    let message = "a tag is a template: write it out, as in `\"class:<id>\"`";
    errors.push(Rule::InvalidTags, span_of(element), message);
    None
}

/// Two calls with one key share an entry, so they must agree on its tags.
fn told_by(key: &Key, tag: &Template, errors: &mut Errors) {
    let fault = |root: &Root| {
        let name = name_of(root);
        let message = format!(
            "`{name}` is not in the key, so calls that share an entry could differ in this tag: \
             write `<{name}>` in the key, or leave it out of the tag"
        );
        (!tells(key, root)).then_some(message)
    };
    placeholders::refuse(Rule::TagOutsideKey, tag, fault, errors);
}

fn tells(key: &Key, root: &Root) -> bool {
    match key {
        Key::Template(template) => {
            let mut roots = template.parts.iter().map(|part| &part.root);
            roots.any(|other| name_of(other) == name_of(root))
        }
        Key::Computed { key, .. } => {
            let tokens = key.expr.to_token_stream();
            match root {
                Root::Parameter { name, .. } => key.rebound.iter().any(|(other, _)| other == name),
                Root::Type(name) | Root::Const(name) => occurrences::of_type(name, &tokens),
                Root::Receiver(receiver) => {
                    occurrences::of_variable(&Ident::from(*receiver), &tokens)
                }
                // The template behind the expression may have it.
                Root::Context(_) => true,
                Root::Return => unreachable!("the key of an entry is known before the result"),
            }
        }
    }
}

/// The first word in a placeholder.
fn name_of(root: &Root) -> String {
    match root {
        Root::Parameter { name, .. } | Root::Type(name) | Root::Const(name) => name.to_string(),
        Root::Receiver(_) => "self".to_owned(),
        Root::Context(name) => format!("@{name}"),
        Root::Return => "return".to_owned(),
    }
}
