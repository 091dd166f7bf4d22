//! All settings: the one table behind builder, variables, files, messages, `explain` and
//! `docs/configuration.md`.
//!
//! A further one is a row here, a method of the builder, a `take` where it belongs (`server`, or
//! `Config::resolve`), and a row of the page with the reason for its default. Tests find what is
//! missing.

use std::time::Duration;

use super::kind::{
    BYTES, COUNT, COUNT_FROM_0, DATABASE, FILE, FLAG, HOST as A_HOST, KEYS, Kind, MODE as A_MODE,
    PEM, PERCENT, PORT as A_PORT, SECRET, TEXT, TIME, URL as AN_URL,
};
use crate::cache::Mode;

/// A setting: under which names it is given, what it may be, and what it is if nobody says.
pub(super) struct Setting<T> {
    pub(super) row: Row,
    pub(super) kind: Kind<T>,
    pub(super) default: fn() -> T,
}

/// The names of a setting.
pub(super) struct Row {
    /// In a file, with its section; and in `explain`.
    pub(super) key: &'static str,
    pub(super) variable: Option<&'static str>,
    /// Of the builder.
    pub(super) method: &'static str,
}

/// A setting, whatever its values are.
pub(super) trait Described: Sync {
    fn row(&self) -> &Row;
    /// What it may be, and what it is if nobody says.
    #[cfg(test)]
    fn documented(&self) -> (&'static str, String);
}

impl<T> Described for Setting<T> {
    fn row(&self) -> &Row {
        &self.row
    }

    #[cfg(test)]
    fn documented(&self) -> (&'static str, String) {
        (self.kind.rule, (self.kind.write)(&(self.default)()))
    }
}

/// The names of all settings, in the order of the table.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    ALL.iter().map(|setting| setting.row())
}

macro_rules! settings {
    ($($name:ident: $type:ty = $kind:expr, $default:expr;
       $key:literal, $variable:expr, $method:literal;)+) => {
        $(pub(super) static $name: Setting<$type> = Setting {
            row: Row { key: $key, variable: $variable, method: $method },
            kind: $kind,
            default: || $default,
        };)+

        pub(super) static ALL: &[&dyn Described] = &[$(&$name),+];
    };
}

type Text = Option<String>;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

