//! From single settings to how Redis is reached, and the rules that tie several of them together.

use super::Backend;
use super::layers::{Layers, Rank};
use super::resolve::Resolver;
use super::table::{
    CONNECTION_TIMEOUT, DATABASES, DB, HEALTH_INTERVAL, HOST, KEEPALIVE, MAX_CONNECTIONS,
    MAX_HEALTH_FAILURES, MIN_CONNECTIONS, PASSWORD, PASSWORD_FILE, PORT, REPLICA_READS, Row,
    SENTINEL_PASSWORD, SENTINEL_USERNAME, SOCKET_TIMEOUT, SSL, SSL_CA_CERT, SSL_CERT, SSL_KEY,
    Setting, URL, USERNAME,
};
use super::url::{self, Parsed, Place};
use crate::client::{Address, Login, Settings, Tls, Topology, check};
use crate::retry::Retries;

/// Whoever sets one of these means a server.
static NAMING: [&Row; 8] = [
    &URL.row,
    &HOST.row,
    &PORT.row,
    &DB.row,
    &USERNAME.row,
    &PASSWORD.row,
    &PASSWORD_FILE.row,
    &SSL.row,
];

/// Lets the strongest address say what it says, as if it had been said one by one. Where it names
/// more than a host, that is given back, with the strength of its source.
pub(super) fn expand_url(layers: &mut Layers, errors: &mut Vec<String>) -> Option<(Place, Rank)> {
    let given = layers.strongest(URL.row.key)?.clone();
    let parsed = match url::parse(&given.text) {
        Ok(parsed) => parsed,
        Err(why) => {
            errors.push(format!("{} must be {}; {why}", given.source, URL.kind.rule));
            return None;
        }
    };
    let Parsed {
        place,
        username,
        password,
        database,
        tls,
    } = parsed;
    let (host, port, place) = match place {
        Place::Node(Address { host, port }) => (Some(host), Some(port), None),
        several => (None, None, Some(several)),
    };
    let source = given.source;
    let mut clash = |row: &Row, other: &Layers| {
        if let Some(other) = other.at(row.key, source.rank) {
            errors.push(format!(
                "{} and {source} say the same thing: keep one",
                other.source
            ));
        }
    };
    if place.is_some() {
        clash(&HOST.row, layers);
        clash(&PORT.row, layers);
    }
    if password.is_some() {
        clash(&PASSWORD_FILE.row, layers);
    }
    let parts = [
        (&HOST.row, host),
        (&PORT.row, port.map(|port| port.to_string())),
        (&USERNAME.row, username),
        (&PASSWORD.row, password),
        (&DB.row, database),
        (&SSL.row, tls.map(|tls| tls.to_string())),
    ];
    for (row, text) in parts {
        let Some(text) = text else { continue };
        clash(row, layers);
        layers.give(row.key, text, source.clone());
    }
    place.map(|place| (place, source.rank))
}

/// How Redis is reached, or this process's memory if nothing names a server.
pub(super) fn backend(
    resolver: &mut Resolver<'_>,
    place: Option<(Place, Rank)>,
    retries: Retries,
) -> Backend {
    let is_named = NAMING.iter().any(|row| resolver.is_given(row));
    resolver.take(&URL);
    let topology = topology(resolver, place);
    let settings = Settings {
        database: database(resolver, &topology),
        login: login(resolver),
        tls: tls(resolver, &topology),
        topology,
        connection_timeout: resolver.take(&CONNECTION_TIMEOUT),
        socket_timeout: resolver.take(&SOCKET_TIMEOUT),
        min_connections: resolver.take(&MIN_CONNECTIONS),
        max_connections: resolver.take(&MAX_CONNECTIONS),
        keepalive: resolver.take(&KEEPALIVE),
        max_retries: retries.most,
        retry_backoff: retries.backoff,
        health_interval: resolver.take(&HEALTH_INTERVAL),
        max_health_failures: resolver.take(&MAX_HEALTH_FAILURES),
        replica_reads: resolver.take(&REPLICA_READS),
    };
    if settings.min_connections > settings.max_connections {
        let most = resolver.name(&MAX_CONNECTIONS.row);
        resolver.refuse(
            &MIN_CONNECTIONS.row,
            &format!("must not be more than {most}"),
        );
    }
    if settings.replica_reads && !matches!(settings.topology, Topology::Cluster { .. }) {
        resolver.refuse(
            &REPLICA_READS.row,
            "is for a cluster: one server has its address alone, and sentinels name its primary",
        );
    }
    if is_named {
        if let Err(why) = check(&settings) {
            resolver.refuse(&SSL.row, why);
        }
        Backend::Redis(Box::new(settings))
    } else {
        Backend::Memory
    }
}

