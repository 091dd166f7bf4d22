//! One call of a function under `#[cache_many]`: a value for each of several ids.
//!
//! Each id has a key, an entry, a flight and a lease of its own, the same as a call of
//! `#[cache_result]` for that key; only the body, and the commands, are shared.

mod each;
mod run;
mod types;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use each::Each;
pub use types::{GivenId, IdArg, IdList, IdOf, Ids, ManyReturn, SameId, batch, id_arg};

use super::hooks::{Hooks, StoreIf, TtlOf};
use super::lifetime::{Jitter, Ttl};
use super::ops::{HasOps, OpsOf};
use super::shape::{Cacheable, Shape};
use super::site::Site;
use crate::cache::{Cache, current};
use crate::key::{KeyPart, tag_key};

/// What one id is cached under.
pub struct One {
    site: &'static Site,
    key: Option<Arc<str>>,
    tags: Vec<Arc<str>>,
    /// A part of the caller's context that it lacks.
    missing: Option<&'static str>,
}

impl One {
    /// A tag, before the key.
    #[must_use]
    pub fn tag(mut self, index: usize, parts: &[&dyn KeyPart]) -> Self {
        if let Some(template) = self.site.tags.get(index) {
            self.missing = self.missing.or_else(|| template.missing());
            self.tags.push(tag_key(template, parts));
        }
        self
    }

    /// The key.
    #[must_use]
    pub fn key(mut self, parts: &[&dyn KeyPart]) -> Self {
        if let Some(template) = self.site.template(0) {
            self.missing = self.missing.or_else(|| template.missing());
            self.key = self.missing.is_none().then(|| template.render(parts));
        }
        self
    }
}

/// What is done with the map, as functions of its type; see [`Ops`](super::ops::Ops).
pub(super) struct MapOps<M, I, V> {
    pub(super) empty: fn() -> M,
    pub(super) insert: fn(&mut M, I, V),
    pub(super) get: fn(&M, &I) -> Option<V>,
}

/// A call of a function under `#[cache_many]`.
pub struct Many<S: Shape, I, D, V, H = ()> {
    site: &'static Site,
    shape: S,
    cache: Option<Cache>,
    ids: Ids<I, D>,
    ones: Vec<One>,
    ttl: Ttl,
    jitter: Option<Jitter>,
    ops: OpsOf<V>,
    map: MapOps<S::Value, I, V>,
    hooks: H,
}

/// Begins a call. The bounds stand here and nowhere after, so that rustc reports each once.
pub fn many<S, I, K, D, V>(site: &'static Site, shape: S, ids: Ids<I, D>) -> Many<S, I, D, V>
where
    S: Shape,
    S::Output: ManyReturn<Map = S::Value, Id = K, Value = V>,
    I: SameId<K>,
    V: Cacheable,
{
    Many {
        site,
        shape,
        cache: None,
        ids,
        ones: Vec::new(),
        ttl: Ttl::Default,
        jitter: None,
        ops: V::ops,
        map: MapOps {
            empty: S::Output::empty,
            insert: |map, id, value| S::Output::insert(map, id.same(), value),
            get: |map, id| S::Output::get(map, id.as_same()).cloned(),
        },
        hooks: (),
    }
}

impl<S: Shape, I, D, V, H> Many<S, I, D, V, H> {
    /// `cache = ..`
    #[must_use]
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// The key and the tags of each id.
    #[must_use]
    pub fn each(mut self, describe: impl Fn(&I, One) -> One) -> Self {
        let site = self.site;
        let one = |id| {
            let nothing = One {
                site,
                key: None,
                tags: Vec::new(),
                missing: None,
            };
            describe(id, nothing)
        };
        self.ones = self.ids.all.iter().map(one).collect();
        if let Some(name) = self.ones.iter().find_map(|one| one.missing) {
            site.lack(name, &current(self.cache.as_ref()));
        }
        self
    }

    /// `ttl = ..`
    #[must_use]
    pub fn ttl(mut self, ttl: Ttl) -> Self {
        self.ttl = ttl;
        self
    }

    /// `jitter = ..`
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// `ttl = |value| ..`
    #[must_use]
    pub fn ttl_of<F: Fn(&V) -> Duration>(self, ttl: F) -> Many<S, I, D, V, TtlOf<F, H>> {
        self.hooked(|hooks| TtlOf(ttl, hooks))
    }

    /// `store_if = |value| ..`
    #[must_use]
    pub fn store_if<F: Fn(&V) -> bool>(self, stores: F) -> Many<S, I, D, V, StoreIf<F, H>> {
        self.hooked(|hooks| StoreIf(stores, hooks))
    }

    fn hooked<N>(self, hook: impl FnOnce(H) -> N) -> Many<S, I, D, V, N> {
        let Self {
            site,
            shape,
            cache,
            ids,
            ones,
            ttl,
            jitter,
            ops,
            map,
            hooks,
        } = self;
        let hooks = hook(hooks);
        Many {
            site,
            shape,
            cache,
            ids,
            ones,
            ttl,
            jitter,
            ops,
            map,
            hooks,
        }
    }
}

impl<S: Shape, I, D, V, H: Hooks<V>> Many<S, I, D, V, H> {
    /// Answers what is cached, and runs the body for the ids that are not: as a rule once, and once
    /// more for those whose load elsewhere came to nothing.
    pub async fn read<B, F>(self, body: B) -> S::Output
    where
        B: Fn(D) -> F,
        F: Future<Output = S::Output>,
    {
        Box::pin(run::run(self, body)).await
    }
}
