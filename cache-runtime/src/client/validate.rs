//! Whether a server will do, asked before anything relies on it.

use redis::{Cmd, RedisError, RedisResult, Value};
use tokio::time::timeout;

use super::health::{Info, texts};
use super::unusable::Unusable;
use super::upstream::Upstream;
use super::why::Why;
use super::wire::Wire;

/// What [`Cache::validate`](crate::Cache::validate) has found out about a server that will do.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), cache_runtime::Error> {
/// let validated = cache_runtime::Cache::in_memory().validate().await?;
/// assert!(validated.warnings.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Validated {
    /// The server's version, of a cluster that of each node once; empty for the embedded store,
    /// and where the user may not ask.
    pub versions: Vec<String>,
    /// What will work, and perhaps not as it should.
    pub warnings: Vec<ValidationWarning>,
}

/// What works, and perhaps not as it should.
///
/// ```
/// let warning = cache_runtime::ValidationWarning::NeverEvicts;
/// assert!(warning.to_string().contains("`maxmemory-policy`"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValidationWarning {
    /// A full server will refuse writes instead of making room.
    #[error(
        "a full server refuses writes, as `maxmemory-policy` is `noeviction`: `allkeys-lru` or \
         `volatile-ttl` make room"
    )]
    NeverEvicts,
    /// The server has no limit and takes memory until the machine has none.
    #[error("the server has no `maxmemory`: entries that nobody reads fill the machine")]
    NoMemoryLimit,
    /// The user may not use `INFO`: version and memory are not known, and health is less so.
    #[error("the user may not use `INFO`: version, role and memory are not known")]
    NoInfo,
}

/// The oldest version that has all commands of ours.
const OLDEST: (u32, u32) = (6, 2);

impl Upstream {
    /// Connects, and asks whether the server will do; within the time that connecting may take,
    /// and as much again.
    pub(crate) async fn validate(&self) -> Result<Validated, Unusable> {
        let connected = self.connect_alone().await;
        let connected = connected.map_err(|why| why.reason().clone())?;
        let time = self.settings().connection_timeout;
        let asking = timeout(time, ask(&connected.wire, self.is_cluster())).await;
        asking.unwrap_or(Err(Unusable::Silent))
    }
}

async fn ask(wire: &Wire, is_cluster: bool) -> Result<Validated, Unusable> {
    let send = async |words: &[&str]| answer(wire, words).await;
    // Before all else: any user who is logged in may, and what is no Redis can't.
    let pong = send(&["PING"])
        .await
        .map_err(|error| refused(&error, "PING"))?;
    if pong != Value::SimpleString("PONG".to_owned()) {
        return Err(Unusable::NotRedis);
    }
    let mut validated = match send(&["INFO"]).await {
        Ok(said) => of_all(&said, is_cluster)?,
        Err(error) if is_not_allowed(&error) => Validated {
            versions: Vec::new(),
            warnings: vec![ValidationWarning::NoInfo],
        },
        Err(error) => return Err(refused(&error, "INFO")),
    };
    validated.versions.sort();
    validated.versions.dedup();
    match send(&["EVAL", "return 1", "0"]).await {
        Ok(_) => Ok(validated),
        Err(error) if is_not_allowed(&error) || error.code() == Some("ERR") => {
            Err(Unusable::NoScripts)
        }
        Err(error) => Err(refused(&error, "EVAL")),
    }
}

async fn answer(wire: &Wire, words: &[&str]) -> RedisResult<Value> {
    let mut cmd = Cmd::new();
    cmd.arg(words);
    wire.send(&cmd).await?.extract_error()
}

fn is_not_allowed(error: &RedisError) -> bool {
    error.code() == Some("NOPERM")
}

fn refused(error: &RedisError, act: &str) -> Unusable {
    if is_not_allowed(error) {
        Unusable::NotAllowed(act.to_owned())
    } else {
        Why::of(error).reason().clone()
    }
}

