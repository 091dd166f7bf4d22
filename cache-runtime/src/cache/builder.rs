//! Settings as they are given: by code, else by the environment, else defaults.

use std::ffi::OsString;
use std::time::Duration;

use super::checks::{backend, namespace, positive};
use super::config::{Config, Lifetimes};
use super::given::{Given, Variables, seconds};
use super::{Cache, Mode};
use crate::clock::Clock;
use crate::error::{ConfigError, Error};

/// Settings for a cache. What is set here wins over the environment.
///
/// | setting | default |
/// | --- | --- |
/// | `redis_url` | none: the embedded store |
/// | `namespace` | none |
/// | `mode` | on |
/// | `short_ttl`, `default_ttl`, `long_ttl` | 300 s, 3,600 s, 86,400 s |
/// | `memory_bytes` | 64 MiB |
/// | `budget` | 500 ms |
/// | `wait` | 5 s |
/// | `lease` | 10 s |
/// | `fail_safe_throttle` | 5 s |
/// | `background_loads` | 64 |
/// | `journal_capacity` | 100,000 keys |
/// | `replay_window` | 10 s |
///
/// ```
/// use cache_runtime::{Cache, Mode};
///
/// # fn main() -> Result<(), cache_runtime::Error> {
/// let cache = Cache::builder().mode(Mode::Read).build()?;
/// assert_eq!(cache.mode(), Mode::Read);
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use]
pub struct Builder {
    url: Given<String>,
    namespace: Given<String>,
    mode: Given<Mode>,
    short: Given<Duration>,
    default: Given<Duration>,
    long: Given<Duration>,
    memory: Given<u64>,
    budget: Given<Duration>,
    wait: Given<Duration>,
    lease: Given<Duration>,
    throttle: Given<Duration>,
    background: Given<u32>,
    journal: Given<usize>,
    replay_window: Given<Duration>,
    clock: Option<Clock>,
    errors: Vec<String>,
}

impl Builder {
    /// The server: `redis://[user:password@]host[:port][/db]` or `unix:///path[?db=1]`.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::builder().redis_url("redis://localhost:6379/3").build();
    /// assert!(cache.is_ok_and(|cache| cache.is_redis()));
    /// ```
    pub fn redis_url(mut self, url: impl Into<String>) -> Self {
        self.url.set(url.into(), "redis_url");
        self
    }

