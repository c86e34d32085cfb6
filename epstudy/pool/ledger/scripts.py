"""The transitions of the ledger as Lua scripts: each is one step, so states, counters and leases never disagree.

The first argument is the study, or the name of what is held. The clock is the Redis server's.
"""

from __future__ import annotations

_COMMON = """
local function now() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end
local base = 'ep:s:' .. ARGV[1] .. ':'
local about, states, counts = base .. 'about', base .. 'states', base .. 'counts'
local running, ends, causes = base .. 'running', base .. 'ends', base .. 'causes'
local later, again, took = base .. 'later', base .. 'again', base .. 'took'
local function halted()
  if redis.call('HEXISTS', about, 'paused') == 1 then return true end
  return now() < tonumber(redis.call('HGET', about, 'blocked_until') or 0)
end
local function settling()  -- a Redis that was started anew may not know who runs what: the living say it within a beat
  local id = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
  local known = redis.call('GET', 'ep:run')
  if known ~= id then
    redis.call('SET', 'ep:run', id)
    if known then redis.call('SET', 'ep:settling', '1', 'PX', 3000) end
  end
  return redis.call('EXISTS', 'ep:settling') == 1
end
local function is_later(i) return now() < tonumber(redis.call('HGET', later, i) or 0) end
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
local function attach(ms)  -- for no shorter than others are; a Redis that is full can be looked at all the same
  if tonumber(ms) <= math.max(redis.call('PTTL', 'ep:attached'), 0) then return end
  redis.pcall('SET', 'ep:attached', '1', 'PX', ms)
end
"""

# study, digest, states, quiet for ms, request, then causes and how many failed by each -> 1 when opened, 0 when this
# very study is under way already
_OPEN = """
local same = redis.call('HGET', about, 'digest') == ARGV[2] and redis.call('HEXISTS', about, 'cancelled') == 0
if same and left() > 0 then
  if ARGV[5] ~= '' then redis.call('HSET', about, 'request', ARGV[5]) end
  return 0
end
redis.call('DEL', about, states, counts, running, ends, causes, later, again, base .. 'silent', base .. 'absent', took)
redis.call('HSET', about, 'digest', ARGV[2], 'quiet_until', now() + tonumber(ARGV[4]), 'request', ARGV[5],
  'opened', now())
redis.call('SET', states, ARGV[3])
for c in string.gmatch('pqrdhfc', '.') do
  local _, n = string.gsub(ARGV[3], c, '')
  redis.call('HSET', counts, c, n)
end
for i = 6, #ARGV, 2 do redis.call('HSET', causes, ARGV[i], ARGV[i + 1]) end
redis.call('SADD', 'ep:studies', ARGV[1])
close_if_finished()
return 1
"""

# study, window -> how many of them go first, and pending indices, now queued: all that was given out before and came
# back, and others until `window` are queued
_TAKE = """
if redis.call('HEXISTS', about, 'cancelled') == 1 or halted() then return {0} end
if now() < tonumber(redis.call('HGET', about, 'quiet_until') or 0) then return {0} end
local room = tonumber(ARGV[2]) - tonumber(redis.call('HGET', counts, 'q') or 0)
local taken = {}
for _, i in ipairs(redis.call('SMEMBERS', again)) do
  if mark(i) ~= 'p' then redis.call('SREM', again, i)
  elseif not is_later(i) then
    redis.call('SREM', again, i)
    move(i, 'q')
    taken[#taken + 1] = i
  end
end
local first = #taken
local all, at = redis.call('GET', states) or '', 0
room = room + first
while #taken < room do
  at = string.find(all, 'p', at + 1, true)
  if not at then break end
  if not is_later(at - 1) then
    move(at - 1, 'q')
    taken[#taken + 1] = at - 1
  end
end
table.insert(taken, 1, first)
return taken
"""

# study, digest, index, key, token, lease ms, worker, supervisor, alone -> 1; 0 when not to be run (now)
# What is to run alone begins when its supervisor runs nothing else, and nothing else begins there meanwhile.
_CLAIM = """
if redis.call('HGET', about, 'digest') ~= ARGV[2] then return 0 end
local was = mark(ARGV[3])
if was ~= 'p' and was ~= 'q' then return 0 end
if redis.call('HEXISTS', about, 'cancelled') == 1 then move(ARGV[3], 'c') close_if_finished() return 0 end
local lease = 'ep:lease:' .. ARGV[4]
if halted() or settling() or is_later(ARGV[3]) or redis.call('EXISTS', lease) == 1 then move(ARGV[3], 'p') return 0 end
local alone, others = 'ep:alone:' .. ARGV[8], 'ep:runs:' .. ARGV[8]
redis.call('ZREMRANGEBYSCORE', others, '-inf', now())
if redis.call('EXISTS', alone) == 1 or (ARGV[9] == '1' and redis.call('ZCARD', others) > 0) then
  move(ARGV[3], 'p')
  redis.call('HSET', later, ARGV[3], now() + 1000)
  redis.call('SADD', again, ARGV[3])
  return 0
end
if ARGV[9] == '1' then redis.call('SET', alone, ARGV[5], 'PX', ARGV[6]) end
redis.call('ZADD', others, now() + tonumber(ARGV[6]), ARGV[5])
redis.call('PEXPIRE', others, ARGV[6])
redis.call('SET', lease, ARGV[5], 'PX', ARGV[6])
move(ARGV[3], 'r')
redis.call('HDEL', later, ARGV[3])
local info = {key = ARGV[4], token = ARGV[5], worker = ARGV[7], supervisor = ARGV[8], since = now()}
redis.call('HSET', running, ARGV[3], cjson.encode(info))
return 1
"""

