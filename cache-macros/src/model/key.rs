//! What an entry is found by.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Expr, LitStr, Member, Token};

/// The one key of a cached function.
#[derive(Clone)]
pub(crate) enum Key {
    Template(Template),
    Computed { key: InScope, source: Source },
}

impl Key {
    /// What a template's placeholders stand for.
    pub(crate) fn parts(&self) -> &[Part] {
        match self {
            Self::Template(template) => &template.parts,
            Self::Computed { .. } => &[],
        }
    }
}

/// A template whose placeholders all stand for something.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) literal: LitStr,
    pub(crate) parts: Vec<Part>,
}

impl Template {
    /// Whether it has a part that only the function's result tells.
    pub(crate) fn needs_result(&self) -> bool {
        let mut roots = self.parts.iter().map(|part| &part.root);
        roots.any(|root| matches!(root, Root::Return))
    }
}

/// What a placeholder stands for.
#[derive(Clone)]
pub(crate) struct Part {
    pub(crate) root: Root,
    pub(crate) fields: Vec<Member>,
    /// Where the template stands.
    pub(crate) span: Span,
}

#[derive(Clone)]
pub(crate) enum Root {
    /// The parameter's own identifier, or `macro_rules!` would not find it.
    Parameter {
        name: Ident,
        written: Written,
    },
    Receiver(Token![self]),
    Return,
    /// A part of the caller's key context.
    Context(String),
    Type(Ident),
    Const(Ident),
}

/// How a parameter's type is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Owned,
    Ref,
    RefMut,
}

/// An expression of the user's in which parameters are references.
#[derive(Clone)]
pub(crate) struct InScope {
    pub(crate) rebound: Vec<(Ident, Written)>,
    pub(crate) expr: Expr,
}

/// What the catalogue learns about a key.
#[derive(Clone)]
pub(crate) enum Source {
    Template(LitStr),
    Pattern(LitStr),
    /// `PATH` of `PATH.key(..)`.
    Constant(TokenStream),
    Companion(String),
    Computed(String),
}
