//! Says where a server listens: to the server, and to its clients.

use std::path::{Path, PathBuf};

use crate::port;

#[derive(Clone, Copy, Debug)]
pub(super) enum Listen {
    Tcp,
    UnixSocket,
}

#[derive(Clone, Debug)]
pub(super) enum Address {
    Port(u16),
    Socket(PathBuf),
}

impl Address {
    pub(super) fn choose(listen: Listen, directory: &Path) -> Self {
        match listen {
            Listen::Tcp => Self::Port(port::free()),
            Listen::UnixSocket => Self::Socket(directory.join("redis.sock")),
        }
    }

    /// The `redis-server` arguments that make it listen here, and nowhere else.
    pub(super) fn arguments(&self) -> Vec<String> {
        match self {
            Self::Port(port) => ["--bind", "127.0.0.1", "--port", &port.to_string()]
                .map(String::from)
                .into(),
            Self::Socket(path) => ["--port", "0", "--unixsocket", &path.to_string_lossy()]
                .map(String::from)
                .into(),
        }
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Port(port) => format!("redis://127.0.0.1:{port}"),
            Self::Socket(path) => format!("unix://{}", path.display()),
        }
    }
}
