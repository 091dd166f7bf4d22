//! What Redis does to sessions. Each script has one key: the hash of a user.
//!
//! Fields: `g`, the generation of logins; `s` and an id, a session's head; `d` and an id, its data.
//! A head is, in big endian: version 1 (1 byte), flags (1), created, accessed, deadline, end,
//! revision (8 each), digest, former digest (32 each, zeroes for none), until when that is good
//! (8), body.
//!
//! Whatever a script writes after its first write can't fail, so none leaves half of a change: what
//! Redis refuses when it is full or read-only it refuses at the first.

/// What all begin with. First argument: now, for tests; else nothing, and the server knows.
///
/// Answers of `find`: 0 for nothing, 1 for a session by its token, 2 by its former one, 3 for what
/// is none, 4 for one that has ended.
pub(in crate::store::redis) const SESSIONS: &str = r"
local KEY, HEAD, FAR, LOGIN, MOST = KEYS[1], 114, 4503599627370496, 600000, 256
local NONE = string.rep('\0', 32)
local now = tonumber(ARGV[1])
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Until when a head stands; nothing for what is none.
local function deadline_of(head)
    if not head or #head < HEAD or string.byte(head) ~= 1 then return nil end
    local deadline, last = struct.unpack('>I8I8', head, 19)
    if deadline > last or last > 2 * FAR then return nil end
    return deadline
end

local function parse(head)
    if not deadline_of(head) then return nil end
    local found = {flags = string.byte(head, 2)}
    found.created, found.accessed, found.deadline, found.last, found.revision =
        struct.unpack('>I8I8I8I8I8', head, 3)
    found.digest, found.former = string.sub(head, 43, 74), string.sub(head, 75, 106)
    found.grace, found.body = number(head, 107), string.sub(head, HEAD + 1)
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