    /// What stands in front of every key, to tell applications and environments apart:
    /// `shop.prod` makes `user:1` the key `shop.prod:user:1`.
    ///
    /// ```
    /// # fn main() -> Result<(), cache_runtime::Error> {
    /// let cache = cache_runtime::Cache::builder().namespace("shop.prod").build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace.set(namespace.into(), "namespace");
        self
    }

    /// Whether entries are read and stored from the start.
    ///
    /// ```
    /// use cache_runtime::{Cache, Mode};
    ///
    /// # fn main() -> Result<(), cache_runtime::Error> {
    /// assert_eq!(Cache::builder().mode(Mode::Off).build()?.mode(), Mode::Off);
    /// # Ok(())
    /// # }
    /// ```
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode.set(mode, "mode");
        self
    }

    /// What `ttl = short` means.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().short_ttl(Duration::from_secs(30)).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn short_ttl(mut self, ttl: Duration) -> Self {
        self.short.set(ttl, "short_ttl");
        self
    }

    /// What `ttl = default`, and no `ttl`, means.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().default_ttl(Duration::ZERO).build();
    /// assert!(cache.is_err(), "an entry needs a lifetime");
    /// ```
    pub fn default_ttl(mut self, ttl: Duration) -> Self {
        self.default.set(ttl, "default_ttl");
        self
    }

    /// What `ttl = long` means.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().long_ttl(Duration::from_secs(86_400)).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn long_ttl(mut self, ttl: Duration) -> Self {
        self.long.set(ttl, "long_ttl");
        self
    }

    /// How many bytes the embedded store may hold; entries weigh their encoded length.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::builder().memory_bytes(8 << 20).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn memory_bytes(mut self, bytes: u64) -> Self {
        self.memory.set(bytes, "memory_bytes");
        self
    }

    /// How long one call may wait for Redis, all its commands together, before it goes on
    /// without.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().budget(Duration::from_millis(100)).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget.set(budget, "budget");
        self
    }

    /// How long a call waits for another call's load of the same key before it loads for itself.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().wait(Duration::from_secs(2)).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait.set(wait, "wait");
        self
    }

    /// How long other processes wait for one that was killed while it loaded.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().lease(Duration::from_secs(3)).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease.set(lease, "lease");
        self
    }

    /// How long nobody tries to load again after a load that failed, where an older entry can be
    /// answered (`stale`, `fail_safe`).
    ///
    /// ```
    /// # use std::time::Duration;
    /// let throttle = Duration::from_secs(30);
    /// let cache = cache_runtime::Cache::builder().fail_safe_throttle(throttle).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn fail_safe_throttle(mut self, throttle: Duration) -> Self {
        self.throttle.set(throttle, "fail_safe_throttle");
        self
    }

    /// How many loads may go on at once after their callers were answered (`stale`,
    /// `refresh_ahead`, `soft_timeout`).
    ///
    /// Beyond that an old entry is answered and not refreshed yet.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::builder().background_loads(8).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn background_loads(mut self, most: u32) -> Self {
        self.background.set(most, "background_loads");
        self
    }

    /// How many keys may wait for Redis to come back and be invalidated.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::builder().journal_capacity(10_000).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn journal_capacity(mut self, keys: usize) -> Self {
        self.journal.set(keys, "journal_capacity");
        self
    }

    /// For how long invalidations are remembered, to be sent again when another server takes over
    /// or the same one restarts: either may have lost them.
    ///
    /// Up to `journal_capacity` keys. If more were invalidated within that time, this process
    /// bypasses every key for as long.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let window = Duration::from_secs(30);
    /// let cache = cache_runtime::Cache::builder().replay_window(window).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn replay_window(mut self, window: Duration) -> Self {
        self.replay_window.set(window, "replay_window");
        self
    }

    /// The clock of the embedded store, for tests that move time.
    ///
    /// ```
    /// use cache_runtime::{Cache, Clock};
    ///
    /// let clock = Clock::manual();
    /// let cache = Cache::builder().clock(clock.clone()).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Takes what the environment says for all that has not been set.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::builder().from_env().namespace("mine").build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn from_env(self) -> Self {
        self.with_variables(|name| std::env::var_os(name))
    }

    fn with_variables(mut self, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |text: &str| Ok(text.to_owned());
        let mut variables = Variables {
            variable,
            errors: &mut self.errors,
        };
        variables.take(&mut self.url, "REDIS_URL", text);
        variables.take(&mut self.namespace, "CACHE_NAMESPACE", text);
        variables.take(&mut self.mode, "CACHE_MODE", str::parse);
        variables.take(&mut self.short, "CACHE_SHORT_EXPIRE", seconds);
        variables.take(&mut self.default, "CACHE_DEFAULT_EXPIRE", seconds);
        variables.take(&mut self.long, "CACHE_LONG_EXPIRE", seconds);
        self
    }

    /// Checks everything and builds the cache; it connects when it is first used.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], with a line for each field that is wrong.
    ///
    /// ```
    /// let error = cache_runtime::Cache::builder().redis_url("ftp://there").build().unwrap_err();
    /// assert!(error.to_string().contains("`redis_url`"));
    /// ```
    pub fn build(self) -> Result<Cache, Error> {
        Ok(Cache::from_config(self.config()?))
    }

    /// Checks everything.
    ///
    /// # Errors
    ///
    /// A line for each field that is wrong.
    ///
    /// ```
    /// assert!(cache_runtime::Cache::builder().config().is_ok());
    /// ```
    pub fn config(self) -> Result<Config, ConfigError> {
        let mut errors = self.errors;
        let standard = Config::default();
        let Lifetimes {
            short,
            default,
            long,
        } = standard.lifetimes;
        let mut time = |given: &Given<Duration>, otherwise| positive(given, otherwise, &mut errors);
        let lifetimes = Lifetimes {
            short: time(&self.short, short),
            default: time(&self.default, default),
            long: time(&self.long, long),
        };
        let budget = time(&self.budget, standard.budget);
        let wait = time(&self.wait, standard.wait);
        let lease = time(&self.lease, standard.lease);
        let throttle = time(&self.throttle, standard.throttle);
        let replay_window = time(&self.replay_window, standard.replay_window);
        let background = self.background.0.map(|(most, _)| most);
        let config = Config {
            backend: backend(self.url, &mut errors),
            namespace: namespace(self.namespace, &mut errors),
            mode: self.mode.0.map_or(standard.mode, |(mode, _)| mode),
            lifetimes,
            memory: self.memory.0.map_or(standard.memory, |(bytes, _)| bytes),
            budget,
            wait,
            lease,
            throttle,
            background: background.unwrap_or(standard.background),
            journal: self.journal.0.map_or(standard.journal, |(keys, _)| keys),
            replay_window,
            clock: self.clock.unwrap_or_default(),
        };
        if errors.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError { fields: errors })
        }
    }
}

impl Config {
    /// What the environment says: `REDIS_URL`, `CACHE_NAMESPACE`, `CACHE_MODE`,
    /// `CACHE_SHORT_EXPIRE`, `CACHE_DEFAULT_EXPIRE` and `CACHE_LONG_EXPIRE`.
    ///
    /// Without `REDIS_URL` it is the embedded store.
    ///
    /// # Errors
    ///
    /// All variables that are set to something unusable, a line each.
    ///
    /// ```
    /// assert!(cache_runtime::Config::from_env().is_ok());
    /// ```
    pub fn from_env() -> Result<Self, ConfigError> {
        Builder::default().from_env().config()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Builder {
        let value = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Builder::default().with_variables(value)
    }

    #[test]
    fn the_environment_fills_what_was_not_set() {
        let variables = [
            ("CACHE_MODE", "read"),
            ("CACHE_SHORT_EXPIRE", "30"),
            ("REDIS_URL", ""),
        ];
        let config = from(&variables).config().unwrap();
        assert_eq!(
            (config.mode, config.lifetimes.short),
            (Mode::Read, Duration::from_secs(30))
        );

        let set = Builder::default()
            .mode(Mode::Off)
            .short_ttl(Duration::from_secs(1));
        let config = set.with_variables(|name| (name == "CACHE_MODE").then(|| "on".into()));
        assert_eq!(config.config().unwrap().mode, Mode::Off, "code wins");
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once_and_no_secret_with_it() {
        let error = from(&[
            ("REDIS_URL", "http://user:hunter2@host"),
            ("CACHE_MODE", "maybe"),
            ("CACHE_LONG_EXPIRE", "1h"),
            ("CACHE_DEFAULT_EXPIRE", "0"),
        ]);
        let error = error.config().unwrap_err().to_string();
        for name in [
            "`REDIS_URL`",
            "`CACHE_MODE`",
            "`CACHE_LONG_EXPIRE`",
            "`CACHE_DEFAULT_EXPIRE`",
        ] {
            assert!(error.contains(name), "{error}");
        }
        assert!(!error.contains("hunter2"));
        let config = Builder::default()
            .redis_url("redis://user:hunter2@localhost/1")
            .config();
        assert!(!format!("{:?}", config.unwrap()).contains("hunter2"));
    }
}
