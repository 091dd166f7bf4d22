//! Reads that ride together: concurrent `GET`s of a process share an `MGET`.
//!
//! A read that meets little traffic goes at once. Under load, the first to wait has a task
//! gather for one turn of the scheduler, so the others that are ready now come aboard; nobody
//! waits for a timer or for an earlier batch's reply. The batch belongs to that task, not to a
//! caller, so dropping or not polling a caller's future leaves no rider behind.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use parking_lot::Mutex;
use redis::{Cmd, RedisWrite, ToRedisArgs, Value};
use tokio::runtime::{self, Handle};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::cluster::Cluster;
use super::link::{Link, Open};
use super::wire::Wire;
use crate::entry::Generation;
use crate::error::Fault;

/// Commands in flight up to which a read goes alone.
const ALONE: usize = 2;
/// Bytes that a batch should not exceed, so that large values do not hold up small ones.
const BATCH_BYTES: usize = 64 * 1024;
const BATCH_KEYS: usize = 128;
/// Keys of one call that go in one command: more would hold up others for long.
const MANY: usize = 512;

/// A key as the server knows it: the namespace in front.
#[derive(Clone, Copy)]
pub(crate) struct WireKey<'a> {
    namespace: &'a str,
    key: &'a [u8],
}

impl<'a> WireKey<'a> {
    pub(crate) fn new(namespace: &'a str, key: &'a str) -> Self {
        let key = key.as_bytes();
        Self { namespace, key }
    }

    /// A key as the server has said it.
    pub(crate) fn whole(key: &'a [u8]) -> Self {
        Self { namespace: "", key }
    }
}

impl ToRedisArgs for WireKey<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        if self.namespace.is_empty() {
            return out.write_arg(self.key);
        }
        let mut arg = out.writer_for_next_arg();
        // Writing into a command's own buffer cannot fail.
        let _ = std::io::Write::write_all(&mut arg, self.namespace.as_bytes());
        let _ = std::io::Write::write_all(&mut arg, self.key);
    }
}

impl redis::ToSingleRedisArg for WireKey<'_> {}

pub(crate) type Bytes = Option<Vec<u8>>;

/// What one read found: at its key, and at those of its tags.
#[derive(Default)]
pub(crate) struct Strings {
    pub(crate) at_key: Bytes,
    /// What is no generation reads as nothing.
    pub(crate) at_tags: Vec<Option<Generation>>,
}

struct Rider {
    key: Arc<str>,
    tags: Vec<Arc<str>>,
    time: Duration,
    runtime: runtime::Id,
    reply: oneshot::Sender<Result<Strings, Fault>>,
}

type Answer = oneshot::Receiver<Result<Strings, Fault>>;

/// The reads of one connection.
#[derive(Default)]
pub(crate) struct Reads {
    in_flight: AtomicUsize,
    waiting: Mutex<Vec<Rider>>,
    /// A moving average of the length of replies.
    length: AtomicUsize,
}

/// A command that waits for its answer.
pub(crate) struct InFlight<'a>(&'a AtomicUsize);

