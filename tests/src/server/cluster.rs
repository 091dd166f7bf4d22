//! A cluster of a test's own: primaries, replicas, and slots that move.

use std::time::{Duration, Instant};

use redis::{FromRedisValue, ToRedisArgs, Value};

use super::RedisServer;
use crate::port;

const SLOTS: u16 = 16_384;
const PATIENCE: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// After so many milliseconds of silence a node counts as failed.
const NODE_TIMEOUT: &str = "1000";

/// The nodes of a Redis cluster, each stopped when the handle is dropped.
///
/// ```no_run
/// use cache_tests::RedisCluster;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let cluster = RedisCluster::start(3, 0).await;
/// let slot = cluster.slot_of("greeting").await;
/// let (from, to) = (cluster.owner_of(slot).await, 2);
/// cluster.move_slot(slot, from, to).await;
/// assert_eq!(cluster.owner_of(slot).await, to);
/// # }
/// ```
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
    ids: Vec<String>,
}

impl RedisCluster {
    /// Starts so many primaries, which share the slots, and so many replicas of each; of `n`
    /// primaries, node `i + n` is the first replica of node `i`.
    pub async fn start(primaries: usize, replicas: usize) -> Self {
        let mut nodes = Vec::new();
        for _ in 0..primaries * (1 + replicas) {
            nodes.push(node().await);
        }
        let mut ids = Vec::new();
        for node in &nodes {
            ids.push(node.command(("CLUSTER", "MYID")).await);
        }
        let cluster = Self { nodes, ids };
        cluster.hand_out_slots(primaries).await;
        cluster.introduce().await;
        for replica in primaries..cluster.nodes.len() {
            cluster.follow(replica, replica % primaries).await;
        }
        cluster.settled().await;
        cluster
    }

    async fn hand_out_slots(&self, primaries: usize) {
        let first = |node: usize| usize::from(SLOTS) * node / primaries;
        for (index, node) in self.nodes.iter().enumerate() {
            let () = node
                .command(("CLUSTER", "SET-CONFIG-EPOCH", index + 1))
                .await;
            if index < primaries {
                let (first, end) = (first(index), first(index + 1));
                let all = ("CLUSTER", "ADDSLOTSRANGE", first, end - 1);
                let () = node.command(all).await;
            }
        }
    }

    async fn introduce(&self) {
        for node in &self.nodes[1..] {
            let bus: (String, u16) = node.command(("CONFIG", "GET", "cluster-port")).await;
            let meet = ("CLUSTER", "MEET", "127.0.0.1", node.port(), bus.1);
            let () = self.nodes[0].command(meet).await;
        }
        let known = format!("cluster_known_nodes:{}\r\n", self.nodes.len());
        for node in &self.nodes {
            until("the nodes know each other", async || {
                node.command::<String>(("CLUSTER", "INFO"))
                    .await
                    .contains(&known)
            })
            .await;
        }
    }

    async fn follow(&self, replica: usize, primary: usize) {
        let node = &self.nodes[replica];
        let () = node
            .command(("CLUSTER", "REPLICATE", &self.ids[primary]))
            .await;
        until("a replica follows its primary", async || {
            let info = node.info("replication").await;
            info.get("master_link_status")
                .is_some_and(|status| status == "up")
        })
        .await;
    }

    /// Waits until every node that answers serves all slots.
    pub async fn settled(&self) {
        for index in 0..self.nodes.len() {
            until("the cluster serves all slots", async || {
                match self.try_command::<String>(index, ("CLUSTER", "INFO")).await {
                    Some(info) => info.contains("cluster_state:ok"),
                    None => true,
                }
            })
            .await;
        }
    }

