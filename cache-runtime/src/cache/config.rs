//! A configuration: checked, so that nothing downstream checks it again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Mode;
use crate::clock::Clock;

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

pub(crate) enum Backend {
    Memory,
    Redis(redis::Client),
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
pub struct Config {
    pub(crate) backend: Backend,
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
    pub(crate) clock: Clock,
}

impl Default for Config {
    /// The embedded store of 64 MiB, and every setting as documented at [`Builder`](crate::Builder).
    fn default() -> Self {
        Self {
            backend: Backend::Memory,
            namespace: Arc::from(""),
            mode: Mode::On,
            lifetimes: Lifetimes {
                short: Duration::from_secs(300),
                default: Duration::from_secs(3_600),
                long: Duration::from_secs(86_400),
            },
            memory: 64 << 20,
            budget: Duration::from_millis(500),
            wait: Duration::from_secs(5),
            lease: Duration::from_secs(10),
            throttle: Duration::from_secs(5),
            background: 64,
            journal: 100_000,
            replay_window: Duration::from_secs(10),
            clock: Clock::system(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client holds the password; its address does not.
        let backend = match &self.backend {
            Backend::Memory => "memory".to_owned(),
            Backend::Redis(client) => client.get_connection_info().addr().to_string(),
        };
        out.debug_struct("Config")
            .field("backend", &backend)
            .field("namespace", &self.namespace)
            .field("mode", &self.mode)
            .field("lifetimes", &self.lifetimes)
            .finish_non_exhaustive()
    }
}