# study, digest, index, key, token, lease ms, worker, supervisor, progress -> '', 'cancelled' or 'superseded'
# PEXPIRE also works on a Redis that is full, SET does not.
_BEAT = """
local lease = 'ep:lease:' .. ARGV[4]
local holder = redis.call('GET', lease)
if holder and holder ~= ARGV[5] then return 'superseded' end
local ended = redis.call('HGET', about, 'digest') == ARGV[2] and string.find('dhf', mark(ARGV[3]), 1, true)
if ended and mark(ARGV[3]) ~= '' then return 'superseded' end
if holder then redis.call('PEXPIRE', lease, ARGV[6]) else redis.call('SET', lease, ARGV[5], 'PX', ARGV[6]) end
redis.call('ZADD', 'ep:runs:' .. ARGV[8], 'XX', now() + tonumber(ARGV[6]), ARGV[5])
redis.call('PEXPIRE', 'ep:runs:' .. ARGV[8], ARGV[6])
if redis.call('GET', 'ep:alone:' .. ARGV[8]) == ARGV[5] then redis.call('PEXPIRE', 'ep:alone:' .. ARGV[8], ARGV[6]) end
if redis.call('HGET', about, 'digest') ~= ARGV[2] then return '' end
if redis.call('HEXISTS', about, 'cancelled') == 1 then return 'cancelled' end
local was, said = mark(ARGV[3]), redis.call('HGET', running, ARGV[3])
if was == 'p' or was == 'q' then move(ARGV[3], 'r') end
local info = said and cjson.decode(said) or {since = now()}
info.key, info.token, info.worker, info.supervisor = ARGV[4], ARGV[5], ARGV[7], ARGV[8]
info.progress = tonumber(ARGV[9])
redis.call('HSET', running, ARGV[3], cjson.encode(info))
return ''
"""

# study, digest, index, key, token, mark, cause, not again for ms, supervisor -> how many failed by this cause, 0 when
# this one did not
# Whoever lost the lease to somebody else changes nothing, and what is done stays done.
_FINISH = """
local lease = 'ep:lease:' .. ARGV[4]
local holder = redis.call('GET', lease)
redis.call('ZREM', 'ep:runs:' .. ARGV[9], ARGV[5])
if redis.call('GET', 'ep:alone:' .. ARGV[9]) == ARGV[5] then redis.call('DEL', 'ep:alone:' .. ARGV[9]) end
if holder and holder ~= ARGV[5] then return 0 end
if holder then redis.call('DEL', lease) end
if redis.call('HGET', about, 'digest') ~= ARGV[2] then return 0 end
local was, to, said = mark(ARGV[3]), ARGV[6], redis.call('HGET', running, ARGV[3])
redis.call('HDEL', running, ARGV[3])
if was == 'd' or was == 'h' then return 0 end
if to == 'c' and redis.call('HEXISTS', about, 'cancelled') == 0 then to = 'p' end
if to == 'p' and redis.call('HEXISTS', about, 'cancelled') == 1 then to = 'c' end
if to == 'p' then redis.call('SADD', again, ARGV[3]) end
if to == 'p' and tonumber(ARGV[8]) > 0 then redis.call('HSET', later, ARGV[3], now() + tonumber(ARGV[8])) end
move(ARGV[3], to)
if to == 'd' or to == 'f' then
  redis.call('LPUSH', ends, now())
  redis.call('LTRIM', ends, 0, 49)
  if said then
    local ms = string.format('%.0f', now() - cjson.decode(said).since)
    redis.call('LPUSH', took, ARGV[3] .. ':' .. to .. ':' .. string.format('%.0f', now()) .. ':' .. ms)
    redis.call('LTRIM', took, 0, 199)
  end
end
local same = 0
if to == 'f' and ARGV[7] ~= '' then same = redis.call('HINCRBY', causes, ARGV[7], 1) end
close_if_finished()
return same
"""

