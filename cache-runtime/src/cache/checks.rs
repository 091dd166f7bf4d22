//! What a setting may be.

use std::sync::Arc;
use std::time::Duration;

use redis::{ConnectionAddr, IntoConnectionInfo};

use super::config::Backend;
use super::given::Given;
use crate::client::{Address, Login, Settings, Topology};
use crate::key::escaped;

pub(super) fn positive(
    given: &Given<Duration>,
    otherwise: Duration,
    errors: &mut Vec<String>,
) -> Duration {
    let Some((time, name)) = given.0 else {
        return otherwise;
    };
    if time.is_zero() {
        errors.push(format!("`{name}` must be longer than zero"));
    }
    time
}

/// The separator is part of the prefix; inside the name it is escaped, so that no namespace can
/// be continued into another's keys.
pub(super) fn namespace(given: Given<String>, errors: &mut Vec<String>) -> Arc<str> {
    let Some((text, name)) = given.0 else {
        return Arc::from("");
    };
    if text.is_empty() {
        errors.push(format!("`{name}` must not be empty: leave it out for none"));
    }
    Arc::from(format!("{}:", escaped(&text)))
}

/// The message never quotes the address: it may hold a password.
pub(super) fn backend(given: Given<String>, errors: &mut Vec<String>) -> Backend {
    let Some((url, name)) = given.0 else {
        return Backend::Memory;
    };
    let known = ["redis://", "unix://"]
        .iter()
        .any(|scheme| url.starts_with(scheme));
    match settings(&url) {
        Some(settings) if known => Backend::Redis(Box::new(settings)),
        _ => {
            errors.push(format!(
                "`{name}` must be `redis://[user:password@]host[:port][/db]` or \
                 `unix:///path[?db=1]`"
            ));
            Backend::Memory
        }
    }
}

fn settings(url: &str) -> Option<Settings> {
    let info = url.into_connection_info().ok()?;
    let topology = match info.addr() {
        ConnectionAddr::Tcp(host, port) => Topology::Node(Address {
            host: host.clone(),
            port: *port,
        }),
        ConnectionAddr::Unix(path) => Topology::Unix(path.clone()),
        _ => return None,
    };
    let redis = info.redis_settings();
    let login = Login {
        username: redis.username().map(str::to_owned),
        password: redis.password().map(str::to_owned),
    };
    Some(Settings {
        topology,
        login,
        database: redis.db().try_into().ok()?,
        ..Settings::default()
    })
}
