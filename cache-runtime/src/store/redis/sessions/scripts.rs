//! What Redis does to sessions. Each script has one key: the hash of a user.
//!
//! Fields: `g`, the generation of logins; `s` and an id, a session's head; `d` and an id, its data.
//! A head is, in big endian: version 1 (1 byte), flags (1), created, accessed, deadline, end,
//! revision (8 each), digest, former digest (32 each, zeroes for none), until when that is good
//! (8), body.
//!
//! Whatever a script writes after its first write can't fail, so none leaves half of a change: what
//! Redis refuses when it is full or read-only it refuses at the first.

/// What all begin with. First argument: now, or nothing while the caller does not know the server's
/// time.
///
/// Answers of `find`: 0 for nothing, 1 for a session by its token, 2 by its former one, 3 for what
/// is none, 4 for one that has ended.
pub(in crate::store::redis) const SESSIONS: &str = r"
local KEY, HEAD, FAR, LOGIN, MOST = KEYS[1], 114, 4503599627370496, 600000, 1000
local NONE = string.rep('\0', 32)
local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function parse(head)
    if not head or #head < HEAD or string.byte(head) ~= 1 then return nil end
    local found = {flags = string.byte(head, 2)}
    found.created, found.accessed, found.deadline, found.last, found.revision =
        struct.unpack('>I8I8I8I8I8', head, 3)
    found.digest, found.former = string.sub(head, 43, 74), string.sub(head, 75, 106)
    found.grace, found.body = number(head, 107), string.sub(head, HEAD + 1)
    if found.deadline > found.last or found.last > 2 * FAR then return nil end
    return found
end

local function bytes(session)
    local times = struct.pack('>BBI8I8I8I8I8', 1, session.flags, session.created,
        session.accessed, session.deadline, session.last, session.revision)
    return times .. session.digest .. session.former .. text(session.grace) .. session.body
end

-- Never shorter than it is, and never without an end.
local function live_for(time)
    time = math.max(1, math.min(time, FAR))
    if redis.call('PTTL', KEY) < time then
        redis.call('PEXPIRE', KEY, string.format('%.0f', time))
    end
end

-- Without a session there is nothing but the logins in flight to live for.
local function settle()
    if redis.call('HLEN', KEY) == 1 and redis.call('HEXISTS', KEY, 'g') == 1
        and redis.call('PTTL', KEY) > LOGIN then redis.call('PEXPIRE', KEY, LOGIN) end
end

