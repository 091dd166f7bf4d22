//! Settings as code gives them: stronger than any other source.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::Config;
use super::file::take_file;
use super::layers::{Layers, Source};
use super::server::expand_url;
use super::table::{self, Setting};
use crate::cache::{Cache, Mode};
use crate::clock::Clock;
use crate::error::{ConfigError, Error};

/// Settings for a cache. What is set here wins over every other source.
///
/// The order is: what is set here, `REDIS_URL`, the file of settings, single variables, defaults;
/// the environment counts after [`from_env`](Self::from_env) only. An address counts as what it
/// says: host and port, and user, password, database and TLS as far as they are in it; what it
/// leaves out, weaker sources may say. Without a server it is the embedded store.
/// `docs/configuration.md` has every setting with its variable, its key in files, its default and
/// the reason for that.
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
    layers: Layers,
    clock: Option<Clock>,
    errors: Vec<String>,
}

impl Builder {
    fn set<T>(mut self, setting: &Setting<T>, value: &T) -> Self {
        let text = (setting.kind.write)(value);
        let source = Source::builder(&setting.row);
        self.layers.give(setting.row.key, text, source);
        self
    }

    fn set_text(self, setting: &Setting<Option<String>>, text: impl Into<String>) -> Self {
        self.set(setting, &Some(text.into()))
    }

    /// A file of settings, `.json` or `.toml`, which is stronger than single variables.
    ///
    /// It is read by [`config`](Self::config) and [`build`](Self::build).
    ///
    /// ```
    /// let error = cache_runtime::Cache::builder().config_file("/nowhere.toml").build().unwrap_err();
    /// assert!(error.to_string().contains("`config_file` names a file that can't be read"));
    /// ```
    pub fn config_file(self, path: impl AsRef<Path>) -> Self {
        self.set_text(&table::CONFIG_FILE, path.as_ref().to_string_lossy())
    }

    /// The server or servers.
    ///
    /// - `redis://[user:password@]host[:port][/db]`, and `rediss://..` for TLS
    /// - `unix://[user:password@]/path[?db=1]`
    /// - `redis-sentinel://[user:password@]host[:port],../primary[/db]`
    /// - `redis-cluster://[user:password@]host[:port],..`
    ///
    /// The last two have TLS with `?tls=true`. What is special in a user or a password is
    /// percent-encoded; an IPv6 address stands in brackets.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::builder().redis_url("redis://localhost:6379/3").build();
    /// assert!(cache.is_ok_and(|cache| cache.is_redis()));
    /// ```
    pub fn redis_url(self, url: impl Into<String>) -> Self {
        self.set_text(&table::URL, url)
    }

    /// The host of the server, a name or an IP address; `localhost` if only something else of a
    /// server is set.
    ///
    /// ```
    /// let config = cache_runtime::Cache::builder().redis_host("cache.example").config();
    /// assert_eq!(config.unwrap().redacted_url().unwrap(), "redis://cache.example:6379");
    /// ```
    pub fn redis_host(self, host: impl Into<String>) -> Self {
        self.set(&table::HOST, &host.into())
    }

    /// The port of the server: 6379 if nothing is set, as servers have it.
    ///
    /// ```
    /// assert!(cache_runtime::Cache::builder().redis_port(0).build().is_err());
    /// ```
    pub fn redis_port(self, port: u16) -> Self {
        self.set(&table::PORT, &port)
    }

    /// The number of the database; 0 if nothing is set, which every server has.
    ///
    /// ```
    /// let error = cache_runtime::Cache::builder().redis_db(16).build().unwrap_err();
    /// assert!(error.to_string().contains("a database from 0 to 15"));
    /// ```
    pub fn redis_db(self, database: u32) -> Self {
        self.set(&table::DB, &database)
    }

    /// How many databases the server has: 16 if nothing is set, as servers do.
    ///
    /// ```
    /// let builder = cache_runtime::Cache::builder().redis_databases(64);
    /// assert!(builder.redis_db(16).build().is_ok());
    /// ```
    pub fn redis_databases(self, databases: u32) -> Self {
        self.set(&table::DATABASES, &databases)
    }

    /// The user to log in as, with a password; without one the server takes its default user.
    ///
    /// ```
    /// let builder = cache_runtime::Cache::builder().redis_username("app");
    /// assert!(builder.redis_password("hunter2").build().is_ok());
    /// ```
    pub fn redis_username(self, username: impl Into<String>) -> Self {
        self.set_text(&table::USERNAME, username)
    }

