//! Owns one Chromium with all its helpers: they cannot outlive their handle.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

/// Why there is no browser.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error("no Chromium is installed: run `apt-get install chromium-headless-shell`")]
    NotInstalled,
    #[error("`chromium` could not be started")]
    NotStarted(#[from] io::Error),
}

/// The same browser; the first has no window at all, and starts in a quarter of the time.
const PROGRAMS: [&str; 2] = ["chromium-headless-shell", "chromium"];

/// Without a window, a sandbox (there is none for root) or any talk with its maker's hosts.
const ARGUMENTS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1000,800",
    "--remote-debugging-pipe",
];

/// A running browser, killed and reaped when dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    // After the process, which writes to it.
    _profile: TempDir,
}

impl Process {
    /// Starts one, with both ends of the pipe that it is driven by.
    pub(super) fn spawn() -> Result<(Self, ChildStdin, ChildStdout), StartError> {
        let program = PROGRAMS.into_iter().find(|program| is_installed(program));
        let program = program.ok_or(StartError::NotInstalled)?;
        let profile = tempfile::Builder::new().prefix("chromium-").tempdir()?;
        // The browser reads its commands from file 3 and answers on file 4; the shell puts our
        // pipes there, so that nobody has to do that between `fork` and `exec`.
        let mut child = Command::new("sh")
            .args(["-c", r#"exec "$0" "$@" 3<&0 4>&1"#, program])
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A group of its own, so that its helpers can be ended with it.
            .process_group(0)
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("both were asked for")
        };
        let process = Self {
            child,
            _profile: profile,
        };
        Ok((process, input, output))
    }
}

fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it was reaped before.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_to_install_when_the_program_is_missing() {
        assert!(!is_installed("no-such-chromium"));
        assert_eq!(
            StartError::NotInstalled.to_string(),
            "no Chromium is installed: run `apt-get install chromium-headless-shell`"
        );
    }
}
