//! What one script does on one server, and several steps do on a cluster, where an entry and its
//! tags are on different nodes.
//!
//! The generations of tags are captured before the lease is taken, so before the load. A script
//! gets the entry's key only. While it publishes or releases, the tags are read again: if one has
//! moved, the lease counts as not standing, so nobody who joined the load is answered from it.
//! What was stored with generations that are old by then is a miss to every reader, who compares
//! them with the tags'; it is taken out again all the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::Value;
use futures_util::future::{join, try_join_all};

use super::scripts::Script;
use super::{Redis, millis, stood};
use crate::client::WireKey;
use crate::entry::{Generation, IDENTITY, Token, cooling_bytes, lease_bytes};
use crate::error::Fault;
use crate::store::memory::new_generation;
use crate::store::{Keyed, Leasing, Leave, Read};

/// A tag as it was before a load.
struct Captured {
    /// Somebody is writing: then this is what changes with whatever happens to the tag.
    is_fenced: bool,
    generation: Generation,
}

impl Redis {
    /// Captures the tags, then takes the lease by `take`, which knows of no tags.
    pub(super) async fn lease_apart(
        &self,
        tags: &[Arc<str>],
        tag_life: Duration,
        time: Duration,
        take: impl AsyncFnOnce(Duration) -> Result<Leasing, Fault>,
    ) -> Result<Leasing, Fault> {
        let start = Instant::now();
        let captured = match self.capture(tags, tag_life, time).await {
            Ok(captured) => captured,
            Err(Fault::WrongType) => return Ok(Leasing::Unfit),
            Err(fault) => return Err(fault),
        };
        let leasing = take(time.saturating_sub(start.elapsed())).await?;
        Ok(match leasing {
            Leasing::Taken { kept, .. } => Leasing::Taken {
                kept,
                is_written: captured.iter().any(|tag| tag.is_fenced),
                generations: captured.iter().map(|tag| tag.generation).collect(),
            },
            // Read before the entry: if a tag was invalidated in between, it was while this call
            // was under way.
            Leasing::Instead(Read { reading, .. }) => Leasing::Instead(Read {
                reading,
                generations: captured
                    .iter()
                    .map(|tag| (!tag.is_fenced).then_some(tag.generation))
                    .collect(),
            }),
            Leasing::Unfit => Leasing::Unfit,
        })
    }

    /// The generations of tags; those that had none get one.
    async fn capture(
        &self,
        tags: &[Arc<str>],
        life: Duration,
        time: Duration,
    ) -> Result<Vec<Captured>, Fault> {
        try_join_all(tags.iter().map(|tag| self.capture_one(tag, life, time))).await
    }

    async fn capture_one(
        &self,
        tag: &str,
        life: Duration,
        time: Duration,
    ) -> Result<Captured, Fault> {
        let (key, new) = ([self.wire(tag)], new_generation());
        let run = Script::Capture.run(self.link(), &key, time, |cmd| {
            cmd.arg(millis(life)).arg(new.as_slice());
        });
        captured(run.await?).ok_or(Fault::WrongType)
    }

    /// Whether no tag has moved since the generations were captured, and none is being written.
    async fn confirm(
        &self,
        tags: &[Arc<str>],
        generations: &[Generation],
    ) -> Result<Confirmed, Fault> {
        let now = try_join_all(tags.iter().map(|tag| self.epoch(tag))).await?;
        let is_same = |now: &Option<Captured>, before: &Generation| {
            now.as_ref().is_some_and(|now| now.generation == *before)
        };
        let mut both = now.iter().zip(generations);
        Ok(Confirmed {
            is_same: both.all(|(now, before)| is_same(now, before)),
            is_written: now.iter().flatten().any(|tag| tag.is_fenced),
        })
    }

