"""The transitions of the ledger as Lua scripts: each is one step, so states, counters and leases never disagree.

The first argument is always the study. The clock is the Redis server's.
"""

from __future__ import annotations

_COMMON = """
local function now() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end
local base = 'ep:s:' .. ARGV[1] .. ':'
local about, states, counts = base .. 'about', base .. 'states', base .. 'counts'
local running, ends, causes = base .. 'running', base .. 'ends', base .. 'causes'
local function mark(i) return redis.call('GETRANGE', states, i, i) end
local function move(i, to)
  local from = mark(i)
  if from == to or from == '' then return from end
  redis.call('SETRANGE', states, i, to)
  redis.call('HINCRBY', counts, from, -1)
  redis.call('HINCRBY', counts, to, 1)
  return from
end
local function left()
  local n = 0
  for _, v in ipairs(redis.call('HMGET', counts, 'p', 'q', 'r')) do n = n + (tonumber(v) or 0) end
  return n
end
local function close_if_finished() if left() == 0 then redis.call('SREM', 'ep:studies', ARGV[1]) end end
"""

# study, digest, states, quiet for ms -> 1 when opened, 0 when this very study is under way already
_OPEN = """
local same = redis.call('HGET', about, 'digest') == ARGV[2] and redis.call('HEXISTS', about, 'cancelled') == 0
if same and left() > 0 then return 0 end
redis.call('DEL', about, states, counts, running, ends, causes)
redis.call('HSET', about, 'digest', ARGV[2], 'quiet_until', now() + tonumber(ARGV[4]))
redis.call('SET', states, ARGV[3])
for c in string.gmatch('pqrdhfc', '.') do
  local _, n = string.gsub(ARGV[3], c, '')
  redis.call('HSET', counts, c, n)
end
redis.call('SADD', 'ep:studies', ARGV[1])
close_if_finished()
return 1
"""

# study, window -> up to window - queued pending indices, now queued
_TAKE = """
if redis.call('HEXISTS', about, 'cancelled') == 1 then return {} end
if now() < tonumber(redis.call('HGET', about, 'quiet_until') or 0) then return {} end
local room = tonumber(ARGV[2]) - tonumber(redis.call('HGET', counts, 'q') or 0)
local all, taken, at = redis.call('GET', states) or '', {}, 0
while #taken < room do
  at = string.find(all, 'p', at + 1, true)
  if not at then break end
  move(at - 1, 'q')
  taken[#taken + 1] = at - 1
end
return taken
"""

# study, digest, index, key, token, lease ms, worker -> tries; 0 when not to be run (now)
_CLAIM = """
if redis.call('HGET', about, 'digest') ~= ARGV[2] then return 0 end
local was = mark(ARGV[3])
if was ~= 'p' and was ~= 'q' then return 0 end
if redis.call('HEXISTS', about, 'cancelled') == 1 then move(ARGV[3], 'c') close_if_finished() return 0 end
local lease = 'ep:lease:' .. ARGV[4]
if redis.call('EXISTS', lease) == 1 then move(ARGV[3], 'p') return 0 end
redis.call('SET', lease, ARGV[5], 'PX', ARGV[6])
local tries = redis.call('INCR', 'ep:tries:' .. ARGV[4])
redis.call('PEXPIRE', 'ep:tries:' .. ARGV[4], 86400000)
move(ARGV[3], 'r')
redis.call('HSET', running, ARGV[3], cjson.encode({key = ARGV[4], worker = ARGV[7], since = now()}))
return tries
"""

# study, digest, index, key, token, lease ms, worker, progress -> '', 'cancelled' or 'superseded'
_BEAT = """
local lease = 'ep:lease:' .. ARGV[4]
local holder = redis.call('GET', lease)
if holder and holder ~= ARGV[5] then return 'superseded' end
redis.call('SET', lease, ARGV[5], 'PX', ARGV[6])
if redis.call('HGET', about, 'digest') ~= ARGV[2] then return '' end
if redis.call('HEXISTS', about, 'cancelled') == 1 then return 'cancelled' end
local was, said = mark(ARGV[3]), redis.call('HGET', running, ARGV[3])
if was == 'p' or was == 'q' then move(ARGV[3], 'r') end
local info = said and cjson.decode(said) or {key = ARGV[4], worker = ARGV[7], since = now()}
info.progress = tonumber(ARGV[8])
redis.call('HSET', running, ARGV[3], cjson.encode(info))
return ''
"""

# study, digest, index, key, token, mark, cause -> how many failed by this cause, 0 when this one did not
_FINISH = """
local lease = 'ep:lease:' .. ARGV[4]
if redis.call('GET', lease) == ARGV[5] then redis.call('DEL', lease) end
if ARGV[6] == 'd' then redis.call('DEL', 'ep:tries:' .. ARGV[4]) end
if redis.call('HGET', about, 'digest') ~= ARGV[2] then return 0 end
redis.call('HDEL', running, ARGV[3])
local to = ARGV[6]
if to == 'c' and redis.call('HEXISTS', about, 'cancelled') == 0 then to = 'p' end
move(ARGV[3], to)
if ARGV[6] == 'd' or ARGV[6] == 'f' then
  redis.call('LPUSH', ends, now())
  redis.call('LTRIM', ends, 0, 49)
end
local same = 0
if ARGV[6] == 'f' and ARGV[7] ~= '' then same = redis.call('HINCRBY', causes, ARGV[7], 1) end
close_if_finished()
return same
"""

# study, from, to, index... -> how many moved
_MOVE = """
local moved = 0
for i = 4, #ARGV do
  if string.find(ARGV[2], mark(ARGV[i]), 1, true) and mark(ARGV[i]) ~= '' then
    move(ARGV[i], ARGV[3])
    redis.call('HDEL', running, ARGV[i])
    moved = moved + 1
  end
end
if ARGV[3] == 'p' and moved > 0 then redis.call('SADD', 'ep:studies', ARGV[1]) end
close_if_finished()
return moved
"""

# study -> {index, key, tries, worker} of each running variant without a lease
_LOST = """
local lost = {}
local all = redis.call('HGETALL', running)
for i = 1, #all, 2 do
  local info = cjson.decode(all[i + 1])
  if redis.call('EXISTS', 'ep:lease:' .. info.key) == 0 then
    lost[#lost + 1] = {all[i], info.key, redis.call('GET', 'ep:tries:' .. info.key) or '0', info.worker}
  end
end
return lost
"""

# study -> how many were waiting; they are cancelled now, and the running ones are told at their next beat
_CANCEL = """
redis.call('HSET', about, 'cancelled', '1')
local all = redis.call('GET', states) or ''
local n = tonumber(redis.call('HGET', counts, 'p') or 0) + tonumber(redis.call('HGET', counts, 'q') or 0)
redis.call('SET', states, (string.gsub(string.gsub(all, 'p', 'c'), 'q', 'c')))
redis.call('HSET', counts, 'p', 0, 'q', 0)
redis.call('HINCRBY', counts, 'c', n)
close_if_finished()
return n
"""

SCRIPTS = {
    name: _COMMON + text
    for name, text in {
        "open": _OPEN,
        "take": _TAKE,
        "claim": _CLAIM,
        "beat": _BEAT,
        "finish": _FINISH,
        "move": _MOVE,
        "lost": _LOST,
        "cancel": _CANCEL,
    }.items()
}
