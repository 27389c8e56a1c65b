//! What the server does in one go: one script for each write, and one for each read.
//!
//! A script reads every key that it will write before it writes the first one: so a key of another kind, or a server that
//! takes no writes, refuses it as a whole. They read without a transaction, which a server that is out of memory would refuse. Revisions and numbers of lines are compared as they were sent; what is counted
//! is far below the 2^53 up to which doubles, Lua's numbers, are exact.

use redis::Script;

/// The layout of the keys that this code writes.
pub(super) const LAYOUT: u64 = 1;

/// The code of an answer: the keys have a later layout.
pub(super) const LAYOUT_TOO_NEW: &str = "ROLLGATELAYOUT";

/// The code of an answer: what was sent in parts is not there as it was sent.
pub(super) const PARTS_LOST: &str = "ROLLGATEPARTS";

/// Before each script: the names of the keys, and whether their layout is known.
const BEGIN: &str = "
local LAYOUT, STATE, JOURNAL, WATCHED, LEASE, REPORTS, LAST, WINDOWS, SLOTS = unpack(KEYS)
local layout = redis.call('GET', LAYOUT)
if layout and layout ~= '1' then return redis.error_reply('ROLLGATELAYOUT ' .. layout) end
local function number(text) return tonumber(text or '0') end
local function text(number) return string.format('%.0f', number) end
-- What is not heard is read by its revision: who may not publish, or to nobody, has written all the same.
local function tell(what)
  if not layout then redis.call('SET', LAYOUT, '1') end
  redis.pcall('PUBLISH', ARGV[1], what)
end
local function latest()
  return math.max(number(redis.call('HGET', STATE, 'epoch')), number(redis.call('HGET', LEASE, 'epoch')))
end
";

