//! A Redis server of the test's own, from its start to its end.

mod address;
mod cluster;
mod connect;
mod monitor;
mod process;
mod sentinel;
mod start;
mod statistics;
mod tls;

use tempfile::TempDir;

use self::address::{Address, Listen};
use self::process::Process;

pub use self::cluster::RedisCluster;
pub use self::monitor::Monitor;
pub use self::sentinel::SentinelSet;
pub use self::tls::{Authority, Identity, TlsServer, Validity};

/// A `redis-server` process, stopped when the handle is dropped.
///
/// It listens on the loopback interface or on a Unix socket only, and keeps
/// nothing on disk: a restarted server is empty. Do not put it in a `static`,
/// which is never dropped.
///
/// ```no_run
/// use cache_tests::RedisServer;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut server = RedisServer::start_with(&["--maxmemory", "2mb"]).await;
/// server.command::<()>(("SET", "greeting", "hello")).await;
/// server.kill();
/// server.restart().await;
/// assert!(!server.command::<bool>(("EXISTS", "greeting")).await);
/// # }
/// ```
///
/// # Panics
///
/// Its methods panic when the server does not do what it is asked.
///
/// # Cancel safety
///
/// A dropped future leaves no process behind. A command of it may or may not
/// have been executed.
#[derive(Debug)]
pub struct RedisServer {
    // Before `directory`: the process ends before its directory goes.
    process: Process,
    address: Address,
    arguments: Vec<String>,
    directory: TempDir,
}

impl RedisServer {
    /// Starts a server on a free loopback port.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts a server on a free loopback port, with further arguments.
    pub async fn start_with(arguments: &[&str]) -> Self {
        Self::launch(Listen::Tcp, arguments).await
    }

    /// Starts a server on a Unix socket in a directory of its own.
    pub async fn on_socket() -> Self {
        Self::launch(Listen::UnixSocket, &[]).await
    }

    async fn launch(listen: Listen, arguments: &[&str]) -> Self {
        start::launch(listen, arguments)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// What a client connects to: `redis://..` or `unix://..`.
    pub fn url(&self) -> String {
        self.address.url()
    }

    /// The port of a server that has one: [`on_socket`](Self::on_socket) gives none.
    pub fn port(&self) -> u16 {
        match &self.address {
            Address::Port(port) => *port,
            Address::Socket(path) => panic!("a server on {} has no port", path.display()),
        }
    }

    /// Ends the server at once (SIGKILL): clients see closed connections.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends the server if it runs, and starts an empty one at the same address.
    pub async fn restart(&mut self) {
        self.process.kill();
        let restarted = start::at(&self.address, &self.arguments, self.directory.path()).await;
        self.process = restarted.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Freezes the server (SIGSTOP): it accepts connections and answers nothing.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets a frozen server go on (SIGCONT) with all it has received meanwhile.
    pub fn resume(&self) {
        self.process.resume();
    }
}
