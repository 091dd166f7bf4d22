//! Sentinels, which know where the primary is.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{Client, FromRedisValue, Pipeline, RedisResult, Value};
use tokio::time::timeout;

use super::connect;
use super::settings::{Address, Login, Settings};
use super::why::Why;

/// How long one of them may take.
const EACH: Duration = Duration::from_secs(1);
/// How long the others may take once one has answered.
const OTHERS: Duration = Duration::from_millis(100);

const UNREADABLE: &str = "a sentinel's answer can't be read";

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
        // The state, for its epoch; and the address, which during a failover is that of the new
        // primary seconds before the state says so.
        let mut both = Pipeline::with_capacity(2);
        both.cmd("SENTINEL").arg("MASTER").arg(primary);
        both.cmd("SENTINEL")
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(primary);
        let answers = connection.send_packed_commands(&both, 0, 2).await;
        let answers = answers.map_err(|error| Why::of(&error))?;
        *self.connection.lock() = Some(connection);
        let [state, address] = <[Value; 2]>::try_from(answers)
            .map_err(|_| Why::new(UNREADABLE))?
            .map(Value::extract_error);
        match (state, address) {
            (Ok(state), Ok(address)) => opinion(state, address),
            // `ERR No such master with that name`.
            (Err(error), _) if error.code() == Some("ERR") => Ok(None),
            (Err(error), _) | (_, Err(error)) => Err(Why::of(&error)),
        }
    }
}

fn opinion(state: Value, address: Value) -> Result<Option<Opinion>, Why> {
    if address == Value::Nil {
        return Ok(None);
    }
    let unreadable = |_| Why::new(UNREADABLE);
    let state: HashMap<String, String> = HashMap::from_redis_value(state).map_err(unreadable)?;
    let (host, port) = FromRedisValue::from_redis_value(address).map_err(unreadable)?;
    let epoch = state
        .get("config-epoch")
        .and_then(|epoch| epoch.parse().ok());
    Ok(Some(Opinion {
        epoch: epoch.unwrap_or(0),
        address: Address { host, port },
    }))
}