# study, index, token -> 1 when the variant was running under this token; its lease ends now
_EXPIRE = """
local said = redis.call('HGET', running, ARGV[2])
if not said or cjson.decode(said).token ~= ARGV[3] then return 0 end
local info = cjson.decode(said)
local alone = 'ep:alone:' .. info.supervisor
redis.call('ZREM', 'ep:runs:' .. info.supervisor, ARGV[3])
if redis.call('GET', alone) == ARGV[3] then redis.call('DEL', alone) end
local lease = 'ep:lease:' .. info.key
if redis.call('GET', lease) == ARGV[3] then redis.call('DEL', lease) end
return 1
"""

# study, digest, from, to, not again for ms, index... -> how many moved
_MOVE = """
if redis.call('HGET', about, 'digest') ~= ARGV[2] then return 0 end
redis.call('HDEL', running, '')  -- a Redis that is full takes what follows a write that it does not refuse
local moved, to = 0, ARGV[4]
if to == 'p' and redis.call('HEXISTS', about, 'cancelled') == 1 then to = 'c' end
for i = 6, #ARGV do
  local was = mark(ARGV[i])
  if was ~= '' and string.find(ARGV[3], was, 1, true) then
    move(ARGV[i], to)
    if was == 'r' and to == 'p' then redis.call('SADD', again, ARGV[i]) end
    redis.call('HDEL', running, ARGV[i])
    if tonumber(ARGV[5]) > 0 then redis.call('HSET', later, ARGV[i], now() + tonumber(ARGV[5])) end
    moved = moved + 1
  end
end
if to == 'p' and moved > 0 then redis.call('SADD', 'ep:studies', ARGV[1]) end
close_if_finished()
return moved
"""

# study -> the indices of the running variants without a lease
_SILENT = """
local silent = {}
local all = redis.call('HGETALL', running)
for i = 1, #all, 2 do
  if redis.call('EXISTS', 'ep:lease:' .. cjson.decode(all[i + 1]).key) == 0 then silent[#silent + 1] = all[i] end
end
return silent
"""

# study, "silent" or "absent", ms, index... -> those that were named at every reconciliation for so long
_AGED = """
local known, since, aged = base .. ARGV[2], {}, {}
local said = redis.call('HGETALL', known)
for i = 1, #said, 2 do since[said[i]] = tonumber(said[i + 1]) end
redis.call('DEL', known)
for i = 4, #ARGV do
  local first = since[ARGV[i]] or now()
  redis.call('HSET', known, ARGV[i], first)
  if now() - first >= tonumber(ARGV[3]) then aged[#aged + 1] = ARGV[i] end
end
return aged
"""

# study -> how many have not ended; the counts are those of the marks again: a file that was cut may hold half of a
# transition
_RECOUNT = """
local all = redis.call('GET', states)
if not all then return 0 end
redis.call('HDEL', counts, '')
for c in string.gmatch('pqrdhfc', '.') do
  local _, n = string.gsub(all, c, '')
  redis.call('HSET', counts, c, n)
end
if left() > 0 then redis.call('SADD', 'ep:studies', ARGV[1]) end
close_if_finished()
return left()
"""

# study, digest -> how many were waiting; they are cancelled now, and the running ones are told at their next beat
_CANCEL = """
if redis.call('HGET', about, 'digest') ~= ARGV[2] then return 0 end
redis.call('HDEL', about, 'paused', 'blocked', 'blocked_until')  -- first: a Redis that is full refuses no deletion
redis.call('HSET', about, 'cancelled', '1')
local all = redis.call('GET', states) or ''
local n = tonumber(redis.call('HGET', counts, 'p') or 0) + tonumber(redis.call('HGET', counts, 'q') or 0)
redis.call('SET', states, (string.gsub(string.gsub(all, 'p', 'c'), 'q', 'c')))
redis.call('HSET', counts, 'p', 0, 'q', 0)
redis.call('HINCRBY', counts, 'c', n)
close_if_finished()
return n
"""

# attached for ms
_ATTACH = """
attach(ARGV[1])
"""

# a client has told what it had to tell
_TOLD = """
if redis.call('EXISTS', 'ep:telling') == 0 then return end
if redis.call('DECR', 'ep:telling') < 1 then redis.call('DEL', 'ep:telling') end
"""

