"""The Ledger: who runs what right now, how far each study is. All of it in Redis, all of it can be lost.

Every transition is one Lua script, so counters and states never disagree. The clock is the Redis server's.

    ep:studies            names of the studies that are not finished
    ep:s:<study>:about    digest of the manifest, cancelled, quiet_until (ms)
    ep:s:<study>:states   one byte a variant, see `Mark`
    ep:s:<study>:counts   how many variants have each mark
    ep:s:<study>:running  index -> who, since when, for which key
    ep:s:<study>:ends     when the last 50 simulations ended (ms)
    ep:lease:<key>        the token of whoever simulates this key; expires unless renewed
    ep:tries:<key>        how often this key was started
    ep:workers            worker -> what it says of itself, and when it did last (ms)
    ep:attached           there while a client is
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from redis import Redis

from epstudy.core.contracts import Stop
from epstudy.core.outcome import Progress, State
from epstudy.workers.app import PREFIX, QUEUE

LEASE_S = 12.0  # a variant whose worker is silent for so long is somebody else's
BEAT_S = 1.0
WORKER_S = 10.0


class Mark(StrEnum):
    """The byte of a variant in the ledger."""

    PENDING = "p"  # nobody was asked yet
    QUEUED = "q"  # a message is in the broker
    RUNNING = "r"
    DONE = "d"  # simulated
    HELD = "h"  # done: the store had it
    FAILED = "f"
    CANCELLED = "c"


STATES = {
    Mark.PENDING: State.PENDING,
    Mark.QUEUED: State.PENDING,
    Mark.RUNNING: State.RUNNING,
    Mark.DONE: State.DONE,
    Mark.HELD: State.DONE,
    Mark.FAILED: State.FAILED,
    Mark.CANCELLED: State.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to simulate one variant for now."""

    study: str
    digest: str
    index: int
    key: str
    token: str
    tries: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A variant that is marked as running, and nobody holds its lease."""

    index: int
    key: str
    tries: int
    worker: str


_COMMON = """
local function now() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end
local base = 'ep:s:' .. ARGV[1] .. ':'
local about, states, counts = base .. 'about', base .. 'states', base .. 'counts'
local running, ends = base .. 'running', base .. 'ends'
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
redis.call('DEL', about, states, counts, running, ends)
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

# study, digest, index, key, token, mark
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
close_if_finished()
return 1
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