-- By the fields of their heads.
local function remove(heads)
    for first = 1, #heads, 500 do
        local fields = {}
        for i = first, math.min(first + 499, #heads) do
            fields[#fields + 1] = heads[i]
            fields[#fields + 1] = 'd' .. string.sub(heads[i], 2)
        end
        redis.call('HDEL', KEY, unpack(fields))
    end
    if #heads > 0 then settle() end
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
        remove({'s' .. id})
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

-- Fields of heads and what is in them: those that stand, those that are over, and the rest.
local function heads()
    local live, over, corrupt, fields = {}, {}, {}, {}
    for _, field in ipairs(redis.call('HKEYS', KEY)) do
        if string.byte(field) == 115 then fields[#fields + 1] = field end
    end
    for first = 1, #fields, 500 do
        local last = math.min(first + 499, #fields)
        local found = redis.call('HMGET', KEY, unpack(fields, first, last))
        for i = first, last do
            local head = found[i - first + 1]
            local deadline = deadline_of(head)
            if not deadline then corrupt[#corrupt + 1] = fields[i]
            elseif deadline <= now then over[#over + 1] = fields[i]
            else live[#live + 1] = {fields[i], head, deadline} end
        end
    end
    return live, over, corrupt
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
-- Used less recently, or created earlier, or of a lower name: of numbers, as `<` goes by the
-- server's locale.
local function is_before(a, b)
    for i = 4, 7 do
        if a[i] ~= b[i] then return a[i] < b[i] end
    end
    return false
end
-- The fields of so many that are before all others.
local function oldest(live, count)
    for _, one in ipairs(live) do
        one[5], one[4] = struct.unpack('>I8I8', one[2], 3)
        if #one[1] == 13 then one[6], one[7] = struct.unpack('>I6I6', one[1], 2)
        else one[6], one[7] = 0, 0 end
    end
    if count == 1 then
        local first = live[1]
        for _, one in ipairs(live) do
            if is_before(one, first) then first = one end
        end
        return {first[1]}
    end
    table.sort(live, is_before)
    local fields = {}
    for i = 1, count do fields[i] = live[i][1] end
    return fields
end
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
    local live, over, corrupt = heads()
    remove(over)
    evicted = math.max(#live + 1 - most, 0)
    if evicted > 0 and ARGV[16] ~= '1' then return 3 end
    local leaving = evicted > 0 and oldest(live, evicted) or {}
    -- What nobody can read counts for nobody, until it is what keeps the hash too large.
    if #live - evicted + #corrupt >= MOST then
        for _, field in ipairs(corrupt) do leaving[#leaving + 1] = field end
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
    remove({'s' .. ARGV[2]})
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
    remove({'s' .. ARGV[2]})
    return 1
end
local session = parse(redis.call('HGET', KEY, 's' .. ARGV[2]))
remove({'s' .. ARGV[2]})
return session and session.deadline > now and 1 or 0";

/// Answers the live sessions, a head's field and the head by turns.
pub(in crate::store::redis) const LIST: &str = r"
local live = {}
for _, one in ipairs((heads())) do
    live[#live + 1] = one[1]
    live[#live + 1] = one[2]
end
return live";

/// What ends several sessions answers: how many were live, the generation of logins that is voided
/// with them or nothing, and the fields of their heads.
pub(in crate::store::redis) const ENDED: &str = r"
local function ended(live, own)
    local answer = {#live, redis.call('HGET', KEY, 'g') or ''}
    for _, one in ipairs(live) do
        if one[1] == own then answer[1] = answer[1] - 1
        else answer[#answer + 1] = one[1] end
    end
    return answer
end
";

/// Ends all sessions of a user, whatever the key holds. Answers what [`ENDED`] does.
pub(in crate::store::redis) const REVOKE: &str = r"
local answer = {0, ''}
if redis.call('TYPE', KEY).ok == 'hash' then answer = ended((heads())) end
redis.call('UNLINK', KEY)
return answer";

/// Ends all sessions of a user but one. Arguments: id, digest. Answers as `find`, and what
/// [`ENDED`] does.
pub(in crate::store::redis) const REVOKE_OTHERS: &str = r"
local by, session = find(ARGV[2], ARGV[3])
if by ~= 1 then return by end
local own, others = ARGV[2], {}
local answer = ended((heads()), 's' .. own)
for _, field in ipairs(redis.call('HKEYS', KEY)) do
    if field ~= 's' .. own and field ~= 'd' .. own then others[#others + 1] = field end
end
for first = 1, #others, 1000 do
    redis.call('HDEL', KEY, unpack(others, first, math.min(first + 999, #others)))
end
return {1, answer}";

/// Counts a user's sessions. Argument: 1 if what has ended is to go. Answers how many live ones
/// with a name there are, without one, how many have ended, and how much is no session.
pub(in crate::store::redis) const SWEEP: &str = r"
local live, over, corrupt = heads()
local anonymous, furthest = 0, 0
for _, one in ipairs(live) do
    furthest = math.max(furthest, one[3])
    anonymous = anonymous + string.byte(one[2], 2) % 2
end
local orphans = redis.call('HLEN', KEY) - redis.call('HEXISTS', KEY, 'g')
    - 2 * (#live + #over + #corrupt)
if ARGV[2] == '1' then
    remove(over)
    -- Somebody else has taken its end away.
    if redis.call('PTTL', KEY) == -1 then live_for(math.max(furthest - now, LOGIN)) end
end
return {#live - anonymous, anonymous, #over, #corrupt + math.abs(orphans)}";

/// Ends once more what was ended at another server. Arguments: the generation of logins that was
/// voided with it or nothing, the fields of the heads.
pub(in crate::store::redis) const END_AGAIN: &str = r"
if ARGV[2] ~= '' and redis.call('HGET', KEY, 'g') == ARGV[2] then redis.call('HDEL', KEY, 'g') end
local ended = {}
for i = 3, #ARGV do ended[i - 2] = ARGV[i] end
remove(ended)
return 1";
