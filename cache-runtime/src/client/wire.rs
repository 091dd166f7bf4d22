//! What commands go over: the connection to one server, or those to the nodes of a cluster.

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Cmd, Pipeline, RedisResult, Value};

use super::cluster::Cluster;

#[derive(Clone)]
pub(crate) enum Wire {
    Node(MultiplexedConnection),
    Cluster(Cluster),
}

impl Wire {
    pub(crate) async fn send(&self, cmd: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Node(connection) => connection.clone().send_packed_command(cmd).await,
            Self::Cluster(cluster) => cluster.send(cmd).await,
        }
    }

    /// Sends commands together; on a cluster their keys are in one slot.
    pub(crate) async fn send_all(
        &self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        match self {
            Self::Node(connection) => {
                let mut connection = connection.clone();
                connection
                    .send_packed_commands(pipeline, offset, count)
                    .await
            }
            Self::Cluster(cluster) => cluster.send_all(pipeline, offset, count).await,
        }
    }

    /// A sign of life; of a cluster, of any of its primaries.
    pub(super) async fn ping(&self) -> RedisResult<Value> {
        self.ask_any(redis::cmd("PING")).await
    }

    /// What time it is at the server; in a cluster, at any of its primaries.
    pub(super) async fn time(&self) -> RedisResult<Value> {
        self.ask_any(redis::cmd("TIME")).await
    }

    async fn ask_any(&self, cmd: Cmd) -> RedisResult<Value> {
        match self {
            Self::Node(connection) => connection.clone().send_packed_command(&cmd).await,
            Self::Cluster(cluster) => cluster.ask_any(cmd).await,
        }
    }

    pub(super) fn database(&self) -> i64 {
        match self {
            Self::Node(connection) => connection.get_db(),
            Self::Cluster(_) => 0,
        }
    }
}