fn topology(resolver: &mut Resolver<'_>, place: Option<(Place, Rank)>) -> Topology {
    let node = Topology::Node(Address {
        host: resolver.take(&HOST),
        port: resolver.take(&PORT),
    });
    let sentinels_login = Login {
        username: resolver.take(&SENTINEL_USERNAME),
        password: resolver.take(&SENTINEL_PASSWORD),
    };
    let Some((place, rank)) = place else {
        return node;
    };
    let is_stronger = |row| resolver.rank(row).is_some_and(|other| other < rank);
    if is_stronger(&HOST.row) {
        return node;
    }
    if is_stronger(&PORT.row) {
        resolver.refuse(
            &PORT.row,
            "is of one server, and the address names several or a socket",
        );
    }
    let by = resolver.name(&URL.row);
    resolver.overrule(&HOST.row, &by);
    resolver.overrule(&PORT.row, &by);
    match place {
        Place::Node(address) => Topology::Node(address),
        Place::Unix(path) => Topology::Unix(path),
        Place::Sentinel { sentinels, primary } => Topology::Sentinel {
            sentinels,
            login: sentinels_login,
            primary,
        },
        Place::Cluster { nodes } => Topology::Cluster { nodes },
    }
}

fn database(resolver: &mut Resolver<'_>, topology: &Topology) -> u32 {
    let (database, databases) = (resolver.take(&DB), resolver.take(&DATABASES));
    if database != 0 && matches!(topology, Topology::Cluster { .. }) {
        resolver.refuse(&DB.row, "must be 0: a cluster has no other database");
    } else if database >= databases {
        let last = databases - 1;
        let why = format!(
            "must be a database from 0 to {last}; `redis.databases` says how many there are"
        );
        resolver.refuse(&DB.row, &why);
    }
    database
}

fn login(resolver: &mut Resolver<'_>) -> Login {
    let username = resolver.take(&USERNAME);
    let (given, file) = (resolver.take(&PASSWORD), resolver.take(&PASSWORD_FILE));
    let ranks = (
        resolver.rank(&PASSWORD.row),
        resolver.rank(&PASSWORD_FILE.row),
    );
    let password = match ranks {
        (Some(text), Some(file)) if text == file => {
            let file = resolver.name(&PASSWORD_FILE.row);
            resolver.refuse(
                &PASSWORD.row,
                &format!("and {file} both give a password: keep one"),
            );
            given
        }
        (Some(text), other) if other.is_none_or(|other| text < other) => given,
        _ => file.and_then(|path| password_in(resolver, &path)),
    };
    // A client that has no password does not say its name either.
    if username.is_some()
        && !resolver.is_given(&PASSWORD.row)
        && !resolver.is_given(&PASSWORD_FILE.row)
    {
        resolver.refuse(
            &USERNAME.row,
            "needs a password: `redis.password` or `redis.password_file`",
        );
    }
    Login { username, password }
}

/// Without the end of the line that editors put there.
fn password_in(resolver: &mut Resolver<'_>, path: &str) -> Option<String> {
    let text = read(resolver, &PASSWORD_FILE, path)?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        resolver.refuse(&PASSWORD_FILE.row, "names a file that is empty");
        return None;
    }
    Some(password.to_owned())
}

/// The path is not repeated: it may be a password in the wrong place.
fn read(
    resolver: &mut Resolver<'_>,
    setting: &Setting<Option<String>>,
    path: &str,
) -> Option<String> {
    let text = std::fs::read_to_string(path);
    let text = text.inspect_err(|error| {
        let why = format!(
            "must be {}; reading it failed: {}",
            setting.kind.rule,
            error.kind()
        );
        resolver.refuse(&setting.row, &why);
    });
    text.ok()
}

fn tls(resolver: &mut Resolver<'_>, topology: &Topology) -> Option<Tls> {
    let is_on = resolver.take(&SSL);
    if is_on && matches!(topology, Topology::Unix(_)) {
        resolver.refuse(&SSL.row, "must be `false` for a socket");
    }
    let tls = Tls {
        ca: pem(resolver, &SSL_CA_CERT, "CERTIFICATE-----"),
        certificate: pem(resolver, &SSL_CERT, "CERTIFICATE-----"),
        key: pem(resolver, &SSL_KEY, "PRIVATE KEY-----"),
    };
    let (certificate, key) = (
        resolver.is_given(&SSL_CERT.row),
        resolver.is_given(&SSL_KEY.row),
    );
    if certificate && !key {
        resolver.refuse(&SSL_CERT.row, "needs its key: `redis.ssl_key`");
    }
    if key && !certificate {
        resolver.refuse(&SSL_KEY.row, "needs its certificate: `redis.ssl_cert`");
    }
    // Said to be off, it may be so for a while; forgotten, a certificate would be of no use.
    if !resolver.is_given(&SSL.row) {
        for setting in [&SSL_CA_CERT, &SSL_CERT, &SSL_KEY] {
            if resolver.is_given(&setting.row) {
                resolver.refuse(&setting.row, "needs TLS: `rediss://..` or `redis.ssl`");
            }
        }
    }
    is_on.then_some(tls)
}

/// A path, or the text itself, in which variables often have `\n` for the ends of lines.
fn pem(
    resolver: &mut Resolver<'_>,
    setting: &Setting<Option<String>>,
    label: &str,
) -> Option<Vec<u8>> {
    let given = resolver.take(setting)?;
    let text = if given.contains("-----BEGIN") {
        given.replace("\\n", "\n")
    } else {
        read(resolver, setting, &given)?
    };
    if !text.contains(label) {
        let label = label.trim_end_matches('-');
        resolver.refuse(&setting.row, &format!("must be PEM with a `{label}` in it"));
    }
    Some(text.into_bytes())
}
