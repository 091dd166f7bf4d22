//! The function beside a cached one that gives its key.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span};
use quote::{ToTokens as _, format_ident};
use syn::ext::IdentExt as _;
use syn::visit::Visit;
use syn::visit_mut::{self, VisitMut};
use syn::{Lifetime, Pat, PatIdent, Type, TypeReference, parse_quote};

use super::load::Entry;
use super::occurrences;
use super::scope::{Parameter, ungrouped};
use crate::model::{
    Act, Companion, CompanionParameter, Format, InScope, Key, Part, Returned, Root, Runtime,
};
use crate::parse::Function;

/// What a companion is made of, all of it checked.
pub(super) struct Ingredients<'a> {
    pub(super) runtime: &'a Runtime,
    pub(super) function: &'a Function,
    pub(super) entry: &'a Entry,
    pub(super) returns: &'a Type,
    pub(super) cache: Option<&'a InScope>,
    pub(super) format: &'a Format,
}

pub(super) fn default_name(function: &Function) -> Ident {
    let ident = &function.sig.ident;
    format_ident!("{}_key", ident.unraw(), span = ident.span())
}

pub(super) fn companion(name: Ident, from: &Ingredients<'_>) -> Companion {
    let sig = &from.function.sig;
    let mut returns = from.returns.clone();
    MakeStatic.visit_type_mut(&mut returns);
    Companion {
        runtime: from.runtime.0.clone(),
        of: sig.ident.unraw().to_string(),
        name,
        cfgs: from
            .function
            .attrs
            .iter()
            .filter(|a| a.path().is_ident("cfg"))
            .cloned()
            .collect(),
        vis: from.function.vis.clone(),
        generics: sig.generics.clone(),
        receiver: from.entry.scope.receiver.filter(|_| needs_receiver(from)),
        parameters: parameters(from),
        returns: match from.entry.act {
            Act::Read | Act::Update => Returned::Whole(returns),
            Act::Many(_) => Returned::Each(returns),
        },
        key: from.entry.key.clone(),
        tags: from.entry.tags.clone(),
        format: from.format.clone(),
        cache: from.cache.cloned(),
    }
}

fn expressions<'a>(from: &Ingredients<'a>) -> impl Iterator<Item = &'a InScope> {
    let key = match &from.entry.key {
        Key::Computed { key, .. } => Some(key),
        Key::Template(_) => None,
    };
    key.into_iter().chain(from.cache)
}

/// The placeholders of the key and of the tags.
fn parts<'a>(from: &Ingredients<'a>) -> impl Iterator<Item = &'a Part> {
    let tags = from.entry.tags.iter().flat_map(|tag| &tag.parts);
    from.entry.key.parts().iter().chain(tags)
}

fn needs_receiver(from: &Ingredients<'_>) -> bool {
    let receiver = Ident::new("self", Span::call_site());
    parts(from).any(|part| matches!(part.root, Root::Receiver(_)))
        || expressions(from)
            .any(|expr| occurrences::of_variable(&receiver, &expr.expr.to_token_stream()))
}

fn parameters(from: &Ingredients<'_>) -> Vec<CompanionParameter> {
    let (bare, whole) = used(from);
    let parameters = from.entry.scope.parameters.iter();
    parameters
        .filter(|parameter| {
            parameter
                .names
                .iter()
                .any(|name| bare.contains(name) || whole.contains(name))
        })
        .map(|parameter| match &parameter.names[..] {
            [name] if parameter.is_plain() && !whole.contains(name) => {
                argument(name, parameter).unwrap_or_else(|| borrowed(parameter))
            }
            _ => borrowed(parameter),
        })
        .collect()
}

/// The names used only as `<name>`, and those used in any other way.
fn used(from: &Ingredients<'_>) -> (BTreeSet<Ident>, BTreeSet<Ident>) {
    let (mut bare, mut whole) = (BTreeSet::new(), BTreeSet::new());
    for part in parts(from) {
        if let Root::Parameter { name, .. } = &part.root {
            let names = if part.fields.is_empty() {
                &mut bare
            } else {
                &mut whole
            };
            names.insert(name.clone());
        }
    }
    whole.extend(
        expressions(from)
            .flat_map(|expr| &expr.rebound)
            .map(|(name, _)| name.clone()),
    );
    (bare, whole)
}

/// `name: impl KeyArg<T>`, unless `T` cannot be written in there.
fn argument(name: &Ident, parameter: &Parameter) -> Option<CompanionParameter> {
    let mut ty = &parameter.ty;
    while let Type::Reference(reference) = ty {
        ty = ungrouped(&reference.elem);
    }
    let mut unwritable = Unwritable(false);
    unwritable.visit_type(ty);
    let (name, ty) = (name.clone(), ty.clone());
    (!unwritable.0).then(|| {
        if parameter.is_one_id {
            CompanionParameter::Id { name, list: ty }
        } else {
            CompanionParameter::Argument { name, ty }
        }
    })
}

fn borrowed(parameter: &Parameter) -> CompanionParameter {
    if let (true, [name]) = (parameter.is_one_id, &parameter.names[..]) {
        let (name, list) = (name.clone(), parameter.ty.clone());
        return CompanionParameter::BorrowedId { name, list };
    }
    let mut pat = parameter.pat.clone();
    Unbind.visit_pat_mut(&mut pat);
    let ty = match &parameter.ty {
        Type::Reference(reference) => Type::Reference(TypeReference {
            mutability: None,
            ..reference.clone()
        }),
        Type::ImplTrait(bounds) => parse_quote!(&(#bounds)),
        owned => parse_quote!(&#owned),
    };
    CompanionParameter::Borrowed { pat, ty }
}

/// Types with an elided lifetime or an `impl`: not allowed inside `impl Trait`.
struct Unwritable(bool);

impl<'ast> Visit<'ast> for Unwritable {
    fn visit_type(&mut self, ty: &'ast Type) {
        match ty {
            Type::Reference(reference) if reference.lifetime.is_none() => self.0 = true,
            Type::ImplTrait(_) | Type::TraitObject(_) | Type::Infer(_) => self.0 = true,
            other => syn::visit::visit_type(self, other),
        }
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.0 |= lifetime.ident == "_";
    }
}

/// Removes `mut` and `ref`: the companion only looks.
struct Unbind;

impl VisitMut for Unbind {
    fn visit_pat_ident_mut(&mut self, pat: &mut PatIdent) {
        pat.by_ref = None;
        pat.mutability = None;
        visit_mut::visit_pat_ident_mut(self, pat);
    }

    fn visit_pat_mut(&mut self, pat: &mut Pat) {
        if let Pat::Reference(reference) = pat {
            reference.mutability = None;
        }
        visit_mut::visit_pat_mut(self, pat);
    }
}

/// A key outlives the call, so its value type borrows nothing from it.
struct MakeStatic;

impl VisitMut for MakeStatic {
    fn visit_type_reference_mut(&mut self, reference: &mut TypeReference) {
        if reference.lifetime.is_none() {
            reference.lifetime = Some(Lifetime::new("'static", reference.and_token.span));
        }
        visit_mut::visit_type_reference_mut(self, reference);
    }

    fn visit_lifetime_mut(&mut self, lifetime: &mut Lifetime) {
        if lifetime.ident == "_" {
            *lifetime = Lifetime::new("'static", lifetime.span());
        }
    }
}
