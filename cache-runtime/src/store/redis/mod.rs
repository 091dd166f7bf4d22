//! Entries on Redis: one server, or a cluster.

mod cluster;
mod forget;
mod limits;
mod locks;
mod manual;
mod scripts;
mod sessions;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Cmd, Value};
use tokio::runtime::Handle;

use super::memory::new_generation;
use super::{Keyed, Leasing, Leave, Read, Reading, Take};
use crate::client::{
    Breaker, Connections, Link, Pool, ServerClock, Settings, Upstream, WireKey, engine, generation,
};
use crate::clock::Clock;
use crate::entry::{Generation, IDENTITY, Token, cooling_bytes, fence_bytes, lease_bytes};
use crate::error::Fault;
use scripts::Script;

#[derive(Clone)]
pub(crate) struct Redis {
    /// Driven by the callers' runtime: on a runtime of its own a command costs twice the CPU.
    callers: Arc<Link>,
    engine: Arc<Link>,
    /// Driven by the engine, for commands that wait for replicas, and whatever comes after them.
    confirming: Arc<Link>,
    upstream: Arc<Upstream>,
    endings: Arc<sessions::Endings>,
    pool: Arc<Pool>,
    clock: Arc<ServerClock>,
    namespace: Arc<str>,
    budget: Duration,
    lease: Duration,
}

impl Redis {
    pub(crate) fn new(
        settings: &Settings,
        namespace: Arc<str>,
        budget: Duration,
        lease: Duration,
        clock: Clock,
    ) -> Self {
        let clock = Arc::new(ServerClock::new(clock));
        let upstream = Arc::new(Upstream::new(settings));
        let link = || {
            let link = Link::new(upstream.clone(), clock.clone(), budget);
            link.breaker().probe_with(forget::probe(&namespace), budget);
            Arc::new(link)
        };
        Self {
            callers: link(),
            engine: link(),
            confirming: link(),
            endings: Arc::default(),
            pool: Arc::new(Pool::new(upstream.clone())),
            upstream,
            clock,
            namespace,
            budget,
            lease,
        }
    }

    pub(super) fn link(&self) -> &Arc<Link> {
        if engine::is_aboard() {
            &self.engine
        } else {
            &self.callers
        }
    }

    /// The breaker of the connection that answers calls.
    pub(crate) fn breaker(&self) -> &Breaker {
        self.callers.breaker()
    }

    /// Whether an entry and its tags may be on different servers.
    fn is_cluster(&self) -> bool {
        self.upstream.is_cluster()
    }

    /// Opens what the settings want open from the start.
    pub(crate) fn warm_up(&self) {
        if let Ok(runtime) = Handle::try_current() {
            self.link().warm_up(&runtime);
            self.pool.warm_up(&runtime);
        } else if let Some(engine) = engine::get() {
            self.engine.warm_up(engine.handle());
            self.pool.warm_up(engine.handle());
        }
    }