    async fn epoch(&self, tag: &str) -> Result<Option<Captured>, Fault> {
        let key = [self.wire(tag)];
        let run = Script::Epoch.run(self.link(), &key, self.budget, |_| {});
        match run.await {
            Ok(answer) => Ok(captured(answer)),
            Err(Fault::WrongType) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    pub(super) async fn publish_apart(
        &self,
        at: Keyed<'_>,
        token: Token,
        generations: &[Generation],
        entry: &[u8],
        time: Duration,
    ) -> Result<bool, Fault> {
        let (lease, millis) = (lease_bytes(token), millis(time));
        let (key, now) = ([self.wire(at.key)], self.now());
        let publish = Script::Publish.run(self.link(), &key, self.budget, |cmd| {
            cmd.arg(lease.as_slice()).arg(entry).arg(millis).arg(now);
        });
        // At once: who joined did so before either, and whoever reads later compares for himself.
        let (published, confirmed) = join(publish, self.confirm(at.tags, generations)).await;
        if !stood(published)? {
            return Ok(false);
        }
        let confirmed = confirmed?;
        if confirmed.is_same && !confirmed.is_written {
            return Ok(true);
        }
        self.withdraw(&key, entry).await?;
        Ok(false)
    }

    /// Takes an entry out that was stored under tags that had moved.
    async fn withdraw(&self, key: &[WireKey<'_>], entry: &[u8]) -> Result<(), Fault> {
        let identity = &entry[..IDENTITY.min(entry.len())];
        let run = Script::Withdraw.run(self.link(), key, self.budget, |cmd| {
            cmd.arg(identity);
        });
        run.await.map(drop)
    }

    pub(super) async fn release_apart(
        &self,
        at: Keyed<'_>,
        token: Token,
        generations: &[Generation],
        leave: Leave,
    ) -> Result<bool, Fault> {
        // What a lease keeps, or how it cools down, is of no use under tags that have moved.
        let has_moved =
            leave != Leave::Nothing && !self.confirm(at.tags, generations).await?.is_same;
        let leave = if has_moved { Leave::Nothing } else { leave };
        let (claim, cooling) = (lease_bytes(token), cooling_bytes());
        let (left, time): (&[u8], _) = match leave {
            Leave::Nothing => (&[], 0),
            Leave::Kept => (b"kept", 0),
            Leave::Cooling(time) => (&cooling, millis(time)),
        };
        let (key, now) = ([self.wire(at.key)], self.now());
        let release = Script::Release.run(self.link(), &key, self.budget, |cmd| {
            cmd.arg(claim.as_slice()).arg(left).arg(time).arg(now);
        });
        let (released, confirmed) = join(release, self.confirm(at.tags, generations)).await;
        Ok(stood(released)? && confirmed?.is_same)
    }

    /// Runs a script that may run twice on each key, all at once, and adds up what they answer.
    pub(super) async fn on_each(
        &self,
        script: Script,
        keys: &[WireKey<'_>],
        arguments: impl Fn(&mut ::redis::Cmd),
    ) -> Result<u64, Fault> {
        let run = |key| self.on_one(script, key, &arguments);
        let answers = try_join_all(keys.iter().copied().map(run)).await?;
        let count = |answer: &Value| match answer {
            Value::Int(count) => u64::try_from(*count).unwrap_or(0),
            _ => 0,
        };
        Ok(answers.iter().map(count).sum())
    }

    /// It may be sent twice.
    async fn on_one(
        &self,
        script: Script,
        key: WireKey<'_>,
        arguments: &impl Fn(&mut ::redis::Cmd),
    ) -> Result<Value, Fault> {
        let keys = [key];
        let run = || script.run(self.link(), &keys, self.budget, arguments);
        match run().await {
            Err(fault) if fault.is_lost_connection() => Box::pin(run()).await,
            answer => answer,
        }
    }

    pub(super) async fn put_each(
        &self,
        entries: &[(Arc<str>, Vec<u8>)],
        ttl: Duration,
    ) -> Result<(), Fault> {
        let put = |(key, entry): &(Arc<str>, Vec<u8>)| {
            let mut set = ::redis::cmd("SET");
            set.arg(self.wire(key))
                .arg(entry)
                .arg("PX")
                .arg(millis(ttl));
            async move { self.link().command(&set, self.budget).await }
        };
        try_join_all(entries.iter().map(put)).await.map(drop)
    }
}

/// What has become of the tags of a load.
struct Confirmed {
    is_same: bool,
    is_written: bool,
}

/// Whether somebody is writing, and the generation; nothing for what is no generation.
fn captured(answer: Value) -> Option<Captured> {
    let Value::Array(parts) = answer else {
        return None;
    };
    let mut parts = parts.into_iter();
    match (parts.next()?, parts.next()?) {
        (Value::Int(is_fenced), Value::BulkString(generation)) => Some(Captured {
            is_fenced: is_fenced == 1,
            generation: generation.try_into().ok()?,
        }),
        _ => None,
    }
}
