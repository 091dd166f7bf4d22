//! Who has which slots of a cluster, by what its nodes say of themselves.

use std::time::Duration;

use futures_util::future::{join_all, select_ok};
use redis::{Cmd, FromRedisValue, Pipeline, Value};
use tokio::time::timeout;

use super::cluster::Cluster;
use super::why::Why;

const SLOTS: usize = 16_384;
/// How long one of them may take to say what it runs as.
const RUN: Duration = Duration::from_millis(500);
/// How many of its primaries, taken at random, are asked at once.
const ASKED: usize = 3;

/// The primaries of a cluster that have slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout(pub(crate) Vec<Primary>);

/// A primary, and what it says it has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Primary {
    id: String,
    /// One of its slots, by which it is reached.
    slot: u16,
    /// All of them, and those that are on the move, as it says it.
    slots: Vec<String>,
    epoch: String,
}

impl Layout {
    /// What one of the nodes holds to be true.
    async fn by_one(cluster: &Cluster) -> Result<Self, Why> {
        let text = cluster.ask_any(nodes()).await;
        let text = text.map_err(|error| Why::of(&error))?;
        let mut known = primaries(&text_of(text)?);
        // A node says of no other what is on the move, and may be another the next time.
        for primary in &mut known {
            primary.slots.retain(|slot| !slot.starts_with('['));
        }
        known.sort();
        Ok(Self(known))
    }

    /// What each primary says of itself. It fails while they do not have all slots together.
    pub(super) async fn by_all(cluster: &Cluster) -> Result<Self, Why> {
        let known = Self::by_one(cluster).await?.0;
        let asked = known.iter().map(|primary| primary.describe_itself(cluster));
        let said = join_all(asked).await;
        let mut said = said.into_iter().collect::<Result<Vec<_>, _>>()?;
        said.sort();
        let layout = Self(said);
        if layout.is_whole() {
            Ok(layout)
        } else {
            Err(Why::new("the cluster's slots are not all served"))
        }
    }

    fn is_whole(&self) -> bool {
        let ranges = self.0.iter().flat_map(|primary| &primary.slots);
        let count = |(first, last): (u16, u16)| usize::from(last.saturating_sub(first)) + 1;
        ranges
            .filter_map(|text| range(text))
            .map(count)
            .sum::<usize>()
            == SLOTS
    }

    /// Whether keys are on their way from one node to another, so that one may have been missed at
    /// both.
    pub(crate) fn is_moving(&self) -> bool {
        let mut slots = self.0.iter().flat_map(|primary| &primary.slots);
        slots.any(|slot| slot.starts_with('['))
    }

    /// What the first of several to answer holds to be true: one that says nothing is not asked
    /// alone.
    pub(super) async fn by_any(cluster: &Cluster) -> Result<Self, Why> {
        let asked = [(); ASKED].map(|()| Box::pin(Self::by_one(cluster)));
        Ok(select_ok(asked).await?.0)
    }

    /// What each primary runs as, to notice a restart; nothing for one that can't be asked.
    pub(super) async fn with_runs(self, cluster: &Cluster) -> Vec<(Primary, Run)> {
        let run = async |primary: &Primary| match timeout(RUN, primary.run(cluster)).await {
            Ok(run) => run.map_or(Run::Unknown, Run::As),
            Err(_) => Run::Silent,
        };
        let runs = join_all(self.0.iter().map(run)).await;
        self.0.into_iter().zip(runs).collect()
    }
}

/// What a primary runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Run {
    As(String),
    Unknown,
    /// It takes what it is asked, and says nothing.
    Silent,
}

impl Primary {
    /// Sends a command to this very node, and fails if another has answered.
    pub(super) async fn ask(&self, cluster: &Cluster, cmd: Cmd) -> Result<Value, Why> {
        let mut identity = redis::cmd("CLUSTER");
        identity.arg("MYID");
        let mut both = Pipeline::with_capacity(2);
        both.add_command(identity).add_command(cmd);
        let answers = cluster.ask_primary_of(self.slot, both).await;
        let mut answers = answers.map_err(|error| Why::of(&error))?.into_iter();
        let is_it = answers.next().map(text_of).transpose()?.as_ref() == Some(&self.id);
        let answer = answers.next().filter(|_| is_it);
        answer.ok_or_else(|| Why::new("a slot of the cluster is elsewhere now"))
    }

    async fn describe_itself(&self, cluster: &Cluster) -> Result<Self, Why> {
        let text = text_of(self.ask(cluster, nodes()).await?)?;
        let mut own = text.lines().filter(|line| line.contains("myself"));
        let own = own.next().and_then(|line| primaries(line).pop());
        own.ok_or_else(|| Why::new("a node of the cluster has no slots any more"))
    }

    async fn run(&self, cluster: &Cluster) -> Option<String> {
        let mut info = redis::cmd("INFO");
        info.arg("server");
        let text = text_of(self.ask(cluster, info).await.ok()?).ok()?;
        let mut run = text.lines().filter_map(|line| line.strip_prefix("run_id:"));
        run.next().map(str::to_owned)
    }
}

fn nodes() -> Cmd {
    let mut nodes = redis::cmd("CLUSTER");
    nodes.arg("NODES");
    nodes
}

fn text_of(answer: Value) -> Result<String, Why> {
    String::from_redis_value(answer).map_err(|_| Why::new("a node's answer can't be read"))
}

/// The primaries with slots in what `CLUSTER NODES` says: `id address flags primary-or-dash
/// ping-sent pong-received epoch state slot..`, where `[12->-id]` is a slot on the move.
fn primaries(text: &str) -> Vec<Primary> {
    let primary = |line: &str| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let slots: Vec<_> = fields
            .get(8..)?
            .iter()
            .map(|&slot| slot.to_owned())
            .collect();
        let is_primary = fields[2].split(',').any(|flag| flag == "master");
        let slot = slots.iter().find_map(|slot| range(slot))?.0;
        is_primary.then(|| Primary {
            id: fields[0].to_owned(),
            slot,
            slots,
            epoch: fields[6].to_owned(),
        })
    };
    text.lines().filter_map(primary).collect()
}

fn range(slots: &str) -> Option<(u16, u16)> {
    let (first, last) = slots.split_once('-').unwrap_or((slots, slots));
    Some((first.parse().ok()?, last.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: &str = "\
a1 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-99 200 [300->-b2]
b2 127.0.0.1:7001@17001,host master - 0 17 4 connected 100-199 201-16383
c3 127.0.0.1:7002@17002 slave b2 0 18 4 connected
d4 127.0.0.1:7003@17003 master,fail - 0 18 2 disconnected
";

    #[test]
    fn reads_who_has_which_slots() {
        let layout = Layout(primaries(NODES));
        let ids: Vec<_> = layout.0.iter().map(|one| (&*one.id, one.slot)).collect();
        assert_eq!(ids, [("a1", 0), ("b2", 100)], "only those with slots");
        assert!(layout.is_whole() && layout.is_moving());
        let part = Layout(primaries(&NODES.replace(" 200 ", " ")));
        assert!(!part.is_whole());
        let settled = Layout(primaries(&NODES.replace("[300->-b2]", "")));
        assert!(!settled.is_moving());
    }
}