    /// What a client connects to: `redis-cluster://..`, all nodes named.
    pub fn url(&self) -> String {
        let nodes: Vec<_> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port()))
            .collect();
        format!("redis-cluster://{}", nodes.join(","))
    }

    /// One of its nodes.
    pub fn node(&self, index: usize) -> &RedisServer {
        &self.nodes[index]
    }

    /// One of its nodes, to be ended or started anew.
    pub fn node_mut(&mut self, index: usize) -> &mut RedisServer {
        &mut self.nodes[index]
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: a cluster has a node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The slot of a key.
    pub async fn slot_of(&self, key: &str) -> u16 {
        self.nodes[0].command(("CLUSTER", "KEYSLOT", key)).await
    }

    /// Which node serves a slot, by the first that answers.
    pub async fn owner_of(&self, slot: u16) -> usize {
        for index in 0..self.nodes.len() {
            let Some(nodes) = self
                .try_command::<String>(index, ("CLUSTER", "NODES"))
                .await
            else {
                continue;
            };
            if let Some(id) = nodes.lines().find_map(|line| owner(line, slot)) {
                let known = self.ids.iter().position(|known| known == id);
                return known.unwrap_or_else(|| panic!("an unknown node has slot {slot}"));
            }
        }
        panic!("no node says who has slot {slot}");
    }

    /// Moves a slot with its keys from one node to another, as `redis-cli` does.
    pub async fn move_slot(&self, slot: u16, from: usize, to: usize) {
        self.begin_move(slot, from, to).await;
        self.move_keys(slot, from, to).await;
        self.end_move(slot, from, to).await;
    }

    /// Says that a slot is on the move; its keys stay until they are moved.
    pub async fn begin_move(&self, slot: u16, from: usize, to: usize) {
        let (source, target) = (&self.ids[from], &self.ids[to]);
        let importing = ("CLUSTER", "SETSLOT", slot, "IMPORTING", source);
        let () = self.nodes[to].command(importing).await;
        let migrating = ("CLUSTER", "SETSLOT", slot, "MIGRATING", target);
        let () = self.nodes[from].command(migrating).await;
    }

    /// Moves the keys of a slot that is on the move.
    pub async fn move_keys(&self, slot: u16, from: usize, to: usize) {
        loop {
            let some = ("CLUSTER", "GETKEYSINSLOT", slot, 100);
            let keys: Vec<String> = self.nodes[from].command(some).await;
            if keys.is_empty() {
                return;
            }
            let mut words = vec!["MIGRATE".to_owned(), "127.0.0.1".to_owned()];
            words.push(self.nodes[to].port().to_string());
            words.extend(["", "0", "5000", "REPLACE", "KEYS"].map(str::to_owned));
            words.extend(keys);
            let _: Value = self.nodes[from].command(words).await;
        }
    }

    /// Ends the move of a slot: its new owner tells everybody.
    pub async fn end_move(&self, slot: u16, from: usize, to: usize) {
        let owner = ("CLUSTER", "SETSLOT", slot, "NODE", &self.ids[to]);
        let () = self.nodes[to].command(owner).await;
        let () = self.nodes[from].command(owner).await;
    }

    /// Runs a command on a node, which may be gone.
    async fn try_command<T: FromRedisValue>(
        &self,
        index: usize,
        words: impl ToRedisArgs,
    ) -> Option<T> {
        let mut connection = super::connect::to(&self.nodes[index].url()).await.ok()?;
        let mut command = redis::Cmd::new();
        command.arg(words);
        command.query_async(&mut connection).await.ok()
    }
}

async fn node() -> RedisServer {
    let bus = port::free().to_string();
    RedisServer::start_with(&[
        "--cluster-enabled",
        "yes",
        "--cluster-port",
        &bus,
        "--cluster-node-timeout",
        NODE_TIMEOUT,
        "--cluster-replica-validity-factor",
        "0",
        "--repl-diskless-sync-delay",
        "0",
    ])
    .await
}

/// The node of a line of `CLUSTER NODES`, if it is the primary of this slot.
fn owner(line: &str, slot: u16) -> Option<&str> {
    let mut fields = line.split_ascii_whitespace();
    let id = fields.next()?;
    let has_it = fields.skip(7).any(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let bounds = (first.parse::<u16>(), last.parse::<u16>());
        matches!(bounds, (Ok(first), Ok(last)) if (first..=last).contains(&slot))
    });
    has_it.then_some(id)
}

pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "waited too long until {what}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
