//! Primaries end and slots move under load; see the program, which says what was felt.

use std::process::Command;

/// One after the other: each measures how long something took.
#[test]
fn hits_return_by_themselves_and_no_caller_gets_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_failover"))
        .arg("6")
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
