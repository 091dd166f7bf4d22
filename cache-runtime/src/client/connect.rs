//! From settings to what the client library connects by.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_read_routing::RandomReplicaStrategy;
use redis::io::tcp::{TcpSettings, socket2::TcpKeepalive};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, RedisResult,
};
use tokio::time::timeout;

use super::settings::{Address, Login, Settings};
use super::why::Why;

const TLS_IS_MISSING: &str = "connections under TLS need the feature `tls` of cache-runtime";

/// How long the client of a cluster waits for one of its nodes, to connect as to answer: while it
/// learns the slots anew, nothing else is sent to any node.
const NODE_TIME: Duration = Duration::from_secs(1);

/// What this build lacks for these settings, if anything; what is wrong with a certificate shows
/// when it is used.
pub(crate) fn check(settings: &Settings) -> Result<(), &'static str> {
    if settings.tls.is_some() && cfg!(not(feature = "tls")) {
        Err(TLS_IS_MISSING)
    } else {
        Ok(())
    }
}

/// The server at an address, under the settings' login.
pub(super) fn node(settings: &Settings, address: &Address) -> RedisResult<Client> {
    let login = login(&settings.login).set_db(i64::from(settings.database));
    open(settings, info(settings, address)?.set_redis_settings(login))
}

pub(super) fn unix(settings: &Settings, path: &std::path::Path) -> RedisResult<Client> {
    let login = login(&settings.login).set_db(i64::from(settings.database));
    let info = ConnectionAddr::Unix(path.to_owned()).into_connection_info()?;
    Client::open(info.set_redis_settings(login))
}

/// A sentinel, which has a login of its own and no databases.
pub(super) fn sentinel(settings: &Settings, address: &Address, own: &Login) -> RedisResult<Client> {
    open(
        settings,
        info(settings, address)?.set_redis_settings(login(own)),
    )
}

/// The client of all nodes, which learns of the others from those named here.
///
/// It sends nothing twice: what may be sent again, and where, is for [`Cluster`] to judge, which
/// knows that a lease may not be.
///
/// [`Cluster`]: super::cluster::Cluster
pub(super) fn cluster(settings: &Settings, nodes: &[Address]) -> RedisResult<ClusterClient> {
    let infos: RedisResult<Vec<_>> = nodes.iter().map(|node| info(settings, node)).collect();
    let node_time = NODE_TIME.min(settings.connection_timeout);
    let mut builder = ClusterClient::builder(infos?)
        .retries(0)
        .connection_timeout(node_time)
        .response_timeout(NODE_TIME.min(settings.socket_timeout))
        .overall_response_timeout(None)
        .tcp_settings(tcp(settings));
    if let Some(username) = &settings.login.username {
        builder = builder.username(username);
    }
    if let Some(password) = &settings.login.password {
        builder = builder.password(password);
    }
    if settings.replica_reads {
        builder = builder.read_routing_strategy(RandomReplicaStrategy);
    }
    tls::of_cluster(settings, builder).build()
}

/// Opens a connection; the limit is for the socket, the TLS handshake and the login together.
pub(super) async fn connect(client: &Client, time: Duration) -> Result<MultiplexedConnection, Why> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(time))
        .set_response_timeout(None);
    let connect = client.get_multiplexed_async_connection_with_config(&config);
    // The library's own limit covers the socket, not a server that accepts and is silent.
    match timeout(time, connect).await {
        Ok(connected) => connected.map_err(|error| Why::of(&error)),
        Err(_) => Err(Why::silent()),
    }
}

fn open(settings: &Settings, info: ConnectionInfo) -> RedisResult<Client> {
    match &settings.tls {
        Some(given) => tls::of_node(given, info),
        None => Client::open(info),
    }
}

fn info(settings: &Settings, address: &Address) -> RedisResult<ConnectionInfo> {
    check(settings).map_err(|lacking| (ErrorKind::InvalidClientConfig, lacking))?;
    let Address { host, port } = address.clone();
    let addr = if settings.tls.is_some() {
        ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        }
    } else {
        ConnectionAddr::Tcp(host, port)
    };
    let info = addr.into_connection_info()?;
    Ok(info.set_tcp_settings(tcp(settings)))
}

fn tcp(settings: &Settings) -> TcpSettings {
    let probes = TcpKeepalive::new()
        .with_time(settings.keepalive)
        .with_interval(settings.keepalive / 3);
    // Without it a command waits for the answer to the one before wherever there is a network.
    let tcp = TcpSettings::default()
        .set_nodelay(true)
        .set_keepalive(probes);
    #[cfg(target_os = "linux")]
    let tcp = tcp.set_user_timeout(settings.socket_timeout);
    tcp
}

fn login(login: &Login) -> RedisConnectionInfo {
    let mut redis = RedisConnectionInfo::default();
    if let Some(username) = &login.username {
        redis = redis.set_username(username);
    }
    if let Some(password) = &login.password {
        redis = redis.set_password(password);
    }
    redis
}

#[cfg(feature = "tls")]
mod tls {
    use redis::TlsCertificates;
    use redis::cluster::ClusterClientBuilder;
    use redis::{Client, ClientTlsConfig, ConnectionInfo, RedisResult, TlsMode};

    use crate::client::settings::{Settings, Tls};

    pub(super) fn of_node(tls: &Tls, info: ConnectionInfo) -> RedisResult<Client> {
        Client::build_with_tls(info, certificates(tls))
    }

    pub(super) fn of_cluster(
        settings: &Settings,
        builder: ClusterClientBuilder,
    ) -> ClusterClientBuilder {
        match &settings.tls {
            Some(tls) => builder.tls(TlsMode::Secure).certs(certificates(tls)),
            None => builder,
        }
    }

    fn certificates(tls: &Tls) -> TlsCertificates {
        use rustls::crypto::CryptoProvider;

        // A program that links two sets of arithmetic must choose, or rustls panics.
        if CryptoProvider::get_default().is_none() {
            // Fails if another thread has chosen meanwhile, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client_tls = tls.certificate.clone().zip(tls.key.clone());
        TlsCertificates {
            client_tls: client_tls.map(|(client_cert, client_key)| ClientTlsConfig {
                client_cert,
                client_key,
            }),
            root_cert: tls.ca.clone(),
        }
    }
}

/// What needs TLS was refused before.
#[cfg(not(feature = "tls"))]
mod tls {
    use redis::cluster::ClusterClientBuilder;
    use redis::{Client, ConnectionInfo, RedisResult};

    use crate::client::settings::{Settings, Tls};

    pub(super) fn of_node(_: &Tls, info: ConnectionInfo) -> RedisResult<Client> {
        Client::open(info)
    }

    pub(super) fn of_cluster(_: &Settings, builder: ClusterClientBuilder) -> ClusterClientBuilder {
        builder
    }
}

/// Whether a server said so that may only be read from.
pub(super) fn is_read_only(error: &RedisError) -> bool {
    error.code() == Some("READONLY")
}
