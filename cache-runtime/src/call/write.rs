//! One call of a function under `#[invalidate_cache]`.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use super::guard::Guard;
use super::shape::{FallibleReturn, PayloadOf, ReportsFailure, Shape};
use super::site::Site;
use crate::cache::{Aimed, Cache, Invalidation, Target, current};
use crate::cache_key::IntoKeys;
use crate::error::Error;
use crate::key::{KeyPart, Template, tag_key};

/// What a write is to invalidate; `A` decides by what the body returned.
pub struct Write<A = ()> {
    site: &'static Site,
    cache: Option<Cache>,
    targets: Vec<Aimed>,
    after: A,
}

/// Begins a write.
pub fn write(site: &'static Site) -> Write {
    Write {
        site,
        cache: None,
        targets: Vec::new(),
        after: (),
    }
}

/// Decisions by what the body returned; each wraps those before it.
pub trait AfterWrite<R> {
    /// Whether there is anything to invalidate.
    fn invalidates(&self, output: &R) -> bool;
    /// Keys that only the output knows.
    fn names(&self, output: &R, renderer: &Renderer) -> Vec<Named>;
    /// What the caller gets if the invalidation is not applied.
    fn failed(&self, output: R, error: Error) -> R;
}

impl<R> AfterWrite<R> for () {
    fn invalidates(&self, _output: &R) -> bool {
        true
    }

    fn names(&self, _output: &R, _renderer: &Renderer) -> Vec<Named> {
        Vec::new()
    }

    fn failed(&self, output: R, _error: Error) -> R {
        output
    }
}

/// `on = ok`
pub struct OnOk<S, A> {
    shape: PhantomData<fn() -> S>,
    before: A,
}

// For every shape, or rustc reports one that cannot fail here a second time.
impl<S: Shape, A: AfterWrite<S::Output>> AfterWrite<S::Output> for OnOk<S, A> {
    fn invalidates(&self, output: &S::Output) -> bool {
        S::is_value(output) && self.before.invalidates(output)
    }

    fn names(&self, output: &S::Output, renderer: &Renderer) -> Vec<Named> {
        self.before.names(output, renderer)
    }

    fn failed(&self, output: S::Output, error: Error) -> S::Output {
        self.before.failed(output, error)
    }
}

/// `on_failure = error`
pub struct OrFail<S: Shape, A> {
    error: fn(Error) -> S::Error,
    before: A,
}

// For every shape, or rustc reports one that cannot say it a second time.
impl<S: Shape, A: AfterWrite<S::Output>> AfterWrite<S::Output> for OrFail<S, A> {
    fn invalidates(&self, output: &S::Output) -> bool {
        self.before.invalidates(output)
    }

    fn names(&self, output: &S::Output, renderer: &Renderer) -> Vec<Named> {
        self.before.names(output, renderer)
    }

    fn failed(&self, output: S::Output, error: Error) -> S::Output {
        // What the function itself says went wrong comes first.
        S::join(S::split(output).and_then(|_| Err((self.error)(error))))
    }
}

/// A key with `<return..>` in it.
pub struct Returned<O, P, F, A> {
    payload: PayloadOf<O, P>,
    render: F,
    before: A,
}

impl<O, P, F, A> AfterWrite<O> for Returned<O, P, F, A>
where
    F: Fn(&P, &Renderer) -> Named,
    A: AfterWrite<O>,
{
    fn invalidates(&self, output: &O) -> bool {
        self.before.invalidates(output)
    }

    fn names(&self, output: &O, renderer: &Renderer) -> Vec<Named> {
        let mut names = self.before.names(output, renderer);
        names.extend(
            self.payload
                .of(output)
                .map(|payload| (self.render)(payload, renderer)),
        );
        names
    }

    fn failed(&self, output: O, error: Error) -> O {
        self.before.failed(output, error)
    }
}

/// A key or a pattern.
pub struct Named(pub(super) Option<Target>);

/// Renders the templates of a site.
pub struct Renderer(pub(super) &'static Site);

impl Renderer {
    /// The key of the site's template at `index`.
    pub fn key(&self, index: usize, parts: &[&dyn KeyPart]) -> Named {
        Named(self.text(index, parts).map(Target::Key))
    }

    /// The pattern of the site's template at `index`.
    pub fn pattern(&self, index: usize, parts: &[&dyn KeyPart]) -> Named {
        Named(self.text(index, parts).map(Target::Pattern))
    }

    /// The tag of the site's template at `index`.
    pub fn tag(&self, index: usize, parts: &[&dyn KeyPart]) -> Named {
        let template = self.0.tags.get(index).unwrap_or_else(|| not_written_down());
        let is_complete = self.completes(template);
        Named(is_complete.then(|| Target::Key(tag_key(template, parts))))
    }

    fn text(&self, index: usize, parts: &[&dyn KeyPart]) -> Option<Arc<str>> {
        let template = self.0.template(index).unwrap_or_else(|| not_written_down());
        self.completes(template).then(|| template.render(parts))
    }

    /// Whether the caller's context has all that the template needs of it; what is not to be
    /// named can't be invalidated.
    fn completes(&self, template: &Template) -> bool {
        let missing = template.missing();
        if let Some(name) = missing {
            self.0.lack(name, &current(None));
        }
        missing.is_none()
    }
}

fn not_written_down() -> &'static Template {
    unreachable!("an expansion renders the templates that it wrote down")
}

