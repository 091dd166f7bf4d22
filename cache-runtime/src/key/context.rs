//! The key context: parts of keys that a task carries with it, such as the tenant it works for.

use std::future::Future;
use std::sync::Arc;

use super::plumbing::{Rendered, rendered};
use super::{KeyPart, KeyWriter};
use crate::scoped::scoped;

type Parts = Option<Arc<Vec<(&'static str, Rendered)>>>;

tokio::task_local! {
    static PARTS: Parts;
}

/// Runs a future in which `<@name>` in a key stands for `value`.
///
/// Inside it every key with `<@name>` is one of this value: of this tenant, say, though no
/// function has a parameter for it. Outside, a cached function whose key needs it runs uncached
/// and is counted (`context_missing`), and a key of its own is an
/// [`Error::ContextMissing`](crate::Error::ContextMissing).
///
/// A task that is spawned starts outside, unless [`spawn`](crate::spawn) starts it.
///
/// # Cancel safety
///
/// As the future's own; the scope leaves nothing behind.
///
/// ```
/// use cache_runtime::{Cache, cache_result, key_context};
///
/// #[cache_result(key = "<@tenant>:settings", ttl = 60)]
/// async fn settings() -> String {
///     "dark".to_owned()
/// }
///
/// # #[tokio::main]
/// # async fn main() {
/// let cache = Cache::in_memory();
/// cache.scope(async {
///     key_context("tenant", "acme", settings()).await;
///     key_context("tenant", "initech", settings()).await;
///     key_context("tenant", "acme", settings()).await;
/// }).await;
/// assert_eq!((cache.stats().loads, cache.stats().hits), (2, 1));
/// # }
/// ```
pub fn key_context<P, F>(
    name: &'static str,
    value: &P,
    future: F,
) -> impl Future<Output = F::Output> + use<P, F>
where
    P: KeyPart + ?Sized,
    F: Future,
{
    let value = rendered(value);
    let change = move |parts: &mut Parts| {
        let parts = Arc::make_mut(parts.get_or_insert_default());
        parts.retain(|(known, _)| *known != name);
        parts.push((name, value));
    };
    scoped(&PARTS, change, future)
}

/// `future` with the key context of the task that calls this.
pub(crate) fn in_this_context<F: Future>(future: F) -> impl Future<Output = F::Output> + use<F> {
    PARTS.scope(PARTS.try_with(Clone::clone).unwrap_or_default(), future)
}

/// A part of the caller's key context.
#[derive(Debug)]
pub struct ContextPart(Option<Rendered>);

/// The part of this name, if the caller's context has one.
pub fn context(name: &str) -> ContextPart {
    let found = PARTS.try_with(|parts| {
        let mut parts = parts.as_ref()?.iter();
        parts
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
    });
    ContextPart(found.ok().flatten())
}

/// Whether the caller's context has a part of this name.
pub(super) fn has(name: &str) -> bool {
    let found = PARTS.try_with(|parts| {
        let parts = parts.as_ref();
        parts.is_some_and(|parts| parts.iter().any(|(known, _)| *known == name))
    });
    found.unwrap_or(false)
}

impl KeyPart for ContextPart {
    fn render(&self, out: &mut KeyWriter<'_>) {
        // What is missing is noticed before its key is used.
        if let Some(value) = &self.0 {
            value.render(out);
        }
    }
}