    /// The password to log in with; it is in no message, log or `Debug`.
    ///
    /// ```
    /// let config = cache_runtime::Cache::builder().redis_password("hunter2").config().unwrap();
    /// assert!(!config.explain().contains("hunter2"));
    /// ```
    pub fn redis_password(self, password: impl Into<String>) -> Self {
        self.set_text(&table::PASSWORD, password)
    }

    /// A file that holds the password, such as a mounted secret; the end of its line is left out.
    ///
    /// It is read once, by [`config`](Self::config) and [`build`](Self::build).
    ///
    /// ```
    /// let builder = cache_runtime::Cache::builder().redis_password_file("/run/secrets/none");
    /// assert!(builder.build().is_err());
    /// ```
    pub fn redis_password_file(self, path: impl AsRef<Path>) -> Self {
        self.set_text(&table::PASSWORD_FILE, path.as_ref().to_string_lossy())
    }

    /// The user to log in as at the sentinels, which have users of their own.
    ///
    /// ```
    /// let builder = cache_runtime::Cache::builder().redis_sentinel_username("watcher");
    /// assert!(builder.redis_sentinel_password("hunter2").build().is_ok());
    /// ```
    pub fn redis_sentinel_username(self, username: impl Into<String>) -> Self {
        self.set_text(&table::SENTINEL_USERNAME, username)
    }

    /// The password to log in with at the sentinels.
    ///
    /// ```
    /// let builder = cache_runtime::Cache::builder().redis_sentinel_password("hunter2");
    /// assert!(builder.build().is_ok());
    /// ```
    pub fn redis_sentinel_password(self, password: impl Into<String>) -> Self {
        self.set_text(&table::SENTINEL_PASSWORD, password)
    }

    /// Whether the way to the server is by TLS; `rediss://` says so too.
    ///
    /// ```
    /// let builder = cache_runtime::Cache::builder().redis_host("cache.example").redis_ssl(true);
    /// # if !cfg!(feature = "tls") { return; }
    /// let url = builder.config().unwrap().redacted_url();
    /// assert_eq!(url.unwrap(), "rediss://cache.example:6379");
    /// ```
    pub fn redis_ssl(self, tls: bool) -> Self {
        self.set(&table::SSL, &tls)
    }

    /// The certificate that says to the server who we are: the path of a PEM file, or PEM.
    ///
    /// It needs its key, [`redis_ssl_key`](Self::redis_ssl_key).
    ///
    /// ```
    /// let builder = cache_runtime::Cache::builder().redis_ssl(true);
    /// assert!(builder.redis_ssl_cert("/nowhere.pem").build().is_err());
    /// ```
    pub fn redis_ssl_cert(self, certificate: impl Into<String>) -> Self {
        self.set_text(&table::SSL_CERT, certificate)
    }

    /// The key of our certificate: the path of a PEM file, or PEM.
    ///
    /// ```
    /// let builder = cache_runtime::Cache::builder().redis_ssl(true);
    /// assert!(builder.redis_ssl_key("/nowhere.pem").build().is_err());
    /// ```
    pub fn redis_ssl_key(self, key: impl Into<String>) -> Self {
        self.set_text(&table::SSL_KEY, key)
    }

    /// Who is to have signed the certificate of the server: the path of a PEM file, or PEM.
    ///
    /// Without it whoever the system trusts will do.
    ///
    /// ```
    /// let builder = cache_runtime::Cache::builder().redis_ssl(true);
    /// assert!(builder.redis_ssl_ca_cert("/nowhere.pem").build().is_err());
    /// ```
    pub fn redis_ssl_ca_cert(self, authority: impl Into<String>) -> Self {
        self.set_text(&table::SSL_CA_CERT, authority)
    }

    /// How many connections there may be, the cache's own and dedicated ones: 20 if nothing is
    /// set.
    ///
    /// ```
    /// assert!(cache_runtime::Cache::builder().max_connections(5).build().is_ok());
    /// ```
    pub fn max_connections(self, most: u32) -> Self {
        self.set(&table::MAX_CONNECTIONS, &most)
    }

    /// How many connections are opened at the start, so that nobody waits for one: 1 if nothing
    /// is set.
    ///
    /// ```
    /// let builder = cache_runtime::Cache::builder().min_connections(5);
    /// assert!(builder.max_connections(4).build().is_err());
    /// ```
    pub fn min_connections(self, least: u32) -> Self {
        self.set(&table::MIN_CONNECTIONS, &least)
    }

    /// How long connecting may take, with TLS and the login: 5 s if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = cache_runtime::Cache::builder().connection_timeout(Duration::from_secs(2));
    /// assert!(builder.build().is_ok());
    /// ```
    pub fn connection_timeout(self, time: Duration) -> Self {
        self.set(&table::CONNECTION_TIMEOUT, &time)
    }

