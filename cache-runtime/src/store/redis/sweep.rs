//! Keys by pattern: `SCAN` in bounded steps, never `KEYS`.

use std::sync::Arc;

use ::redis::{Value, cmd};

use super::Redis;
use crate::client::{Link, WireKey};
use crate::error::Fault;

/// Keys a step: what one `SCAN` looks at, and what one `DEL` deletes.
pub(super) const BATCH: usize = 512;

impl Redis {
    /// Deletes what matches, leases included: they are keys too.
    pub(in crate::store) async fn sweep(&self, pattern: &str) -> Result<u64, Fault> {
        self.sweep_on(self.link(), pattern).await
    }

    pub(super) async fn sweep_on(&self, link: &Arc<Link>, pattern: &str) -> Result<u64, Fault> {
        let pattern = format!("{}{pattern}", glob_escaped(&self.namespace));
        let (mut cursor, mut deleted) = (b"0".to_vec(), 0);
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(BATCH);
            let (next, keys) = page(Self::idempotent_on(link, &scan, self.budget).await?);
            if !keys.is_empty() {
                let keys: Vec<_> = keys.iter().map(|key| WireKey::whole(key)).collect();
                deleted += self.delete_all(link, &keys).await?;
            }
            if next == b"0" {
                return Ok(deleted);
            }
            cursor = next;
        }
    }
}

/// A namespace is text, whatever it means to a glob.
fn glob_escaped(namespace: &str) -> String {
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