    pub(crate) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(crate) fn connections(&self) -> Connections {
        let in_flight = self.callers.in_flight() + self.engine.in_flight();
        let changes = |link: &Link| *link.changes().borrow();
        let changes = changes(&self.callers) + changes(&self.engine);
        self.upstream.tally().snapshot(in_flight, changes)
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// What a command of nobody's key is answered with, within `time`.
    pub(crate) async fn ask(&self, cmd: &Cmd, time: Duration) -> Result<Value, Fault> {
        self.idempotent(cmd, time).await
    }

    /// Closes all connections for good.
    pub(crate) fn close(&self) {
        self.pool.close();
        self.callers.close();
        self.engine.close();
        self.confirming.close();
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    fn wire<'a>(&'a self, key: &'a str) -> WireKey<'a> {
        WireKey::new(&self.namespace, key)
    }

    /// A command that may be sent twice: once more if the connection went away under it, as it
    /// does when the runtime that drove it is shut down.
    async fn idempotent(&self, cmd: &Cmd, time: Duration) -> Result<Value, Fault> {
        match self.link().command(cmd, time).await {
            Err(fault) if fault.is_lost_connection() => {
                Box::pin(self.link().command(cmd, time)).await
            }
            answer => answer,
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The key and its tags, as one script gets them.
    fn wires<'a>(&'a self, at: Keyed<'a>) -> Vec<WireKey<'a>> {
        let tags = at.tags.iter().map(|tag| self.wire(tag));
        std::iter::once(self.wire(at.key)).chain(tags).collect()
    }

    pub(super) async fn read(&self, at: Keyed<'_>, time: Duration) -> Result<Read, Fault> {
        let get = || self.link().get(&self.namespace, at.key, at.tags, time);
        let strings = match get().await {
            Err(fault) if fault.is_lost_connection() => Box::pin(get()).await,
            strings => strings,
        }?;
        Ok(Read {
            reading: strings.at_key.map_or(Reading::Nothing, Reading::Bytes),
            generations: strings.at_tags,
        })
    }

    pub(super) async fn read_many(
        &self,
        all: &[Keyed<'_>],
        time: Duration,
    ) -> Result<Vec<Read>, Fault> {
        let keys = all
            .iter()
            .flat_map(|at| std::iter::once(at.key).chain(at.tags));
        let keys: Vec<&Arc<str>> = keys.collect();
        let get = || self.link().get_many(&self.namespace, &keys, time);
        let strings = match get().await {
            Err(fault) if fault.is_lost_connection() => Box::pin(get()).await,
            strings => strings,
        }?;
        let mut strings = strings.into_iter();
        let reads = all.iter().map(|at| {
            let reading = strings.next().flatten();
            Read {
                reading: reading.map_or(Reading::Nothing, Reading::Bytes),
                generations: strings
                    .by_ref()
                    .take(at.tags.len())
                    .map(generation)
                    .collect(),
            }
        });
        Ok(reads.collect())
    }

    pub(super) async fn lease(
        &self,
        at: Keyed<'_>,
        token: Token,
        take: Take<'_>,
        tag_life: Duration,
        time: Duration,
    ) -> Result<Leasing, Fault> {
        if at.tags.is_empty() || !self.is_cluster() {
            return self.take(at, token, take, tag_life, time).await;
        }
        let untagged = Keyed { tags: &[], ..at };
        let take = async |time| self.take(untagged, token, take, tag_life, time).await;
        let leasing = Box::pin(self.lease_apart(at.tags, tag_life, time, take));
        leasing.await
    }

    async fn take(
        &self,
        at: Keyed<'_>,
        token: Token,
        take: Take<'_>,
        tag_life: Duration,
        time: Duration,
    ) -> Result<Leasing, Fault> {
        let (lease, now) = (lease_bytes(token), self.now());
        let (mode, expected, version): (_, &[u8], _) = match take {
            Take::Exactly(Reading::Bytes(bytes)) => ("exactly", bytes, 0),
            Take::Keeping(Reading::Bytes(bytes)) => {
                ("keeping", &bytes[..IDENTITY.min(bytes.len())], 0)
            }
            Take::Absent | Take::Exactly(_) | Take::Keeping(_) => ("absent", &[], 0),
            Take::Steal { version } => ("steal", &[], version),
            Take::Refresh { version } => ("refresh", &[], version),
        };
        let keys = self.wires(at);
        let run = Script::Take.run(self.link(), &keys, time, |cmd| {
            cmd.arg(lease.as_slice()).arg(millis(self.lease)).arg(now);
            cmd.arg(mode).arg(expected).arg(version);
            cmd.arg(millis(tag_life));
            for _ in at.tags {
                cmd.arg(new_generation().as_slice());
            }
        });
        match run.await {
            Ok(Value::Array(answer)) => Ok(leasing(answer)),
            Ok(_) | Err(Fault::WrongType) => Ok(Leasing::Unfit),
            Err(fault) => Err(fault),
        }
    }

    pub(super) async fn publish(
        &self,
        at: Keyed<'_>,
        token: Token,
        generations: &[Generation],
        entry: &[u8],
        time: Duration,
    ) -> Result<bool, Fault> {
        if self.is_cluster() && !at.tags.is_empty() {
            return Box::pin(self.publish_apart(at, token, generations, entry, time)).await;
        }
        let (lease, millis) = (lease_bytes(token), millis(time));
        let (keys, now) = (self.wires(at), self.now());
        let run = Script::Publish.run(self.link(), &keys, self.budget, |cmd| {
            cmd.arg(lease.as_slice()).arg(entry).arg(millis).arg(now);
            for generation in generations {
                cmd.arg(generation.as_slice());
            }
        });
        stood(run.await)
    }

    pub(super) async fn release(
        &self,
        at: Keyed<'_>,
        token: Token,
        generations: &[Generation],
        leave: Leave,
    ) -> Result<bool, Fault> {
        if self.is_cluster() && !at.tags.is_empty() {
            return Box::pin(self.release_apart(at, token, generations, leave)).await;
        }
        let (claim, cooling) = (lease_bytes(token), cooling_bytes());
        let (left, time): (&[u8], _) = match leave {
            Leave::Nothing => (&[], 0),
            Leave::Kept => (b"kept", 0),
            Leave::Cooling(time) => (&cooling, millis(time)),
        };
        let (keys, now) = (self.wires(at), self.now());
        let run = Script::Release.run(self.link(), &keys, self.budget, |cmd| {
            cmd.arg(claim.as_slice()).arg(left).arg(time).arg(now);
            for generation in generations {
                cmd.arg(generation.as_slice());
            }
        });
        stood(run.await)
    }

    /// Keeps the lease for its full time from now, and says whether it still stood.
    pub(crate) async fn renew(&self, key: &str, token: Token) -> Result<bool, Fault> {
        let (lease, now) = (lease_bytes(token), self.now());
        let key = [self.wire(key)];
        let run = Script::Renew.run(self.link(), &key, self.budget, |cmd| {
            cmd.arg(lease.as_slice()).arg(millis(self.lease)).arg(now);
        });
        stood(run.await)
    }

    pub(super) async fn invalidate(&self, keys: &[Arc<str>]) -> Result<u64, Fault> {
        let wires: Vec<_> = keys.iter().map(|key| self.wire(key)).collect();
        let mut deleted = 0;
        for batch in wires.chunks(sweep::BATCH) {
            deleted += self.delete_all(batch).await?;
        }
        Ok(deleted)
    }

    /// Deletes keys, but for fences; it may be sent twice.
    async fn delete_all(&self, keys: &[WireKey<'_>]) -> Result<u64, Fault> {
        let fence = fence_bytes();
        if self.is_cluster() {
            let each = self.on_each(Script::Invalidate, keys, |cmd| {
                cmd.arg(fence.as_slice());
            });
            return each.await;
        }
        let run = || {
            Script::Invalidate.run(self.link(), keys, self.budget, |cmd| {
                cmd.arg(fence.as_slice());
            })
        };
        let answer = match run().await {
            Err(fault) if fault.is_lost_connection() => Box::pin(run()).await?,
            answer => answer?,
        };
        Ok(match answer {
            Value::Int(count) => u64::try_from(count).unwrap_or(0),
            _ => 0,
        })
    }

    pub(super) async fn fence(
        &self,
        keys: &[Arc<str>],
        writer: Token,
        time: Duration,
    ) -> Result<(), Fault> {
        self.set_writer(Script::Fence, keys, writer, millis(time))
            .await
    }

    pub(super) async fn unfence(
        &self,
        keys: &[Arc<str>],
        writer: Token,
        settle: Duration,
    ) -> Result<(), Fault> {
        let settle = if settle.is_zero() { 0 } else { millis(settle) };
        self.set_writer(Script::Unfence, keys, writer, settle).await
    }

    async fn set_writer(
        &self,
        script: Script,
        keys: &[Arc<str>],
        writer: Token,
        time: u64,
    ) -> Result<(), Fault> {
        let wires: Vec<_> = keys.iter().map(|key| self.wire(key)).collect();
        for batch in wires.chunks(sweep::BATCH) {
            let (fence, now) = (fence_bytes(), self.now());
            let arguments = |cmd: &mut Cmd| {
                cmd.arg(fence.as_slice()).arg(writer.as_slice());
                cmd.arg(now).arg(time);
            };
            if self.is_cluster() {
                self.on_each(script, batch, arguments).await?;
            } else {
                let run = script.run(self.link(), batch, self.budget, arguments);
                run.await?;
            }
        }
        Ok(())
    }

    pub(super) async fn touch(&self, key: &str, entry: &[u8], time: Duration) -> Result<(), Fault> {
        let identity = &entry[..IDENTITY.min(entry.len())];
        let key = [self.wire(key)];
        let run = Script::Touch.run(self.link(), &key, self.budget, |cmd| {
            cmd.arg(identity).arg(millis(time));
        });
        run.await.map(drop)
    }
}

/// The answer of the script that takes a lease.
fn leasing(answer: Vec<Value>) -> Leasing {
    let mut answer = answer.into_iter();
    let what = answer.next();
    let mut strings = answer.map(|value| match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    });
    let content = strings.next().flatten();
    match what {
        Some(Value::Int(code @ (1 | 3))) => {
            let generations: Option<Vec<_>> = strings.map(generation).collect();
            let kept = content.filter(|kept| !kept.is_empty()).map(Reading::Bytes);
            generations.map_or(Leasing::Unfit, |generations| Leasing::Taken {
                kept,
                generations,
                is_written: code == 3,
            })
        }
        Some(Value::Int(0)) => Leasing::Instead(Read {
            reading: content.map_or(Reading::Nothing, Reading::Bytes),
            generations: strings.map(generation).collect(),
        }),
        _ => Leasing::Unfit,
    }
}

/// Whether the lease stood; in what is no string there is none.
fn stood(answer: Result<Value, Fault>) -> Result<bool, Fault> {
    match answer {
        Ok(answer) => Ok(answer == Value::Int(1)),
        Err(Fault::WrongType) => Ok(false),
        Err(fault) => Err(fault),
    }
}

impl Fault {
    fn is_lost_connection(&self) -> bool {
        matches!(self, Self::Redis(error) if error.is_io_error() || error.is_connection_dropped())
            || matches!(self, Self::Dropped)
    }
}

/// `PX`, not `EX`: 500 ms would round to 0 s, which Redis rejects, as it does 0 ms.
pub(super) fn millis(time: Duration) -> u64 {
    const LONGEST: u64 = 1000 * 60 * 60 * 24 * 365 * 100;
    let millis = time.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(LONGEST).clamp(1, LONGEST)
}