    /// How long a server that owes an answer may be silent before the connection to it counts as
    /// lost: 10 s if nothing is set. No call waits that long; see [`budget`](Self::budget).
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = cache_runtime::Cache::builder().socket_timeout(Duration::from_secs(3));
    /// assert!(builder.build().is_ok());
    /// ```
    pub fn socket_timeout(self, time: Duration) -> Self {
        self.set(&table::SOCKET_TIMEOUT, &time)
    }

    /// After how long without traffic a connection is asked whether it is still there: 30 s if
    /// nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = cache_runtime::Cache::builder().keepalive(Duration::from_secs(60));
    /// assert!(builder.build().is_ok());
    /// ```
    pub fn keepalive(self, time: Duration) -> Self {
        self.set(&table::KEEPALIVE, &time)
    }

    /// How often an operation under `#[redis_retry]` or [`Retry`](crate::Retry) is tried again that
    /// does not say so itself: 3 times if nothing is set.
    ///
    /// ```
    /// assert!(cache_runtime::Cache::builder().max_retries(0).build().is_ok());
    /// ```
    pub fn max_retries(self, retries: u32) -> Self {
        self.set(&table::MAX_RETRIES, &retries)
    }

    /// The longest pause before such an operation is tried again, which doubles for each further
    /// time: 200 ms if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = cache_runtime::Cache::builder().retry_backoff(Duration::from_millis(50));
    /// assert!(builder.build().is_ok());
    /// ```
    pub fn retry_backoff(self, time: Duration) -> Self {
        self.set(&table::RETRY_BACKOFF, &time)
    }

    /// How long it is from one check of the server to the next: 30 s if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = cache_runtime::Cache::builder();
    /// assert!(builder.health_check_interval(Duration::from_secs(5)).build().is_ok());
    /// ```
    pub fn health_check_interval(self, time: Duration) -> Self {
        self.set(&table::HEALTH_INTERVAL, &time)
    }

    /// After how many failed checks in a row the server counts as unavailable: 3 if nothing is
    /// set.
    ///
    /// ```
    /// let builder = cache_runtime::Cache::builder().max_health_check_failures(1);
    /// assert!(builder.build().is_ok());
    /// ```
    pub fn max_health_check_failures(self, failures: u32) -> Self {
        self.set(&table::MAX_HEALTH_FAILURES, &failures)
    }

    /// From which share of its memory on, in per cent, a server counts as degraded: 90 if nothing
    /// is set.
    ///
    /// ```
    /// assert!(cache_runtime::Cache::builder().memory_alert(101).build().is_err());
    /// ```
    pub fn memory_alert(self, percent: u32) -> Self {
        self.set(&table::MEMORY_ALERT, &percent)
    }

    /// Whether replicas of a cluster may answer reads. They lag behind, so an old value may be read after an
    /// invalidation: off if nothing is set.
    ///
    /// ```
    /// let cluster = cache_runtime::Cache::builder().redis_url("redis-cluster://one:7000,two:7000");
    /// assert!(cluster.replica_reads(true).build().is_ok());
    /// ```
    pub fn replica_reads(self, allowed: bool) -> Self {
        self.set(&table::REPLICA_READS, &allowed)
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
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        self.set_text(&table::NAMESPACE, namespace)
    }

    /// How the cache is used at first; [`Cache::set_mode`] changes it.
    ///
    /// ```
    /// use cache_runtime::{Cache, Mode};
    ///
    /// # fn main() -> Result<(), cache_runtime::Error> {
    /// assert_eq!(Cache::builder().mode(Mode::Off).build()?.mode(), Mode::Off);
    /// # Ok(())
    /// # }
    /// ```
    pub fn mode(self, mode: Mode) -> Self {
        self.set(&table::MODE, &mode)
    }

