//! Why a server can't be used, for whoever has to mend it.

use redis::{ErrorKind, RedisError};

/// Why a server can't be used; what [`Cache::validate`](crate::Cache::validate) fails with.
///
/// It says what to look at, and holds neither an address nor a secret.
///
/// ```
/// use cache_runtime::{Cache, Error, Unusable};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Error> {
/// let cache = Cache::builder().redis_url("redis://127.0.0.1:1").build()?;
/// let Err(Error::Unusable { reason, .. }) = cache.validate().await else {
///     panic!("port 1 has no Redis");
/// };
/// assert_eq!(reason, Unusable::Refused);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// Nothing listens there.
    #[error("connection refused: nothing listens there")]
    Refused,
    /// The name of the host leads nowhere.
    #[error("the name of the host leads nowhere")]
    UnknownHost,
    /// There is no such socket, or it may not be opened.
    #[error("there is no such socket, or it may not be opened")]
    NoSocket,
    /// Nothing was answered in time.
    #[error(
        "no answer in time: a firewall may be between, or one side speaks TLS (`rediss://`) and \
         the other does not"
    )]
    Silent,
    /// The connection was closed at once.
    #[error("the connection was closed at once: the server may want TLS (`rediss://`)")]
    Closed,
    /// TLS came to nothing.
    #[error("TLS failed: {0}")]
    Tls(String),
    /// No password is set, and the server wants one.
    #[error("it wants a password: set `REDIS_PASSWORD` or `REDIS_PASSWORD_FILE`")]
    PasswordNeeded,
    /// The server refused the login.
    #[error("it refuses the login: the user or the password is wrong")]
    WrongPassword,
    /// The server has no such database.
    #[error("it has no such database: see `REDIS_DB`")]
    UnknownDatabase,
    /// Something answers that is not Redis.
    #[error("what answers there is no Redis")]
    NotRedis,
    /// The server's version.
    #[error("its version is {0}, and 6.2 is the oldest that will do")]
    TooOld(String),
    /// Scripts are refused.
    #[error("it refuses scripts: the user needs `+eval`, `+evalsha` and `+script|load`")]
    NoScripts,
    /// A command is refused that a cache can't do without.
    #[error("the user may not do what a cache has to: {0}")]
    NotAllowed(String),
    /// The server takes no writes.
    #[error("it is a replica, which takes no writes: name the primary")]
    Replica,
    /// The server is one of a cluster, and was named as if alone.
    #[error("it is a node of a cluster: write `redis-cluster://`")]
    NodeOfCluster,
    /// The server is no cluster, and was named as one.
    #[error("it is no cluster: write `redis://`")]
    NoCluster,
    /// The server is a sentinel, and was named as if it held entries.
    #[error("it is a sentinel: write `redis-sentinel://`, with the name of the primary")]
    Sentinel,
    /// The server still reads its data.
    #[error("it is still loading its data: try again later")]
    Loading,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Unusable {
    /// What an error means that came of connecting or of a first command. `words` are what may be
    /// said of it without a secret.
    pub(crate) fn of(error: &RedisError, words: &str) -> Self {
        if let Some(reason) = error.code().and_then(by_code) {
            return reason;
        }
        if let Some(reason) = by_sentence(&error.to_string()) {
            return reason;
        }
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::WrongPassword,
            ErrorKind::Parse => Self::NotRedis,
            _ => by_words(words).unwrap_or_else(|| by_nature(error, words)),
        }
    }
}

fn by_nature(error: &RedisError, words: &str) -> Unusable {
    if error.is_connection_refusal() {
        Unusable::Refused
    } else if error.is_timeout() {
        Unusable::Silent
    } else if error.is_connection_dropped() {
        Unusable::Closed
    } else {
        Unusable::Other(words.to_owned())
    }
}

fn by_code(code: &str) -> Option<Unusable> {
    Some(match code {
        "NOAUTH" => Unusable::PasswordNeeded,
        "WRONGPASS" => Unusable::WrongPassword,
        "LOADING" => Unusable::Loading,
        "READONLY" => Unusable::Replica,
        _ => return None,
    })
}

/// What has no code of its own; matched here, and not repeated.
fn by_sentence(said: &str) -> Option<Unusable> {
    let is_database = said.contains("switch database");
    if is_database && said.contains("Authentication") {
        Some(Unusable::PasswordNeeded)
    } else if is_database {
        Some(Unusable::UnknownDatabase)
    } else if said.contains("cluster support disabled") {
        Some(Unusable::NoCluster)
    } else {
        None
    }
}

/// What only the words of the operating system or of TLS tell.
fn by_words(words: &str) -> Option<Unusable> {
    let lower = words.to_lowercase();
    let has = |any: &[&str]| any.iter().any(|word| lower.contains(word));
    if has(&[
        "certificate",
        "handshake",
        "tls",
        "corrupt message",
        "peer sent",
    ]) {
        Some(Unusable::Tls(words.to_owned()))
    } else if has(&[
        "lookup address",
        "name or service",
        "name resolution",
        "no such host",
    ]) {
        Some(Unusable::UnknownHost)
    } else if has(&["no such file", "permission denied"]) {
        Some(Unusable::NoSocket)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn of(error: &RedisError) -> Unusable {
        Unusable::of(error, &error.to_string())
    }

    #[test]
    fn what_the_system_says() {
        let said =
            |kind: io::ErrorKind, text: &str| of(&io::Error::new(kind, text.to_owned()).into());
        assert_eq!(
            said(io::ErrorKind::ConnectionRefused, "x"),
            Unusable::Refused
        );
        assert_eq!(said(io::ErrorKind::TimedOut, "x"), Unusable::Silent);
        let lookup = "failed to lookup address information: Name or service not known";
        assert_eq!(said(io::ErrorKind::Other, lookup), Unusable::UnknownHost);
        let none = "No such file or directory (os error 2)";
        assert_eq!(said(io::ErrorKind::NotFound, none), Unusable::NoSocket);
        let tls = "invalid peer certificate: UnknownIssuer";
        assert_eq!(
            said(io::ErrorKind::InvalidData, tls),
            Unusable::Tls(tls.to_owned())
        );
        assert_eq!(
            said(io::ErrorKind::BrokenPipe, "broken pipe"),
            Unusable::Closed
        );
    }

    #[test]
    fn what_a_server_says() {
        let code = |code: &str| {
            of(&redis::make_extension_error(
                code.to_owned(),
                Some("said".to_owned()),
            ))
        };
        assert_eq!(code("NOAUTH"), Unusable::PasswordNeeded);
        assert_eq!(code("WRONGPASS"), Unusable::WrongPassword);
        assert_eq!(code("LOADING"), Unusable::Loading);
        let auth = RedisError::from((ErrorKind::AuthenticationFailed, "failed"));
        assert_eq!(of(&auth), Unusable::WrongPassword);
        let parse = RedisError::from((ErrorKind::Parse, "failed"));
        assert_eq!(of(&parse), Unusable::NotRedis);
    }
}
