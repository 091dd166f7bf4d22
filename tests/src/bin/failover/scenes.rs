//! What happens to the servers.

use std::time::{Duration, Instant};

use cache_runtime::Cache;
use cache_tests::{RedisCluster, RedisServer, SentinelSet};

use crate::load::{Felt, KEYS, Load, key_of};

/// The sentinels have a server close its connections when they make it a primary.
const AFTER_PROMOTION: Duration = Duration::from_millis(100);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

#[derive(Clone, Copy)]
pub(super) enum Scene {
    /// The only server is killed, and started anew half a second later.
    Restart,
    /// The primary under sentinels is killed.
    Sentinel,
    /// The sentinels make another server the primary, while the first still answers.
    Switch,
    /// A primary of a cluster is killed.
    Cluster,
    /// A primary of a cluster says nothing any more, and keeps its connections.
    Silence,
    /// Slots move from one primary to another.
    Slots,
}

impl Scene {
    pub(super) const ALL: [Self; 6] = [
        Self::Restart,
        Self::Sentinel,
        Self::Switch,
        Self::Cluster,
        Self::Silence,
        Self::Slots,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Sentinel => "sentinel",
            Self::Switch => "switch",
            Self::Cluster => "cluster",
            Self::Silence => "silence",
            Self::Slots => "slots",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scene| scene.name() == name)
    }

    /// Within what time of the first answer hits have to be back.
    pub(super) fn limit(self) -> Duration {
        match self {
            Self::Restart | Self::Sentinel | Self::Switch => Duration::from_secs(2),
            Self::Cluster | Self::Silence | Self::Slots => Duration::from_secs(5),
        }
    }

    /// Runs the scene under load, so long in all.
    pub(super) async fn run(self, time: Duration) -> Felt {
        match self {
            Self::Restart => restart(time).await,
            Self::Sentinel => sentinel(time).await,
            Self::Switch => switch(time).await,
            Self::Cluster => cluster(time, RedisServer::kill).await,
            Self::Silence => cluster(time, |server| server.pause()).await,
            Self::Slots => slots(time).await,
        }
    }
}

fn at(url: &str) -> Cache {
    let built = Cache::builder().redis_url(url).build();
    built.unwrap_or_else(|error| panic!("{error}"))
}

async fn rest_of(time: Duration, start: Instant) {
    tokio::time::sleep(time.saturating_sub(start.elapsed())).await;
}

async fn restart(time: Duration) -> Felt {
    let mut only = RedisServer::start().await;
    let load = Load::start(at(&only.url()), everything()).await;
    let broken = Instant::now();
    only.kill();
    tokio::time::sleep(Duration::from_millis(500)).await;
    only.restart().await;
    let serves = Instant::now();
    rest_of(time, broken).await;
    load.end(broken, serves).await
}

async fn sentinel(time: Duration) -> Felt {
    let mut set = SentinelSet::start(2).await;
    let load = Load::start(at(&set.url()), everything()).await;
    let broken = Instant::now();
    set.server_mut(0).kill();
    let serves = promoted(&[set.server(1), set.server(2)]).await;
    rest_of(time, broken).await;
    load.end(broken, serves).await
}

async fn switch(time: Duration) -> Felt {
    let set = SentinelSet::start(1).await;
    let load = Load::start(at(&set.url()), everything()).await;
    let (broken, new) = (Instant::now(), set.server(1));
    set.fail_over().await;
    let serves = promoted(&[new]).await;
    tokio::time::sleep(AFTER_PROMOTION).await;
    // What is written to the old one, which goes on answering, is lost.
    while new.calls("get").await + new.calls("mget").await == 0 && broken.elapsed() < time {
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    let used = serves.elapsed();
    rest_of(time, broken).await;
    load.end(broken, serves).await.later_by(used)
}

/// When one of the servers first says that it is a primary.
async fn promoted(servers: &[&RedisServer]) -> Instant {
    loop {
        for server in servers {
            if server.is_primary().await {
                return Instant::now();
            }
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn cluster(time: Duration, end: impl Fn(&mut RedisServer)) -> Felt {
    let mut cluster = RedisCluster::start(3, 1).await;
    let mut lost = Vec::new();
    for id in everything() {
        let slot = cluster.slot_of(&key_of(id)).await;
        if cluster.owner_of(slot).await == 0 {
            lost.push(id);
        }
    }
    let load = Load::start(at(&cluster.url()), lost).await;
    let broken = Instant::now();
    end(cluster.node_mut(0));
    let serves = promoted(&[cluster.node(3)]).await;
    rest_of(time, broken).await;
    load.end(broken, serves).await
}

async fn slots(time: Duration) -> Felt {
    let cluster = RedisCluster::start(3, 0).await;
    let (mut moved, mut slots) = (Vec::new(), Vec::new());
    for id in everything() {
        let slot = cluster.slot_of(&key_of(id)).await;
        if cluster.owner_of(slot).await == 0 {
            moved.push(id);
            slots.push(slot);
        }
    }
    let load = Load::start(at(&cluster.url()), moved).await;
    let broken = Instant::now();
    for slot in slots {
        cluster.move_slot(slot, 0, 1).await;
    }
    let serves = Instant::now();
    rest_of(time, broken).await;
    load.end(broken, serves).await
}

fn everything() -> Vec<u64> {
    (0..KEYS).collect()
}
