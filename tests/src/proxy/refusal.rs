//! What a server says that is there and of no use.

/// An error that the proxy answers in place of the server.
///
/// ```
/// use cache_tests::Refusal;
///
/// assert_ne!(Refusal::Loading, Refusal::Busy);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The server reads its dump.
    Loading,
    /// The server is a replica: it answers reads, and refuses writes.
    ReadOnly,
    /// The server is full: it answers reads, and refuses writes.
    OutOfMemory,
    /// A script runs and does not end.
    Busy,
    /// The password has changed.
    NoAuth,
    /// Another server has the key, which says the same of this one.
    Moved,
    /// Nobody has the key.
    ClusterDown,
}

/// What sets a connection up.
const SETUP: [&str; 4] = ["HELLO", "AUTH", "CLIENT", "SELECT"];
/// What names no key.
const KEYLESS: [&str; 4] = ["PING", "TIME", "INFO", "ROLE"];
const READS: [&str; 6] = ["GET", "MGET", "SCAN", "EXISTS", "PTTL", "WAIT"];

impl Refusal {
    /// What a command gets for an answer, unless the server itself is to say it.
    pub(super) fn answer(self, command: &str, port: u16) -> Option<Vec<u8>> {
        let is = |names: &[&str]| names.contains(&command);
        let passes = is(&SETUP)
            || match self {
                Self::ReadOnly | Self::OutOfMemory => is(&READS) || is(&KEYLESS),
                Self::Moved | Self::ClusterDown => is(&KEYLESS),
                Self::Loading | Self::Busy | Self::NoAuth => false,
            };
        let moved = format!("MOVED 3999 127.0.0.1:{port}");
        let says = match self {
            Self::Loading => "LOADING Redis is loading the dataset in memory",
            Self::ReadOnly => "READONLY You can't write against a read only replica.",
            Self::OutOfMemory => "OOM command not allowed when used memory > 'maxmemory'.",
            Self::Busy => "BUSY Redis is busy running a script.",
            Self::NoAuth => "NOAUTH Authentication required.",
            Self::Moved => &moved,
            Self::ClusterDown => "CLUSTERDOWN The cluster is down",
        };
        (!passes).then(|| format!("-{says}\r\n").into_bytes())
    }
}
