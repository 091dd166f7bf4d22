//! From settings to what the client library connects by.

use redis::io::tcp::TcpSettings;
use redis::{Client, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisResult};

use super::settings::{Address, Login, Settings, Topology};

/// A client of the first server that the settings name.
pub(super) fn client(settings: &Settings) -> RedisResult<Client> {
    // Without it a command waits for the answer to the one before wherever there is a network.
    let tcp = TcpSettings::default().set_nodelay(true);
    let info = address(&settings.topology).into_connection_info()?;
    let redis = login(&settings.login).set_db(i64::from(settings.database));
    Client::open(info.set_tcp_settings(tcp).set_redis_settings(redis))
}

fn address(topology: &Topology) -> ConnectionAddr {
    let first = match topology {
        Topology::Unix(path) => return ConnectionAddr::Unix(path.clone()),
        Topology::Node(address) => Some(address),
        Topology::Sentinel { sentinels, .. } => sentinels.first(),
        Topology::Cluster { nodes } => nodes.first(),
    };
    let Address { host, port } = first.cloned().unwrap_or(Address {
        host: "127.0.0.1".to_owned(),
        port: 6379,
    });
    ConnectionAddr::Tcp(host, port)
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
