//! What an attribute means; only what is legal can be written here.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Attribute, Expr, Generics, LitStr, Member, Pat, Path, Token, Type, Visibility};

pub(crate) use crate::parse::{Body, Function};

/// The path of `cache_runtime`.
pub(crate) struct Runtime(pub(crate) Path);

/// `#[cache_result]` or `#[update_cache]` on a function.
pub(crate) struct Load {
    pub(crate) act: Act,
    pub(crate) runtime: Runtime,
    pub(crate) function: Function,
    pub(crate) returns: Type,
    pub(crate) key: Key,
    pub(crate) tags: Vec<Template>,
    pub(crate) cache: Option<InScope>,
    pub(crate) policy: Policy,
    pub(crate) windows: Windows,
    pub(crate) format: Format,
    pub(crate) max_loads: Option<u32>,
    pub(crate) companion: Option<Companion>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Read,
    Update,
}

/// The one key of a cached function.
#[derive(Clone)]
pub(crate) enum Key {
    Template(Template),
    Computed { key: InScope, source: Source },
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

#[derive(Default)]
pub(crate) struct Policy {
    /// With the text the user wrote.
    pub(crate) ttl: Option<(Ttl, String)>,
    pub(crate) jitter: Option<Jitter>,
    /// With the place of its value, where rustc reports a type that has no `None`.
    pub(crate) none: Option<(Keep, Span)>,
    /// With the place of its value, where rustc reports a function that cannot fail.
    pub(crate) errors: Option<(Ttl, Span)>,
    pub(crate) store_if: Option<Expr>,
}

pub(crate) enum Ttl {
    Millis(u64),
    Short,
    Default,
    Long,
    Exactly(InScope),
    /// A closure over the value.
    Of(Expr),
}

#[derive(Clone, Copy)]
pub(crate) enum Jitter {
    Percent(u8),
    Millis(u64),
}

pub(crate) enum Keep {
    Never,
    For(Ttl),
}

/// What an entry is good for beyond its ttl, and how a load may keep its caller
/// waiting. Times are in milliseconds.
#[derive(Clone, Copy)]
pub(crate) struct Windows {
    pub(crate) stale: Option<u64>,
    /// With the place of its value, where rustc reports a function that cannot fail.
    pub(crate) fail_safe: Option<(u64, Span)>,
    pub(crate) refresh_ahead: Option<f64>,
    pub(crate) refresh: Refresh,
    pub(crate) soft_timeout: Option<u64>,
    pub(crate) hard_timeout: Option<u64>,
    pub(crate) sliding: Option<u64>,
    pub(crate) verify: Option<f64>,
}

impl Windows {
    /// Whether the function may run on when its caller has been answered.
    pub(crate) fn need_background(&self) -> bool {
        let is_refreshed = self.stale.is_some() || self.refresh_ahead.is_some();
        (is_refreshed && self.refresh == Refresh::Background) || self.soft_timeout.is_some()
    }
}

/// Who runs the function for an entry that can still be answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refresh {
    Background,
    Caller,
}

/// How an entry is written; all `None` is the default format.
#[derive(Clone, Default)]
pub(crate) struct Format {
    pub(crate) version: Option<u32>,
    /// Where `postcard` is written.
    pub(crate) postcard: Option<Span>,
    /// From how many bytes on, and where that is written.
    pub(crate) compress: Option<(u32, Span)>,
    pub(crate) max_entry: Option<u32>,
}

/// The function beside a cached one that gives its key.
pub(crate) struct Companion {
    pub(crate) runtime: Path,
    pub(crate) of: String,
    pub(crate) name: Ident,
    pub(crate) cfgs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) generics: Generics,
    pub(crate) receiver: Option<Token![self]>,
    pub(crate) parameters: Vec<CompanionParameter>,
    /// Its elided lifetimes written `'static`.
    pub(crate) returns: Type,
    pub(crate) key: Key,
    pub(crate) tags: Vec<Template>,
    pub(crate) format: Format,
    pub(crate) cache: Option<InScope>,
}

pub(crate) enum CompanionParameter {
    /// `name: impl KeyArg<T>`.
    Argument { name: Ident, ty: Type },
    /// `pattern: &T`.
    Borrowed { pat: Pat, ty: Type },
}

/// `#[invalidate_cache]` on a function.
pub(crate) struct Write {
    pub(crate) runtime: Runtime,
    pub(crate) function: Function,
    pub(crate) targets: Vec<Target>,
    pub(crate) tags: Vec<Template>,
    pub(crate) cache: Option<InScope>,
    pub(crate) on: On,
    pub(crate) when: When,
    /// For how many milliseconds the keys are held back afterwards.
    pub(crate) settle: Option<u64>,
    pub(crate) external: Option<LitStr>,
}

/// What a write makes stale.
pub(crate) struct Target {
    pub(crate) act: TargetAct,
    pub(crate) source: Source,
}

impl Target {
    pub(crate) fn template(&self) -> Option<&Template> {
        match &self.act {
            TargetAct::Key(template) | TargetAct::Pattern(template) => Some(template),
            TargetAct::Keys(_) => None,
        }
    }
}

pub(crate) enum TargetAct {
    Key(Template),
    Pattern(Template),
    Keys(InScope),
}

#[derive(Clone, Copy)]
pub(crate) enum On {
    Always,
    Ok {
        /// Where `ok` is written.
        place: Span,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    After,
    Around,
}

/// `#[cache_keys]` on an `impl`.
pub(crate) struct Keys {
    pub(crate) runtime: Runtime,
    pub(crate) owner: Type,
    pub(crate) constants: Vec<Constant>,
}

pub(crate) struct Constant {
    pub(crate) name: Ident,
    pub(crate) cfgs: Vec<Attribute>,
}

/// `#[derive(KeyPart)]` on a type.
pub(crate) struct KeyPart {
    pub(crate) runtime: Runtime,
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    pub(crate) shape: Shape,
}

pub(crate) enum Shape {
    Newtype(Box<Field>),
    Struct(Vec<Field>),
    Enum(Vec<Variant>),
}

pub(crate) struct Field {
    pub(crate) member: Member,
    pub(crate) ty: Type,
}

pub(crate) struct Variant {
    pub(crate) name: Ident,
    pub(crate) fields: Vec<Field>,
}