    /// What `ttl = short` means: 300 s if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().short_ttl(Duration::from_secs(30)).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn short_ttl(self, ttl: Duration) -> Self {
        self.set(&table::SHORT, &ttl)
    }

    /// What `ttl = default`, and no `ttl`, means: 3,600 s if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().default_ttl(Duration::ZERO).build();
    /// assert!(cache.is_err(), "an entry needs a lifetime");
    /// ```
    pub fn default_ttl(self, ttl: Duration) -> Self {
        self.set(&table::DEFAULT, &ttl)
    }

    /// What `ttl = long` means: 86,400 s if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().long_ttl(Duration::from_secs(86_400)).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn long_ttl(self, ttl: Duration) -> Self {
        self.set(&table::LONG, &ttl)
    }

    /// How many bytes the embedded store may hold, 64 MiB if nothing is set; entries weigh their
    /// encoded length.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::builder().memory_bytes(8 << 20).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn memory_bytes(self, bytes: u64) -> Self {
        self.set(&table::MEMORY, &bytes)
    }

    /// How long one call may wait for Redis, all its commands together, before it goes on
    /// without: 500 ms if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().budget(Duration::from_millis(100)).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn budget(self, budget: Duration) -> Self {
        self.set(&table::BUDGET, &budget)
    }

    /// How long a call waits for another call's load of the same key before it loads for itself:
    /// 5 s if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().wait(Duration::from_secs(2)).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn wait(self, wait: Duration) -> Self {
        self.set(&table::WAIT, &wait)
    }

    /// How long other processes wait for one that was killed while it loaded: 10 s if nothing is
    /// set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let cache = cache_runtime::Cache::builder().lease(Duration::from_secs(3)).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn lease(self, lease: Duration) -> Self {
        self.set(&table::LEASE, &lease)
    }

    /// How long nobody tries to load again after a load that failed, where an older entry can be
    /// answered (`stale`, `fail_safe`): 5 s if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let throttle = Duration::from_secs(30);
    /// let cache = cache_runtime::Cache::builder().fail_safe_throttle(throttle).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn fail_safe_throttle(self, throttle: Duration) -> Self {
        self.set(&table::THROTTLE, &throttle)
    }

    /// How many loads may go on at once after their callers were answered (`stale`,
    /// `refresh_ahead`, `soft_timeout`): 64 if nothing is set.
    ///
    /// Beyond that an old entry is answered and not refreshed yet.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::builder().background_loads(8).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn background_loads(self, most: u32) -> Self {
        self.set(&table::BACKGROUND, &most)
    }

    /// How many keys may wait for Redis to come back and be invalidated: 100,000 if nothing is
    /// set.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::builder().journal_capacity(10_000).build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn journal_capacity(self, keys: usize) -> Self {
        self.set(&table::JOURNAL, &keys)
    }

    /// For how long invalidations are remembered, to be sent again when another server takes over
    /// or the same one restarts, as either may have lost them: 10 s if nothing is set.
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
    pub fn replay_window(self, window: Duration) -> Self {
        self.set(&table::REPLAY_WINDOW, &window)
    }

    /// How long a session lives however much it is used: a day if nothing is set. How long one
    /// lives that nobody uses is [`AdaptiveIdle`](crate::AdaptiveIdle).
    ///
    /// ```
    /// # use std::time::Duration;
    /// let config = cache_runtime::Cache::builder().session_expire(Duration::from_secs(1_800));
    /// assert_eq!(config.config().unwrap().session_expire().as_secs(), 1_800);
    /// ```
    pub fn session_expire(self, time: Duration) -> Self {
        self.set(&table::SESSION_EXPIRE, &time)
    }

    /// How often what is left of ended sessions is swept up: every hour if nothing is set.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let builder = cache_runtime::Cache::builder();
    /// assert!(builder.session_cleanup_interval(Duration::from_secs(600)).build().is_ok());
    /// ```
    pub fn session_cleanup_interval(self, time: Duration) -> Self {
        self.set(&table::SESSION_CLEANUP, &time)
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

    /// Takes what the environment says for all that is not set here, before or after.
    ///
    /// ```
    /// let cache = cache_runtime::Cache::builder().from_env().namespace("mine").build();
    /// assert!(cache.is_ok());
    /// ```
    pub fn from_env(self) -> Self {
        self.with_variables(|name| std::env::var_os(name))
    }

    pub(super) fn with_variables(mut self, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        self.layers.take_variables(variable, &mut self.errors);
        self
    }

    /// Checks everything and builds the cache; it connects when it is first used, or its server
    /// first checked.
    ///
    /// # Errors
    ///
    /// [`Error::Config`], with a line for each setting that is wrong.
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
    /// A line for each setting that is wrong.
    ///
    /// ```
    /// assert!(cache_runtime::Cache::builder().config().is_ok());
    /// ```
    pub fn config(self) -> Result<Config, ConfigError> {
        let Self {
            mut layers,
            clock,
            mut errors,
        } = self;
        if let Some(file) = layers.strongest(table::CONFIG_FILE.row.key).cloned() {
            let named_by = file.source.to_string();
            take_file(Path::new(&file.text), &named_by, &mut layers, &mut errors);
        }
        let place = expand_url(&mut layers, &mut errors);
        let (mut config, fields) = Config::resolve(&layers, place, errors);
        config.clock = clock.unwrap_or(config.clock);
        if fields.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError { fields })
        }
    }
}
