//! Locks on Redis.

use std::time::Duration;

use ::redis::Value;

use super::scripts::Script;
use super::{Redis, millis, stood};
use crate::entry::Token;
use crate::error::Fault;
use crate::store::records::{LockKeys, Locking};

/// How long the last fencing token is remembered. After that the server's time alone is greater
/// than all before it.
const REMEMBERED: Duration = Duration::from_secs(86_400);

/// Takes a lock. Keys: the lock's, its last fencing token's. Arguments: who takes it, for how
/// long, how long the token is remembered.
///
/// Answers the fencing token, as text, or how long the holder has.
///
/// The fencing token is the server's time in microseconds, or one more than the last: so it grows
/// also if the last was lost in a failover. It is exact: it stays below 2^53 until the year 2255.
pub(super) const LOCK: &str = r"
if redis.call('GET', KEYS[1]) then return redis.call('PTTL', KEYS[1]) end
local time = redis.call('TIME')
local last = tonumber(redis.call('GET', KEYS[2]) or '') or 0
local fencing = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
redis.call('SET', KEYS[2], fencing, 'PX', ARGV[3])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return fencing";

/// Prolongs a lock. Arguments: who has it, for how long.
pub(super) const PROLONG: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// Gives a lock back. Argument: who has it.
pub(super) const UNLOCK: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

impl Redis {
    pub(in crate::store) async fn lock(
        &self,
        keys: &LockKeys,
        token: Token,
        lease: Duration,
    ) -> Result<Locking, Fault> {
        let wires = [self.wire(&keys.holder), self.wire(&keys.fencing)];
        let run = Script::Lock.run(self.link(), &wires, self.budget, |cmd| {
            cmd.arg(token.as_slice()).arg(millis(lease));
            cmd.arg(millis(REMEMBERED));
        });
        match run.await? {
            Value::BulkString(fencing) => std::str::from_utf8(&fencing)
                .ok()
                .and_then(|fencing| fencing.parse().ok())
                .map(Locking::Taken)
                .ok_or(Fault::WrongType),
            Value::Int(left) => {
                let left = u64::try_from(left).unwrap_or(0);
                Ok(Locking::Held(Duration::from_millis(left)))
            }
            _ => Err(Fault::WrongType),
        }
    }

    pub(in crate::store) async fn prolong_lock(
        &self,
        keys: &LockKeys,
        token: Token,
        lease: Duration,
    ) -> Result<bool, Fault> {
        let wires = [self.wire(&keys.holder)];
        let run = Script::ProlongLock.run(self.link(), &wires, self.budget, |cmd| {
            cmd.arg(token.as_slice()).arg(millis(lease));
        });
        stood(run.await)
    }

    pub(in crate::store) async fn unlock(
        &self,
        keys: &LockKeys,
        token: Token,
    ) -> Result<bool, Fault> {
        let wires = [self.wire(&keys.holder)];
        let run = Script::Unlock.run(self.link(), &wires, self.budget, |cmd| {
            cmd.arg(token.as_slice());
        });
        stood(run.await)
    }
}
