//! Limits on Redis.

use ::redis::Value;

use super::Redis;
use super::scripts::Script;
use crate::error::Fault;
use crate::store::records::{Taken, Window};

/// Counts in a sliding window. Key: a hash of counts by part of the time. Arguments: now, the
/// length of a part, of the window, the limit, the amount.
///
/// Answers whether it is allowed, what remains, and when it may be, or -1 if never. A part counts
/// until all of it has left the window, so no window of this length ever has more than the limit.
pub(super) const TAKE: &str = r"
local now, part, per = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local most, amount = tonumber(ARGV[4]), tonumber(ARGV[5])
local oldest, count, parts = math.floor(math.max(now - per, 0) / part), 0, {}
local found = redis.call('HGETALL', KEYS[1])
for i = 1, #found, 2 do
    local at = tonumber(found[i])
    if at < oldest then redis.call('HDEL', KEYS[1], found[i])
    else
        local taken = tonumber(found[i + 1])
        count = count + taken
        parts[#parts + 1] = {at, taken}
    end
end
local free = math.max(most - count, 0)
if amount <= free then
    if amount > 0 then
        redis.call('HINCRBY', KEYS[1], string.format('%.0f', math.floor(now / part)), ARGV[5])
        redis.call('PEXPIRE', KEYS[1], string.format('%.0f', per + 2 * part))
    end
    return {1, free - amount, 0}
end
table.sort(parts, function(a, b) return a[1] < b[1] end)
for _, taken in ipairs(parts) do
    count = count - taken[2]
    if count + amount <= most then
        return {0, free, math.max((taken[1] + 1) * part + per - now, 0)}
    end
end
return {0, free, -1}";

impl Redis {
    pub(in crate::store) async fn count_within(
        &self,
        window: &Window,
        amount: u64,
    ) -> Result<Taken, Fault> {
        let wires = [self.wire(&window.key)];
        let now = self.now();
        let run = Script::Limit.run(self.link(), &wires, self.budget, |cmd| {
            cmd.arg(now).arg(window.part).arg(window.per);
            cmd.arg(window.most).arg(amount);
        });
        let Value::Array(answer) = run.await? else {
            return Err(Fault::WrongType);
        };
        match answer[..] {
            [
                Value::Int(is_allowed),
                Value::Int(remaining),
                Value::Int(retry_after),
            ] => Ok(Taken {
                is_allowed: is_allowed == 1,
                remaining: u64::try_from(remaining).unwrap_or(0),
                retry_after: u64::try_from(retry_after).ok(),
            }),
            _ => Err(Fault::WrongType),
        }
    }
}
