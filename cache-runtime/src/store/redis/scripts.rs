//! What Redis does in one step: each touches one key, and what it was told to compare.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ::redis::{Cmd, Value};

use crate::client::{Link, WireKey};
use crate::error::Fault;

/// Takes the lease on an absent key, or in place of the very bytes expected, if any are. Answers nothing
/// when taken, else what is there; what is not a string is an error of `GET`.
const LEASE: &str = "
local found = redis.call('GET', KEYS[1])
if found and found ~= ARGV[3] then return found end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false";

/// Takes the lease whatever the key holds, unless it is not a string, or an entry of a higher
/// version, whose four bytes stand at a fixed offset behind what marks a value or an error.
const STEAL: &str = "
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'string' and kind ~= 'none' then return 0 end
local head = redis.call('GETRANGE', KEYS[1], 0, ARGV[5] + 3)
local mark = string.sub(head, 1, 4)
if #head == ARGV[5] + 4 and (mark == ARGV[3] or mark == ARGV[4])
    and struct.unpack('>I4', head, ARGV[5] + 1) > tonumber(ARGV[6]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false";

/// Stores an entry in place of the lease.
const PUBLISH: &str = "
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";

const RELEASE: &str = "
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

const RENEW: &str = "
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// Adds to a counter and gives it a time to live if it is new.
const COUNT: &str = "
local existed = redis.call('EXISTS', KEYS[1])
redis.call('INCRBY', KEYS[1], ARGV[1])
if existed == 0 and ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
-- Its text: a number of Lua is exact to 2^53 only.
return redis.call('GET', KEYS[1])";

/// Gives an entry another time to live, unless it is a lease or a fence.
const EXPIRE: &str = "
local head = redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1)
if head == ARGV[1] or head == ARGV[2] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[3])";

/// What is left of an entry's time to live, as `PTTL` says it; a lease or a fence is no entry.
const REMAINING: &str = "
local head = redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1)
if head == ARGV[1] or head == ARGV[2] then return -2 end
return redis.call('PTTL', KEYS[1])";

/// Deletes the key, and says whether there was an entry; a lease or a fence is none.
const DELETE: &str = "
local head = redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1)
local deleted = redis.call('DEL', KEYS[1])
if head == ARGV[1] or head == ARGV[2] then return 0 end
return deleted";

#[derive(Clone, Copy)]
pub(super) enum Script {
    Lease,
    Steal,
    Publish,
    Release,
    Renew,
    Count,
    Expire,
    Remaining,
    Delete,
}

struct Loaded {
    code: &'static str,
    hash: String,
}

static LOADED: LazyLock<[Loaded; 9]> = LazyLock::new(|| {
    [
        LEASE, STEAL, PUBLISH, RELEASE, RENEW, COUNT, EXPIRE, REMAINING, DELETE,
    ]
    .map(|code| Loaded {
        code,
        hash: ::redis::Script::new(code).get_hash().to_owned(),
    })
});

impl Script {
    /// Runs the script on one key, sending its text only where the server has never seen it.
    pub(super) async fn run(
        self,
        link: &Arc<Link>,
        key: WireKey<'_>,
        time: Duration,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<Value, Fault> {
        let script = &LOADED[self as usize];
        let command = |name: &str, text: &str| {
            let mut cmd = ::redis::cmd(name);
            cmd.arg(text).arg(1).arg(key);
            arguments(&mut cmd);
            cmd
        };
        match link.command(&command("EVALSHA", &script.hash), time).await {
            // Surely not executed, so it may be sent again.
            Err(Fault::Redis(error)) if error.code() == Some("NOSCRIPT") => {
                link.command(&command("EVAL", script.code), time).await
            }
            answer => answer,
        }
    }
}
