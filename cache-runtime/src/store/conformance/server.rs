//! A `redis-server` of a test's own, on a socket in a directory of its own.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use redis::{Client, Cmd, Connection, Value};

/// Moves the server's time: what it says about an end follows no clock but its own.
const LATER: &str = r"
for _, key in ipairs(redis.call('KEYS', '*')) do
    local left = redis.call('PTTL', key)
    if left >= 0 then redis.call('PEXPIRE', key, left - ARGV[1]) end
end";

/// A running server, killed when it is dropped.
pub(super) struct Server {
    process: Child,
    directory: PathBuf,
    pub(super) client: Client,
    connection: Mutex<Option<Connection>>,
}

impl Server {
    pub(super) fn start() -> Self {
        let name = format!("cache-store-{:016x}", rand::random::<u64>());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir(&directory).unwrap();
        let socket = directory.join("redis.sock");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(&socket)
            .current_dir(&directory)
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("run `apt-get install redis-server`: {error}"));
        let client = Client::open(format!("redis+unix://{}", socket.display())).unwrap();
        let server = Self {
            process,
            directory,
            client,
            connection: Mutex::new(None),
        };
        server.connect();
        server
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
    pub(super) fn run(&self, cmd: &Cmd) -> Value {
        let mut connection = self.connection.lock();
        cmd.query(connection.as_mut().unwrap()).unwrap()
    }

    pub(super) fn advance(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.run(redis::cmd("EVAL").arg(LATER).arg(0).arg(millis));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // All three fail only where somebody else was faster.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