impl<'a> InFlight<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Link {
    /// Reads the strings at `key` and at `tags`; what is not a string reads as nothing.
    pub(crate) async fn get(
        self: &Arc<Self>,
        namespace: &Arc<str>,
        key: &Arc<str>,
        tags: &[Arc<str>],
        time: Duration,
    ) -> Result<Strings, Fault> {
        let runtime = Handle::try_current().map_err(|_| Fault::NoRuntime)?.id();
        let (open, time) = self.open(time).await?;
        if let Wire::Cluster(cluster) = &open.wire {
            let keys = std::iter::once(key).chain(tags);
            return Box::pin(self.get_each(&open, cluster, namespace, keys, time)).await;
        }
        if open.reads.in_flight.load(Ordering::Relaxed) < ALONE {
            return if tags.is_empty() {
                let key = WireKey::new(namespace, key);
                self.get_alone(&open, key, time).await
            } else {
                let keys = std::iter::once(key).chain(tags);
                Box::pin(self.get_all_alone(&open, namespace, keys, time)).await
            };
        }
        let (reply, answer) = oneshot::channel();
        let gatherer = {
            let mut waiting = open.reads.waiting.lock();
            waiting.push(Rider {
                key: key.clone(),
                tags: tags.to_vec(),
                time,
                runtime,
                reply,
            });
            (waiting.len() > 1).then(|| waiting[0].runtime)
        };
        if gatherer.is_none() {
            let gathering = Gathering {
                link: self.clone(),
                open: open.clone(),
                namespace: namespace.clone(),
            };
            tokio::spawn(gathering.depart());
        }
        // No answer means that the batch's runtime went away under it.
        if gatherer.is_none_or(|gatherer| gatherer == runtime) {
            // The batch has a limit of its own, and where it is not driven neither are we.
            return answer.await.unwrap_or(Err(Fault::Dropped));
        }
        Box::pin(open.reads.ride_along(answer, time)).await
    }

    async fn get_alone(
        self: &Arc<Self>,
        open: &Arc<Open>,
        key: WireKey<'_>,
        time: Duration,
    ) -> Result<Strings, Fault> {
        let _in_flight = open.reads.enter();
        let mut cmd = Cmd::with_capacity(2, 3 + key.namespace.len() + key.key.len());
        cmd.arg("GET").arg(key);
        let outcome = timeout(time, open.wire.send(&cmd)).await;
        let bytes = into_bytes(self.judge(open, outcome)?)?;
        open.reads.observe(bytes.as_ref().map_or(0, Vec::len));
        Ok(Strings {
            at_key: bytes,
            at_tags: Vec::new(),
        })
    }

    /// A key and its tags, in one command.
    async fn get_all_alone<'a>(
        self: &Arc<Self>,
        open: &Arc<Open>,
        namespace: &str,
        keys: impl Iterator<Item = &'a Arc<str>>,
        time: Duration,
    ) -> Result<Strings, Fault> {
        let _in_flight = open.reads.enter();
        let mut cmd = redis::cmd("MGET");
        for key in keys {
            cmd.arg(WireKey::new(namespace, key));
        }
        let outcome = timeout(time, open.wire.send(&cmd)).await;
        let values = self.judge(open, outcome)?.extract_error()?;
        let mut strings = into_strings(values)?.into_iter();
        Ok(Strings {
            at_key: strings.next().flatten(),
            at_tags: strings.map(generation).collect(),
        })
    }

    /// A key and its tags on a cluster, each in a command of its own: the client library would
    /// make the same of an `MGET`, one command for each slot.
    async fn get_each<'a>(
        self: &Arc<Self>,
        open: &Arc<Open>,
        cluster: &Cluster,
        namespace: &str,
        keys: impl Iterator<Item = &'a Arc<str>>,
        time: Duration,
    ) -> Result<Strings, Fault> {
        let mut strings = self
            .strings_of(open, cluster, namespace, keys, time)
            .await?;
        let at_tags = strings.split_off(1).into_iter().map(generation).collect();
        let at_key = strings.pop().flatten();
        Ok(Strings { at_key, at_tags })
    }

    async fn strings_of<'a>(
        &self,
        open: &Arc<Open>,
        cluster: &Cluster,
        namespace: &str,
        keys: impl Iterator<Item = &'a Arc<str>>,
        time: Duration,
    ) -> Result<Vec<Bytes>, Fault> {
        let get = |key| get_one(open, cluster, WireKey::new(namespace, key));
        let outcome = timeout(time, try_join_all(keys.map(|key: &'a Arc<str>| get(key)))).await;
        self.judge(open, outcome)
    }

    /// Reads the strings at several keys, in their order, in one command; on a cluster in one for
    /// each, at once.
    pub(crate) async fn get_many(
        self: &Arc<Self>,
        namespace: &str,
        keys: &[&Arc<str>],
        time: Duration,
    ) -> Result<Vec<Bytes>, Fault> {
        if self.upstream.is_cluster() {
            let (open, time) = self.open(time).await?;
            if let Wire::Cluster(cluster) = &open.wire {
                let keys = keys.iter().copied();
                return self.strings_of(&open, cluster, namespace, keys, time).await;
            }
        }
        let mut strings = Vec::with_capacity(keys.len());
        for batch in keys.chunks(MANY) {
            let mut cmd = redis::cmd("MGET");
            for key in batch {
                cmd.arg(WireKey::new(namespace, key));
            }
            strings.extend(into_strings(self.command(&cmd, time).await?)?);
        }
        Ok(strings)
    }
}

/// What is at one key of a cluster, if that is a string.
async fn get_one(
    open: &Open,
    cluster: &Cluster,
    key: WireKey<'_>,
) -> Result<Bytes, redis::RedisError> {
    let _in_flight = open.reads.enter();
    let mut cmd = redis::cmd("GET");
    cmd.arg(key);
    match cluster.send(&cmd).await {
        Ok(value) => Ok(into_bytes(value).ok().flatten()),
        Err(error) if error.code() == Some("WRONGTYPE") => Ok(None),
        Err(error) => Err(error),
    }
}

#[derive(Clone)]
struct Gathering {
    link: Arc<Link>,
    open: Arc<Open>,
    namespace: Arc<str>,
}

impl Gathering {
    async fn depart(self) {
        let mut batch = Waiting(&self.open.reads).gather().await;
        let most = self.open.reads.batch_size();
        while batch.len() > most {
            let rest = batch.split_off(most);
            let one_more = self.clone();
            tokio::spawn(async move { one_more.send(batch).await });
            batch = rest;
        }
        self.send(batch).await;
    }

    async fn send(&self, batch: Vec<Rider>) {
        let _in_flight = self.open.reads.enter();
        let shared = SharedTags::of(&batch);
        let keys = || batch.iter().map(|rider| &rider.key).chain(&shared.tags);
        let (count, bytes) = keys().fold((0, 0), |(count, bytes), key| {
            (count + 1, bytes + self.namespace.len() + key.len())
        });
        let mut cmd = Cmd::with_capacity(count + 1, bytes + 4);
        cmd.arg("MGET");
        for key in keys() {
            cmd.arg(WireKey::new(&self.namespace, key));
        }
        // Each rider minds its own time; one that has little left does not end it for the others.
        let time = batch
            .iter()
            .map(|rider| rider.time)
            .max()
            .unwrap_or_default();
        let outcome = timeout(time, self.open.wire.send(&cmd)).await;
        match self.link.judge(&self.open, outcome) {
            Ok(Value::Array(mut values)) if values.len() == count => {
                let mut at_tags = shared.hand_out(values.split_off(batch.len()));
                for (rider, value) in batch.into_iter().zip(values) {
                    let at_tags = at_tags.by_ref().take(rider.tags.len()).collect();
                    // A rider whose future was dropped no longer wants its answer.
                    let _ = rider.reply.send(self.strings(value, at_tags));
                }
            }
            Ok(Value::ServerError(error)) => {
                refuse(batch, || redis::RedisError::from(error.clone()).into());
            }
            Ok(_) => refuse(batch, || Fault::NotConnected),
            Err(Fault::Timeout) => refuse(batch, || Fault::Timeout),
            Err(Fault::Redis(error)) => refuse(batch, || Fault::Redis(error.clone())),
            Err(_) => refuse(batch, || Fault::NotConnected),
        }
    }
}

impl Gathering {
    /// A rider's part of an answer.
    fn strings(&self, at_key: Value, at_tags: Vec<Option<Generation>>) -> Result<Strings, Fault> {
        let at_key = into_bytes(at_key);
        let length = at_key
            .as_ref()
            .map_or(0, |b| b.as_ref().map_or(0, Vec::len));
        self.open.reads.observe(length);
        Ok(Strings {
            at_key: at_key?,
            at_tags,
        })
    }
}

/// The tags of a batch, each once: entries that are read together often carry the same.
struct SharedTags {
    tags: Vec<Arc<str>>,
    /// Of each rider's tags, one rider after the other: which of them it is.
    places: Vec<usize>,
}

impl SharedTags {
    fn of(batch: &[Rider]) -> Self {
        let count = batch.iter().map(|rider| rider.tags.len()).sum();
        let mut known = HashMap::with_capacity(count);
        let (mut tags, mut places) = (Vec::new(), Vec::with_capacity(count));
        for tag in batch.iter().flat_map(|rider| &rider.tags) {
            let place = *known.entry(tag).or_insert_with(|| {
                tags.push(tag.clone());
                tags.len() - 1
            });
            places.push(place);
        }
        Self { tags, places }
    }

    /// What each rider's tags hold, in the order of the places.
    fn hand_out(self, values: Vec<Value>) -> impl Iterator<Item = Option<Generation>> {
        let values: Vec<_> = values.into_iter().map(into_generation).collect();
        let places = self.places.into_iter();
        places.map(move |place| values.get(place).copied().flatten())
    }
}

fn into_generation(value: Value) -> Option<Generation> {
    generation(into_bytes(value).ok()?)
}

/// What a tag's key holds, if that is a generation.
pub(crate) fn generation(bytes: Bytes) -> Option<Generation> {
    bytes?.try_into().ok()
}

fn into_strings(values: Value) -> Result<Vec<Bytes>, Fault> {
    match values {
        Value::Array(values) => values.into_iter().map(into_bytes).collect(),
        _ => Ok(Vec::new()),
    }
}

fn refuse(batch: Vec<Rider>, fault: impl Fn() -> Fault) {
    for rider in batch {
        let _ = rider.reply.send(Err(fault()));
    }
}

/// Whoever waits for the task that gathers. If that task is dropped before it boards them, they
/// are sent away: later riders would else take them for a batch that somebody is gathering.
struct Waiting<'a>(&'a Reads);

impl Waiting<'_> {
    async fn gather(self) -> Vec<Rider> {
        tokio::task::yield_now().await;
        let riders = std::mem::take(&mut *self.0.waiting.lock());
        std::mem::forget(self);
        riders
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let riders = std::mem::take(&mut *self.0.waiting.lock());
        drop(riders);
    }
}

