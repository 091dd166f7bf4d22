//! The soak, short enough for every run of the tests.

use std::process::Command;

use crate::TURN;

#[tokio::test]
async fn no_read_is_stale_while_workers_are_killed() {
    let _turn = TURN.lock().await;
    let soak = Command::new(env!("CARGO_BIN_EXE_soak"))
        .args(["--seconds", "8"])
        .output()
        .expect("the program is built with this test");
    let said = String::from_utf8_lossy(&soak.stdout);
    println!("{said}");
    let mistakes = String::from_utf8_lossy(&soak.stderr);
    assert!(soak.status.success(), "{said}\n{mistakes}");
    assert!(said.contains("\nstale reads: 0\n"), "{said}");
    assert!(said.contains("\nkills: 4\n"), "{said}");
}
