//! One annotated call, as an attribute describes it.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::enter::{Entered, within};
use super::hooks::{Hooks, StoreIf, TtlOf};
use super::in_memory::InMemory;
use super::lifetime::{Jitter, Keep, Ttl};
use super::limits::{Ended, limited};
use super::load::Load;
use super::ops::{HasOps, OpsOf};
use super::scope;
use super::shape::{Cacheable, CacheableErrors, CanFail, GivesUp, Optional, Plain, Shape};
use super::site::Site;
use crate::cache::{Cache, current};
use crate::cache_key::IntoKey;
use crate::error::Error;
use crate::key::{KeyPart, tag_key};
use crate::observe::Event;

/// A call of a function under `#[cache_result]` or `#[update_cache]`.
pub struct Call<S: Shape, H = ()> {
    pub(super) site: &'static Site,
    pub(super) shape: S,
    /// By a pointer: a call is moved from method to method.
    pub(super) ops: OpsOf<S::Value>,
    pub(super) cache: Option<Cache>,
    pub(super) key: Option<Arc<str>>,
    /// The keys of its tags.
    pub(super) tags: Vec<Arc<str>>,
    /// Whether its key can't be named.
    lacks_context: bool,
    /// A hit in memory: then there is no key.
    pub(super) found: Option<InMemory>,
    pub(super) ttl: Ttl,
    pub(super) jitter: Option<Jitter>,
    pub(super) none: Option<None<S::Value>>,
    pub(super) errors: Option<(Ttl, OpsOf<S::Error>)>,
    /// The error of a load that took longer than `hard_timeout`.
    pub(super) gives_up: Option<fn(Error) -> S::Error>,
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
        tags: Vec::new(),
        lacks_context: false,
        found: Option::None,
        ttl: Ttl::Default,
        jitter: Option::None,
        none: Option::None,
        errors: Option::None,
        gives_up: Option::None,
        hooks: (),
    }
}

impl<V, H> Call<Plain<V>, H> {
    /// A call for one of several ids.
    pub(super) fn of_one(
        site: &'static Site,
        ops: OpsOf<V>,
        key: Option<Arc<str>>,
        tags: Vec<Arc<str>>,
        (ttl, jitter): (Ttl, Option<Jitter>),
        hooks: H,
    ) -> Self {
        Self {
            site,
            shape: Plain::new(),
            ops,
            cache: Option::None,
            key,
            tags,
            lacks_context: false,
            found: Option::None,
            ttl,
            jitter,
            none: Option::None,
            errors: Option::None,
            gives_up: Option::None,
            hooks,
        }
    }
}

impl<S: Shape, H> Call<S, H> {
    /// `cache = ..`
    #[must_use]
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// `tags = [..]`, one after the other, before the key.
    #[must_use]
    pub fn tag(mut self, index: usize, parts: &[&dyn KeyPart]) -> Self {
        let Some(template) = self.site.tags.get(index) else {
            return self;
        };
        if let Some(name) = template.missing() {
            return self.lack(name);
        }
        self.tags.push(tag_key(template, parts));
        self
    }

    /// `key = "template"`
    #[must_use]
    pub fn key(mut self, parts: &[&dyn KeyPart]) -> Self {
        if let Some(template) = self.site.template(0) {
            if let Some(name) = template.missing() {
                return self.lack(name);
            }
            if self.lacks_context {
                return self;
            }
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
        if let Some(name) = key.missing() {
            return self.lack(name);
        }
        if self.lacks_context {
            return self;
        }
        self.key = Some(key.shared_text().clone());
        self
    }

    /// Without a part of its key, or of a tag, the call does not use the cache.
    fn lack(mut self, name: &'static str) -> Self {
        self.site.lack(name, &current(self.cache.as_ref()));
        self.lacks_context = true;
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

    /// `fail_safe = ..` where no timeout makes use of it: then the function must be able to fail.
    #[must_use]
    pub fn can_fail(self) -> Self
    where
        S: CanFail,
    {
        self
    }

    /// `hard_timeout = ..`
    #[must_use]
    pub fn gives_up(mut self) -> Self
    where
        S: GivesUp,
    {
        self.gives_up = Some(S::given_up);
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
            tags,
            lacks_context,
            found,
            ttl,
            jitter,
            none,
            errors,
            gives_up,
            hooks,
        } = self;
        let hooks = hook(hooks);
        Call {
            site,
            shape,
            ops,
            cache,
            key,
            tags,
            lacks_context,
            found,
            ttl,
            jitter,
            none,
            errors,
            gives_up,
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
            // What is to be done in the background comes to `read_behind`.
            Entered::Answer(output) | Entered::Refresh(output, _) => output,
            Entered::Load(load) => {
                let ended = self.guarded(&load.cache, body()).await;
                Box::pin(self.finish(*load, ended)).await
            }
            Entered::Verify(verify) => {
                let ended = self.guarded(&verify.load.cache, body()).await;
                Box::pin(self.compare(*verify, ended)).await
            }
        }
    }

    /// [`read`](Self::read) for a policy that answers first and loads in the background.
    pub async fn read_behind<B, F>(self, body: B) -> S::Output
    where
        Self: Send + Sync + 'static,
        B: FnOnce() -> F,
        F: Future<Output = S::Output> + Send + 'static,
        S::Output: Send,
        S::Value: Send + Sync,
        S::Error: Send + Sync,
    {
        if let Some(output) = self.answer() {
            return output;
        }
        match self.enter().await {
            Entered::Answer(output) => output,
            Entered::Refresh(output, refresh) => {
                // Not run here: made here, so that the body itself need not be `Send`.
                self.refresh_behind(*refresh, body());
                output
            }
            Entered::Load(load) => Box::pin(self.load_behind(*load, body())).await,
            Entered::Verify(verify) => {
                let ended = self.guarded(&verify.load.cache, body()).await;
                Box::pin(self.compare(*verify, ended)).await
            }
        }
    }

    /// Waits for the body until `soft_timeout`; then an older value is answered, if there is one,
    /// and the body goes on in the background.
    async fn load_behind<F>(self, load: Load, body: F) -> S::Output
    where
        Self: Send + Sync + 'static,
        F: Future<Output = S::Output> + Send + 'static,
        S::Output: Send,
        S::Value: Send + Sync,
        S::Error: Send + Sync,
    {
        let mut running = Box::pin(self.guarded(&load.cache, body));
        let older = load.fallback.as_ref();
        let limit = self.site.windows.soft_limit();
        if let (Some(older), Some(limit)) = (older, limit) {
            let left = limit.saturating_sub(older.since.elapsed());
            if let Some(ended) = within(left, &mut running).await {
                drop(running);
                return self.finish(load, ended).await;
            }
            let older = ((self.ops)().open)(&*older.value);
            if let (Some(older), Some(permit)) = (older, load.cache.0.background.permit()) {
                load.cache.count(Event::SoftTimeout);
                permit.spawn(async move {
                    let ended = running.await;
                    drop(self.conclude(load, ended).await);
                });
                return S::join(Ok(older));
            }
        }
        let ended = running.await;
        self.finish(load, ended).await
    }

    /// The body while it loads: it may not wait for itself, nor take longer than it may.
    pub(super) fn guarded<F>(
        &self,
        cache: &Cache,
        body: F,
    ) -> impl Future<Output = Ended<S::Output>> + use<F, S, H>
    where
        F: Future<Output = S::Output>,
    {
        let limited = limited(self.site.windows.hard_limit(), body);
        scope::while_loading(cache, self.key.iter().cloned().collect(), limited)
    }
}
