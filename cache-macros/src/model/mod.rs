//! What an attribute means; only what is legal can be written here.

use proc_macro2::{Ident, Span};
use syn::{
    Attribute, Expr, ExprClosure, Generics, LitStr, Member, Pat, PatIdent, Path, Token, Type,
    Visibility,
};

pub(crate) use crate::parse::{Body, Function};
pub(crate) use key::{InScope, Key, Part, Root, Source, Template, Written};
pub(crate) use policy::{Format, Jitter, Keep, Policy, Refresh, Ttl, Windows};

mod key;
mod policy;

/// The path of `cache_runtime`.
pub(crate) struct Runtime(pub(crate) Path);

/// `#[cache_result]`, `#[update_cache]` or `#[cache_many]` on a function.
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
    /// How many replicas must have what an update stores.
    pub(crate) confirm: Option<u32>,
    pub(crate) companion: Option<Companion>,
}

pub(crate) enum Act {
    Read,
    Update,
    Many(Box<Batch>),
}

/// `by = id in ids`
pub(crate) struct Batch {
    /// What the key calls one id.
    pub(crate) one: Ident,
    /// The parameter that has all of them.
    pub(crate) pat: PatIdent,
    /// Its type, the lifetime of its reference left out.
    pub(crate) ty: Type,
    /// What that refers to, or the type itself.
    pub(crate) list: Type,
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
    pub(crate) returns: Returned,
    pub(crate) key: Key,
    pub(crate) tags: Vec<Template>,
    pub(crate) format: Format,
    pub(crate) cache: Option<InScope>,
}

pub(crate) enum CompanionParameter {
    /// `name: impl KeyArg<T>`.
    Argument { name: Ident, ty: Type },
    /// The same for what is in a list.
    Id { name: Ident, list: Type },
    /// `pattern: &T`.
    Borrowed { pat: Pat, ty: Type },
    /// The same for what is in a list.
    BorrowedId { name: Ident, list: Type },
}

/// What a function returns, its elided lifetimes written `'static`.
pub(crate) enum Returned {
    /// One value.
    Whole(Type),
    /// A value for each id.
    Each(Type),
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
    /// How many replicas must have the invalidation.
    pub(crate) confirm: Option<u32>,
    pub(crate) on_failure: OnFailure,
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
pub(crate) enum OnFailure {
    Queue,
    Error,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    After,
    Around,
}

/// `#[redis_retry]` on a function.
pub(crate) struct Retry {
    pub(crate) runtime: Runtime,
    pub(crate) function: Function,
    pub(crate) returns: Type,
    pub(crate) max_retries: Option<u32>,
    /// In milliseconds, as `max_time`.
    pub(crate) backoff: Option<u64>,
    pub(crate) max_time: Option<u64>,
    pub(crate) on: RetryOn,
    /// What each run gets anew.
    pub(crate) again: Vec<Repeated>,
}

pub(crate) enum RetryOn {
    Transient,
    Any,
    /// Told apart, so that its parameter needs no type.
    Closure(ExprClosure),
    Strategy(Expr),
}

/// A parameter of a body that may run more than once.
pub(crate) struct Repeated {
    pub(crate) name: Ident,
    pub(crate) mutability: Option<Token![mut]>,
    /// It is a `&mut`, which is lent to each run; anything else is cloned.
    pub(crate) is_reborrowed: bool,
}

/// `#[with_redis]` on a function, whose signature has lost the connection.
pub(crate) struct WithRedis {
    pub(crate) runtime: Runtime,
    pub(crate) function: Function,
    pub(crate) returns: Type,
    pub(crate) connection: Connection,
    pub(crate) cache: Option<InScope>,
}

pub(crate) struct Connection {
    pub(crate) pat: Pat,
    /// Without the reference.
    pub(crate) ty: Type,
    pub(crate) written: Written,
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
