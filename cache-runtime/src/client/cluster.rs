//! A cluster: the client library knows its slots and nodes, and this knows what may be sent again.
//!
//! The library is told to send nothing twice. After an answer that says "not here" (`MOVED`,
//! `ASK`) a command was surely not executed, so it is sent again, to where the answer points. What
//! ends in a broken connection may have been executed, and is for the caller to judge: a lease
//! that is sent twice could revive an old load.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, Slot, SlotAddr};
use redis::{Cmd, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};

use super::connect;
use super::settings::{Address, Settings};

/// How often a command follows a pointer; two nodes may point at each other.
const HOPS: usize = 5;

/// The connections to a cluster.
#[derive(Clone)]
pub(crate) struct Cluster {
    connection: ClusterConnection,
    aside: Arc<Aside>,
}

/// Connections to nodes that an answer has pointed at and the library need not know yet: one that
/// takes its first slots over is in no map of slots.
struct Aside {
    settings: Settings,
    known: Mutex<HashMap<String, MultiplexedConnection>>,
}

/// Where an answer points.
enum Pointer {
    /// The slot has moved; the library learns the slots anew before it sends anything else.
    Moved(Address),
    /// The slot is moving, and this key has.
    Ask(Address),
}

impl Cluster {
    pub(super) fn new(connection: ClusterConnection, settings: Settings) -> Self {
        let aside = Aside {
            settings,
            known: Mutex::default(),
        };
        Self {
            connection,
            aside: Arc::new(aside),
        }
    }

    /// Sends one command to the primary of its key and follows where the answers point.
    ///
    /// In a box that hides its type, as all here: it is a part of users' futures, and so deep that
    /// rustc would give up on whether they are `Send`.
    pub(super) fn send<'a>(&'a self, cmd: &'a Cmd) -> BoxFuture<'a, RedisResult<Value>> {
        Box::pin(self.follow(cmd))
    }

    async fn follow(&self, cmd: &Cmd) -> RedisResult<Value> {
        let mut answer = self.route(cmd).await;
        for hop in 0..HOPS {
            let pointer = match &answer {
                Err(error) => pointer(error),
                Ok(_) => None,
            };
            answer = match pointer {
                None => return answer,
                Some(Pointer::Moved(_)) if hop == 0 => self.route(cmd).await,
                Some(Pointer::Moved(address)) => self.aside.send(&address, cmd, false).await,
                Some(Pointer::Ask(address)) => self.aside.send(&address, cmd, true).await,
            };
        }
        answer
    }

    async fn route(&self, cmd: &Cmd) -> RedisResult<Value> {
        let mut connection = self.connection.clone();
        connection.req_packed_command(cmd).await?.extract_error()
    }

    /// Sends commands together, once: if a part was executed, all would be executed again.
    pub(super) async fn send_all(
        &self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        let mut connection = self.connection.clone();
        connection
            .req_packed_commands(pipeline, offset, count)
            .await
    }

    /// Sends a command to some primary.
    pub(super) fn ask_any(&self, cmd: Cmd) -> BoxFuture<'static, RedisResult<Value>> {
        let any = RoutingInfo::SingleNode(SingleNodeRoutingInfo::RandomPrimary);
        let mut connection = self.connection.clone();
        Box::pin(async move { connection.route_command(cmd, any).await?.extract_error() })
    }

    /// Sends commands together to the primary of a slot, or, while that is away, to whichever node
    /// the library takes instead: the answers have to tell.
    pub(super) fn ask_primary_of(
        &self,
        slot: u16,
        pipeline: Pipeline,
    ) -> BoxFuture<'static, RedisResult<Vec<Value>>> {
        let slot = Slot::new(slot).map(|slot| Route::with_slot(slot, SlotAddr::Master));
        let count = pipeline.len();
        let mut connection = self.connection.clone();
        Box::pin(async move {
            let answers = connection.route_pipeline(pipeline, 0, count, slot.into());
            let answers = answers.await?.into_iter();
            answers.map(Value::extract_error).collect()
        })
    }
}

impl Aside {
    async fn send(&self, address: &Address, cmd: &Cmd, asking: bool) -> RedisResult<Value> {
        let name = format!("{}:{}", address.host, address.port);
        let known = self.known.lock().get(&name).cloned();
        let mut connection = match known {
            Some(connection) => connection,
            None => self.connect(address, &name).await?,
        };
        let answer = if asking {
            // Together: on a shared connection another command could come between.
            let mut both = Pipeline::with_capacity(2);
            both.cmd("ASKING").add_command(cmd.clone());
            let answers = connection.send_packed_commands(&both, 1, 1).await;
            answers.map(|mut answers| answers.pop().unwrap_or(Value::Nil))
        } else {
            connection.send_packed_command(cmd).await
        };
        if answer.is_err() {
            self.known.lock().remove(&name);
        }
        answer?.extract_error()
    }

    async fn connect(&self, address: &Address, name: &str) -> RedisResult<MultiplexedConnection> {
        let client = connect::node(&self.settings, address)?;
        let connected = connect::connect(&client, self.settings.connection_timeout).await;
        let connection = connected.map_err(|why| {
            std::io::Error::new(std::io::ErrorKind::NotConnected, why.to_string())
        })?;
        self.known
            .lock()
            .insert(name.to_owned(), connection.clone());
        Ok(connection)
    }
}

fn pointer(error: &RedisError) -> Option<Pointer> {
    let kind = match error.kind() {
        redis::ErrorKind::Server(ServerErrorKind::Moved) => Pointer::Moved,
        redis::ErrorKind::Server(ServerErrorKind::Ask) => Pointer::Ask,
        _ => return None,
    };
    let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
    // No host means the one that answered, which nobody says here: the next try finds it.
    let port = port.parse().ok().filter(|_| !host.is_empty())?;
    let host = host.to_owned();
    Some(kind(Address { host, port }))
}
