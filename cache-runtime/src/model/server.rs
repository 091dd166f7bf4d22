//! A `redis-server` of the test's own, on a socket in a directory of its own.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Killed when it is dropped.
pub(super) struct RedisServer {
    child: Child,
    directory: PathBuf,
}

const START: Duration = Duration::from_secs(10);
const AGAIN: Duration = Duration::from_millis(5);

impl RedisServer {
    pub(super) fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("cache-model-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .args(["--unixsocket", "redis.sock"])
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|error| match error.kind() {
            ErrorKind::NotFound => {
                panic!("`redis-server` is not installed: run `apt-get install redis-server`")
            }
            _ => panic!("`redis-server` could not be started: {error}"),
        });
        let server = Self { child, directory };
        server.wait_until_it_answers();
        server
    }

    pub(super) fn url(&self) -> String {
        format!("unix://{}", self.directory.join("redis.sock").display())
    }

    fn wait_until_it_answers(&self) {
        let client = redis::Client::open(self.url()).unwrap();
        let start = Instant::now();
        while let Err(error) = client.get_connection() {
            assert!(start.elapsed() < START, "`redis-server` is silent: {error}");
            std::thread::sleep(AGAIN);
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Both fail only for one that has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}
