//! Owns one `redis-server` process: it cannot outlive its handle.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("`{program}` is not installed: run `apt-get install redis-server`")]
    NotInstalled { program: String },
    #[error("`redis-server` could not be started")]
    NotStarted(#[from] io::Error),
    #[error("another process took the port")]
    PortTaken,
    #[error("`redis-server` ended while starting; it said:\n{log}")]
    Ended { log: String },
    #[error("`redis-server` did not answer in time; it said:\n{log}")]
    Silent { log: String },
}

/// A running server, killed and reaped when dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Starts `program` in `directory`, where its output goes to a file.
    pub(super) fn spawn(
        program: &str,
        arguments: &[String],
        directory: &Path,
    ) -> Result<Self, StartError> {
        let log = File::create(log_path(directory))?;
        Command::new(program)
            .args(arguments)
            .current_dir(directory)
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log)
            .spawn()
            .map(|child| Self { child })
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => StartError::NotInstalled {
                    program: program.into(),
                },
                _ => StartError::NotStarted(error),
            })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails if the process has ended, with what it wrote.
    pub(super) fn check(&mut self, directory: &Path) -> Result<(), StartError> {
        if self.child.try_wait()?.is_none() {
            return Ok(());
        }
        let log = log(directory);
        Err(if log.contains("Address already in use") {
            StartError::PortTaken
        } else {
            StartError::Ended { log }
        })
    }

    /// Stops the process as a power cut would. Harmless when it has ended.
    pub(super) fn kill(&mut self) {
        // Both fail only for a process that was reaped before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(super) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub(super) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal)
            .unwrap_or_else(|error| panic!("{signal:?} to `redis-server`: {error}"));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the last server in `directory` wrote.
pub(super) fn log(directory: &Path) -> String {
    fs::read_to_string(log_path(directory)).unwrap_or_else(|error| error.to_string())
}

fn log_path(directory: &Path) -> std::path::PathBuf {
    directory.join("redis.log")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_to_install_when_the_program_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        let error = Process::spawn("no-such-redis-server", &[], directory.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`no-such-redis-server` is not installed: run `apt-get install redis-server`"
        );
    }
}
