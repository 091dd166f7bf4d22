//! The cache of the process, and which cache a call uses.

use std::ops::Deref;

use once_cell::sync::OnceCell;

use super::Cache;
use crate::call::scope::{self, Context};
use crate::client::config::Config;
use crate::error::Error;

static GLOBAL: OnceCell<Cache> = OnceCell::new();

/// Starts the global cache; call it once, early in `main`.
///
/// It returns at once; the connections that the configuration wants from the start
/// (`min_connections`) are opened meanwhile.
///
/// # Errors
///
/// [`Error::AlreadyInitialised`] if it runs a second time, or after the global cache was used.
///
/// ```
/// # fn main() -> Result<(), cache_runtime::Error> {
/// let cache = cache_runtime::init(cache_runtime::Config::from_env()?)?;
/// assert!(cache_runtime::init(cache_runtime::Config::from_env()?).is_err());
/// # Ok(())
/// # }
/// ```
pub fn init(config: Config) -> Result<Cache, Error> {
    let mut config = Some(config);
    let cache = GLOBAL.get_or_try_init(|| config.take().map(Cache::from_config).ok_or(()));
    match (cache, config) {
        (Ok(cache), None) => {
            cache.warm_up();
            Ok(cache.clone())
        }
        _ => Err(Error::AlreadyInitialised),
    }
}

pub(super) fn global() -> &'static Cache {
    GLOBAL.get_or_init(|| match Config::from_env() {
        Ok(config) => {
            let cache = Cache::from_config(config);
            if !cache.is_redis() {
                tracing::info!("no setting names a server: caching in this process's memory only");
            }
            cache
        }
        Err(error) => {
            tracing::error!(%error, "caching is off");
            Cache::from_config(Config::off())
        }
    })
}

/// The cache that a call uses: its own, its scope's, or the global one.
pub(crate) enum Current {
    Global(&'static Cache),
    Given(Cache),
}

impl Deref for Current {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        match self {
            Self::Global(cache) => cache,
            Self::Given(cache) => cache,
        }
    }
}

/// The cache of the scope, or the global one if it has started.
pub(crate) fn known() -> Option<Cache> {
    let scoped = scope::context().cache;
    scoped.or_else(|| GLOBAL.get().cloned())
}

pub(crate) fn current(given: Option<&Cache>) -> Current {
    current_in(&mut scope::context(), given)
}

/// The cache of this context, which is taken out of it.
pub(crate) fn current_in(context: &mut Context, given: Option<&Cache>) -> Current {
    match given.cloned().or(context.cache.take()) {
        Some(cache) => Current::Given(cache),
        None => Current::Global(global()),
    }
}
