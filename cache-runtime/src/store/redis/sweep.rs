//! Keys by pattern: `SCAN` in bounded steps, never `KEYS`.

use ::redis::{Value, cmd};

use super::Redis;
use crate::client::{Layout, Primary, WireKey};
use crate::error::Fault;
use crate::store::records::is_record;

/// Keys a step: what one `SCAN` looks at, and what one `DEL` deletes.
pub(super) const BATCH: usize = 512;

/// How often a cluster is swept whose slots move meanwhile, until it is given up.
const SWEEPS: usize = 5;

impl Redis {
    /// Deletes what matches, leases included: they are keys too.
    pub(in crate::store) async fn sweep(&self, pattern: &str) -> Result<u64, Fault> {
        let pattern = format!("{}{pattern}", glob_escaped(&self.namespace));
        if self.is_cluster() {
            Box::pin(self.sweep_cluster(&pattern)).await
        } else {
            self.sweep_one(&pattern, None).await
        }
    }

    /// Sweeps every primary, until who has which slots was the same before and after.
    async fn sweep_cluster(&self, pattern: &str) -> Result<u64, Fault> {
        let mut deleted = 0;
        let mut before = self.layout().await?;
        for _ in 0..SWEEPS {
            // A key on its way to a node that was swept already is there the second time.
            let rounds = if before.is_moving() { 2 } else { 1 };
            for primary in before.0.iter().cycle().take(rounds * before.0.len()) {
                deleted += self.sweep_one(pattern, Some(primary)).await?;
            }
            let after = self.layout().await?;
            if after == before {
                return Ok(deleted);
            }
            before = after;
        }
        Err(Fault::NotConnected)
    }

    pub(super) async fn layout(&self) -> Result<Layout, Fault> {
        let layout = self.link().layout(self.budget).await?;
        layout.ok_or(Fault::NotConnected)
    }

    async fn sweep_one(&self, pattern: &str, at: Option<&Primary>) -> Result<u64, Fault> {
        let (mut cursor, mut deleted) = (b"0".to_vec(), 0);
        loop {
            let (next, keys) = self.scan(&cursor, pattern, BATCH, at).await?;
            let of_cache = |key: &&Vec<u8>| !is_record(&key[self.namespace.len().min(key.len())..]);
            if !keys.is_empty() {
                let keys: Vec<_> = keys
                    .iter()
                    .filter(of_cache)
                    .map(|key| WireKey::whole(key))
                    .collect();
                deleted += self.delete_all(&keys).await?;
            }
            if next == b"0" {
                return Ok(deleted);
            }
            cursor = next;
        }
    }

    /// One bounded step: where it goes on, and what it has found.
    pub(super) async fn scan(
        &self,
        cursor: &[u8],
        pattern: &str,
        count: usize,
        at: Option<&Primary>,
    ) -> Result<(Vec<u8>, Vec<Vec<u8>>), Fault> {
        let mut scan = cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(pattern);
        scan.arg("COUNT").arg(count);
        Ok(page(match at {
            None => self.idempotent(&scan, self.budget).await?,
            Some(primary) => {
                let link = self.link();
                link.command_at(primary, scan, self.budget).await?
            }
        }))
    }
}

/// A namespace is text, whatever it means to a glob.
pub(super) fn glob_escaped(namespace: &str) -> String {
    let mut escaped = String::with_capacity(namespace.len());
    for character in namespace.chars() {
        if "*?[]^\\".contains(character) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A cursor and a page of keys; an answer of another shape ends the scan.
fn page(answer: Value) -> (Vec<u8>, Vec<Vec<u8>>) {
    let Value::Array(parts) = answer else {
        return (b"0".to_vec(), Vec::new());
    };
    let mut parts = parts.into_iter();
    match (parts.next(), parts.next()) {
        (Some(Value::BulkString(cursor)), Some(Value::Array(keys))) => {
            let keys = keys.into_iter().filter_map(|key| match key {
                Value::BulkString(key) => Some(key),
                _ => None,
            });
            (cursor, keys.collect())
        }
        _ => (b"0".to_vec(), Vec::new()),
    }
}
