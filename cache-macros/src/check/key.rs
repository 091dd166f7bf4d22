//! A key: a template in place, or an expression that gives one.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Expr, Lit, LitStr, Path, PathArguments};

use super::options::{literal, span_of, word};
use super::placeholders::{self, Outcome};
use super::scope::Scope;
use super::template::Role;
use crate::errors::{Errors, Rule};
use crate::model::{InScope, Key, Source};
use crate::text;

/// The key of a cached function, or `None` after a mistake.
pub(super) fn key(expr: Expr, scope: &Scope, errors: &mut Errors) -> Option<Key> {
    match Form::of(expr, errors)? {
        Form::Template(literal) => {
            placeholders::check(&literal, Role::Key, scope, Outcome::Unknown, errors)
                .map(Key::Template)
        }
        Form::Expression(expr) => {
            let (key, source) = computed(expr, scope);
            Some(Key::Computed { key, source })
        }
    }
}

/// The two ways to write a key.
pub(super) enum Form {
    Template(LitStr),
    Expression(Expr),
}

impl Form {
    pub(super) fn of(expr: Expr, errors: &mut Errors) -> Option<Self> {
        match literal(&expr) {
            None => Some(Self::Expression(expr)),
            Some(Lit::Str(text)) => Some(Self::Template(text.clone())),
            Some(_) => {
                let message = "a key is a template, as in `\"user:<id>\"`, or an expression \
                               that gives a key";
                errors.push(Rule::KeyLiteral, span_of(&expr), message);
                None
            }
        }
    }
}

pub(super) fn computed(expr: Expr, scope: &Scope) -> (InScope, Source) {
    let source = source(&expr, scope);
    (scope.reach(expr), source)
}

/// What the catalogue can learn from an expression without running it.
fn source(expr: &Expr, scope: &Scope) -> Source {
    let found = match expr {
        Expr::MethodCall(call) if call.method == "key" => match &*call.receiver {
            Expr::Path(path) if path.qself.is_none() && is_constant(&path.path, scope) => {
                Some(Source::Constant(path.to_token_stream()))
            }
            _ => None,
        },
        Expr::MethodCall(call) => companion(&call.method),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path
                .path
                .segments
                .last()
                .and_then(|last| companion(&last.ident)),
            _ => None,
        },
        Expr::Reference(reference) => return source(&reference.expr, scope),
        _ => None,
    };
    found.unwrap_or_else(|| Source::Computed(text::of(expr.to_token_stream())))
}

fn companion(name: &Ident) -> Option<Source> {
    let name = name.unraw().to_string();
    name.ends_with("_key").then_some(Source::Companion(name))
}

/// Whether a `static` can name it: no local, and nothing generic. One capital
/// is taken for a type parameter of the `impl` around.
fn is_constant(path: &Path, scope: &Scope) -> bool {
    let Some(first) = path.segments.first() else {
        return false;
    };
    let name = first.ident.to_string();
    let is_generic = scope
        .types
        .iter()
        .chain(&scope.consts)
        .any(|ident| *ident == name)
        || (path.segments.len() > 1 && name.len() == 1 && name != name.to_lowercase())
        || path
            .segments
            .iter()
            .any(|segment| !matches!(segment.arguments, PathArguments::None));
    let is_local = path.segments.len() == 1 && name == name.to_lowercase();
    !is_generic && !is_local && !matches!(name.as_str(), "Self" | "self")
}

/// The word of `companion = word`.
pub(super) fn companion_name(expr: &Expr, errors: &mut Errors) -> Option<Ident> {
    let is_name = |name: &&Ident| !matches!(name.to_string().as_str(), "self" | "Self" | "crate");
    let name = word(expr).filter(is_name).cloned();
    if name.is_none() {
        let message = "`companion` takes the name of a function, or `none`";
        errors.push(Rule::UnknownValue, span_of(expr), message);
    }
    name
}