/// ARGV: channel, epoch, expected revision, next revision, number of the first line, writer, time, state, its sum, lines.
/// Gives whether it was done, the revision, the latest epoch, the number of lines.
const COMMIT: &str = "
local place = redis.call('HMGET', STATE, 'revision', 'writer')
local revision, lines, latest = place[1] or '0', redis.call('LLEN', JOURNAL), latest()
-- Asked again, because the answer was lost.
if place[2] == ARGV[6] then return { 1, revision, latest, lines } end
local follows = #ARGV < 10 or number(ARGV[5]) == lines + 1
if number(ARGV[2]) < latest or ARGV[3] ~= revision or not follows then return { 0, revision, latest, lines } end
redis.call('HSET', STATE, 'revision', ARGV[4], 'epoch', ARGV[2], 'writer', ARGV[6], 'at', ARGV[7], 'json', ARGV[8],
  'sum', ARGV[9], 'lines', text(lines + #ARGV - 9))
for i = 10, #ARGV do redis.call('RPUSH', JOURNAL, ARGV[i]) end
redis.call('DEL', WATCHED)
tell('commit ' .. ARGV[4] .. ' ' .. ARGV[2])
return { 1, ARGV[4], latest, lines + #ARGV - 9 }
";

/// ARGV: channel, the number of the line before those that are asked for, the index of the last one that is known. Gives
/// the state, what was watched, the number of lines, those lines, and the one that is known.
const LOAD: &str = "
return {
  redis.call('HMGET', STATE, 'revision', 'epoch', 'at', 'lines', 'json', 'sum'),
  redis.call('HMGET', WATCHED, 'revision', 'json', 'sum'),
  redis.call('LLEN', JOURNAL),
  redis.call('LRANGE', JOURNAL, ARGV[2], -1),
  redis.call('LINDEX', JOURNAL, ARGV[3]),
}
";

const HEAD: &str = "
local lease = redis.call('HMGET', LEASE, 'epoch', 'holder', 'beat', 'observed_ms', 'wall_ms')
return { redis.call('HGET', STATE, 'revision'), redis.call('GET', LAST), lease }
";

/// ARGV: channel, the lease as it was seen, holder, observed time, calendar. Gives the epoch, or 0.
const TAKE: &str = "
local lease = redis.call('HMGET', LEASE, 'epoch', 'beat')
local seen = lease[1] and (lease[1] .. ':' .. lease[2]) or ''
if seen ~= ARGV[2] then return 0 end
local epoch = latest() + 1
redis.call('HSET', LEASE, 'epoch', text(epoch), 'holder', ARGV[3], 'beat', '0', 'observed_ms', ARGV[4], 'wall_ms', ARGV[5])
tell('lease ' .. text(epoch))
return epoch
";

/// ARGV: channel, epoch, holder, observed time, calendar, revision, what was watched, its sum. Gives whether it was done,
/// and whose the lease is.
const BEAT: &str = "
local lease = redis.call('HMGET', LEASE, 'epoch', 'holder')
if lease[1] ~= ARGV[2] or lease[2] ~= ARGV[3] then return { 0, lease } end
local revision = redis.call('HGET', STATE, 'revision')
redis.call('HGET', WATCHED, 'sum')
redis.call('HINCRBY', LEASE, 'beat', 1)
redis.call('HSET', LEASE, 'observed_ms', ARGV[4], 'wall_ms', ARGV[5])
if revision == ARGV[6] then
  redis.call('HSET', WATCHED, 'revision', ARGV[6], 'json', ARGV[7], 'sum', ARGV[8])
end
return { 1, lease }
";

/// ARGV: channel, epoch, holder.
const LEAVE: &str = "
local lease = redis.call('HMGET', LEASE, 'epoch', 'holder')
if lease[1] ~= ARGV[2] or lease[2] ~= ARGV[3] then return 0 end
redis.call('HSET', LEASE, 'holder', '')
tell('left ' .. ARGV[2])
return 1
";

/// ARGV: channel, report. Gives its number.
const REPORT: &str = "
redis.call('LLEN', REPORTS)
local last = redis.call('INCR', LAST)
redis.call('RPUSH', REPORTS, ARGV[2])
tell('report ' .. text(last))
return last
";

/// ARGV: channel, the number of the report before them. Gives the number of the last one, how many there are, the number
/// of the first one given, and those.
const REPORTS: &str = "
local last, count = number(redis.call('GET', LAST)), redis.call('LLEN', REPORTS)
local from = math.max(number(ARGV[2]) - (last - count), 0)
if from >= count then return { last, count, last + 1, {} } end
return { last, count, last - count + from + 1, redis.call('LRANGE', REPORTS, from, -1) }
";

/// ARGV: channel, epoch, position, time before which reports may go, head, its sum, whether the windows are whole, how
/// many pairs of metric and tier with the end of what is gone, those; then, where they were sent with this call, slots as
/// pairs of name and value. KEYS 10: slots that were sent before, where there are any; then their number is last.
/// Gives whether it was done, the latest epoch, the epoch of the windows.
const SAVE: &str = "
local STAGED = KEYS[10]
local before = redis.call('HMGET', WINDOWS, 'epoch', 'low', 'high')
local epoch, latest, is_whole = number(ARGV[2]), latest(), ARGV[7] == '1'
redis.call('HLEN', SLOTS)
local count = redis.call('LLEN', REPORTS)
local last = number(redis.call('GET', LAST))
if epoch < latest or not (is_whole or before[1] == ARGV[2]) then return { 0, latest, before[1] } end
local new = {}
if STAGED then
  new = redis.call('HGETALL', STAGED)
  if #new ~= 2 * number(ARGV[#ARGV]) then return redis.error_reply('ROLLGATEPARTS') end
else
  for i = 9 + 2 * number(ARGV[8]), #ARGV do new[#new + 1] = ARGV[i] end
end
-- The sum of all slots' sums, in halves that doubles hold.
local low, high = number(before[2]), number(before[3])
local function count_in(value, sign)
  high = (high + sign * tonumber(string.sub(value, 1, 8), 16)) % 4294967296
  low = (low + sign * tonumber(string.sub(value, 9, 16), 16)) % 4294967296
end
if is_whole then
  redis.call('UNLINK', SLOTS)
  low, high = 0, 0
end
for i = 1, #new, 2 do
  local old = not is_whole and redis.call('HGET', SLOTS, new[i])
  if old then count_in(old, -1) end
  count_in(new[i + 1], 1)
  redis.call('HSET', SLOTS, new[i], new[i + 1])
end
if STAGED then redis.call('UNLINK', STAGED) end
local gone = {}
for i = 9, 8 + 2 * number(ARGV[8]), 2 do gone[ARGV[i]] = number(ARGV[i + 1]) end
if next(gone) then
  for _, name in ipairs(redis.call('HKEYS', SLOTS)) do
    local of, stop = string.match(name, '^(%d+:%d+):%-?%d+:(%-?%d+)$')
    if of and gone[of] and tonumber(stop) <= gone[of] then
      count_in(redis.call('HGET', SLOTS, name), -1)
      redis.call('HDEL', SLOTS, name)
    end
  end
end
redis.call('HSET', WINDOWS, 'epoch', ARGV[2], 'position', ARGV[3], 'head', ARGV[5], 'sum', ARGV[6],
  'slots', redis.call('HLEN', SLOTS), 'low', text(low), 'high', text(high))
-- Only from the front, and never the last one: so no number is given out twice.
local forget, forgotten = number(ARGV[4]), 0
local may_go = math.min(number(ARGV[3]) - (last - count), count - 1)
while forgotten < may_go do
  local observed = string.match(redis.call('LINDEX', REPORTS, forgotten), '^%x+ (%-?%d+) ')
  if not observed or tonumber(observed) >= forget then break end
  forgotten = forgotten + 1
end
if forgotten > 0 then redis.call('LTRIM', REPORTS, forgotten, -1) end
tell('windows ' .. ARGV[3] .. ' ' .. ARGV[2])
return { 1, latest, ARGV[2] }
";

/// ARGV: channel, how long it stays in milliseconds, pairs of name and value. KEYS 10: where they go. It takes nothing of
/// the store's, so that it needs no epoch.
const STAGE: &str = "
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[10], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[10], ARGV[2])
return 1
";

const RESTORE: &str = "
return {
  redis.call('HMGET', WINDOWS, 'epoch', 'position', 'head', 'sum', 'slots', 'low', 'high'),
  redis.call('HGETALL', SLOTS),
}
";

/// The scripts with their digests.
pub(super) struct Scripts {
    pub(super) load: Script,
    pub(super) commit: Script,
    pub(super) head: Script,
    pub(super) take: Script,
    pub(super) beat: Script,
    pub(super) leave: Script,
    pub(super) report: Script,
    pub(super) reports: Script,
    pub(super) stage: Script,
    pub(super) save: Script,
    pub(super) restore: Script,
}

impl Default for Scripts {
    /// Takes some 50 µs for their digests. They are no statics: a lock around those could be held for ever in a fork.
    fn default() -> Self {
        let script = |code: &str| Script::new(&format!("{BEGIN}{code}"));
        Self {
            load: script(LOAD),
            commit: script(COMMIT),
            head: script(HEAD),
            take: script(TAKE),
            beat: script(BEAT),
            leave: script(LEAVE),
            report: script(REPORT),
            reports: script(REPORTS),
            stage: script(STAGE),
            save: script(SAVE),
            restore: script(RESTORE),
        }
    }
}
