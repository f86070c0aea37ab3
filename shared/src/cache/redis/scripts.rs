//! The Lua that Redis runs, each in one atomic step. Sent whole with `EVAL`: a few hundred bytes, and a restarted
//! Redis that knows no script needs no second round trip, not even within a pipeline.

use redis::Cmd;

/// `ARGV[1]` job id, `ARGV[2]` lease in ms. Returns the holder: the job itself when it won or holds it already.
pub(super) const CLAIM: &str = "\
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return ARGV[1] end
return redis.call('GET', KEYS[1])";

/// `ARGV[1]` job id, `ARGV[2]` lease in ms. Returns 1 if the claim is still the job's.
pub(super) const RENEW_CLAIM: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

/// `ARGV[1]` job id.
pub(super) const RELEASE_CLAIM: &str = "\
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

/// `ARGV[1]` ms. A mark that reaches further stays (`PEXPIRE … GT` needs Redis 7).
pub(super) const MARK_WAITING: &str = "\
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '', 'PX', ARGV[1]) end
return 1";

/// `ARGV[1]` limit, `ARGV[2]` window in microseconds. Returns allowed, remaining, microseconds until reset.
/// The arithmetic of `RateDecision::decide`; `%.0f` since Lua writes large numbers with an exponent.
pub(super) const COUNT_REQUEST: &str = "\
local limit, window = tonumber(ARGV[1]), tonumber(ARGV[2])
if limit == 0 then return {0, 0, window} end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = math.max(1, math.floor(window / limit))
local whole_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or now))
local debt = whole_at + interval - now
if debt > window then return {0, 0, debt - window} end
redis.call('SET', KEYS[1], string.format('%.0f', whole_at + interval), 'PX', math.ceil(debt / 1000))
return {1, math.floor((window - debt) / interval), debt}";

/// A call of `script` on one key; arguments are added to what is returned.
pub(super) fn eval(script: &str, key: &str) -> Cmd {
    let mut command = redis::cmd("EVAL");
    command.arg(script).arg(1).arg(key);
    command
}
