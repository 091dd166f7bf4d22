//! Writers that are killed at each of their awaits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cache_runtime::{Cache, cache_result, spawn};
use cache_tests::RedisServer;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::TURN;
use crate::actor::Actor;

/// How long a killed process keeps others from storing: by its lease, by its fence.
const BOUND: Duration = Duration::from_secs(10);
/// More than any write has.
const AWAITS: u64 = 100;

/// A database that is a folder, what is cached of it, and another process that reads it.
struct Scene {
    server: RedisServer,
    folder: TempDir,
    reader: Actor,
    cache: Cache,
}

/// What is there of a row before it is written.
#[derive(Clone, Copy, Debug)]
enum Beside {
    /// An entry.
    Entry,
    /// A load that has read the row, and ends after the write.
    Load,
}

/// How far a write had come when its process was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    Nothing,
    Commit,
    End,
}

/// Where a load says that it has read, and waits until it may answer.
struct Gate {
    read: Semaphore,
    open: Semaphore,
}

#[cache_result(key = "row:<id>", ttl = 600, key_ignores(folder, gate))]
async fn slow_row(id: u64, folder: PathBuf, gate: Arc<Gate>) -> u64 {
    let version = std::fs::read_to_string(folder.join(id.to_string())).expect("a row");
    gate.read.add_permits(1);
    gate.open.acquire().await.expect("a gate").forget();
    version.parse().expect("a version")
}

impl Scene {
    async fn set() -> Self {
        let server = RedisServer::start().await;
        let folder = tempfile::tempdir().expect("a folder");
        let reader = Actor::start(&server, BOUND, folder.path());
        let cache = Cache::builder().redis_url(server.url()).build();
        Self {
            server,
            folder,
            reader,
            cache: cache.expect("a valid configuration"),
        }
    }

    fn insert(&self, id: u64) {
        let row: PathBuf = self.folder.path().join(id.to_string());
        std::fs::write(row, "1").expect("a row");
    }

    /// What another process reads, and how often that loads.
    fn read(&mut self, id: u64) -> String {
        self.reader.ask(&format!("read {id}"))
    }

    async fn load(&self, id: u64) -> (Arc<Gate>, JoinHandle<u64>) {
        let gate = Arc::new(Gate {
            read: Semaphore::new(0),
            open: Semaphore::new(0),
        });
        let load = slow_row(id, self.folder.path().to_owned(), gate.clone());
        let load = self.cache.scope(async { spawn(load) }).await;
        gate.read.acquire().await.expect("a gate").forget();
        (gate, load)
    }

    /// Writes the row in a process that is killed at this await.
    fn write(&self, how: &str, id: u64, stop: u64) -> Reached {
        let folder: &Path = self.folder.path();
        let mut writer = Actor::start(&self.server, BOUND, folder);
        let mut line = writer.ask(&format!("{how} {id} {stop}"));
        let mut reached = Reached::Nothing;
        if line == "committed" {
            line = writer.line();
            reached = Reached::Commit;
        }
        writer.kill();
        match line.as_str() {
            "stopped" => reached,
            "done" => Reached::End,
            other => panic!("`{other}` is no answer"),
        }
    }

    /// Lets the bound pass for whatever the row's key holds.
    async fn pass_bound(&self, id: u64) {
        let key = format!("row:{id}");
        let left: i64 = self.server.command(("PTTL", &key)).await;
        let bound = i64::try_from(BOUND.as_millis()).expect("a short time");
        if left >= 0 {
            let left = (left - bound).max(0);
            let () = self.server.command(("PEXPIRE", &key, left)).await;
        }
    }

    /// Kills a writer, and lets the bound pass; then others read what it has committed, and store.
    async fn kill(&mut self, how: &str, beside: Beside, stop: u64) -> Reached {
        let id = stop;
        self.insert(id);
        let reached = match beside {
            Beside::Entry => {
                assert_eq!(self.read(id), "1 after 1 load");
                self.write(how, id, stop)
            }
            Beside::Load => {
                let (gate, load) = self.load(id).await;
                let reached = self.write(how, id, stop);
                gate.open.add_permits(1);
                assert_eq!(load.await.expect("a task"), 1, "it began before the write");
                reached
            }
        };
        self.pass_bound(id).await;
        let read = self.read(id);
        let expected = if reached == Reached::Nothing {
            "1"
        } else {
            "2"
        };
        let context = format!("{how} beside {beside:?}, killed at await {stop}: {reached:?}");
        assert_eq!(read.split(' ').next(), Some(expected), "{context}");
        assert_eq!(
            self.read(id),
            format!("{expected} after 0 loads"),
            "{context}"
        );
        reached
    }
}

async fn kill_at_every_await(how: &str) {
    let _turn = TURN.lock().await;
    for beside in [Beside::Entry, Beside::Load] {
        let mut scene = Scene::set().await;
        let mut at: [Vec<u64>; 2] = Default::default();
        let mut awaits = 1..AWAITS;
        loop {
            let stop = awaits.next().expect("an end");
            match scene.kill(how, beside, stop).await {
                Reached::Nothing => at[0].push(stop),
                Reached::Commit => at[1].push(stop),
                Reached::End => break,
            }
        }
        let [before, after] = &at;
        println!(
            "{how} beside {beside:?}: killed at awaits {before:?} before the commit, {after:?} after"
        );
        assert!(!before.is_empty() && !after.is_empty(), "{at:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_killed_within_its_fence_leaves_nothing_older_than_its_commit() {
    kill_at_every_await("around").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_update_leaves_nothing_older_than_its_commit() {
    kill_at_every_await("update").await;
}