impl Reads {
    pub(super) fn enter(&self) -> InFlight<'_> {
        InFlight::enter(&self.in_flight)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Waits for a batch that leaves from another runtime, which may be one that nobody drives:
    /// then all who wait are sent away, or no later rider would start another batch.
    async fn ride_along(&self, answer: Answer, time: Duration) -> Result<Strings, Fault> {
        if let Ok(answer) = timeout(time, answer).await {
            return answer.unwrap_or(Err(Fault::Dropped));
        }
        let mut waiting = self.waiting.lock();
        if waiting.iter().any(|rider| rider.reply.is_closed()) {
            waiting.clear();
        }
        Err(Fault::Timeout)
    }

    fn batch_size(&self) -> usize {
        let length = self.length.load(Ordering::Relaxed).max(1);
        (BATCH_BYTES / length).clamp(1, BATCH_KEYS)
    }

    fn observe(&self, length: usize) {
        let average = self.length.load(Ordering::Relaxed);
        self.length
            .store((average * 7 + length) / 8, Ordering::Relaxed);
    }
}

fn into_bytes(value: Value) -> Result<Bytes, Fault> {
    match value {
        Value::BulkString(bytes) => Ok(Some(bytes)),
        Value::ServerError(error) => match redis::RedisError::from(error).into() {
            // Taking the lease will find out what it is; a batch could not tell.
            Fault::WrongType => Ok(None),
            fault => Err(fault),
        },
        _ => Ok(None),
    }
}
