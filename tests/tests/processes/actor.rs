//! A process of its own that does as it is told.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
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

/// The program as users build what they measure; this test may be built for debugging.
pub(crate) fn optimised() -> PathBuf {
    let built = Path::new(PROGRAM);
    if !cfg!(debug_assertions) {
        return built.to_owned();
    }
    // `<folder>/debug/actor`
    let folder = built.ancestors().nth(2).expect("a target folder");
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--locked",
            "--release",
            "--no-default-features",
            "--features",
            "programs",
            "--bin",
            "actor",
            "--target-dir",
        ])
        .arg(folder)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("the cargo that built this test");
    assert!(status.success(), "{status}");
    folder.join("release/actor")
}

impl Actor {
    pub(crate) fn start(server: &RedisServer, lease: Duration, folder: &Path) -> Self {
        Self::start_program(Path::new(PROGRAM), server, lease, folder)
    }

    /// Starts another build of the program.
    pub(crate) fn start_program(
        program: &Path,
        server: &RedisServer,
        lease: Duration,
        folder: &Path,
    ) -> Self {
        let mut child = Command::new(program)
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
