//! What a setting may be.

use std::sync::Arc;
use std::time::Duration;

use redis::IntoConnectionInfo;
use redis::io::tcp::TcpSettings;

use super::config::Backend;
use super::given::Given;
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
    match client(&url) {
        Ok(client) if known => Backend::Redis(client),
        _ => {
            errors.push(format!(
                "`{name}` must be `redis://[user:password@]host[:port][/db]` or \
                 `unix:///path[?db=1]`"
            ));
            Backend::Memory
        }
    }
}

fn client(url: &str) -> redis::RedisResult<redis::Client> {
    // Without it a command waits for the answer to the one before wherever there is a network.
    let tcp = TcpSettings::default().set_nodelay(true);
    redis::Client::open(url.into_connection_info()?.set_tcp_settings(tcp))
}
