//! What Redis does in one step. A script touches the keys it is given: one entry and its tags, or
//! several keys that are treated alike.
//!
//! But for those of locks and sessions no script asks the server for the time: whoever runs it knows
//! that as well as it needs to.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ::redis::{Cmd, Value};

use super::sessions::scripts as sessions;
use super::{limits, locks};
use crate::client::{Link, WireKey};
use crate::error::Fault;

/// How values, errors, leases and fences begin, and what is where in a lease; see `entry::envelope`.
const LAYOUT: &str = r"
local VALUE, ERROR = '\255\202\1\1', '\255\202\1\2'
local LEASE, FENCE = '\255\202\1\3', '\255\202\1\4'
local COOLING, DEADLINE, END, KEPT = 6, 37, 45, 53
local function number(bytes, at) return (struct.unpack('>I8', bytes, at)) end
-- What stands for a tag that is being written: as long as it does, nothing else has happened.
local function epoch(tag)
    if type(tag) == 'string' and string.sub(tag, 1, 4) == FENCE then
        return true, string.sub(tag, 13, 28)
    end
    return false, tag
end
local function text(millis) return struct.pack('>I8', millis) end
";

/// Takes the lease. Keys: the entry's, its tags'. Arguments: the lease, its time, now, what it may
/// take the place of, what that begins with, our version, how long tags live, and a new generation
/// for each.
///
/// Answers 1, the entry that the lease keeps and the generations, or 3 and the same if a tag is
/// being written; or 0, what is there instead and the generations; or 2 if that may not be
/// replaced.
const TAKE: &str = r"
local lease, time, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local mode, expected, version, life = ARGV[4], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7])
local found, kept, last = redis.call('GET', KEYS[1]), '', 0

local function instead()
    local reply = {0, found}
    for i = 2, #KEYS do reply[i + 1] = redis.call('GET', KEYS[i]) or '' end
    return reply
end

