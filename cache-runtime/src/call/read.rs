//! One annotated call, as an attribute describes it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::enter::Entered;
use super::hooks::{Hooks, StoreIf, TtlOf};
use super::in_memory::InMemory;
use super::lifetime::{Jitter, Keep, Ttl};
use super::ops::{HasOps, OpsOf};
use super::shape::{Cacheable, CacheableErrors, Optional, Shape};
use super::site::Site;
use crate::cache::Cache;
use crate::cache_key::IntoKey;
use crate::key::KeyPart;

/// A call of a function under `#[cache_result]` or `#[update_cache]`.
pub struct Call<S: Shape, H = ()> {
    pub(super) site: &'static Site,
    pub(super) shape: S,
    /// By a pointer: a call is moved from method to method.
    pub(super) ops: OpsOf<S::Value>,
    pub(super) cache: Option<Cache>,
    pub(super) key: Option<Arc<str>>,
    /// A hit in memory: then there is no key.
    pub(super) found: Option<InMemory>,
    pub(super) ttl: Ttl,
    pub(super) jitter: Option<Jitter>,
    pub(super) none: Option<None<S::Value>>,
    pub(super) errors: Option<(Ttl, OpsOf<S::Error>)>,
    pub(super) hooks: H,
}

/// What is absent, and how long that is kept.
pub(super) struct None<V> {
    pub(super) is_absent: fn(&V) -> bool,
    pub(super) keep: Keep,
}

/// Begins a call. The bound stands here and nowhere after, so that rustc reports it once.
pub fn call<S: Shape>(site: &'static Site, shape: S) -> Call<S>
where
    S::Value: Cacheable,
{
    Call {
        site,
        shape,
        ops: S::Value::ops,
        cache: Option::None,
        key: Option::None,
        found: Option::None,
        ttl: Ttl::Default,
        jitter: Option::None,
        none: Option::None,
        errors: Option::None,
        hooks: (),
    }
}

impl<S: Shape, H> Call<S, H> {
    /// `cache = ..`
    #[must_use]
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// `key = "template"`
    #[must_use]
    pub fn key(mut self, parts: &[&dyn KeyPart]) -> Self {
        if let Some(template) = self.site.template(0) {
            self.found = self.find_in_memory(template, parts);
            if self.found.is_none() {
                self.key = Some(template.render(parts));
            }
        }
        self
    }

    /// `key = expression`
    #[must_use]
    pub fn key_from(mut self, key: impl IntoKey<S::Value>) -> Self {
        let key = key.into_key();
        self.cache = self.cache.or_else(|| key.cache().cloned());
        self.key = Some(key.shared_text().clone());
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

    /// `none = ..`
    #[must_use]
    pub fn none(mut self, keep: Keep) -> Self
    where
        S::Value: Optional,
    {
        self.none = Some(None {
            is_absent: S::Value::is_absent,
            keep,
        });
        self
    }

    /// `errors = ..`
    #[must_use]
    pub fn errors(mut self, ttl: Ttl) -> Self
    where
        S: CacheableErrors,
    {
        self.errors = Some((ttl, S::Kept::ops));
        self
    }

    /// `ttl = |value| ..`
    #[must_use]
    pub fn ttl_of<F: Fn(&S::Value) -> Duration>(self, ttl: F) -> Call<S, TtlOf<F, H>> {
        self.hooked(|hooks| TtlOf(ttl, hooks))
    }

    /// `store_if = |value| ..`
    #[must_use]
    pub fn store_if<F: Fn(&S::Value) -> bool>(self, stores: F) -> Call<S, StoreIf<F, H>> {
        self.hooked(|hooks| StoreIf(stores, hooks))
    }

    fn hooked<N>(self, hook: impl FnOnce(H) -> N) -> Call<S, N> {
        let Self {
            site,
            shape,
            ops,
            cache,
            key,
            found,
            ttl,
            jitter,
            none,
            errors,
            hooks,
        } = self;
        let hooks = hook(hooks);
        Call {
            site,
            shape,
            ops,
            cache,
            key,
            found,
            ttl,
            jitter,
            none,
            errors,
            hooks,
        }
    }
}

impl<S: Shape, H: Hooks<S::Value>> Call<S, H> {
    /// Answers from the cache, or runs the body and stores what it returns.
    pub async fn read<B, F>(self, body: B) -> S::Output
    where
        B: FnOnce() -> F,
        F: Future<Output = S::Output>,
    {
        if let Some(output) = self.answer() {
            return output;
        }
        match self.enter().await {
            Entered::Answer(output) => output,
            Entered::Load(load) => {
                let output = body().await;
                Box::pin(self.finish(load, output)).await
            }
        }
    }
}
