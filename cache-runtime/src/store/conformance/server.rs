//! A `redis-server` of a test's own, in a directory of its own.

use std::ffi::OsString;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use redis::{Client, Cmd, Connection, Value};

use crate::client::{Address, Settings, Topology};

/// Moves the server's time: what it says about an end follows no clock but its own.
const LATER: &str = r"
for _, key in ipairs(redis.call('KEYS', '*')) do
    local left = redis.call('PTTL', key)
    if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
end";

/// A running server, killed when it is dropped.
pub(crate) struct Server {
    process: Child,
    directory: PathBuf,
    topology: Topology,
    client: Client,
    connection: Mutex<Option<Connection>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let directory = directory();
        let socket = directory.join("redis.sock");
        let listens = [
            OsString::from("--port"),
            OsString::from("0"),
            OsString::from("--unixsocket"),
            socket.clone().into(),
        ];
        let client = format!("redis+unix://{}", socket.display());
        Self::run_in(directory, &listens, Topology::Unix(socket), &client)
    }

    /// A cluster of one node, to which a script with keys of several slots is as wrong as to one
    /// of many.
    pub(super) fn start_cluster() -> Self {
        let [port, bus] = free_ports();
        let ports = [port, bus].map(|port| OsString::from(port.to_string()));
        let listens = ["--cluster-enabled", "yes", "--bind", "127.0.0.1", "--port"];
        let mut listens = listens.map(OsString::from).to_vec();
        listens.push(ports[0].clone());
        listens.push("--cluster-port".into());
        listens.push(ports[1].clone());
        let host = "127.0.0.1".to_owned();
        let nodes = vec![Address { host, port }];
        let topology = Topology::Cluster { nodes };
        let client = format!("redis://127.0.0.1:{port}");
        let server = Self::run_in(directory(), &listens, topology, &client);
        let mut all = redis::cmd("CLUSTER");
        all.arg("ADDSLOTSRANGE").arg(0).arg(16_383);
        server.run(&all);
        let mut state = redis::cmd("CLUSTER");
        state.arg("INFO");
        while !format!("{:?}", server.run(&state)).contains("cluster_state:ok") {
            thread::sleep(Duration::from_millis(5));
        }
        server
    }

    fn run_in(directory: PathBuf, listens: &[OsString], topology: Topology, client: &str) -> Self {
        let process = Command::new("redis-server")
            .args(["--save", "", "--appendonly", "no"])
            .args(listens)
            .current_dir(&directory)
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("run `apt-get install redis-server`: {error}"));
        let server = Self {
            process,
            directory,
            topology,
            client: Client::open(client).unwrap(),
            connection: Mutex::new(None),
        };
        server.connect();
        server
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            topology: self.topology.clone(),
            ..Settings::default()
        }
    }

    fn connect(&self) {
        for _ in 0..2_000 {
            if let Ok(connection) = self.client.get_connection() {
                *self.connection.lock() = Some(connection);
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("`redis-server` does not answer");
    }

    /// A command that the store knows nothing of.
    pub(crate) fn run(&self, cmd: &Cmd) -> Value {
        let mut connection = self.connection.lock();
        cmd.query(connection.as_mut().unwrap()).unwrap()
    }

    pub(super) fn advance(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.run(redis::cmd("EVAL").arg(LATER).arg(0).arg(millis));
    }
}

fn directory() -> PathBuf {
    let name = format!("cache-store-{:016x}", rand::random::<u64>());
    let directory = std::env::temp_dir().join(name);
    std::fs::create_dir(&directory).unwrap();
    directory
}

/// Held until both are known, or the second would be the first again.
fn free_ports() -> [u16; 2] {
    let held = [(); 2].map(|()| TcpListener::bind(("127.0.0.1", 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

impl Drop for Server {
    fn drop(&mut self) {
        // All three fail only where somebody else was faster.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
