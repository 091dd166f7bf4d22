//! A process of its own that does as it is told.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::Duration;

use cache_tests::RedisServer;

/// Built as this test is.
const PROGRAM: &str = env!("CARGO_BIN_EXE_actor");

/// Longer than anything that an actor is told: an answer that is late is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// The program `actor`; killed when dropped.
pub(crate) struct Actor {
    child: Child,
    lines: Receiver<String>,
}

impl Actor {
    pub(crate) fn start(server: &RedisServer, lease: Duration, folder: &Path) -> Self {
        let mut child = Command::new(PROGRAM)
            .arg(server.url())
            .arg(lease.as_millis().to_string())
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program is built with this test");
        let output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The test has ended and wants no more.
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// Tells it something.
    pub(crate) fn tell(&mut self, order: &str) {
        let mut input = self.child.stdin.as_ref().expect("a pipe");
        writeln!(input, "{order}").expect("it reads its orders");
    }

    /// The next line that it says.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("an answer")
    }

    /// Whether it has nothing more to say so far.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.lines.try_recv(), Err(TryRecvError::Empty))
    }

    /// Tells it something, and waits for what it says.
    pub(crate) fn ask(&mut self, order: &str) -> String {
        self.tell(order);
        self.line()
    }

    /// Ends it as `kill -9` does, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("a process");
        self.child.wait().expect("a process");
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
