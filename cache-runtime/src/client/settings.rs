//! How to reach Redis: checked, so that nothing downstream checks it again.

use std::path::PathBuf;
use std::time::Duration;

/// What the configuration says about the servers and the connections to them.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) topology: Topology,
    pub(crate) login: Login,
    pub(crate) database: u32,
    pub(crate) tls: Option<Tls>,
    /// For the socket, the TLS handshake and the login together.
    pub(crate) connection_timeout: Duration,
    /// How long a server that owes an answer may be silent before its connection counts as lost.
    pub(crate) socket_timeout: Duration,
    /// Opened at `init`.
    pub(crate) min_connections: u32,
    /// The cache's own and dedicated ones.
    pub(crate) max_connections: u32,
    pub(crate) keepalive: Duration,
    pub(crate) max_retries: u32,
    pub(crate) retry_backoff: Duration,
    pub(crate) health_interval: Duration,
    pub(crate) max_health_failures: u32,
    pub(crate) replica_reads: bool,
}

/// Which servers there are, and how they belong together.
#[derive(Clone)]
pub(crate) enum Topology {
    Node(Address),
    Unix(PathBuf),
    Sentinel {
        sentinels: Vec<Address>,
        /// Of the sentinels; that of the servers is the settings' own.
        login: Login,
        /// The name that the sentinels know the primary by.
        primary: String,
    },
    Cluster {
        nodes: Vec<Address>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// No `Debug` that shows it.
#[derive(Clone, Default)]
pub(crate) struct Login {
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
}

/// PEM, each of them; without an authority the system's are trusted.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    pub(crate) ca: Option<Vec<u8>>,
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) key: Option<Vec<u8>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            topology: Topology::Node(Address {
                host: "127.0.0.1".to_owned(),
                port: 6379,
            }),
            login: Login::default(),
            database: 0,
            tls: None,
            connection_timeout: Duration::from_secs(5),
            socket_timeout: Duration::from_secs(10),
            min_connections: 1,
            max_connections: 20,
            keepalive: Duration::from_secs(30),
            max_retries: 3,
            retry_backoff: Duration::from_millis(200),
            health_interval: Duration::from_secs(30),
            max_health_failures: 3,
            replica_reads: false,
        }
    }
}
