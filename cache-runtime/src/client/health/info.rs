//! What servers say about themselves, read out of the answer to `INFO`.

use std::collections::HashMap;

use redis::Value;

use super::ServerHealth;

/// What one server says: `name:value` a line.
pub(crate) struct Info<'a>(HashMap<&'a str, &'a str>);

impl<'a> Info<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let lines = text
            .lines()
            .filter_map(|line| line.trim_end().split_once(':'));
        Self(lines.collect())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    fn number(&self, name: &str) -> u64 {
        let number = self.text(name).and_then(|text| text.parse().ok());
        number.unwrap_or(0)
    }

    /// Its version, if what answers is of the kind at all.
    pub(crate) fn version(&self) -> Option<&'a str> {
        self.text("redis_version")
    }
}

/// What each server says: one, or the nodes of a cluster.
pub(crate) fn texts(answer: &Value) -> Vec<String> {
    match answer {
        Value::BulkString(text) => vec![String::from_utf8_lossy(text).into_owned()],
        Value::VerbatimString { text, .. } => vec![text.clone()],
        Value::Map(nodes) => nodes.iter().flat_map(|(_, said)| texts(said)).collect(),
        _ => Vec::new(),
    }
}

/// All servers together; nothing if none of them said anything.
pub(crate) fn measure(answer: &Value, database: u32) -> Option<ServerHealth> {
    let texts = texts(answer);
    let servers = texts
        .iter()
        .map(|text| of_one(&Info::parse(text), database));
    servers.reduce(together)
}

fn of_one(info: &Info<'_>, database: u32) -> ServerHealth {
    let used = info.number("used_memory");
    let limit = Some(info.number("maxmemory")).filter(|limit| *limit != 0);
    let percent = limit.map(|limit| used.saturating_mul(100) / limit);
    let (keys, expiring) = keyspace(info, database);
    ServerHealth {
        version: info.version().unwrap_or_default().to_owned(),
        memory_used: used,
        memory_limit: limit,
        memory_percent: percent.map(|percent| u32::try_from(percent).unwrap_or(u32::MAX)),
        fragmentation: info
            .text("mem_fragmentation_ratio")
            .and_then(|ratio| ratio.parse().ok()),
        keys,
        expiring,
        evicted: info.number("evicted_keys"),
        clients: info.number("connected_clients"),
        max_clients: info.number("maxclients"),
        commands_per_second: info.number("instantaneous_ops_per_sec"),
    }
}

/// A database that holds nothing has no line.
fn keyspace(info: &Info<'_>, database: u32) -> (u64, u64) {
    let line = info.text(&format!("db{database}")).unwrap_or_default();
    let count = |name: &str| {
        let mut fields = line.split(',').filter_map(|field| field.split_once('='));
        let found = fields.find(|(known, _)| *known == name);
        found.and_then(|(_, count)| count.parse().ok()).unwrap_or(0)
    };
    (count("keys"), count("expires"))
}

fn together(one: ServerHealth, other: ServerHealth) -> ServerHealth {
    let numbers = |version: &str| -> Vec<u32> {
        version
            .split('.')
            .map(|part| part.parse().unwrap_or(0))
            .collect()
    };
    let is_older = numbers(&other.version) < numbers(&one.version);
    ServerHealth {
        version: if is_older { other.version } else { one.version },
        memory_used: one.memory_used + other.memory_used,
        memory_limit: one
            .memory_limit
            .zip(other.memory_limit)
            .map(|(one, other)| one + other),
        memory_percent: one.memory_percent.max(other.memory_percent),
        fragmentation: match (one.fragmentation, other.fragmentation) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        },
        keys: one.keys + other.keys,
        expiring: one.expiring + other.expiring,
        evicted: one.evicted + other.evicted,
        clients: one.clients + other.clients,
        max_clients: one.max_clients + other.max_clients,
        commands_per_second: one.commands_per_second + other.commands_per_second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "# Server\r\nredis_version:7.0.15\r\n# Clients\r\nconnected_clients:3\r\n\
        maxclients:10000\r\n# Memory\r\nused_memory:900\r\nmaxmemory:1000\r\n\
        mem_fragmentation_ratio:1.25\r\n# Stats\r\ninstantaneous_ops_per_sec:7\r\n\
        evicted_keys:2\r\n# Keyspace\r\ndb0:keys=5,expires=4,avg_ttl=100\r\ndb3:keys=1,expires=0\r\n";

    fn said(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn one_server() {
        let health = measure(&said(SAID), 0).unwrap();
        assert_eq!(health.version, "7.0.15");
        assert_eq!(
            (health.memory_used, health.memory_limit),
            (900, Some(1_000))
        );
        assert_eq!(
            (health.memory_percent, health.fragmentation),
            (Some(90), Some(1.25))
        );
        assert_eq!((health.keys, health.expiring, health.evicted), (5, 4, 2));
        assert_eq!((health.clients, health.max_clients), (3, 10_000));
        assert_eq!(health.commands_per_second, 7);
        let other = measure(&said(SAID), 3).unwrap();
        assert_eq!((other.keys, other.expiring), (1, 0));
        assert_eq!(measure(&said(SAID), 7).unwrap().keys, 0);
    }

    #[test]
    fn a_server_without_a_limit_has_no_share() {
        let health = measure(&said(&SAID.replace("maxmemory:1000", "maxmemory:0")), 0).unwrap();
        assert_eq!((health.memory_limit, health.memory_percent), (None, None));
    }

    #[test]
    fn the_nodes_of_a_cluster_are_taken_together() {
        let older = SAID
            .replace("7.0.15", "6.2.9")
            .replace("used_memory:900", "used_memory:100");
        let node = |name: &str, text: &str| (said(name), said(text));
        let all = Value::Map(vec![node("a:1", SAID), node("b:2", &older)]);
        let health = measure(&all, 0).unwrap();
        assert_eq!((health.version.as_str(), health.keys), ("6.2.9", 10));
        assert_eq!(
            (health.memory_used, health.memory_limit),
            (1_000, Some(2_000))
        );
        assert_eq!(health.memory_percent, Some(90), "of the fullest");
    }

    #[test]
    fn what_says_nothing_is_not_measured() {
        assert_eq!(measure(&Value::Nil, 0), None);
        assert_eq!(measure(&Value::Map(Vec::new()), 0), None);
        assert_eq!(
            measure(&said("nonsense"), 0).unwrap(),
            ServerHealth::default()
        );
    }
}
