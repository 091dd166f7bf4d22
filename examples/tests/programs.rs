//! The programs do what their pages, and the front page of the project, say.

use std::io::Result;
use std::process::{Command, Output};

fn run(program: &str) -> Result<Output> {
    Command::new(program).env_remove("REDIS_URL").output()
}

fn printed(program: &str) -> Result<String> {
    let output = run(program)?;
    assert!(output.status.success(), "{output:?}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The second column, which is counted by the cache.
fn verdicts(printed: &str) -> Vec<&str> {
    let table = printed.lines().skip(1).take_while(|line| !line.is_empty());
    table.map(|line| line[28..62].trim_end()).collect()
}

#[test]
fn quickstart_shows_a_miss_a_hit_and_an_invalidation() {
    let printed = printed(env!("CARGO_BIN_EXE_quickstart")).unwrap();

    let shared = "1 load, shared by 999 more";
    let unkept = "miss, and the error is not kept";
    assert_eq!(
        verdicts(&printed),
        ["miss", "hit", "invalidation", "miss", shared, unkept]
    );
    assert!(
        printed.ends_with("1004 reads cost 4 queries.\n"),
        "{printed}"
    );
}

#[test]
fn keys_shows_what_keys_look_like() {
    let printed = printed(env!("CARGO_BIN_EXE_keys")).unwrap();

    assert!(printed.contains("class:10%3Ab%2A:Student"), "{printed}");
    assert!(
        !printed.contains("3f9c81d2a7"),
        "a secret in a key: {printed}"
    );
}

#[test]
fn testing_shows_an_entry_that_ends() {
    let printed = printed(env!("CARGO_BIN_EXE_testing")).unwrap();

    let last = printed.lines().next_back().unwrap();
    assert!(
        last.starts_with("ten minutes on the clock") && last.contains("1 load"),
        "{printed}"
    );
}

#[test]
fn redis_says_what_is_missing() {
    let output = run(env!("CARGO_BIN_EXE_redis")).unwrap();

    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("set `REDIS_URL`"));
}
