//! Starts the workers, kills them, and gathers what they tell.

use std::collections::VecDeque;
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use cache_tests::{RedisServer, now};

use crate::database::Database;
use crate::kills;
use crate::log::COUNTERS;
use crate::options::{Options, Worker};
use crate::record::{LENGTH, Read, Record};
use crate::report::Report;

/// What was heard of one life of a worker.
pub(crate) struct Life {
    pub(crate) worker: u32,
    pub(crate) incarnation: u32,
    pub(crate) killed_at: Option<Duration>,
    pub(crate) reads: Vec<Read>,
    pub(crate) tallies: [u64; COUNTERS.len()],
}

/// One that goes on.
struct Living {
    worker: Worker,
    child: Child,
    listener: JoinHandle<(Vec<Read>, [u64; COUNTERS.len()])>,
}

/// Runs it all, and says what came of it.
pub(crate) fn run(options: Options) -> ExitCode {
    println!(
        "seed {}: {} processes for {} s",
        options.seed, options.processes, options.seconds
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let server = runtime.block_on(RedisServer::start());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rows.db");
    let database = Database::create(&path).expect("a database");
    let lives = workers(options, &server, &path);
    let commits = database.commits().expect("a database");
    let report = Report::new(options, &lives, &commits);
    print!("{report}");
    report.verdict()
}

/// Keeps the workers going until the time is over.
fn workers(options: Options, server: &RedisServer, database: &Path) -> Vec<Life> {
    let began = now();
    let until = began + options.time();
    let start = |number| {
        Living::start(Worker {
            url: server.url(),
            database: database.to_path_buf(),
            seed: options.seed,
            number,
            incarnation: 0,
            until,
        })
    };
    let mut living: VecDeque<_> = (0..options.processes).map(start).collect();
    let mut lives = Vec::new();
    for kill in kills::plan(options.seed, options.time(), options.processes) {
        std::thread::sleep((began + kill.at).saturating_sub(now()));
        let victim = &mut living[kill.worker as usize];
        let again = Living::start(Worker {
            incarnation: victim.worker.incarnation + 1,
            ..victim.worker.clone()
        });
        lives.push(std::mem::replace(victim, again).kill());
    }
    lives.extend(living.into_iter().map(Living::end));
    lives
}

impl Living {
    fn start(worker: Worker) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .args(worker.arguments())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let output = child.stdout.take().expect("a pipe");
        Self {
            worker,
            child,
            listener: std::thread::spawn(|| listen(output)),
        }
    }

    fn kill(mut self) -> Life {
        let ended = self.child.try_wait().expect("a process");
        assert!(ended.is_none(), "a worker ended by itself: {ended:?}");
        self.child.kill().expect("a process");
        self.child.wait().expect("a process");
        self.gather(Some(now()))
    }

    fn end(mut self) -> Life {
        let status = self.child.wait().expect("a process");
        assert!(status.success(), "a worker failed: {status}");
        self.gather(None)
    }

    fn gather(self, killed_at: Option<Duration>) -> Life {
        let (reads, tallies) = self.listener.join().expect("records");
        Life {
            worker: self.worker.number,
            incarnation: self.worker.incarnation,
            killed_at,
            reads,
            tallies,
        }
    }
}

/// Takes in what a worker tells until it ends; the last record of a killed one may be cut off.
fn listen(output: ChildStdout) -> (Vec<Read>, [u64; COUNTERS.len()]) {
    let mut output = BufReader::new(output);
    let (mut reads, mut tallies) = (Vec::new(), [0; COUNTERS.len()]);
    let mut bytes = [0; LENGTH];
    while output.read_exact(&mut bytes).is_ok() {
        match Record::from_bytes(bytes).expect("a record") {
            Record::Read(read) => reads.push(read),
            Record::Tally(tally) => tallies[usize::from(tally.counter)] = tally.count,
        }
    }
    (reads, tallies)
}
