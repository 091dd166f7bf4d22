//! One call of a function under `#[invalidate_cache]`.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use super::blocking::is_on_runtime;
use super::guard::Guard;
use super::shape::{FallibleReturn, PayloadOf, Shape};
use super::site::Site;
use crate::cache::{Aimed, Cache, Target, current};
use crate::cache_key::IntoKeys;
use crate::client::engine;
use crate::key::{KeyPart, tag_key};

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
}

impl<R> AfterWrite<R> for () {
    fn invalidates(&self, _output: &R) -> bool {
        true
    }

    fn names(&self, _output: &R, _renderer: &Renderer) -> Vec<Named> {
        Vec::new()
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
}

/// A key or a pattern.
pub struct Named(pub(super) Target);

/// Renders the templates of a site.
pub struct Renderer(pub(super) &'static Site);

impl Renderer {
    /// The key of the site's template at `index`.
    pub fn key(&self, index: usize, parts: &[&dyn KeyPart]) -> Named {
        Named(Target::Key(self.text(index, parts)))
    }

    /// The pattern of the site's template at `index`.
    pub fn pattern(&self, index: usize, parts: &[&dyn KeyPart]) -> Named {
        Named(Target::Pattern(self.text(index, parts)))
    }

    /// The tag of the site's template at `index`.
    pub fn tag(&self, index: usize, parts: &[&dyn KeyPart]) -> Named {
        let tag = self
            .0
            .tags
            .get(index)
            .map(|template| tag_key(template, parts));
        Named(Target::Key(tag.unwrap_or_else(|| not_written_down())))
    }

    fn text(&self, index: usize, parts: &[&dyn KeyPart]) -> Arc<str> {
        let text = self
            .0
            .template(index)
            .map(|template| template.render(parts));
        text.unwrap_or_else(|| not_written_down())
    }
}

fn not_written_down() -> ! {
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
    pub fn key(mut self, index: usize, parts: &[&dyn KeyPart]) -> Self {
        self.targets
            .push((None, Renderer(self.site).key(index, parts).0));
        self
    }

    /// `keys = ..`
    #[must_use]
    pub fn keys(mut self, keys: impl IntoKeys) -> Self {
        keys.each(&mut |key| {
            self.targets
                .push((key.cache().cloned(), Target::Key(key.shared_text().clone())));
        });
        self
    }

    /// `pattern = ".."`
    #[must_use]
    pub fn pattern(mut self, index: usize, parts: &[&dyn KeyPart]) -> Self {
        self.targets
            .push((None, Renderer(self.site).pattern(index, parts).0));
        self
    }

    /// `tags = [".."]`: invalidating a tag is invalidating its key.
    #[must_use]
    pub fn tag(mut self, index: usize, parts: &[&dyn KeyPart]) -> Self {
        self.targets
            .push((None, Renderer(self.site).tag(index, parts).0));
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
        let (mut guard, after) = self.arm();
        if guard.is_to_fence() {
            Box::pin(guard.fence()).await;
        }
        let output = body().await;
        if guard.learn(&after, &output) {
            Box::pin(guard.fire()).await;
        } else {
            Box::pin(guard.call_off()).await;
        }
        output
    }

    /// Runs the body, then invalidates; on a runtime's thread without waiting for Redis.
    pub fn run_blocking<R>(self, body: impl FnOnce() -> R) -> R
    where
        A: AfterWrite<R>,
    {
        let (mut guard, after) = self.arm();
        let engine = engine::get().filter(|_| !is_on_runtime());
        if guard.is_to_fence() {
            match engine {
                Some(engine) => engine.block_on(guard.fence()),
                None => guard.fence_detached(),
            }
        }
        let output = body();
        match (guard.learn(&after, &output), engine) {
            (true, Some(engine)) => engine.block_on(guard.fire()),
            (true, None) => drop(guard),
            (false, _) => guard.disarm(),
        }
        output
    }

    fn arm(self) -> (Guard, A) {
        let cache = current(self.cache.as_ref()).clone();
        (Guard::arm(cache, self.site, self.targets), self.after)
    }
}