local function remove(ids)
    for first = 1, #ids, 500 do
        local fields = {}
        for i = first, math.min(first + 499, #ids) do
            fields[#fields + 1] = 's' .. ids[i]
            fields[#fields + 1] = 'd' .. ids[i]
        end
        redis.call('HDEL', KEY, unpack(fields))
    end
    if #ids > 0 then settle() end
end

local function find(id, digest)
    local found = redis.call('HMGET', KEY, 's' .. id, 'd' .. id)
    if not found[1] and not found[2] then return 0 end
    local session = found[2] and parse(found[1])
    if not session then return 3 end
    local by = 1
    if digest ~= session.digest then
        if digest ~= session.former or digest == NONE or session.grace <= now then return 0 end
        by = 2
    end
    if session.deadline <= now then
        remove({id})
        return 4
    end
    return by, session, found[2], found[1]
end

-- It was used just now. Its deadline never moves back: it may have been extended.
local function touch(session, at)
    local gap, active, usual = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local least, most = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
    local limit = usual
    if now - session.accessed <= gap then limit = active end
    if math.max(now - session.created, 0) * 2 > math.max(session.last - session.created, 0) then
        limit = math.floor(limit / 2)
    end
    limit = math.min(math.max(limit, least), most)
    session.deadline = math.max(session.deadline, math.min(now + limit, session.last))
    session.accessed = now
end

-- Whatever begins like a session, without its data.
local function each(visit)
    local ids = {}
    for _, field in ipairs(redis.call('HKEYS', KEY)) do
        if string.byte(field) == 115 then ids[#ids + 1] = string.sub(field, 2) end
    end
    for first = 1, #ids, 500 do
        local fields = {}
        for i = first, math.min(first + 499, #ids) do fields[#fields + 1] = 's' .. ids[i] end
        for i, head in ipairs(redis.call('HMGET', KEY, unpack(fields))) do
            visit(ids[first + i - 1], parse(head), head)
        end
    end
end
";

/// Begins a login. Arguments: a generation, for how long it is kept. Answers the one that counts.
pub(in crate::store::redis) const OPEN: &str = r"
local generation = redis.call('HGET', KEY, 'g')
if not generation or #generation ~= 16 then
    generation = ARGV[2]
    redis.call('HSET', KEY, 'g', generation)
end
live_for(tonumber(ARGV[3]))
return generation";

/// Creates a session. Arguments: id, digest, flags, end, the six numbers of the idle rule, body,
/// data, the expected generation or nothing, how many there may be, 1 if others make way.
///
/// Answers the head and how many made way, or 1 if there is one of that name, 2 if the user's
/// logins were voided, 3 if there are too many.
pub(in crate::store::redis) const CREATE: &str = r"
local id, most = ARGV[2], tonumber(ARGV[15])
local generation = redis.call('HGET', KEY, 'g')
if ARGV[14] ~= '' and ARGV[14] ~= generation then return 2 end
if redis.call('HEXISTS', KEY, 's' .. id) == 1 or redis.call('HEXISTS', KEY, 'd' .. id) == 1 then
    return 1
end
local session = {flags = tonumber(ARGV[4]), created = now, accessed = now, deadline = 0,
    last = tonumber(ARGV[5]), revision = 0, digest = ARGV[3], former = NONE, grace = 0,
    body = ARGV[12]}
touch(session, 6)
-- Nothing that is over is kept.
if session.deadline <= now then return {bytes(session), 0} end

local evicted = 0
if math.floor((redis.call('HLEN', KEY) - (generation and 1 or 0)) / 2) >= most then
    local live, over, unreadable = {}, {}, {}
    each(function(id, other)
        if not other then unreadable[#unreadable + 1] = id
        elseif other.deadline <= now then over[#over + 1] = id
        else live[#live + 1] = {other.accessed, other.created, id} end
    end)
    remove(over)
    evicted = math.max(#live + 1 - most, 0)
    if evicted > 0 and ARGV[16] ~= '1' then return 3 end
    table.sort(live, function(a, b)
        if a[1] ~= b[1] then return a[1] < b[1] end
        if a[2] ~= b[2] then return a[2] < b[2] end
        return a[3] < b[3]
    end)
    local leaving = {}
    for i = 1, evicted do leaving[i] = live[i][3] end
    -- What nobody can read counts for nobody, until it is what keeps the hash too large.
    if #live - evicted + #unreadable >= MOST then
        for _, id in ipairs(unreadable) do leaving[#leaving + 1] = id end
    end
    remove(leaving)
end
redis.call('HSET', KEY, 's' .. id, bytes(session), 'd' .. id, ARGV[13])
live_for(session.deadline - now)
return {bytes(session), evicted}";

/// Reads a session. Arguments: id, digest, perhaps the six numbers of the idle rule. Answers what
/// `find` does; with a session also the head and the data.
pub(in crate::store::redis) const GET: &str = r"
local by, session, data, head = find(ARGV[2], ARGV[3])
if not session then return by end
if ARGV[4] and now >= session.accessed + tonumber(ARGV[9]) then
    touch(session, 4)
    head = bytes(session)
    redis.call('HSET', KEY, 's' .. ARGV[2], head)
    live_for(session.deadline - now)
end
return {by, head, data}";

/// Changes a session's content. Arguments: id, digest, the expected revision or nothing, the end or
/// nothing, data, perhaps the body. Answers as [`GET`]; 5, head, data and by which token if it has
/// another revision.
pub(in crate::store::redis) const SAVE: &str = r"
local by, session, data, head = find(ARGV[2], ARGV[3])
if not session then return by end
if ARGV[4] ~= '' and tonumber(ARGV[4]) ~= session.revision then return {5, head, data, by} end
session.revision = session.revision + 1
if ARGV[7] then session.body = ARGV[7] end
if ARGV[5] ~= '' then
    session.last = tonumber(ARGV[5])
    session.deadline = session.last
end
head = bytes(session)
if session.deadline <= now then
    remove({ARGV[2]})
else
    redis.call('HSET', KEY, 's' .. ARGV[2], head, 'd' .. ARGV[2], ARGV[6])
    live_for(session.deadline - now)
end
return {by, head}";

/// Lets a session live longer. Arguments: id, digest, for how long from now. Answers as [`GET`],
/// without the data.
pub(in crate::store::redis) const EXTEND: &str = r"
local by, session = find(ARGV[2], ARGV[3])
if not session then return by end
session.deadline = math.max(session.deadline, math.min(now + tonumber(ARGV[4]), session.last))
local head = bytes(session)
redis.call('HSET', KEY, 's' .. ARGV[2], head)
live_for(session.deadline - now)
return {by, head}";

/// Gives a session another token. Arguments: id, digest, the new digest, how long the former one is
/// good, perhaps the body. Answers as [`EXTEND`], or 2 alone if the token is a former one.
pub(in crate::store::redis) const ROTATE: &str = r"
local by, session, _, head = find(ARGV[2], ARGV[3])
if not session then return by end
if by == 2 then
    -- Unless the answer to the first sending was lost.
    if session.digest ~= ARGV[4] then return 2 end
    return {1, head}
end
session.former, session.grace = session.digest, now + tonumber(ARGV[5])
session.digest = ARGV[4]
if ARGV[6] then session.body, session.revision = ARGV[6], session.revision + 1 end
head = bytes(session)
redis.call('HSET', KEY, 's' .. ARGV[2], head)
return {1, head}";

/// Ends a session. Arguments: id, perhaps the digest. Answers whether it was there.
pub(in crate::store::redis) const DELETE: &str = r"
if ARGV[3] then
    local _, session = find(ARGV[2], ARGV[3])
    if not session then return 0 end
    remove({ARGV[2]})
    return 1
end
local session = parse(redis.call('HGET', KEY, 's' .. ARGV[2]))
remove({ARGV[2]})
return session and session.deadline > now and 1 or 0";

/// Answers the live sessions, id and head by turns.
pub(in crate::store::redis) const LIST: &str = r"
local live = {}
each(function(id, session, head)
    if session and session.deadline > now then
        live[#live + 1] = id
        live[#live + 1] = head
    end
end)
return live";

/// Ends all sessions of a user, whatever the key holds. Answers how many were live.
pub(in crate::store::redis) const REVOKE: &str = r"
local live = 0
if redis.call('TYPE', KEY).ok == 'hash' then
    each(function(_, session)
        if session and session.deadline > now then live = live + 1 end
    end)
end
redis.call('UNLINK', KEY)
return live";

/// Ends all sessions of a user but one. Arguments: id, digest. Answers as `find`, and how many
/// were live.
pub(in crate::store::redis) const REVOKE_OTHERS: &str = r"
local by, session = find(ARGV[2], ARGV[3])
if by ~= 1 then return by end
local live, own = 0, ARGV[2]
each(function(id, other)
    if id ~= own and other and other.deadline > now then live = live + 1 end
end)
local others = {}
for _, field in ipairs(redis.call('HKEYS', KEY)) do
    if field ~= 's' .. own and field ~= 'd' .. own then others[#others + 1] = field end
end
for first = 1, #others, 1000 do
    redis.call('HDEL', KEY, unpack(others, first, math.min(first + 999, #others)))
end
return {1, live}";

/// Counts a user's sessions. Argument: 1 if what has ended is to go. Answers how many live ones
/// with a name there are, without one, how many have ended, and how much is no session.
pub(in crate::store::redis) const SWEEP: &str = r"
local named, anonymous, over, corrupt, furthest, heads = 0, 0, {}, 0, 0, 0
each(function(id, session)
    heads = heads + 1
    if not session then corrupt = corrupt + 1
    elseif session.deadline <= now then over[#over + 1] = id
    else
        furthest = math.max(furthest, session.deadline)
        if session.flags % 2 == 1 then anonymous = anonymous + 1 else named = named + 1 end
    end
end)
local others = redis.call('HLEN', KEY) - redis.call('HEXISTS', KEY, 'g') - 2 * heads
if ARGV[2] == '1' then
    remove(over)
    -- Somebody else has taken its end away.
    if redis.call('PTTL', KEY) == -1 then live_for(math.max(furthest - now, LOGIN)) end
end
return {named, anonymous, #over, corrupt + math.abs(others)}";
