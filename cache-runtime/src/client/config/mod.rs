//! What the toolkit is told about servers and caches, from all sources, checked at once.
//!
//! `table` names every setting; `layers` keep what each source says about it (`file`, variables,
//! the builder, and `url`, which says several things at once); `resolve` takes the strongest of
//! each, by the rules in `kind`; `server` makes of them how Redis is reached.

mod builder;
#[cfg(test)]
mod documented;
mod file;
mod kind;
mod layers;
mod redacted;
mod resolve;
mod server;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod url;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Settings;
use crate::cache::Mode;
use crate::clock::Clock;
use crate::error::ConfigError;
use crate::key::escaped;
use crate::retry::Retries;
use layers::{Layers, Rank};
use resolve::Resolver;
use url::Place;

pub use builder::Builder;

/// What `short`, `default` and `long` mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    pub(crate) short: Duration,
    pub(crate) default: Duration,
    pub(crate) long: Duration,
}

impl Lifetimes {
    pub(crate) fn longest(&self) -> Duration {
        self.short.max(self.default).max(self.long)
    }
}

#[cfg_attr(test, derive(Clone))]
pub(crate) enum Backend {
    Memory,
    Redis(Box<Settings>),
    #[cfg(test)]
    Sim(Arc<crate::model::Sim>),
}

/// A checked configuration, for [`init`](crate::init).
///
/// ```
/// use cache_runtime::Config;
///
/// # fn main() -> Result<(), cache_runtime::ConfigError> {
/// let config = Config::from_env()?;
/// let config = cache_runtime::Cache::builder().redis_url("redis://localhost/3").config()?;
/// # Ok(())
/// # }
/// ```
#[cfg_attr(test, derive(Clone))]
pub struct Config {
    pub(crate) backend: Backend,
    pub(crate) retries: Retries,
    /// What stands in front of every key on the wire, separator included.
    pub(crate) namespace: Arc<str>,
    pub(crate) mode: Mode,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) memory: u64,
    pub(crate) budget: Duration,
    pub(crate) wait: Duration,
    pub(crate) lease: Duration,
    pub(crate) throttle: Duration,
    pub(crate) background: u32,
    pub(crate) journal: usize,
    pub(crate) replay_window: Duration,
    /// The share of the server's memory, in per cent, from which on it is an alert.
    pub(crate) memory_alert: u32,
    pub(crate) clock: Clock,
    pub(crate) session_expire: Duration,
    pub(crate) session_cleanup: Duration,
    /// A line for each setting.
    explanation: Vec<String>,
}

#[cfg(test)]
impl Config {
    /// A process of a run of the model: it shares its store with the others and never waits for
    /// a clock.
    pub(crate) fn exploring(sim: Arc<crate::model::Sim>) -> Self {
        const FOR_EVER: Duration = Duration::from_secs(86_400);
        // The runs of the model are many.
        static PLAIN: std::sync::LazyLock<Config> = std::sync::LazyLock::new(Config::default);
        Self {
            backend: Backend::Sim(sim),
            lifetimes: Lifetimes {
                short: FOR_EVER,
                default: FOR_EVER,
                long: FOR_EVER,
            },
            memory: 0,
            budget: FOR_EVER,
            wait: FOR_EVER,
            lease: FOR_EVER,
            throttle: FOR_EVER,
            journal: 100,
            clock: Clock::manual(),
            ..PLAIN.clone()
        }
    }
}

impl Default for Config {
    /// The embedded store of 64 MiB, and every setting as documented at [`Builder`].
    fn default() -> Self {
        Self::resolve(&Layers::default(), None, Vec::new()).0
    }
}

impl Config {
    /// What the environment says: every variable of `docs/configuration.md`, and the file that
    /// `CACHE_CONFIG_FILE` names.
    ///
    /// If nothing names a server it is the embedded store.
    ///
    /// # Errors
    ///
    /// All settings that are unusable, a line each.
    ///
    /// ```
    /// assert!(cache_runtime::Config::from_env().is_ok());
    /// ```
    pub fn from_env() -> Result<Self, ConfigError> {
        Builder::default().from_env().config()
    }