if found then
    local head = string.sub(found, 1, 4)
    local entry = found
    local takes_all = mode == 'steal' or mode == 'refresh'
    if head == FENCE then return instead() end
    if head == LEASE then
        entry = string.sub(found, KEPT)
        local is_over = #entry > 0 and number(found, DEADLINE) <= now
        local is_failed = string.byte(found, COOLING) == 1
            and mode == 'keeping' and string.sub(found, 1, #expected) == expected
        if not takes_all and not is_over and not is_failed then return instead() end
        if #entry > 0 then last = number(found, END) end
        -- It has ended since, and its version with it.
        if last <= now then entry = '' end
        kept = entry
    elseif mode == 'absent' then return instead()
    elseif mode == 'exactly' then
        if found ~= expected then return instead() end
    elseif mode == 'keeping' then
        if string.sub(found, 1, #expected) ~= expected then return instead() end
        kept = found
    elseif head == VALUE or head == ERROR then kept = found
    end
    if takes_all then
        local mark = string.sub(entry, 1, 4)
        if (mark == VALUE or mark == ERROR) and #entry >= 12
            and struct.unpack('>I4', entry, 9) > version then return {2} end
        if mode == 'steal' then kept = '' end
    end
end

local generations, answer = {}, 1
for i = 2, #KEYS do generations[i] = redis.call('GET', KEYS[i]) end
for i = 2, #KEYS do
    local is_fenced, generation = epoch(generations[i])
    generations[i] = generation
    if is_fenced then answer = 3
    elseif not generation or #generation ~= 16 then
        -- Foreign bytes make way, as they do at an entry's key.
        generations[i] = ARGV[6 + i]
        redis.call('SET', KEYS[i], ARGV[6 + i], 'PX', ARGV[7])
    else
        local left = redis.call('PTTL', KEYS[i])
        if left >= 0 and left < life / 2 then redis.call('PEXPIRE', KEYS[i], ARGV[7]) end
    end
end

if kept ~= '' then
    local left = redis.call('PTTL', KEYS[1])
    if last == 0 then last = now + math.max(left, 0) end
    if last <= now then kept = '' end
    left = math.max(left, time)
    lease = lease .. text(now + time) .. text(last) .. kept
    if kept ~= '' then redis.call('SET', KEYS[1], lease, 'PX', left) end
end
if kept == '' then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
local reply = {answer, kept}
for i = 2, #KEYS do reply[i + 1] = generations[i] end
return reply";

/// Captures a tag on a cluster, where it has a script of its own; see [`TAKE`]. Arguments: how long
/// tags live, a new generation. Answers whether it is being written, and the generation.
const CAPTURE: &str = r"
local is_fenced, generation = epoch(redis.call('GET', KEYS[1]))
if not is_fenced and (not generation or #generation ~= 16) then
    generation = ARGV[2]
    redis.call('SET', KEYS[1], generation, 'PX', ARGV[1])
elseif not is_fenced then
    local left = redis.call('PTTL', KEYS[1])
    if left >= 0 and left < tonumber(ARGV[1]) / 2 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
end
return {is_fenced and 1 or 0, generation}";

/// What a tag holds now, as it was captured.
const EPOCH: &str = r"
local is_fenced, generation = epoch(redis.call('GET', KEYS[1]))
return {is_fenced and 1 or 0, generation}";

/// Deletes the very entry that begins like this.
const WITHDRAW: &str = r"
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

/// What publishing and releasing begin with. Keys: the entry's, its tags'. Arguments: the lease,
/// then two of the script's own, then now, and a generation for each tag.
const IF_IT_STANDS: &str = r"
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
local is_written = false
for i = 2, #KEYS do
    local is_fenced, generation = epoch(redis.pcall('GET', KEYS[i]))
    is_written = is_written or is_fenced
    if generation ~= ARGV[3 + i] then
        redis.call('DEL', KEYS[1])
        return 0
    end
end
";

/// The guard that a mutant lacks.
const WHATEVER_STANDS: &str = r"
local is_written = false
if redis.call('GETRANGE', KEYS[1], 0, 3) == FENCE then return 0 end
";

/// Stores an entry in place of the lease; nothing while a tag is being written. Of its own: the
/// entry, its time.
const PUBLISH: &str = r"
if is_written then
    redis.call('DEL', KEYS[1])
    return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1";

/// Gives the lease back. Of its own: nothing, or `kept`, or a lease that nobody holds; for how long
/// that stands.
const RELEASE: &str = r"
local kept, left, now = '', 0, tonumber(ARGV[4])
if ARGV[2] ~= '' then
    local found = redis.call('GET', KEYS[1]) or ''
    kept = string.sub(found, KEPT)
    if kept ~= '' then left = number(found, END) - now end
end
if left <= 0 then redis.call('DEL', KEYS[1])
elseif ARGV[2] == 'kept' then redis.call('SET', KEYS[1], kept, 'PX', left)
else
    local times = text(now + tonumber(ARGV[3])) .. text(now + left)
    redis.call('SET', KEYS[1], ARGV[2] .. times .. kept, 'PX', left)
end
return 1";

/// Keeps the lease. Arguments: the lease, its time, now.
const RENEW: &str = r"
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
if redis.call('STRLEN', KEYS[1]) >= KEPT then
    redis.call('SETRANGE', KEYS[1], DEADLINE - 1, text(tonumber(ARGV[3]) + tonumber(ARGV[2])))
    if redis.call('PTTL', KEYS[1]) > tonumber(ARGV[2]) then return 1 end
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// Deletes keys, but for fences, which begin anew. Argument: how a fence begins.
const INVALIDATE: &str = r"
local deleted = 0
for i = 1, #KEYS do
    local head = redis.pcall('GETRANGE', KEYS[i], 0, 3)
    if head == FENCE then redis.call('SETRANGE', KEYS[i], 0, ARGV[1])
    else deleted = deleted + redis.call('DEL', KEYS[i]) end
end
return deleted";

/// What fencing begins with: all writers of a fence but one. Arguments: how a fence begins, the
/// writer, now, for how long.
const WRITERS: &str = r"
local now, time = tonumber(ARGV[3]), tonumber(ARGV[4])
local function others(key)
    local found = redis.pcall('GET', key)
    if type(found) == 'table' then return nil end
    local writers, last = '', 0
    if found and string.sub(found, 1, 4) == FENCE then
        for at = 37, #found - 23, 24 do
            local deadline = number(found, at + 16)
            if string.sub(found, at, at + 15) ~= ARGV[2] and deadline > now then
                writers = writers .. string.sub(found, at, at + 23)
                last = math.max(last, deadline)
            end
        end
    end
    return writers, last
end
local function fence(key, writers, last)
    writers = writers .. ARGV[2] .. text(now + time)
    redis.call('SET', key, ARGV[1] .. writers, 'PX', math.max(last - now, time))
end
";

/// Puts a writer's fence on keys, or prolongs it. What is no string stays.
const FENCE: &str = r"
for i = 1, #KEYS do
    local writers, last = others(KEYS[i])
    if writers then fence(KEYS[i], writers, last) end
end
return 1";

/// Takes a writer's fence away, after a time if there is one; with the last one, the key.
const UNFENCE: &str = r"
for i = 1, #KEYS do
    local writers, last = others(KEYS[i])
    if writers and time > 0 then fence(KEYS[i], writers, last)
    elseif not writers or writers == '' then redis.call('DEL', KEYS[i])
    else redis.call('SET', KEYS[i], ARGV[1] .. writers, 'PX', last - now) end
end
return 1";

/// Prolongs the very entry that begins like this; a lease is not to end with the entry that it
/// keeps. Arguments: its first bytes, its time.
const TOUCH: &str = r"
if string.sub(ARGV[1], 1, 4) == LEASE then return 0 end
if redis.call('GETRANGE', KEYS[1], 0, #ARGV[1] - 1) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// Adds to a counter and gives it a time to live if it is new.
const COUNT: &str = r"
local existed = redis.call('EXISTS', KEYS[1])
redis.call('INCRBY', KEYS[1], ARGV[1])
if existed == 0 and ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
-- Its text: a number of Lua is exact to 2^53 only.
return redis.call('GET', KEYS[1])";

/// What the manual operations begin with: whether the key holds a claim, and no entry in it that
/// has not ended. First argument: now.
const ENTRY: &str = r"
local now = tonumber(ARGV[1])
local head = redis.call('TYPE', KEYS[1]).ok == 'string' and redis.call('GETRANGE', KEYS[1], 0, 3)
local kept_for = 0
if head == LEASE and redis.call('STRLEN', KEYS[1]) >= KEPT then
    kept_for = number(redis.call('GETRANGE', KEYS[1], END - 1, END + 6), 1) - now
end
local is_kept = kept_for > 0
local is_claim = head == FENCE or head == LEASE and not is_kept
";

/// Gives an entry another time to live. Argument of its own: the time.
const EXPIRE: &str = r"
if is_claim then return 0 end
if is_kept then
    redis.call('SETRANGE', KEYS[1], END - 1, text(now + tonumber(ARGV[2])))
    if redis.call('PTTL', KEYS[1]) > tonumber(ARGV[2]) then return 1 end
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// What is left of an entry's time to live, as `PTTL` says it.
const REMAINING: &str = r"
if is_claim then return -2 end
if is_kept then return kept_for end
return redis.call('PTTL', KEYS[1])";

/// Deletes the key, and says whether there was an entry. Argument of its own: how a fence begins.
const DELETE: &str = r"
if head == FENCE then
    redis.call('SETRANGE', KEYS[1], 0, ARGV[2])
    return 0
end
local deleted = redis.call('DEL', KEYS[1])
return is_claim and 0 or deleted";

#[derive(Clone, Copy)]
pub(super) enum Script {
    Take,
    Publish,
    Release,
    Renew,
    Invalidate,
    Fence,
    Unfence,
    Touch,
    Count,
    Expire,
    Remaining,
    Delete,
    Lock,
    ProlongLock,
    Unlock,
    Limit,
    Capture,
    Epoch,
    Withdraw,
    OpenLogin,
    CreateSession,
    GetSession,
    SaveSession,
    ExtendSession,
    RotateSession,
    DeleteSession,
    ListSessions,
    RevokeSessions,
    RevokeOtherSessions,
    SweepSessions,
    EndSessionsAgain,
}

struct Loaded {
    code: String,
    hash: String,
}

static LOADED: LazyLock<[Loaded; 31]> = LazyLock::new(|| {
    let guard = if cfg!(cache_mutant = "token") {
        WHATEVER_STANDS
    } else {
        IF_IT_STANDS
    };
    let scripts: [&[&str]; 31] = [
        &[TAKE],
        &[guard, PUBLISH],
        &[guard, RELEASE],
        &[RENEW],
        &[INVALIDATE],
        &[WRITERS, FENCE],
        &[WRITERS, UNFENCE],
        &[TOUCH],
        &[COUNT],
        &[ENTRY, EXPIRE],
        &[ENTRY, REMAINING],
        &[ENTRY, DELETE],
        &[locks::LOCK],
        &[locks::PROLONG],
        &[locks::UNLOCK],
        &[limits::TAKE],
        &[CAPTURE],
        &[EPOCH],
        &[WITHDRAW],
        &[sessions::SESSIONS, sessions::OPEN],
        &[sessions::SESSIONS, sessions::CREATE],
        &[sessions::SESSIONS, sessions::GET],
        &[sessions::SESSIONS, sessions::SAVE],
        &[sessions::SESSIONS, sessions::EXTEND],
        &[sessions::SESSIONS, sessions::ROTATE],
        &[sessions::SESSIONS, sessions::DELETE],
        &[sessions::SESSIONS, sessions::LIST],
        &[sessions::SESSIONS, sessions::ENDED, sessions::REVOKE],
        &[sessions::SESSIONS, sessions::ENDED, sessions::REVOKE_OTHERS],
        &[sessions::SESSIONS, sessions::SWEEP],
        &[sessions::SESSIONS, sessions::END_AGAIN],
    ];
    scripts.map(|pieces| {
        let code = format!("{LAYOUT}{}", pieces.concat());
        let hash = ::redis::Script::new(&code).get_hash().to_owned();
        Loaded { code, hash }
    })
});

impl Script {
    /// Runs the script on these keys, sending its text only where the server has never seen it.
    pub(super) async fn run(
        self,
        link: &Arc<Link>,
        keys: &[WireKey<'_>],
        time: Duration,
        arguments: impl Fn(&mut Cmd),
    ) -> Result<Value, Fault> {
        let script = &LOADED[self as usize];
        match link.command(&self.command(keys, &arguments), time).await {
            // Surely not executed, so it may be sent again.
            Err(Fault::Redis(error)) if error.code() == Some("NOSCRIPT") => {
                let mut cmd = ::redis::cmd("EVAL");
                cmd.arg(&script.code).arg(keys.len()).arg(keys);
                arguments(&mut cmd);
                link.command(&cmd, time).await
            }
            answer => answer,
        }
    }

    fn command(self, keys: &[WireKey<'_>], arguments: &impl Fn(&mut Cmd)) -> Cmd {
        let mut cmd = ::redis::cmd("EVALSHA");
        cmd.arg(&LOADED[self as usize].hash)
            .arg(keys.len())
            .arg(keys);
        arguments(&mut cmd);
        cmd
    }
}