impl<A> Write<A> {
    /// `cache = ..`
    #[must_use]
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// `key = "template"`
    #[must_use]
    pub fn key(self, index: usize, parts: &[&dyn KeyPart]) -> Self {
        let named = Renderer(self.site).key(index, parts);
        self.name(named)
    }

    /// `keys = ..`
    #[must_use]
    pub fn keys(mut self, keys: impl IntoKeys) -> Self {
        keys.each(&mut |key| {
            if let Some(name) = key.missing() {
                return self.site.lack(name, &current(key.cache()));
            }
            let target = Target::Key(key.shared_text().clone());
            self.targets.push((key.cache().cloned(), target));
        });
        self
    }

    /// `pattern = ".."`
    #[must_use]
    pub fn pattern(self, index: usize, parts: &[&dyn KeyPart]) -> Self {
        let named = Renderer(self.site).pattern(index, parts);
        self.name(named)
    }

    /// `tags = [".."]`: invalidating a tag is invalidating its key.
    #[must_use]
    pub fn tag(self, index: usize, parts: &[&dyn KeyPart]) -> Self {
        let named = Renderer(self.site).tag(index, parts);
        self.name(named)
    }

    fn name(mut self, named: Named) -> Self {
        self.targets.extend(named.0.map(|target| (None, target)));
        self
    }

    /// `on = ok`
    #[must_use]
    pub fn on_ok<S: Shape + FallibleReturn>(self, _shape: S) -> Write<OnOk<S, A>> {
        self.decided(|before| OnOk {
            shape: PhantomData,
            before,
        })
    }

    /// `on_failure = error`
    #[must_use]
    pub fn or_fail<S: ReportsFailure>(self, _shape: S) -> Write<OrFail<S, A>> {
        self.decided(|before| OrFail {
            error: S::failed,
            before,
        })
    }

    /// A key with `<return..>` in it.
    #[must_use]
    pub fn returned<O, P, F>(
        self,
        payload: PayloadOf<O, P>,
        render: F,
    ) -> Write<Returned<O, P, F, A>>
    where
        F: Fn(&P, &Renderer) -> Named,
    {
        self.decided(|before| Returned {
            payload,
            render,
            before,
        })
    }

    fn decided<N>(self, decide: impl FnOnce(A) -> N) -> Write<N> {
        let Self {
            site,
            cache,
            targets,
            after,
        } = self;
        Write {
            site,
            cache,
            targets,
            after: decide(after),
        }
    }

    /// Runs the body, then invalidates, whether it returned, panicked or was dropped.
    pub async fn run<B, F, R>(self, body: B) -> R
    where
        B: FnOnce() -> F,
        F: Future<Output = R>,
        A: AfterWrite<R>,
    {
        let site = self.site.name;
        let (mut guard, after) = self.arm();
        if guard.is_to_fence() {
            Box::pin(guard.fence()).await;
        }
        let output = body().await;
        guard.learn(&after, &output);
        match not_applied(Box::pin(guard.fire()).await, site) {
            Some(error) => after.failed(output, error),
            None => output,
        }
    }

    /// Runs the body, then invalidates; on a runtime's thread without waiting for Redis.
    pub fn run_blocking<R>(self, body: impl FnOnce() -> R) -> R
    where
        A: AfterWrite<R>,
    {
        let (mut guard, after) = self.arm();
        if guard.is_to_fence() {
            guard.fence_blocking();
        }
        let output = body();
        guard.learn(&after, &output);
        guard.fire_blocking();
        output
    }

    fn arm(self) -> (Guard, A) {
        let cache = current(self.cache.as_ref()).clone();
        (Guard::arm(cache, self.site, self.targets), self.after)
    }
}

/// What is wrong with an invalidation that is not applied.
fn not_applied(outcome: Result<Invalidation, Error>, site: &'static str) -> Option<Error> {
    match outcome {
        Ok(Invalidation::Applied) => None,
        Ok(Invalidation::Queued) => Some(Error::NotInvalidated { site }),
        Err(error) => Some(error),
    }
}
