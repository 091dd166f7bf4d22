//! Primaries end and slots move under load; see the program, which says what was felt.

#![expect(clippy::expect_used, reason = "the whole crate is tests")]

mod sessions;

use std::process::Command;

use tokio::sync::{Mutex, MutexGuard};

static MACHINE: Mutex<()> = Mutex::const_new(());

/// One after the other: each needs the machine for itself.
async fn alone() -> MutexGuard<'static, ()> {
    MACHINE.lock().await
}

/// One scene after the other: each measures how long something took. Each list is given longer
/// than its hits may take to return.
#[tokio::test]
async fn hits_return_by_themselves_and_no_caller_gets_an_error() {
    let _alone = alone().await;
    for scenes in [
        ["3", "restart", "sentinel", "switch"],
        ["6", "cluster", "silence", "slots"],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_failover"))
            .args(scenes)
            .output();
        let output = output.unwrap_or_else(|error| panic!("{error}"));
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{said}");
        assert!(
            output.status.success(),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
