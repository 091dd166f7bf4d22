//! The way of one annotated call.
//!
//! `site` is what the attribute wrote down; `shape` tells what the function returns; a [`Call`]
//! enters the cache, and comes out with an answer or with a [`Load`](load::Load) to finish. A
//! [`Write`] runs the body under a guard that invalidates whatever happens.

mod background;
mod blocking;
mod ending;
mod enter;
mod found;
mod given;
mod guard;
mod hooks;
mod in_memory;
mod lifetime;
mod limits;
mod load;
mod many;
mod ops;
mod read;
mod refresh;
pub(crate) mod scope;
mod shape;
mod site;
mod sliding;
mod update;
mod verify;
mod windows;
mod write;

pub(crate) use background::Background;
pub use blocking::allow_blocking;
pub(crate) use blocking::{engine_to_wait_on, may_block};
pub(crate) use ending::{Affected, Ending, Phase, report};
pub use given::{GivesCache, given};
pub use hooks::{Hooks, StoreIf, TtlOf};
pub use lifetime::{Jitter, Keep, Ttl};
pub use many::{
    Each, GivenId, IdArg, IdList, IdOf, Ids, Many, ManyReturn, One, SameId, batch, id_arg, many,
};
pub(crate) use ops::HasOps;
pub use read::{Call, call};
pub use shape::{
    Cacheable, CacheableErrors, CanFail, Fallible, FallibleReturn, FallibleShape, GivesUp,
    Optional, PayloadOf, PlainPayload, PlainShape, ResultPayload, Returns, Shape, returns,
};
pub use site::{KeySource, Site, SiteKind, tag};
pub(crate) use sliding::Touches;
pub use windows::Windows;
pub use write::{AfterWrite, Named, OnOk, Renderer, Returned, Write, write};
