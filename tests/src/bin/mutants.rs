//! Leaves out one guard of the protocol after the other, and has the model find out.
//!
//! ```sh
//! cargo run -p cache-tests --bin mutants                  # all of them
//! cargo run -p cache-tests --bin mutants -- token         # one
//! cargo run -p cache-tests --bin mutants -- --save        # and keep the schedules it finds
//! ```
//!
//! Each is a build of its own, by `--cfg cache_mutant=".."` for the one crate, so nothing else is
//! built again. It fails if the model finds nothing wrong with one of them.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const MUTANTS: [&str; 9] = [
    "token",
    "token_per_sending",
    "publish_before_joiners",
    "close_before_publish",
    "stale_payload_from_lease",
    "capture_before_load",
    "random_generation",
    "fenced_update",
    "fence_around",
];

/// What the model said.
struct Found {
    scenario: String,
    steps: Vec<String>,
    fault: String,
    on_redis: String,
    states: String,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let saves = arguments.iter().any(|argument| argument == "--save");
    let is_named = |mutant: &&str| arguments.iter().any(|argument| argument == mutant);
    let mut chosen: Vec<&str> = MUTANTS.into_iter().filter(is_named).collect();
    if chosen.is_empty() {
        chosen = MUTANTS.into();
    }
    let (mut rows, mut are_all_found) = (Vec::new(), true);
    for mutant in chosen {
        let start = Instant::now();
        let built = build(mutant).map(|program| (start.elapsed(), program));
        let found = built.and_then(|(built, program)| Ok((built, explore(&program)?)));
        match found {
            Ok((built, found)) => {
                print(mutant, &found);
                if saves {
                    save(mutant, &found);
                }
                rows.push(row(
                    mutant,
                    &found,
                    built,
                    start.elapsed().saturating_sub(built),
                ));
            }
            Err(why) => {
                are_all_found = false;
                println!("\n{mutant}: not found\n{why}");
                rows.push(format!("| `{mutant}` | not found | | | | | |"));
            }
        }
    }
    println!("\n| guard | breaks in | states | steps | on Redis | build | run |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    println!("{}", rows.join("\n"));
    if are_all_found {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn root() -> PathBuf {
    let tests = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    tests.parent().map(PathBuf::from).unwrap_or(tests)
}

/// Builds the unit tests without this guard, and says where they are.
fn build(mutant: &str) -> Result<String, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args(["rustc", "-p", "cache-runtime", "--lib", "--profile", "test"])
        .args(["--message-format", "json-render-diagnostics", "--"])
        .args(["--cfg", &format!("cache_mutant=\"{mutant}\"")])
        // What only the tests of whole builds need.
        .args(["-A", "dead_code"])
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    let messages = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err("it does not compile".to_owned());
    }
    let mut programs = messages.lines().filter_map(executable);
    programs
        .next_back()
        .ok_or_else(|| "cargo built no program".to_owned())
}

/// What a message of cargo says about a program.
fn executable(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("\"executable\":\"")?;
    rest.split_once('"').map(|(path, _)| path.to_owned())
}

fn explore(program: &str) -> Result<Found, String> {
    let output = Command::new(program)
        .args(["model::", "--nocapture", "--test-threads=1"])
        .current_dir(root())
        .output()
        .map_err(|error| format!("{program} could not be started: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{text}{errors}"));
    }
    let said = |what: &str| {
        let said = text.lines().filter_map(|line| line.split_once(what));
        said.map(|(_, rest)| rest.to_owned()).collect::<Vec<_>>()
    };
    let once = |what: &str| {
        said(what)
            .pop()
            .ok_or_else(|| format!("no `{what}` in:\n{text}"))
    };
    Ok(Found {
        scenario: once("scenario: ")?,
        steps: said("step: "),
        fault: once("fault: ")?,
        on_redis: once("on redis: ")?,
        states: once("states: ")?,
    })
}

fn print(mutant: &str, found: &Found) {
    println!("\n{mutant}: {}", found.scenario);
    for (number, step) in found.steps.iter().enumerate() {
        println!("{:>4}. {step}", number + 1);
    }
    println!("      so {}", found.fault);
}

fn row(mutant: &str, found: &Found, built: Duration, run: Duration) -> String {
    let Found {
        scenario,
        steps,
        on_redis,
        states,
        ..
    } = found;
    let on_redis = if on_redis == "nothing" { "no" } else { "yes" };
    format!(
        "| `{mutant}` | {scenario} | {states} | {} | {on_redis} | {:.0} s | {:.1} s |",
        steps.len(),
        built.as_secs_f64(),
        run.as_secs_f64(),
    )
}

/// For the test that performs it by code with all guards.
fn save(mutant: &str, found: &Found) {
    let path = format!("cache-runtime/src/model/schedules/{mutant}.txt");
    let text = format!("{}\n{}\n", found.scenario, found.steps.join("\n"));
    if let Err(error) = std::fs::write(root().join(&path), text) {
        println!("{path} could not be written: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_program_among_what_cargo_says() {
        let message =
            r#"{"reason":"compiler-artifact","executable":"/target/deps/tests-1","fresh":true}"#;
        assert_eq!(executable(message), Some("/target/deps/tests-1".to_owned()));
        assert_eq!(executable(r#"{"executable":null}"#), None);
    }
}