    /// Every setting, its value and where that came from, a line each; of secrets only that they
    /// are set. The first line says where entries will be.
    ///
    /// ```
    /// # fn main() -> Result<(), cache_runtime::ConfigError> {
    /// let config = cache_runtime::Cache::builder()
    ///     .redis_url("redis://app:hunter2@cache.example/3")
    ///     .config()?;
    /// let lines = config.explain();
    /// assert!(lines.starts_with("store = redis://app:***@cache.example:6379/3\n"));
    /// assert!(lines.contains("redis.host = cache.example (`redis_url`)\n"));
    /// assert!(lines.contains("redis.password = set (`redis_url`)\n"));
    /// assert!(lines.contains("redis.socket_timeout = 10s (default)\n"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn explain(&self) -> String {
        let store = self.redacted_url();
        let store = store
            .as_deref()
            .unwrap_or("embedded: nothing names a server");
        let lines = self.explanation.iter().map(|line| format!("{line}\n"));
        std::iter::once(format!("store = {store}\n"))
            .chain(lines)
            .collect()
    }

    /// The address of the server or servers, without its secrets; nothing for the embedded store.
    ///
    /// ```
    /// # fn main() -> Result<(), cache_runtime::ConfigError> {
    /// let cluster = "redis-cluster://:hunter2@one:7000,two:7001";
    /// let config = cache_runtime::Cache::builder().redis_url(cluster).config()?;
    /// let url = config.redacted_url();
    /// assert_eq!(url.as_deref(), Some("redis-cluster://:***@one:7000,two:7001"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn redacted_url(&self) -> Option<String> {
        match &self.backend {
            Backend::Redis(settings) => Some(settings.redacted_url()),
            Backend::Memory => None,
            #[cfg(test)]
            Backend::Sim(_) => None,
        }
    }

    /// How long a session lives however much it is used: `SESSION_EXPIRE_SECONDS`. How long one
    /// lives that nobody uses is [`AdaptiveIdle`](crate::AdaptiveIdle).
    ///
    /// ```
    /// let config = cache_runtime::Config::default();
    /// assert_eq!(config.session_expire().as_secs(), 86_400);
    /// ```
    pub fn session_expire(&self) -> Duration {
        self.session_expire
    }

    /// How often what is left of ended sessions is swept up: `SESSION_CLEANUP_INTERVAL`.
    ///
    /// ```
    /// let config = cache_runtime::Config::default();
    /// assert_eq!(config.session_cleanup_interval().as_secs(), 3_600);
    /// ```
    pub fn session_cleanup_interval(&self) -> Duration {
        self.session_cleanup
    }

    /// What is left when a configuration is broken: nothing is cached.
    pub(crate) fn off() -> Self {
        Self {
            mode: Mode::Off,
            ..Self::default()
        }
    }

    /// The strongest value of each setting, and all that is wrong.
    fn resolve(
        layers: &Layers,
        place: Option<(Place, Rank)>,
        errors: Vec<String>,
    ) -> (Self, Vec<String>) {
        let mut taken = Resolver::new(layers, errors);
        taken.take(&table::CONFIG_FILE);
        let retries = Retries {
            most: taken.take(&table::MAX_RETRIES),
            backoff: taken.take(&table::RETRY_BACKOFF),
        };
        let mut config = Self {
            backend: server::backend(&mut taken, place, retries),
            retries,
            namespace: prefix(taken.take(&table::NAMESPACE)),
            mode: taken.take(&table::MODE),
            lifetimes: Lifetimes {
                short: taken.take(&table::SHORT),
                default: taken.take(&table::DEFAULT),
                long: taken.take(&table::LONG),
            },
            memory: taken.take(&table::MEMORY),
            budget: taken.take(&table::BUDGET),
            wait: taken.take(&table::WAIT),
            lease: taken.take(&table::LEASE),
            throttle: taken.take(&table::THROTTLE),
            background: taken.take(&table::BACKGROUND),
            journal: taken.take(&table::JOURNAL),
            replay_window: taken.take(&table::REPLAY_WINDOW),
            memory_alert: taken.take(&table::MEMORY_ALERT),
            clock: Clock::system(),
            session_expire: taken.take(&table::SESSION_EXPIRE),
            session_cleanup: taken.take(&table::SESSION_CLEANUP),
            explanation: Vec::new(),
        };
        let (errors, lines) = taken.finish();
        config.explanation = lines;
        (config, errors)
    }
}

/// The separator is part of the prefix; inside the name it is escaped, so that no namespace can
/// be continued into another's keys.
fn prefix(namespace: Option<String>) -> Arc<str> {
    namespace.map_or_else(
        || Arc::from(""),
        |namespace| Arc::from(format!("{}:", escaped(&namespace))),
    )
}

impl fmt::Debug for Config {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = out.debug_struct("Config");
        match &self.backend {
            Backend::Redis(settings) => out.field("backend", settings),
            Backend::Memory => out.field("backend", &"memory"),
            #[cfg(test)]
            Backend::Sim(_) => out.field("backend", &"simulated"),
        };
        out.field("namespace", &self.namespace)
            .field("mode", &self.mode)
            .field("lifetimes", &self.lifetimes)
            .field("memory_alert", &self.memory_alert)
            .finish_non_exhaustive()
    }
}
