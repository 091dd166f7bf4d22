//! Starts a server and waits until it, and no other, answers.

use std::path::Path;
use std::time::{Duration, Instant};

use super::address::{Address, Listen};
use super::process::{self, Process, StartError};
use super::{RedisServer, connect};

const PROGRAM: &str = "redis-server";
const START_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_INTERVAL: Duration = Duration::from_millis(5);
const PORT_RACES: usize = 10;

/// Starts a new server, on another port if somebody was faster to take the first.
pub(super) async fn launch(listen: Listen, extra: &[&str]) -> Result<RedisServer, StartError> {
    let directory = tempfile::Builder::new().prefix("redis-").tempdir()?;
    let arguments: Vec<_> = extra.iter().copied().map(String::from).collect();
    for _ in 0..PORT_RACES {
        let address = Address::choose(listen, directory.path());
        match at(&address, &arguments, directory.path()).await {
            Err(StartError::PortTaken) => {}
            started => {
                return started.map(|process| RedisServer {
                    process,
                    address,
                    arguments,
                    directory,
                });
            }
        }
    }
    Err(StartError::PortTaken)
}

/// Starts a server at `address`.
pub(super) async fn at(
    address: &Address,
    extra: &[String],
    directory: &Path,
) -> Result<Process, StartError> {
    let no_persistence = ["--save", "", "--appendonly", "no"].map(String::from);
    let arguments = [&address.arguments()[..], &no_persistence, extra].concat();
    let mut process = Process::spawn(PROGRAM, &arguments, directory)?;
    let deadline = Instant::now() + START_TIMEOUT;
    while !answers(address, &process).await {
        process.check(directory)?;
        if Instant::now() > deadline {
            return Err(StartError::Silent {
                log: process::log(directory),
            });
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Ok(process)
}

/// Whether `process` serves `address`. The process id is compared because
/// after a lost race for the port somebody else's server answers there.
async fn answers(address: &Address, process: &Process) -> bool {
    let Ok(mut connection) = connect::to(&address.url()).await else {
        return false;
    };
    let pong: Result<String, _> = redis::cmd("PING").query_async(&mut connection).await;
    let server: Result<String, _> = redis::cmd("INFO")
        .arg("server")
        .query_async(&mut connection)
        .await;
    let own_id = format!("process_id:{}\r\n", process.id());
    pong.is_ok() && server.is_ok_and(|server| server.contains(&own_id))
}
