//! What users do to a key by hand.

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Cmd, Value, cmd};

use super::scripts::Script;
use super::{Redis, millis};
use crate::client::RedisConnection;
use crate::entry::fence_bytes;
use crate::error::Fault;
use crate::store::{Keyed, Reading, Remaining};

impl Redis {
    /// The string at a key.
    pub(crate) async fn get(&self, key: &Arc<str>) -> Result<Option<Vec<u8>>, Fault> {
        let read = self.read(Keyed { key, tags: &[] }, self.budget).await?;
        Ok(match read.reading {
            Reading::Bytes(bytes) => Some(bytes),
            _ => None,
        })
    }

    /// Stores several entries in one round trip; each stands for itself.
    pub(crate) async fn put_many(
        &self,
        entries: &[(Arc<str>, Vec<u8>)],
        ttl: Duration,
    ) -> Result<(), Fault> {
        if entries.is_empty() {
            return Ok(());
        }
        if self.is_cluster() {
            return self.put_each(entries, ttl).await;
        }
        let mut pipeline = ::redis::Pipeline::with_capacity(entries.len());
        for (key, entry) in entries {
            pipeline
                .cmd("SET")
                .arg(self.wire(key))
                .arg(entry)
                .arg("PX")
                .arg(millis(ttl));
        }
        let (open, time) = self.link().open(self.budget).await?;
        let _in_flight = open.enter();
        let send = open.wire().send_all(&pipeline, 0, entries.len());
        let outcome = tokio::time::timeout(time, send).await;
        let answers = Value::Array(self.link().judge(&open, outcome)?);
        answers.extract_error().map(drop).map_err(|error| {
            open.distrust(&error);
            error.into()
        })
    }

    pub(crate) async fn remaining(&self, key: &str) -> Result<Remaining, Fault> {
        Ok(
            match self
                .run(Script::Remaining, key, |cmd| {
                    cmd.arg(self.now());
                })
                .await?
            {
                Value::Int(-1) => Remaining::ForEver,
                Value::Int(left) => u64::try_from(left).map_or(Remaining::NoEntry, |left| {
                    Remaining::For(Duration::from_millis(left))
                }),
                _ => Remaining::NoEntry,
            },
        )
    }

    pub(crate) async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, Fault> {
        let answer = self
            .run(Script::Expire, key, |cmd| {
                cmd.arg(self.now()).arg(millis(ttl));
            })
            .await?;
        Ok(answer == Value::Int(1))
    }

    /// Deletes the key and says whether there was an entry.
    pub(crate) async fn delete(&self, key: &str) -> Result<bool, Fault> {
        let fence = fence_bytes();
        let answer = self
            .run(Script::Delete, key, |cmd| {
                cmd.arg(self.now()).arg(fence.as_slice());
            })
            .await?;
        Ok(answer == Value::Int(1))
    }

    async fn run(
        &self,
        script: Script,
        key: &str,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<Value, Fault> {
        let key = [self.wire(key)];
        script.run(self.link(), &key, self.budget, arguments).await
    }

    /// Adds to a counter; never sent twice, because adding is not idempotent.
    pub(crate) async fn count(
        &self,
        key: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> Result<i64, Fault> {
        let ttl = ttl.map(|ttl| millis(ttl).to_string()).unwrap_or_default();
        let answer = self.run(Script::Count, key, |cmd| {
            cmd.arg(by).arg(ttl.as_str());
        });
        match answer.await? {
            Value::BulkString(count) => std::str::from_utf8(&count)
                .ok()
                .and_then(|count| count.parse().ok())
                .ok_or(Fault::WrongType),
            _ => Err(Fault::WrongType),
        }
    }

    /// How many keys the server has, in its database, and how much memory it uses; of a cluster,
    /// all primaries together.
    pub(crate) async fn size(&self) -> Result<(u64, u64), Fault> {
        let keys = match self.idempotent(&cmd("DBSIZE"), self.budget).await? {
            Value::Int(keys) => u64::try_from(keys).unwrap_or(0),
            _ => 0,
        };
        let mut info = cmd("INFO");
        info.arg("memory");
        let memory = used_by_all(&self.idempotent(&info, self.budget).await?);
        Ok((keys, memory))
    }

    pub(crate) async fn connection(&self) -> Result<RedisConnection, Fault> {
        let link = self.link();
        let (open, _) = link.open(self.budget).await?;
        Ok(RedisConnection::shared(link, &open))
    }
}

/// What one server says, or each node of a cluster.
fn used_by_all(answer: &Value) -> u64 {
    match answer {
        Value::BulkString(text) => used_memory(&String::from_utf8_lossy(text)),
        Value::VerbatimString { text, .. } => used_memory(text),
        Value::Map(nodes) => nodes.iter().map(|(_, said)| used_by_all(said)).sum(),
        _ => 0,
    }
}

fn used_memory(info: &str) -> u64 {
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    line.and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or(0)
}