# study, digest, counts that are known, attached for ms (0: not) -> what a panel shows of it, nothing when the ledger
# follows another manifest
_GLANCE = """
if redis.call('HGET', about, 'digest') ~= ARGV[2] then return {} end
attach(ARGV[4])
local function numbers(key, ...)
  local found = redis.call('HMGET', key, ...)
  for i = 1, #found do found[i] = found[i] or '0' end
  return found
end
local n = numbers(counts, 'p', 'q', 'r', 'd', 'h', 'f', 'c')
local all = table.concat(n, ' ') ~= ARGV[3] and redis.call('GET', states) or ''
local run, leases, others, elsewhere = redis.call('HGETALL', running), {}, {}, {}
local begins = redis.call('LLEN', took) < 5
for i = 2, #run, 2 do leases[#leases + 1] = redis.call('PTTL', 'ep:lease:' .. cjson.decode(run[i]).key) end
for _, name in ipairs(redis.call('SMEMBERS', 'ep:studies')) do
  local m = numbers('ep:s:' .. name .. ':counts', 'p', 'q', 'r')
  others[#others + 1] = {name, m[1] + m[2], m[3]}
  if begins and name ~= ARGV[1] then
    for _, said in ipairs(redis.call('LRANGE', 'ep:s:' .. name .. ':took', 0, 19)) do
      elsewhere[#elsewhere + 1] = said
    end
  end
end
local halt = redis.call('HMGET', about, 'cancelled', 'paused', 'blocked', 'blocked_until')
for i = 1, 4 do halt[i] = halt[i] or '' end
return {string.format('%.0f', now()), n, all, halt, run, leases, redis.call('LRANGE', took, 0, -1),
  redis.call('HGETALL', causes), redis.call('HGETALL', 'ep:workers'), others, elsewhere,
  redis.call('HGET', about, 'opened') or '0'}
"""

# study, digest, why -> nothing is given out any more; what runs goes on. Without a why it goes on
_PAUSE = """
if redis.call('HGET', about, 'digest') ~= ARGV[2] then return 0 end
redis.call('HDEL', about, 'paused')
if ARGV[3] == '' then return 1 end
return redis.call('HSET', about, 'paused', ARGV[3])
"""

# study, digest, why, ms -> nothing is given out for so long
_BLOCK = """
if redis.call('HGET', about, 'digest') ~= ARGV[2] then return 0 end
redis.call('HDEL', about, 'blocked')
return redis.call('HSET', about, 'blocked', ARGV[3], 'blocked_until', now() + tonumber(ARGV[4]))
"""

# queue, how many -> the newest of its messages are the next ones to be read
_ADVANCE = """
for i = 1, tonumber(ARGV[2]) do
  local message = redis.call('LPOP', ARGV[1])
  if not message then break end
  redis.call('RPUSH', ARGV[1], message)
end
return 0
"""

# queue -> how many messages; those of several studies take turns, each study's in their order, and whoever runs least
# comes first. What is nobody's counts as one study's.
_TURNS = """
local key, part = ARGV[1], ARGV[1] .. ':turns'
if redis.call('TYPE', key).ok ~= 'list' then return 0 end
local waiting = redis.call('LRANGE', key, 0, -1)  -- the last one is read next
local of, names = {}, {}
for i = #waiting, 1, -1 do
  local name = string.match(waiting[i], '"id": "([^"]-):%d+"') or ''
  if not of[name] then
    local runs = tonumber(redis.call('HGET', 'ep:s:' .. name .. ':counts', 'r') or 0)
    of[name] = {at = #names, runs = runs}
    names[#names + 1] = name
  end
  table.insert(of[name], waiting[i])
end
if #names < 2 then return #waiting end
table.sort(names, function(a, b)
  if of[a].runs ~= of[b].runs then return of[a].runs < of[b].runs end
  return of[a].at < of[b].at
end)
local turns, round = {}, 1
while #turns < #waiting do
  for _, name in ipairs(names) do turns[#turns + 1] = of[name][round] end
  round = round + 1
end
redis.call('DEL', part)
for i = 1, #turns do redis.call('LPUSH', part, turns[i]) end
redis.call('RENAME', part, key)
return #turns
"""

# name, token, ms -> 1 when the token holds the lease of that name from now on, 0 when another one does
_HOLD = """
local name = 'ep:held:' .. ARGV[1]
local who = redis.call('GET', name)
if who and who ~= ARGV[2] then return 0 end
redis.call('SET', name, ARGV[2], 'PX', ARGV[3])
return 1
"""

# name, token -> the lease ends, if it is the token's
_LET_GO = """
local name = 'ep:held:' .. ARGV[1]
if redis.call('GET', name) == ARGV[2] then redis.call('DEL', name) end
return 0
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
        "recount": _RECOUNT,
        "silent": _SILENT,
        "advance": _ADVANCE,
        "turns": _TURNS,
        "aged": _AGED,
        "expire": _EXPIRE,
        "cancel": _CANCEL,
        "attach": _ATTACH,
        "told": _TOLD,
        "glance": _GLANCE,
        "pause": _PAUSE,
        "block": _BLOCK,
        "hold": _HOLD,
        "let_go": _LET_GO,
    }.items()
}