/// What each server says about itself.
fn of_all(said: &Value, is_cluster: bool) -> Result<Validated, Unusable> {
    let mut all = Validated::default();
    for text in texts(said) {
        let info = Info::parse(&text);
        all.versions.push(of_one(&info, is_cluster)?);
        if let Some(warning) = of_memory(&info).filter(|warning| !all.warnings.contains(warning)) {
            all.warnings.push(warning);
        }
    }
    if all.versions.is_empty() {
        return Err(Unusable::NotRedis);
    }
    Ok(all)
}

fn of_one(info: &Info<'_>, is_cluster: bool) -> Result<String, Unusable> {
    let version = info.version().ok_or(Unusable::NotRedis)?;
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    let number = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let is = |name: &str, value: &str| info.text(name) == Some(value);
    if is("redis_mode", "sentinel") {
        Err(Unusable::Sentinel)
    } else if number < OLDEST {
        Err(Unusable::TooOld(version.to_owned()))
    } else if is("loading", "1") {
        Err(Unusable::Loading)
    } else if is("cluster_enabled", "1") && !is_cluster {
        Err(Unusable::NodeOfCluster)
    } else if is("cluster_enabled", "0") && is_cluster {
        Err(Unusable::NoCluster)
    } else if is("role", "slave") && !is_cluster {
        Err(Unusable::Replica)
    } else {
        Ok(version.to_owned())
    }
}

fn of_memory(info: &Info<'_>) -> Option<ValidationWarning> {
    let has_limit = info.text("maxmemory").is_some_and(|limit| limit != "0");
    let never_evicts = info.text("maxmemory_policy") == Some("noeviction");
    match (has_limit, never_evicts) {
        (true, true) => Some(ValidationWarning::NeverEvicts),
        (false, _) if info.text("maxmemory").is_some() => Some(ValidationWarning::NoMemoryLimit),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &str) -> Value {
        Value::BulkString(lines.replace(' ', "\r\n").into_bytes())
    }

    fn verdict(lines: &str) -> Result<Validated, Unusable> {
        of_all(&said(lines), false)
    }

    #[test]
    fn what_will_do() {
        for version in ["6.2.0", "7.0.15", "8.4.1", "10.0"] {
            let validated = verdict(&format!("redis_version:{version} role:master")).unwrap();
            assert_eq!(validated.versions, [version]);
        }
    }

    #[test]
    fn what_will_not() {
        for (lines, reason) in [
            (
                "redis_version:6.0.20",
                Unusable::TooOld("6.0.20".to_owned()),
            ),
            ("redis_version:5", Unusable::TooOld("5".to_owned())),
            ("redis_version:7.0 role:slave", Unusable::Replica),
            ("redis_version:7.0 loading:1", Unusable::Loading),
            (
                "redis_version:7.0 cluster_enabled:1",
                Unusable::NodeOfCluster,
            ),
            ("redis_version:7.0 redis_mode:sentinel", Unusable::Sentinel),
            ("memcached:1.6", Unusable::NotRedis),
        ] {
            assert_eq!(verdict(lines), Err(reason), "{lines}");
        }
        let single = said("redis_version:7.0 cluster_enabled:0");
        assert_eq!(of_all(&single, true), Err(Unusable::NoCluster));
        assert_eq!(of_all(&Value::Nil, false), Err(Unusable::NotRedis));
    }

    #[test]
    fn memory_that_ends_badly_is_warned_about() {
        let warnings = |memory: &str| {
            verdict(&format!("redis_version:7.0 {memory}"))
                .unwrap()
                .warnings
        };
        let full = "maxmemory:100 maxmemory_policy:noeviction";
        assert_eq!(warnings(full), [ValidationWarning::NeverEvicts]);
        let endless = "maxmemory:0 maxmemory_policy:noeviction";
        assert_eq!(warnings(endless), [ValidationWarning::NoMemoryLimit]);
        assert_eq!(warnings("maxmemory:100 maxmemory_policy:allkeys-lfu"), []);
    }
}
