//! Addresses of servers, of one or of several.

use std::path::PathBuf;

use super::kind::{FLAG, HOST, PORT};
use super::text::nearest;
use crate::client::Address;

/// What an address says; what it leaves out, other sources may say.
pub(super) struct Parsed {
    pub(super) place: Place,
    pub(super) username: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: Option<String>,
    pub(super) tls: Option<bool>,
}

/// Where the servers are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Node(Address),
    Unix(PathBuf),
    Sentinel {
        sentinels: Vec<Address>,
        primary: String,
    },
    Cluster {
        nodes: Vec<Address>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Plain,
    Tls,
    Unix,
    Sentinel,
    Cluster,
}

const SCHEMES: [(&str, Scheme); 5] = [
    ("redis", Scheme::Plain),
    ("rediss", Scheme::Tls),
    ("unix", Scheme::Unix),
    ("redis-sentinel", Scheme::Sentinel),
    ("redis-cluster", Scheme::Cluster),
];

const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// Takes an address apart. What is wrong is said without quoting any of it.
pub(super) fn parse(url: &str) -> Result<Parsed, String> {
    let (scheme, rest) = scheme(url)?;
    if rest.contains('#') {
        return Err("it has a `#`: in a password write `%23`".to_owned());
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (login, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
    if path.contains('@') {
        return Err("it has an `@` behind a `/`: in a password write `%2F`".to_owned());
    }
    let (username, password) = login.split_once(':').unwrap_or((login, ""));
    let query = Query::parse(query, scheme)?;
    let (place, database) = place(scheme, hosts, path)?;
    if database.is_some() && query.database.is_some() {
        return Err("it names the database twice, in its path and by `db`".to_owned());
    }
    let if_any = |text: String| Some(text).filter(|text| !text.is_empty());
    Ok(Parsed {
        place,
        username: if_any(decoded(username, "user")?),
        password: if_any(decoded(password, "password")?),
        database: database.or(query.database),
        tls: match scheme {
            Scheme::Plain | Scheme::Unix => Some(false),
            Scheme::Tls => Some(true),
            Scheme::Sentinel | Scheme::Cluster => query.tls,
        },
    })
}

fn scheme(url: &str) -> Result<(Scheme, &str), String> {
    let known = || SCHEMES.iter().map(|(name, _)| *name);
    let Some((name, rest)) = url.split_once("://") else {
        return Err("it has no scheme: write `redis://host:port`".to_owned());
    };
    let scheme = SCHEMES.iter().find(|(known, _)| *known == name);
    scheme.map(|(_, scheme)| (*scheme, rest)).ok_or_else(|| {
        let all: Vec<_> = known().map(|name| format!("`{name}`")).collect();
        let meant = nearest(name, known()).map(|name| format!(": did you mean `{name}`?"));
        format!(
            "its scheme is none of {}{}",
            all.join(", "),
            meant.unwrap_or_default()
        )
    })
}

fn place(scheme: Scheme, hosts: &str, path: &str) -> Result<(Place, Option<String>), String> {
    let below = path.strip_prefix('/').unwrap_or(path);
    let database = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Ok(match scheme {
        Scheme::Unix if !hosts.is_empty() => {
            return Err("a socket has no host: write `unix:///path`".to_owned());
        }
        Scheme::Unix if below.is_empty() => {
            return Err("it has no path: write `unix:///path`".to_owned());
        }
        Scheme::Unix => (Place::Unix(PathBuf::from(decoded(path, "path")?)), None),
        Scheme::Plain | Scheme::Tls => {
            let node = one_address(hosts, REDIS_PORT)?;
            (Place::Node(node), database(below))
        }
        Scheme::Cluster => {
            let nodes = addresses(hosts, REDIS_PORT)?;
            (Place::Cluster { nodes }, database(below))
        }
        Scheme::Sentinel => {
            let (primary, behind) = below.split_once('/').unwrap_or((below, ""));
            if primary.is_empty() {
                return Err("it does not name the primary: `../primary[/db]`".to_owned());
            }
            let primary = decoded(primary, "primary")?;
            let sentinels = addresses(hosts, SENTINEL_PORT)?;
            (Place::Sentinel { sentinels, primary }, database(behind))
        }
    })
}

fn one_address(hosts: &str, port: u16) -> Result<Address, String> {
    if hosts.contains(',') {
        return Err(
            "it names several servers: write `redis-cluster://` or `redis-sentinel://`".to_owned(),
        );
    }
    address(hosts, port)
}

fn addresses(hosts: &str, port: u16) -> Result<Vec<Address>, String> {
    hosts.split(',').map(|host| address(host, port)).collect()
}

fn address(text: &str, otherwise: u16) -> Result<Address, String> {
    // The colons of an IPv6 address stand in brackets.
    let end = text.rfind(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match text[end..].rfind(':') {
        Some(colon) => (&text[..end + colon], Some(&text[end + colon + 1..])),
        None => (text, None),
    };
    if host.is_empty() {
        return Err("it has no host".to_owned());
    }
    let host = (HOST.parse)(host).ok_or_else(|| {
        "its host is no name and no IP address; an IPv6 address stands in brackets, and what is \
         special in a password is percent-encoded"
            .to_owned()
    })?;
    let port = port.map_or(Some(otherwise), |port| (PORT.parse)(port));
    let port = port.ok_or_else(|| format!("its port must be {}", PORT.rule))?;
    Ok(Address { host, port })
}

#[derive(Default)]
struct Query {
    database: Option<String>,
    tls: Option<bool>,
}

impl Query {
    fn parse(text: &str, scheme: Scheme) -> Result<Self, String> {
        let mut query = Self::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value, "query")?;
            match (name, scheme) {
                ("db", _) => query.database = Some(value),
                ("tls", Scheme::Sentinel | Scheme::Cluster) => {
                    let tls = (FLAG.parse)(&value);
                    query.tls = Some(tls.ok_or("its `tls` must be `true` or `false`")?);
                }
                ("tls", _) => return Err("TLS has a scheme of its own: `rediss://`".to_owned()),
                _ => return Err("of parameters it may have `db` and `tls` only".to_owned()),
            }
        }
        Ok(query)
    }
}

/// Percent-encoded bytes, as the text that they stand for.
fn decoded(text: &str, part: &str) -> Result<String, String> {
    let wrong = || format!("its {part} has a `%` that is not followed by two hexadecimal digits");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let value = digit().zip(digit()).map(|(high, low)| high * 16 + low);
        bytes.push(
            value
                .and_then(|value| u8::try_from(value).ok())
                .ok_or_else(wrong)?,
        );
    }
    String::from_utf8(bytes).map_err(|_| format!("its {part} is no UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(host: &str, port: u16) -> Address {
        let host = host.to_owned();
        Address { host, port }
    }

    fn place(url: &str) -> Place {
        parse(url).ok().unwrap().place
    }

    #[test]
    fn one_server() {
        let url = parse("rediss://app:p%40ss%3Aword@cache.example:6390/3")
            .ok()
            .unwrap();
        assert_eq!(url.place, Place::Node(address("cache.example", 6390)));
        assert_eq!(url.username.as_deref(), Some("app"));
        assert_eq!(url.password.as_deref(), Some("p@ss:word"));
        assert_eq!((url.database.as_deref(), url.tls), (Some("3"), Some(true)));

        let url = parse("redis://h").ok().unwrap();
        assert_eq!(url.place, Place::Node(address("h", 6379)));
        assert_eq!(
            (url.username, url.password, url.database),
            (None, None, None)
        );
        assert_eq!(url.tls, Some(false));

        let url = parse("redis://:only@h/?db=2").ok().unwrap();
        assert_eq!(
            (url.username, url.password.as_deref()),
            (None, Some("only"))
        );
        assert_eq!(url.database.as_deref(), Some("2"));
        assert_eq!(
            parse("redis://a:b@c@h").ok().unwrap().password.as_deref(),
            Some("b@c")
        );
    }

    #[test]
    fn an_ipv6_host_stands_in_brackets() {
        assert_eq!(place("redis://[::1]:7/0"), Place::Node(address("::1", 7)));
        assert_eq!(
            place("redis://u:p@[fe80::1]"),
            Place::Node(address("fe80::1", 6379))
        );
        let nodes = vec![address("::1", 7), address("::2", 6379)];
        assert_eq!(
            place("redis-cluster://[::1]:7,[::2]"),
            Place::Cluster { nodes }
        );
    }

    #[test]
    fn a_socket() {
        let url = parse("unix:///run/my%20redis.sock?db=4").ok().unwrap();
        assert_eq!(url.place, Place::Unix(PathBuf::from("/run/my redis.sock")));
        assert_eq!(url.database.as_deref(), Some("4"));
        let url = parse("unix://u:p@/run/r.sock").ok().unwrap();
        assert_eq!(
            (url.username.as_deref(), url.password.as_deref()),
            (Some("u"), Some("p"))
        );
    }

    #[test]
    fn sentinels_and_clusters() {
        let url = "redis-sentinel://u:p@s1,s2:7/my%2Fmain/5?tls=true";
        let url = parse(url).ok().unwrap();
        let sentinels = vec![address("s1", 26379), address("s2", 7)];
        let primary = "my/main".to_owned();
        assert_eq!(url.place, Place::Sentinel { sentinels, primary });
        assert_eq!((url.username.as_deref(), url.tls), (Some("u"), Some(true)));

        let url = parse("redis-sentinel://s1:1,s2:2/main/5").ok().unwrap();
        let sentinels = vec![address("s1", 1), address("s2", 2)];
        let primary = "main".to_owned();
        assert_eq!(url.place, Place::Sentinel { sentinels, primary });
        assert_eq!((url.database.as_deref(), url.tls), (Some("5"), None));

        let url = parse("redis-cluster://:p@a:1,b:2?tls=false").ok().unwrap();
        let nodes = vec![address("a", 1), address("b", 2)];
        assert_eq!(
            (url.place, url.tls),
            (Place::Cluster { nodes }, Some(false))
        );
    }

    #[test]
    fn what_is_wrong_is_said_without_the_address() {
        for (url, why) in [
            ("hunter2", "no scheme"),
            ("reddis://hunter2@h", "did you mean `redis`?"),
            ("http://hunter2@h", "its scheme is none of"),
            ("redis://:hunter2@", "no host"),
            ("redis://u:hunter2/3@h", "write `%2F`"),
            ("redis://u:hunter 2@h x", "percent-encoded"),
            ("redis://u:hunter2#3@h", "write `%23`"),
            ("redis://u:hunter2%4@h", "two hexadecimal digits"),
            ("redis://u:%ff@h", "no UTF-8"),
            ("redis://:hunter2@h:0", "a port from 1 to 65535"),
            ("redis://:hunter2@h:65536", "a port from 1 to 65535"),
            ("redis://:hunter2@::1", "in brackets"),
            ("redis://:hunter2@a,b", "several servers"),
            ("redis://:hunter2@h/1?db=2", "twice"),
            ("redis://:hunter2@h?tls=true", "`rediss://`"),
            ("redis://:hunter2@h?timeout=3", "`db` and `tls` only"),
            (
                "redis-cluster://:hunter2@h?tls=perhaps",
                "`true` or `false`",
            ),
            ("redis-sentinel://:hunter2@s1,s2", "the primary"),
            ("redis-cluster://:hunter2@a,,b", "no host"),
            ("unix://host/run/r.sock", "no host"),
            ("unix://", "no path"),
        ] {
            let said = parse(url).err().unwrap();
            assert!(
                said.contains(why) && !said.contains("hunter2"),
                "{url}: {said}"
            );
        }
    }
}
