//! How Redis is reached, for people: without secrets.

use std::fmt;

use crate::client::{Address, Login, Settings, Topology};

impl Settings {
    /// The address of the servers, with `***` for a password.
    pub(crate) fn redacted_url(&self) -> String {
        let login = redacted(&self.login);
        let (database, tls) = (self.database, self.tls.is_some());
        let path = if database == 0 {
            String::new()
        } else {
            format!("/{database}")
        };
        let query = if tls { "?tls=true" } else { "" };
        match &self.topology {
            Topology::Node(address) => {
                let scheme = if tls { "rediss" } else { "redis" };
                format!(
                    "{scheme}://{login}{}{path}",
                    list(std::slice::from_ref(address))
                )
            }
            Topology::Unix(at) if database == 0 => format!("unix://{login}{}", at.display()),
            Topology::Unix(at) => format!("unix://{login}{}?db={database}", at.display()),
            Topology::Sentinel {
                sentinels, primary, ..
            } => {
                format!(
                    "redis-sentinel://{login}{}/{primary}{path}{query}",
                    list(sentinels)
                )
            }
            Topology::Cluster { nodes } => {
                format!("redis-cluster://{login}{}{query}", list(nodes))
            }
        }
    }
}

fn redacted(login: &Login) -> String {
    let username = login.username.as_deref().unwrap_or_default();
    match &login.password {
        Some(_) => format!("{username}:***@"),
        None if username.is_empty() => String::new(),
        None => format!("{username}@"),
    }
}

fn list(addresses: &[Address]) -> String {
    let all: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    all.join(",")
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]:{}", self.host, self.port)
        } else {
            write!(out, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tls = self.tls.as_ref();
        out.debug_struct("Settings")
            .field("url", &self.redacted_url())
            .field("ca", &tls.is_some_and(|tls| tls.ca.is_some()))
            .field("certificate", &tls.is_some_and(|tls| tls.certificate.is_some()))
            .field("key", &tls.is_some_and(|tls| tls.key.is_some()))
            .field("sentinel_login", &matches!(&self.topology, Topology::Sentinel { login, .. } if login.password.is_some()))
            .field("connection_timeout", &self.connection_timeout)
            .field("socket_timeout", &self.socket_timeout)
            .field("min_connections", &self.min_connections)
            .field("max_connections", &self.max_connections)
            .field("keepalive", &self.keepalive)
            .field("max_retries", &self.max_retries)
            .field("retry_backoff", &self.retry_backoff)
            .field("health_interval", &self.health_interval)
            .field("max_health_failures", &self.max_health_failures)
            .field("replica_reads", &self.replica_reads)
            .finish_non_exhaustive()
    }
}
