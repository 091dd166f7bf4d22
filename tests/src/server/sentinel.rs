//! A primary, its replicas, and three sentinels that watch over them.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use super::address::Address;
use super::cluster::until;
use super::process::Process;
use super::{RedisServer, connect};
use crate::port;

/// What the sentinels know the primary by.
const NAME: &str = "main";
const SENTINELS: usize = 3;
const PROGRAM: &str = "redis-server";

/// A set of servers under sentinels, each stopped when the handle is dropped.
///
/// ```no_run
/// use cache_tests::SentinelSet;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let mut set = SentinelSet::start(1).await;
/// let before = set.primary().await;
/// set.server_mut(before).kill();
/// set.switched_from(before).await;
/// # }
/// ```
#[derive(Debug)]
pub struct SentinelSet {
    servers: Vec<RedisServer>,
    sentinels: Vec<Sentinel>,
}

#[derive(Debug)]
struct Sentinel {
    // Before `_directory`: the process ends before its directory goes.
    _process: Process,
    address: Address,
    _directory: TempDir,
}

impl SentinelSet {
    /// Starts a primary, which is server 0, so many replicas, and three sentinels that hold a
    /// server for lost after half a second.
    pub async fn start(replicas: usize) -> Self {
        let primary = RedisServer::start().await;
        let port = primary.port().to_string();
        let mut servers = vec![primary];
        for _ in 0..replicas {
            servers.push(replica(&port).await);
        }
        let mut sentinels = Vec::new();
        for _ in 0..SENTINELS {
            sentinels.push(Sentinel::start(&port).await);
        }
        for sentinel in &sentinels {
            sentinel.knows_all(replicas).await;
        }
        Self { servers, sentinels }
    }

    /// What a client connects to: `redis-sentinel://..`.
    pub fn url(&self) -> String {
        let host = |sentinel: &Sentinel| sentinel.address.url().replace("redis://", "");
        let hosts: Vec<_> = self.sentinels.iter().map(host).collect();
        format!("redis-sentinel://{}/{NAME}", hosts.join(","))
    }

    /// One of the servers.
    pub fn server(&self, index: usize) -> &RedisServer {
        &self.servers[index]
    }

    /// One of the servers, to be ended or started anew.
    pub fn server_mut(&mut self, index: usize) -> &mut RedisServer {
        &mut self.servers[index]
    }

    /// Which server the first sentinel holds to be the primary.
    pub async fn primary(&self) -> usize {
        self.sentinels[0].primary(&self.servers).await
    }

    /// Has the sentinels make another server the primary, though the first still answers.
    pub async fn fail_over(&self) {
        until("a sentinel begins the failover", async || {
            // Refused while one is under way, or before a replica is known to be good.
            self.sentinels[0]
                .ask::<()>(("SENTINEL", "FAILOVER", NAME))
                .await
                .is_ok()
        })
        .await;
    }

    /// Waits until all sentinels hold another server to be the primary.
    pub async fn switched_from(&self, before: usize) {
        for sentinel in &self.sentinels {
            until("the sentinels switch", async || {
                sentinel.primary(&self.servers).await != before
            })
            .await;
        }
    }
}

impl Sentinel {
    async fn start(primary: &str) -> Self {
        let directory = tempfile::Builder::new().prefix("sentinel-").tempdir();
        let directory = directory.unwrap_or_else(|error| panic!("{error}"));
        let port = port::free();
        let config = format!(
            "port {port}\nbind 127.0.0.1\n\
             sentinel monitor {NAME} 127.0.0.1 {primary} 2\n\
             sentinel down-after-milliseconds {NAME} 500\n\
             sentinel failover-timeout {NAME} 3000\n"
        );
        // It writes there what it learns.
        let path = directory.path().join("sentinel.conf");
        fs::write(&path, config).unwrap_or_else(|error| panic!("{error}"));
        let arguments = ["sentinel.conf", "--sentinel"].map(str::to_owned);
        let process = Process::spawn(PROGRAM, &arguments, directory.path());
        let sentinel = Self {
            _process: process.unwrap_or_else(|error| panic!("{error}")),
            address: Address::Port(port),
            _directory: directory,
        };
        until("a sentinel answers", async || {
            sentinel.ask::<String>("PING").await.is_ok()
        })
        .await;
        sentinel
    }

    async fn ask<T: redis::FromRedisValue>(
        &self,
        words: impl redis::ToRedisArgs,
    ) -> redis::RedisResult<T> {
        let mut connection = connect::to(&self.address.url()).await?;
        let mut command = redis::Cmd::new();
        command.arg(words);
        command.query_async(&mut connection).await
    }

    async fn knows_all(&self, replicas: usize) {
        until("the sentinels know each other", async || {
            let fields = self.ask::<Vec<String>>(("SENTINEL", "MASTER", NAME)).await;
            let fields = fields.unwrap_or_default();
            let has = |name: &str, value: usize| {
                fields
                    .chunks(2)
                    .any(|pair| pair == [name.to_owned(), value.to_string()])
            };
            has("num-slaves", replicas) && has("num-other-sentinels", SENTINELS - 1)
        })
        .await;
        // It judges a replica by what that said last, and asks every ten seconds.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    async fn primary(&self, servers: &[RedisServer]) -> usize {
        let asked = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME);
        let answer: (String, u16) = self
            .ask(asked)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        let known = servers.iter().position(|server| server.port() == answer.1);
        known.unwrap_or_else(|| panic!("the sentinels name a server of no test: {answer:?}"))
    }
}

async fn replica(primary: &str) -> RedisServer {
    let of = format!("127.0.0.1 {primary}");
    let replica =
        RedisServer::start_with(&["--replicaof", &of, "--repl-diskless-sync-delay", "0"]).await;
    until("a replica follows its primary", async || {
        let info = replica.info("replication").await;
        info.get("master_link_status")
            .is_some_and(|status| status == "up")
    })
    .await;
    replica
}
