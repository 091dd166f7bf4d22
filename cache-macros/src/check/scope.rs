//! The names that a function's header gives to its keys.

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::visit::{self, Visit};
use syn::{Expr, FnArg, GenericParam, Pat, PatIdent, Signature, Token, Type, parse_quote};

use super::occurrences;
use crate::model::{Batch, InScope, Written};

#[derive(Clone)]
pub(super) struct Scope {
    pub(super) receiver: Option<Token![self]>,
    pub(super) parameters: Vec<Parameter>,
    pub(super) types: Vec<Ident>,
    pub(super) consts: Vec<Ident>,
}

/// One parameter, and every name its pattern binds.
#[derive(Clone)]
pub(super) struct Parameter {
    pub(super) pat: Pat,
    pub(super) ty: Type,
    /// Whether it is one of the ids that a `ty` holds, and not a `ty` itself.
    pub(super) is_one_id: bool,
    pub(super) names: Vec<Ident>,
}

impl Scope {
    pub(super) fn of(sig: &Signature) -> Self {
        let mut scope = Self {
            receiver: None,
            parameters: Vec::new(),
            types: Vec::new(),
            consts: Vec::new(),
        };
        for input in &sig.inputs {
            match input {
                FnArg::Receiver(receiver) => scope.receiver = Some(receiver.self_token),
                FnArg::Typed(typed) => scope.parameters.push(Parameter::of(&typed.pat, &typed.ty)),
            }
        }
        for param in &sig.generics.params {
            match param {
                GenericParam::Type(param) => scope.types.push(param.ident.clone()),
                GenericParam::Const(param) => scope.consts.push(param.ident.clone()),
                GenericParam::Lifetime(_) => {}
            }
        }
        scope
    }

    /// The names that the key of one id is made of.
    pub(super) fn of_one(&self, batch: &Batch) -> Self {
        let mut scope = self.clone();
        let is_batch = |parameter: &&mut Parameter| parameter.names.contains(&batch.pat.ident);
        if let Some(parameter) = scope.parameters.iter_mut().find(is_batch) {
            *parameter = Parameter::one_of(batch);
        }
        scope
    }

    /// Every name bound by a parameter, with the parameter it belongs to.
    pub(super) fn names(&self) -> impl Iterator<Item = (&Ident, &Parameter)> {
        self.parameters
            .iter()
            .flat_map(|parameter| parameter.names.iter().map(move |name| (name, parameter)))
    }

    /// The expression, with the parameters that occur in it.
    pub(super) fn reach(&self, expr: Expr) -> InScope {
        let tokens = expr.to_token_stream();
        let rebound = self
            .names()
            .filter(|(name, _)| occurrences::of_variable(name, &tokens))
            .map(|(name, parameter)| (name.clone(), parameter.written()))
            .collect();
        InScope { rebound, expr }
    }
}

impl Parameter {
    fn of(pat: &Pat, ty: &Type) -> Self {
        let mut names = Names(Vec::new());
        names.visit_pat(pat);
        Self {
            pat: pat.clone(),
            ty: ungrouped(ty).clone(),
            is_one_id: false,
            names: names.0,
        }
    }

    fn one_of(batch: &Batch) -> Self {
        let one = &batch.one;
        // What is in a slice can be read off it.
        let (ty, is_one_id) = match &batch.list {
            Type::Slice(slice) => (ungrouped(&slice.elem), false),
            list => (list, true),
        };
        Self {
            pat: parse_quote!(#one),
            ty: ty.clone(),
            is_one_id,
            names: vec![one.clone()],
        }
    }

    pub(super) fn written(&self) -> Written {
        match &self.ty {
            Type::Reference(reference) if reference.mutability.is_some() => Written::RefMut,
            Type::Reference(_) => Written::Ref,
            _ => Written::Owned,
        }
    }

    /// Whether the pattern is a plain name.
    pub(super) fn is_plain(&self) -> bool {
        matches!(&self.pat, Pat::Ident(name) if name.subpat.is_none())
    }
}

pub(super) fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        other => other,
    }
}

struct Names(Vec<Ident>);

impl<'ast> Visit<'ast> for Names {
    fn visit_pat_ident(&mut self, pat: &'ast PatIdent) {
        self.0.push(pat.ident.clone());
        visit::visit_pat_ident(self, pat);
    }
}
