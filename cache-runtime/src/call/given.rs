//! The cache that `cache = ..` names.

use std::borrow::Borrow;

use crate::cache::Cache;

/// What `cache = ..` takes.
///
/// Implemented for everything that lends a [`Cache`].
///
/// ```
/// fn is_cache<C: cache_runtime::GivesCache>() {}
/// is_cache::<cache_runtime::Cache>();
/// is_cache::<&cache_runtime::Cache>();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cache",
    label = "expected a `Cache`, or a reference to one",
    note = "write an expression that gives a `cache_runtime::Cache`, such as `cache = &state.cache`"
)]
pub trait GivesCache {
    /// A handle on it.
    fn handle(&self) -> Cache;
}

#[diagnostic::do_not_recommend]
impl<C: Borrow<Cache>> GivesCache for C {
    fn handle(&self) -> Cache {
        self.borrow().clone()
    }
}

/// The one place that asks, so that rustc reports what is not a cache once for a function and its
/// companion.
#[expect(
    clippy::needless_pass_by_value,
    reason = "expansions pass what the user wrote"
)]
pub fn given<C: GivesCache>(cache: C) -> Cache {
    cache.handle()
}
