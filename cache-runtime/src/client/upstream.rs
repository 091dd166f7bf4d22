//! What the settings lead to: one server, whichever the sentinels name, or a cluster.

use std::sync::Arc;
use std::time::Duration;

use redis::Client;
use redis::cluster::{ClusterClient, ClusterConfig};

use super::cluster::Cluster;
use super::connect::{self, connect};
use super::sentinel::Sentinels;
use super::settings::{Address, Settings, Topology};
use super::tally::{Counted, Tally};
use super::why::Why;
use super::wire::Wire;

/// What there is to connect to, and what has come of it.
pub(crate) struct Upstream {
    settings: Settings,
    way: Result<Way, Why>,
    tally: Arc<Tally>,
}

enum Way {
    Node(Client),
    Sentinels(Sentinels),
    Cluster(Box<ClusterClient>),
}

/// A connection, and where it goes if the sentinels have said so.
pub(super) struct Connected {
    pub(super) wire: Wire,
    pub(super) primary: Option<Address>,
    pub(super) counted: Counted,
}

impl Upstream {
    pub(crate) fn new(settings: &Settings) -> Self {
        let way = match &settings.topology {
            Topology::Node(address) => connect::node(settings, address).map(Way::Node),
            Topology::Unix(path) => connect::unix(settings, path).map(Way::Node),
            Topology::Sentinel {
                sentinels,
                login,
                primary,
            } => Sentinels::new(settings, sentinels, login, primary).map(Way::Sentinels),
            Topology::Cluster { nodes } => connect::cluster(settings, nodes)
                .map(Box::new)
                .map(Way::Cluster),
        };
        Self {
            settings: settings.clone(),
            way: way.map_err(|error| Why::of(&error)),
            tally: Arc::default(),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.settings.topology, Topology::Cluster { .. })
    }

    /// A connection that many share, within the time that connecting may take.
    pub(super) async fn connect(&self) -> Result<Connected, Why> {
        self.counting(self.open(Sharing::Many)).await
    }

    /// One for a single user, whose commands may take as long as they like.
    pub(super) async fn connect_alone(&self) -> Result<Connected, Why> {
        self.counting(self.open(Sharing::Nobody)).await
    }

    async fn counting(
        &self,
        opening: impl Future<Output = Result<(Wire, Option<Address>), Why>>,
    ) -> Result<Connected, Why> {
        let time = self.settings.connection_timeout;
        let opened = tokio::time::timeout(time, opening).await;
        match opened.unwrap_or_else(|_| Err(Why::silent())) {
            Ok((wire, primary)) => Ok(Connected {
                wire,
                primary,
                counted: self.tally.opened(),
            }),
            Err(why) => {
                self.tally.failed();
                Err(why)
            }
        }
    }

    async fn open(&self, sharing: Sharing) -> Result<(Wire, Option<Address>), Why> {
        let time = self.settings.connection_timeout;
        match self.way.as_ref().map_err(Why::clone)? {
            Way::Node(client) => Ok((Wire::Node(connect(client, time).await?), None)),
            Way::Sentinels(sentinels) => {
                let address = sentinels.primary().await?;
                let wire = Wire::Node(self.connect_to_primary(&address, time).await?);
                Ok((wire, Some(address)))
            }
            Way::Cluster(client) => {
                let opening = async {
                    match sharing {
                        Sharing::Many => client.get_async_connection().await,
                        // Without a limit of its own: it may be for blocking commands.
                        Sharing::Nobody => {
                            let config = ClusterConfig::new();
                            client.get_async_connection_with_config(config).await
                        }
                    }
                };
                let connection = opening.await.map_err(|error| Why::of(&error))?;
                let cluster = Cluster::new(connection, self.settings.clone());
                Ok((Wire::Cluster(cluster), None))
            }
        }
    }

    /// A sentinel may be behind, or ahead: until the server itself says so, it is no primary.
    async fn connect_to_primary(
        &self,
        address: &Address,
        time: Duration,
    ) -> Result<redis::aio::MultiplexedConnection, Why> {
        let client = connect::node(&self.settings, address).map_err(|error| Why::of(&error))?;
        let mut connection = connect(&client, time).await?;
        let role = connection.send_packed_command(&redis::cmd("ROLE")).await;
        let role = role.and_then(redis::Value::extract_error);
        let role = role.map_err(|error| Why::of(&error))?;
        let redis::Value::Array(role) = role else {
            return Err(Why::new("the answer to ROLE can't be read"));
        };
        match role.first() {
            Some(redis::Value::BulkString(role)) if role == b"master" => Ok(connection),
            _ => Err(Why::new("the server that the sentinels name is no primary")),
        }
    }

    /// Where the sentinels say that the primary is now; nothing where there are none, or none
    /// that answers.
    pub(super) async fn primary_now(&self) -> Option<Address> {
        match &self.way {
            Ok(Way::Sentinels(sentinels)) => sentinels.primary().await.ok(),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
enum Sharing {
    Many,
    Nobody,
}