settings! {
    CONFIG_FILE: Text = FILE, None;
        "config_file", Some("CACHE_CONFIG_FILE"), "config_file";

    URL: Text = AN_URL, None;
        "redis.url", Some("REDIS_URL"), "redis_url";
    HOST: String = A_HOST, "localhost".to_owned();
        "redis.host", Some("REDIS_HOST"), "redis_host";
    PORT: u16 = A_PORT, 6379;
        "redis.port", Some("REDIS_PORT"), "redis_port";
    DB: u32 = DATABASE, 0;
        "redis.db", Some("REDIS_DB"), "redis_db";
    DATABASES: u32 = COUNT, 16;
        "redis.databases", None, "redis_databases";
    USERNAME: Text = TEXT, None;
        "redis.username", Some("REDIS_USERNAME"), "redis_username";
    PASSWORD: Text = SECRET, None;
        "redis.password", Some("REDIS_PASSWORD"), "redis_password";
    PASSWORD_FILE: Text = FILE, None;
        "redis.password_file", Some("REDIS_PASSWORD_FILE"), "redis_password_file";
    SENTINEL_USERNAME: Text = TEXT, None;
        "redis.sentinel_username", Some("REDIS_SENTINEL_USERNAME"), "redis_sentinel_username";
    SENTINEL_PASSWORD: Text = SECRET, None;
        "redis.sentinel_password", Some("REDIS_SENTINEL_PASSWORD"), "redis_sentinel_password";
    SSL: bool = FLAG, false;
        "redis.ssl", Some("REDIS_SSL"), "redis_ssl";
    SSL_CERT: Text = PEM, None;
        "redis.ssl_cert", Some("REDIS_SSL_CERT"), "redis_ssl_cert";
    SSL_KEY: Text = PEM, None;
        "redis.ssl_key", Some("REDIS_SSL_KEY"), "redis_ssl_key";
    SSL_CA_CERT: Text = PEM, None;
        "redis.ssl_ca_cert", Some("REDIS_SSL_CA_CERT"), "redis_ssl_ca_cert";

    MAX_CONNECTIONS: u32 = COUNT, 20;
        "redis.max_connections", Some("REDIS_MAX_CONNECTIONS"), "max_connections";
    MIN_CONNECTIONS: u32 = COUNT_FROM_0, 1;
        "redis.min_connections", Some("REDIS_MIN_CONNECTIONS"), "min_connections";
    CONNECTION_TIMEOUT: Duration = TIME, seconds(5);
        "redis.connection_timeout", Some("REDIS_CONNECTION_TIMEOUT"), "connection_timeout";
    SOCKET_TIMEOUT: Duration = TIME, seconds(10);
        "redis.socket_timeout", Some("REDIS_SOCKET_TIMEOUT"), "socket_timeout";
    KEEPALIVE: Duration = TIME, seconds(30);
        "redis.keepalive", None, "keepalive";
    MAX_RETRIES: u32 = COUNT_FROM_0, 3;
        "redis.max_retries", Some("REDIS_MAX_RETRIES"), "max_retries";
    RETRY_BACKOFF: Duration = TIME, Duration::from_millis(200);
        "redis.retry_backoff", Some("REDIS_RETRY_BACKOFF"), "retry_backoff";
    HEALTH_INTERVAL: Duration = TIME, seconds(30);
        "redis.health_check_interval", Some("REDIS_HEALTH_CHECK_INTERVAL"), "health_check_interval";
    MAX_HEALTH_FAILURES: u32 = COUNT, 3;
        "redis.max_health_check_failures", Some("REDIS_MAX_HEALTH_CHECK_FAILURES"),
        "max_health_check_failures";
    MEMORY_ALERT: u32 = PERCENT, 90;
        "redis.memory_alert", None, "memory_alert";
    REPLICA_READS: bool = FLAG, false;
        "redis.replica_reads", None, "replica_reads";

    NAMESPACE: Text = TEXT, None;
        "cache.namespace", Some("CACHE_NAMESPACE"), "namespace";
    MODE: Mode = A_MODE, Mode::On;
        "cache.mode", Some("CACHE_MODE"), "mode";
    SHORT: Duration = TIME, seconds(300);
        "cache.short_expire", Some("CACHE_SHORT_EXPIRE"), "short_ttl";
    DEFAULT: Duration = TIME, seconds(3_600);
        "cache.default_expire", Some("CACHE_DEFAULT_EXPIRE"), "default_ttl";
    LONG: Duration = TIME, seconds(86_400);
        "cache.long_expire", Some("CACHE_LONG_EXPIRE"), "long_ttl";
    BUDGET: Duration = TIME, Duration::from_millis(500);
        "cache.budget", None, "budget";
    WAIT: Duration = TIME, seconds(5);
        "cache.wait", None, "wait";
    LEASE: Duration = TIME, seconds(10);
        "cache.lease", None, "lease";
    THROTTLE: Duration = TIME, seconds(5);
        "cache.fail_safe_throttle", None, "fail_safe_throttle";
    BACKGROUND: u32 = COUNT_FROM_0, 64;
        "cache.background_loads", None, "background_loads";
    JOURNAL: usize = KEYS, 100_000;
        "cache.journal_capacity", None, "journal_capacity";
    REPLAY_WINDOW: Duration = TIME, seconds(10);
        "cache.replay_window", None, "replay_window";
    MEMORY: u64 = BYTES, 64 << 20;
        "cache.memory_bytes", None, "memory_bytes";

    SESSION_EXPIRE: Duration = TIME, seconds(86_400);
        "session.expire_seconds", Some("SESSION_EXPIRE_SECONDS"), "session_expire";
    SESSION_CLEANUP: Duration = TIME, seconds(3_600);
        "session.cleanup_interval", Some("SESSION_CLEANUP_INTERVAL"), "session_cleanup_interval";
}