class Ledger:
    """What Redis knows of the studies. Methods raise redis' own errors when it does not answer."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._scripts = {
            name: redis.register_script(_COMMON + text)
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

    def _call(self, script: str, *arguments: Any) -> Any:
        return self._scripts[script](keys=[], args=arguments)

    # a study ----------------------------------------------------------------------------------------------------

    def open(self, study: str, digest: str, states: str, *, quiet_s: float = 0.0) -> bool:
        """Begin (again) with a study whose variants have these marks; False when it is under way already.

        Nothing is given out for `quiet_s`: after a loss of Redis the beats need that long to say who still runs.
        """
        return bool(self._call("open", study, digest, states, int(quiet_s * 1000)))

    def digest(self, study: str) -> str | None:
        """Return the digest of the manifest that the ledger follows; None when it knows nothing of the study."""
        said = self.redis.hget(f"ep:s:{study}:about", "digest")
        return said.decode() if isinstance(said, bytes) else None

    def states(self, study: str) -> str:
        """Return one mark a variant; empty when the ledger knows nothing of the study."""
        said = self.redis.get(f"ep:s:{study}:states")
        return said.decode() if isinstance(said, bytes) else ""

    def active(self) -> list[str]:
        """Return the names of the studies that are not finished."""
        return sorted(name.decode() for name in self.redis.smembers("ep:studies"))  # type: ignore[union-attr]

    def cancel(self, study: str) -> int:
        """Cancel what waits, and tell what runs to stop; return how many waited."""
        return int(self._call("cancel", study))

    def progress(self, study: str) -> Progress | None:
        """Return how far the study is; None when the ledger knows nothing of it."""
        pipe = self.redis.pipeline(transaction=False)
        pipe.hgetall(f"ep:s:{study}:counts")
        pipe.lrange(f"ep:s:{study}:ends", 0, -1)
        pipe.time()
        said, ends, (seconds, micros) = pipe.execute()
        if not said:
            return None
        count = {mark: int(said.get(mark.value.encode(), 0)) for mark in Mark}
        left = count[Mark.PENDING] + count[Mark.QUEUED] + count[Mark.RUNNING]
        rate = _rate([int(end) / 1000 for end in ends], seconds + micros / 1e6) if left else 0.0
        return Progress(
            total=sum(count.values()),
            pending=count[Mark.PENDING] + count[Mark.QUEUED],
            running=count[Mark.RUNNING],
            done=count[Mark.DONE] + count[Mark.HELD],
            failed=count[Mark.FAILED],
            cancelled=count[Mark.CANCELLED],
            cached=count[Mark.HELD],
            per_second=rate,
            eta_s=left / rate if rate and len(ends) >= 5 else None,
            workers=sum(int(worker["slots"]) for worker in self.workers()),
        )

    # variants ---------------------------------------------------------------------------------------------------

    def take(self, study: str, window: int) -> list[int]:
        """Mark pending variants as queued until `window` of them are, and return those: the caller publishes them."""
        return [int(index) for index in self._call("take", study, window)]

    def claim(self, study: str, digest: str, index: int, key: str, token: str, worker: str) -> Lease | None:
        """Take the lease of a variant and count the try; None when it is not to be run, or not now."""
        tries = int(self._call("claim", study, digest, index, key, token, int(LEASE_S * 1000), worker))
        return Lease(study, digest, index, key, token, tries) if tries else None

    def beat(self, lease: Lease, worker: str, progress: float | None) -> Stop | None:
        """Renew a lease, also one that Redis lost; return why to stop, if so."""
        said = self._call(
            "beat",
            lease.study,
            lease.digest,
            lease.index,
            lease.key,
            lease.token,
            int(LEASE_S * 1000),
            worker,
            "" if progress is None else progress,
        )
        return Stop(said.decode()) if said else None

    def finish(self, lease: Lease, mark: Mark) -> None:
        """Give the lease back and mark the variant; `Mark.PENDING` puts it back."""
        self._call("finish", lease.study, lease.digest, lease.index, lease.key, lease.token, mark.value)

    def move(self, study: str, marks: Iterable[Mark], to: Mark, indices: Iterable[int]) -> int:
        """Mark those of `indices` that have one of `marks` with `to`; return how many had."""
        return int(self._call("move", study, "".join(marks), to.value, *indices))

    def resume(self, study: str, indices: list[int]) -> None:
        """Have these variants, failed or cancelled, pending again, in a study that is not cancelled any more."""
        self.redis.hdel(f"ep:s:{study}:about", "cancelled")
        self.move(study, [Mark.FAILED, Mark.CANCELLED], Mark.PENDING, indices)

    def forget_tries(self, keys: list[str]) -> None:
        """Forget how often these keys were started."""
        if keys:
            self.redis.delete(*(f"ep:tries:{key}" for key in keys))

    def lost(self, study: str) -> list[Lost]:
        """Return the running variants whose lease ran out."""
        return [
            Lost(int(index), key.decode(), int(tries), worker.decode())
            for index, key, tries, worker in self._call("lost", study)
        ]

    def running(self, study: str) -> dict[int, dict[str, Any]]:
        """Return who runs what: index -> key, worker, since (ms) and progress (0 to 1, when the engine told)."""
        said: Any = self.redis.hgetall(f"ep:s:{study}:running")
        return {int(index): json.loads(info) for index, info in said.items()}

    def queued_messages(self) -> set[str]:
        """Return the ids of the messages in the broker."""
        messages: Any = self.redis.lrange(f"{PREFIX}{QUEUE}", 0, -1)
        return {identity for message in messages if (identity := _message_id(message))}

    # workers and clients ----------------------------------------------------------------------------------------

    def announce(self, worker: str, about: dict[str, Any]) -> None:
        """Say that this worker lives; it counts as gone ten seconds after the last time."""
        self.redis.hset("ep:workers", worker, json.dumps({**about, "seen": self._now_ms()}))

    def retire(self, worker: str) -> None:
        """Say that this worker is gone."""
        self.redis.hdel("ep:workers", worker)

    def workers(self) -> list[dict[str, Any]]:
        """Return what the living workers say of themselves, and forget those that were silent for an hour."""
        now = self._now_ms()
        said: Any = self.redis.hgetall("ep:workers")
        about = {name: json.loads(text) for name, text in said.items()}
        gone = [name for name, worker in about.items() if now - worker["seen"] > 3_600_000]
        if gone:
            self.redis.hdel("ep:workers", *gone)
        return [worker for worker in about.values() if now - worker["seen"] <= WORKER_S * 1000]

    def _now_ms(self) -> float:
        seconds, micros = self.redis.time()  # type: ignore[misc]
        return float(seconds * 1000 + micros / 1000)

    def attach(self, seconds: float) -> None:
        """Say that a client is here: a private pool stays for this long at least."""
        self.redis.set("ep:attached", "1", px=int(seconds * 1000))

    def attached(self) -> bool:
        """Say whether a client was here lately."""
        return bool(self.redis.exists("ep:attached"))

    def lock(self, name: str, seconds: float) -> bool:
        """Take a lock that nobody gives back: it ends by itself. False when somebody has it."""
        return bool(self.redis.set(f"ep:lock:{name}", "1", nx=True, px=int(seconds * 1000)))


def _rate(ends: list[float], now: float) -> float:
    """Ends a second over the last ones, the time since the newest included; 0 when there are too few to say."""
    recent = [end for end in ends if now - end <= 60.0]
    counted = recent if len(recent) >= 5 else ends
    if len(counted) < 2:
        return 0.0
    return len(counted[1:]) / max(now - counted[-1], 1e-3)


def _message_id(message: bytes) -> str:
    try:
        return str(json.loads(message)["headers"]["id"])
    except (ValueError, KeyError, TypeError):
        return ""  # not one of ours
