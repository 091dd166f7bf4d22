//! Entries on one Redis server.

mod manual;
mod scripts;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Cmd, Value};

use super::{Leasing, Reading, Replace};
use crate::client::{Link, WireKey, engine};
use crate::entry::{ENTRY_HEADS, Token, VERSION_OFFSET, lease_bytes};
use crate::error::Fault;
use scripts::Script;

pub(crate) struct Redis {
    /// Driven by the callers' runtime: on a runtime of its own a command costs twice the CPU.
    callers: Arc<Link>,
    engine: Arc<Link>,
    namespace: Arc<str>,
    budget: Duration,
    lease: Duration,
}

impl Redis {
    pub(crate) fn new(
        client: &::redis::Client,
        namespace: Arc<str>,
        budget: Duration,
        lease: Duration,
    ) -> Self {
        let link = || Arc::new(Link::new(client.clone(), budget));
        Self {
            callers: link(),
            engine: link(),
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

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    fn wire<'a>(&'a self, key: &'a str) -> WireKey<'a> {
        WireKey {
            namespace: &self.namespace,
            key,
        }
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

    pub(super) async fn read(
        &self,
        key: &Arc<str>,
        time: Duration,
    ) -> Result<Option<Vec<u8>>, Fault> {
        match self.link().get(&self.namespace, key, time).await {
            Err(fault) if fault.is_lost_connection() => {
                Box::pin(self.link().get(&self.namespace, key, time)).await
            }
            answer => answer,
        }
    }

    pub(super) async fn lease(
        &self,
        key: &Arc<str>,
        token: Token,
        replace: Replace<'_>,
        time: Duration,
    ) -> Result<Leasing, Fault> {
        let (lease, millis) = (lease_bytes(token), millis(self.lease));
        let script = match replace {
            Replace::Anything { .. } => Script::Steal,
            Replace::Nothing | Replace::Exactly(_) => Script::Lease,
        };
        let run = script.run(self.link(), self.wire(key), time, |cmd| {
            cmd.arg(lease.as_slice()).arg(millis);
            match replace {
                Replace::Exactly(Reading::Bytes(bytes)) => {
                    cmd.arg(bytes);
                }
                Replace::Nothing | Replace::Exactly(_) => {}
                Replace::Anything { version } => {
                    let [value, error] = ENTRY_HEADS;
                    cmd.arg(&value).arg(&error).arg(VERSION_OFFSET).arg(version);
                }
            }
        });
        match run.await {
            Ok(Value::Nil) => Ok(Leasing::Taken),
            Ok(Value::BulkString(found)) => Ok(Leasing::Instead(Reading::Bytes(found))),
            Ok(_) | Err(Fault::WrongType) => Ok(Leasing::Unfit),
            Err(fault) => Err(fault),
        }
    }

    pub(super) async fn publish(
        &self,
        key: &str,
        token: Token,
        entry: &[u8],
        ttl: Duration,
    ) -> Result<bool, Fault> {
        let (lease, millis) = (lease_bytes(token), millis(ttl));
        let run = Script::Publish.run(self.link(), self.wire(key), self.budget, |cmd| {
            cmd.arg(lease.as_slice()).arg(entry).arg(millis);
        });
        stood(run.await)
    }

    pub(super) async fn release(&self, key: &str, token: Token) -> Result<bool, Fault> {
        let lease = lease_bytes(token);
        let run = Script::Release.run(self.link(), self.wire(key), self.budget, |cmd| {
            cmd.arg(lease.as_slice());
        });
        stood(run.await)
    }

    /// Keeps the lease for its full time from now, and says whether it still stood.
    pub(crate) async fn renew(&self, key: &str, token: Token) -> Result<bool, Fault> {
        let (lease, millis) = (lease_bytes(token), millis(self.lease));
        let run = Script::Renew.run(self.link(), self.wire(key), self.budget, |cmd| {
            cmd.arg(lease.as_slice()).arg(millis);
        });
        stood(run.await)
    }

    pub(super) async fn invalidate(&self, keys: &[Arc<str>]) -> Result<u64, Fault> {
        let mut deleted = 0;
        for batch in keys.chunks(sweep::BATCH) {
            let mut cmd = ::redis::cmd("DEL");
            for key in batch {
                cmd.arg(self.wire(key));
            }
            if let Value::Int(count) = self.idempotent(&cmd, self.budget).await? {
                deleted += u64::try_from(count).unwrap_or(0);
            }
        }
        Ok(deleted)
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
