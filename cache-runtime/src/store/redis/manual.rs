//! What users do to a key by hand.

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Value, cmd};

use super::scripts::Script;
use super::{Redis, millis};
use crate::entry::{FENCE_HEAD, LEASE_HEAD};
use crate::error::Fault;
use crate::store::Remaining;

impl Redis {
    pub(crate) async fn get(&self, key: &Arc<str>) -> Result<Option<Vec<u8>>, Fault> {
        self.read(key, self.budget).await
    }

    /// The strings at `keys`, in their order, in one round trip.
    pub(crate) async fn get_many(&self, keys: &[Arc<str>]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut many = cmd("MGET");
        for key in keys {
            many.arg(self.wire(key));
        }
        let Value::Array(values) = self.idempotent(&many, self.budget).await? else {
            return Ok(keys.iter().map(|_| None).collect());
        };
        let string = |value| match value {
            Value::BulkString(bytes) => Some(bytes),
            _ => None,
        };
        Ok(values.into_iter().map(string).collect())
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
        let mut connection = open.connection();
        let send = connection.send_packed_commands(&pipeline, 0, entries.len());
        let outcome = tokio::time::timeout(time, send).await;
        let answers = Value::Array(self.link().judge(&open, outcome)?);
        Ok(answers.extract_error().map(drop)?)
    }

    pub(crate) async fn remaining(&self, key: &str) -> Result<Remaining, Fault> {
        Ok(
            match self.beside_leases(Script::Remaining, key, None).await? {
                Value::Int(-1) => Remaining::ForEver,
                Value::Int(left) => u64::try_from(left).map_or(Remaining::NoEntry, |left| {
                    Remaining::For(Duration::from_millis(left))
                }),
                _ => Remaining::NoEntry,
            },
        )
    }

    pub(crate) async fn expire(&self, key: &str, ttl: Duration) -> Result<bool, Fault> {
        let answer = self.beside_leases(Script::Expire, key, Some(ttl)).await?;
        Ok(answer == Value::Int(1))
    }

    /// Deletes the key and says whether there was an entry.
    pub(crate) async fn delete(&self, key: &str) -> Result<bool, Fault> {
        let answer = self.beside_leases(Script::Delete, key, None).await?;
        Ok(answer == Value::Int(1))
    }

    /// Runs a script that tells an entry from a lease or a fence by its first bytes.
    async fn beside_leases(
        &self,
        script: Script,
        key: &str,
        ttl: Option<Duration>,
    ) -> Result<Value, Fault> {
        let run = script.run(self.link(), self.wire(key), self.budget, |cmd| {
            cmd.arg(LEASE_HEAD.as_slice()).arg(FENCE_HEAD.as_slice());
            if let Some(ttl) = ttl {
                cmd.arg(millis(ttl));
            }
        });
        run.await
    }

    /// Adds to a counter; never sent twice, because adding is not idempotent.
    pub(crate) async fn count(
        &self,
        key: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> Result<i64, Fault> {
        let ttl = ttl.map(|ttl| millis(ttl).to_string()).unwrap_or_default();
        let run = Script::Count.run(self.link(), self.wire(key), self.budget, |cmd| {
            cmd.arg(by).arg(ttl.as_str());
        });
        match run.await? {
            Value::BulkString(count) => std::str::from_utf8(&count)
                .ok()
                .and_then(|count| count.parse().ok())
                .ok_or(Fault::WrongType),
            _ => Err(Fault::WrongType),
        }
    }

    /// How many keys the server has, in its database, and how much memory it uses.
    pub(crate) async fn size(&self) -> Result<(u64, u64), Fault> {
        let keys = match self.idempotent(&cmd("DBSIZE"), self.budget).await? {
            Value::Int(keys) => u64::try_from(keys).unwrap_or(0),
            _ => 0,
        };
        let mut info = cmd("INFO");
        info.arg("memory");
        let memory = match self.idempotent(&info, self.budget).await? {
            Value::BulkString(text) => used_memory(&String::from_utf8_lossy(&text)),
            Value::VerbatimString { text, .. } => used_memory(&text),
            _ => 0,
        };
        Ok((keys, memory))
    }

    pub(crate) async fn connection(&self) -> Result<::redis::aio::MultiplexedConnection, Fault> {
        Ok(self.link().open(self.budget).await?.0.connection())
    }
}

fn used_memory(info: &str) -> u64 {
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("used_memory:"));
    line.and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or(0)
}
