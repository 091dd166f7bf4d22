//! Sentinels, which know where the primary is.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{Client, FromRedisValue, RedisResult};
use tokio::time::timeout;

use super::connect;
use super::settings::{Address, Login, Settings};
use super::why::Why;

/// How long one of them may take.
const EACH: Duration = Duration::from_secs(1);
/// How long the others may take once one has answered.
const OTHERS: Duration = Duration::from_millis(100);

/// The sentinels of one primary, and the connections to them, which are kept.
pub(super) struct Sentinels {
    all: Vec<Sentinel>,
    primary: String,
}

struct Sentinel {
    client: Client,
    time: Duration,
    connection: Mutex<Option<MultiplexedConnection>>,
}

/// What one of them holds to be the primary, since when.
struct Opinion {
    epoch: u64,
    address: Address,
}

impl Sentinels {
    pub(super) fn new(
        settings: &Settings,
        sentinels: &[Address],
        login: &Login,
        primary: &str,
    ) -> RedisResult<Self> {
        let sentinel = |address| {
            Ok(Sentinel {
                client: connect::sentinel(settings, address, login)?,
                time: EACH.min(settings.connection_timeout),
                connection: Mutex::new(None),
            })
        };
        Ok(Self {
            all: sentinels.iter().map(sentinel).collect::<RedisResult<_>>()?,
            primary: primary.to_owned(),
        })
    }

    /// Where the primary is by the newest of what they say: the one that led a failover knows it
    /// seconds before the others, and one that is cut off never does.
    pub(super) async fn primary(&self) -> Result<Address, Why> {
        let mut asked: FuturesUnordered<_> = self
            .all
            .iter()
            .map(|one| one.opinion(&self.primary))
            .collect();
        let mut newest: Option<Opinion> = None;
        let (mut answered, mut last) = (false, Why::new("no sentinel is configured"));
        loop {
            let next = if newest.is_some() {
                timeout(OTHERS, asked.next()).await.unwrap_or(None)
            } else {
                asked.next().await
            };
            match next {
                Some(Ok(Some(opinion))) => {
                    if newest
                        .as_ref()
                        .is_none_or(|known| known.epoch < opinion.epoch)
                    {
                        newest = Some(opinion);
                    }
                }
                Some(Ok(None)) => answered = true,
                Some(Err(why)) => last = why,
                None => break,
            }
        }
        newest.map(|newest| newest.address).ok_or_else(|| {
            if answered {
                Why::new("no sentinel knows a primary of this name")
            } else {
                Why::new(&format!("no sentinel answers: {last}"))
            }
        })
    }
}

impl Sentinel {
    /// What it says; nothing if it knows no primary of this name.
    async fn opinion(&self, primary: &str) -> Result<Option<Opinion>, Why> {
        let asked = timeout(self.time, self.ask(primary)).await;
        let opinion = asked.unwrap_or_else(|_| Err(Why::silent()));
        if opinion.is_err() {
            *self.connection.lock() = None;
        }
        opinion
    }

    async fn ask(&self, primary: &str) -> Result<Option<Opinion>, Why> {
        let kept = self.connection.lock().clone();
        let mut connection = match kept {
            Some(connection) => connection,
            None => connect::connect(&self.client, self.time).await?,
        };
        let mut cmd = redis::cmd("SENTINEL");
        cmd.arg("MASTER").arg(primary);
        let answer = connection.send_packed_command(&cmd).await;
        let answer = answer.map_err(|error| Why::of(&error))?;
        *self.connection.lock() = Some(connection);
        match answer.extract_error() {
            Ok(fields) => HashMap::from_redis_value(fields)
                .map(|fields| opinion(&fields))
                .map_err(|_| Why::new("a sentinel's answer can't be read")),
            // `ERR No such master with that name`.
            Err(error) if error.code() == Some("ERR") => Ok(None),
            Err(error) => Err(Why::of(&error)),
        }
    }
}

fn opinion(fields: &HashMap<String, String>) -> Option<Opinion> {
    let number = |name: &str| fields.get(name)?.parse::<u64>().ok();
    let address = Address {
        host: fields.get("ip")?.clone(),
        port: u16::try_from(number("port")?).ok()?,
    };
    let epoch = number("config-epoch").unwrap_or(0);
    Some(Opinion { epoch, address })
}
