//! The Lua that Redis runs, each in one atomic step. Sent whole with `EVAL`: a few hundred bytes, and a restarted
//! Redis that knows no script needs no second round trip, not even within a pipeline.
//!
//! A claim is the id of its job (36 characters), `+` where the job may be promoted, else `-`, and how often work on it
//! has begun, with a space between them. The nil id has it where a job was taken back.

use redis::Cmd;

/// Look, mark, claim. `KEYS` outcome, interest, claim. `ARGV[1]` job id, `[2]` `+` or `-`, `[3]` lease in ms,
/// `[4]` waiter or nothing, `[5]` how long it waits in ms, `[6]` whether to pass over what is there.
/// A job that has begun is not promoted: it is on its way.
/// Returns 1 and the record, or 0 and the claim that holds now: the job's own when it won or held it before, which
/// does not prolong the lease.
pub(super) const ASK: &str = "\
local record = ARGV[6] == '0' and redis.call('GET', KEYS[1])
if record then return {1, record} end
if ARGV[4] ~= '' then
  local time = redis.call('TIME')
  local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('(%.0f', now_ms))
  redis.call('ZADD', KEYS[2], string.format('%.0f', now_ms + ARGV[5]), ARGV[4])
  if redis.call('PTTL', KEYS[2]) < tonumber(ARGV[5]) then redis.call('PEXPIRE', KEYS[2], ARGV[5]) end
end
local claim = redis.call('GET', KEYS[3])
if claim then
  local promoted = ARGV[2] == '-' and string.sub(claim, 38) == '+ 0'
  local taken_back = string.sub(claim, 1, 36) == '00000000-0000-0000-0000-000000000000'
  if string.sub(claim, 1, 36) == ARGV[1] or not (promoted or taken_back) then return {0, claim} end
end
claim = ARGV[1] .. ' ' .. ARGV[2] .. ' 0'
redis.call('SET', KEYS[3], claim, 'PX', ARGV[3])
return {0, claim}";

/// The start of work on a job. `KEYS` interest, claim. `ARGV[1]` job id, `[2]` `+` or `-`, `[3]` lease in ms, `[4]`
/// whether it is dropped when nobody is interested. Returns `unwanted`, `theirs`, `ours` or `free`, and how often work
/// on the job had begun before.
pub(super) const BEGIN: &str = "\
local claim = redis.call('GET', KEYS[2])
local ours = claim and string.sub(claim, 1, 36) == ARGV[1]
if ARGV[4] == '1' then
  local time = redis.call('TIME')
  local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
  if redis.call('ZCOUNT', KEYS[1], string.format('%.0f', now_ms), '+inf') == 0 then
    if ours then redis.call('DEL', KEYS[2]) end
    return {'unwanted', 0}
  end
end
if claim and not ours then return {'theirs', 0} end
local begun = ours and tonumber(string.sub(claim, 40)) or 0
redis.call('SET', KEYS[2], ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. (begun + 1), 'PX', ARGV[3])
return {ours and 'ours' or 'free', begun}";

/// The claim of a job that has not begun goes to nobody. `KEYS` claim. `ARGV[1]` job id, `[2]` lease in ms.
pub(super) const WITHDRAW: &str = "\
local claim = redis.call('GET', KEYS[1])
if not claim or string.sub(claim, 1, 36) ~= ARGV[1] or string.sub(claim, 40) ~= '0' then return 0 end
redis.call('SET', KEYS[1], '00000000-0000-0000-0000-000000000000 + 0', 'PX', ARGV[2])
return 1";

/// `KEYS` thing. `ARGV[1]` holder, `[2]` lease in ms. Returns 1 when the holder has it now.
pub(super) const HOLD: &str = "\
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// `KEYS` claim or thing. `ARGV[1]` job id or holder.
pub(super) const RELEASE: &str = "\
local claim = redis.call('GET', KEYS[1])
if not claim or string.sub(claim, 1, 36) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

/// What a worker says of itself. `KEYS` workers. `ARGV[1]` its id, `[2]` what it says, `[3]` how long that holds in ms, `[4]`
/// workers at most. Each is kept behind the moment until which it holds, in ms, and a space.
pub(super) const BE_PRESENT: &str = "\
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then
  local known = redis.call('HGETALL', KEYS[1])
  for at = 1, #known, 2 do
    if tonumber(string.match(known[at + 1], '^%d+')) <= now_ms then redis.call('HDEL', KEYS[1], known[at]) end
  end
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return redis.status_reply('OK') end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f ', now_ms + ARGV[3]) .. ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return redis.status_reply('OK')";

/// `KEYS` workers. Returns what those said whose word holds, and forgets the others.
pub(super) const PRESENT: &str = "\
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local known, said = redis.call('HGETALL', KEYS[1]), {}
for at = 1, #known, 2 do
  local ends, word = string.match(known[at + 1], '^(%d+) (.*)$')
  if tonumber(ends) > now_ms then said[#said + 1] = word else redis.call('HDEL', KEYS[1], known[at]) end
end
return said";

/// `ARGV[1]` limit, `ARGV[2]` window in microseconds. Returns allowed, remaining, microseconds until reset.
/// The arithmetic of `RateDecision::decide`; `%.0f` since Lua writes large numbers with an exponent.
pub(super) const COUNT_REQUEST: &str = "\
local limit, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if limit == 0 then return {0, 0, window} end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local spent = cost > 0 and math.max(1, math.floor(window * cost / limit)) or 0
local whole_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or now))
local debt = whole_at + spent - now
if debt > window then return {0, 0, debt - window} end
local remaining = math.floor((window - debt) * limit / window)
if cost == 0 then return {1, remaining, debt} end
redis.call('SET', KEYS[1], string.format('%.0f', whole_at + spent), 'PX', math.ceil(debt / 1000))
return {1, remaining, debt}";

/// `ARGV[1]` microseconds that the quota is whole again earlier.
pub(super) const GIVE_BACK: &str = "\
local whole_at = redis.call('GET', KEYS[1])
if not whole_at then return redis.status_reply('OK') end
redis.call('SET', KEYS[1], string.format('%.0f', tonumber(whole_at) - tonumber(ARGV[1])), 'KEEPTTL')
return redis.status_reply('OK')";

/// A call of `script` on `keys`; arguments are added to what is returned.
pub(super) fn eval(script: &str, keys: &[String]) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(script).arg(keys.len()).arg(keys);
    command
}
