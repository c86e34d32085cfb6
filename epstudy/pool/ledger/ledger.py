"""The Ledger: who runs what right now, how far each study is. All of it in Redis, all of it can be lost.

Every transition is one Lua script, so counters and states never disagree. The clock is the Redis server's.

    ep:studies            names of the studies that are not finished
    ep:s:<study>:about    digest of the manifest, cancelled, quiet_until (ms), paused (why), blocked (why, until ms),
                          when it was opened (ms), and from which store
    ep:s:<study>:states   one byte a variant, see `Mark`
    ep:s:<study>:counts   how many variants have each mark
    ep:s:<study>:running  index -> who, since when, for which key, under which token
    ep:s:<study>:later    index -> not before (ms): what failed by the machine waits before it is tried again
    ep:s:<study>:again    pending variants that were given out before: they go before the others
    ep:s:<study>:silent   running variants without a lease -> since when (ms)
    ep:s:<study>:absent   queued variants without a message -> since when (ms)
    ep:s:<study>:causes   how many variants failed by each cause
    ep:s:<study>:ends     when the last 50 simulations ended (ms)
    ep:s:<study>:took     the last 200 simulations that ended: index, mark, when (ms), and how long they took (ms)
    ep:runs:<supervisor>  the tokens of what it runs; ep:alone:<supervisor> that of one that is to run alone there
    ep:lease:<key>        the token of whoever simulates this key; expires unless renewed
    ep:held:<name>        the token of whoever does this one thing, such as a report; expires unless renewed
    ep:workers            worker -> what it says of itself, and when it did last (ms)
    ep:slots              how many simulations a private pool is to run at once, once somebody has changed it
    ep:run                which Redis wrote all this; another one, with an older file, lets the living speak first
    ep:attached           there while a client is
    ep:telling            how many clients tell of a study just now
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from redis import Redis

from epstudy.core.contracts import Stop
from epstudy.core.glance import STATES as STATES
from epstudy.core.glance import Glance, Other, RunningVariant
from epstudy.core.glance import Mark as Mark
from epstudy.core.outcome import Progress
from epstudy.core.pace import ENOUGH, Ended
from epstudy.pool.broker.app import PREFIX
from epstudy.pool.ledger.scripts import SCRIPTS
from epstudy.settings import MOST_SLOTS

_PARTS = ("about", "states", "counts", "running", "ends", "causes", "later", "again", "silent", "absent", "took")
LEASE_S = 12.0  # a variant whose worker is silent for so long is somebody else's
BEAT_S = 1.0
BLOCK_S = 5.0  # how long nothing is given out when the store could not be written; then somebody tries again
WORKER_S = 10.0
_LATELY = 20  # simulations of each study by which one that has hardly begun is foretold


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to simulate one variant for now."""

    study: str
    digest: str
    index: int
    key: str
    token: str


@dataclass(frozen=True, slots=True)
class Origin:
    """What a study is in the ledger: the digest of its manifest, which request it is, and from which store.

    `where` is that of `Store.where`, `shown` the host and path of the store; empty when an earlier version opened it.
    """

    digest: str
    request: str
    where: str
    shown: str


@dataclass(frozen=True, slots=True)
class Running:
    """A variant that somebody simulates: `worker` is a Celery child, `supervisor` the process that looks after it."""

    index: int
    key: str
    token: str
    worker: str
    supervisor: str
    since_ms: float
    progress: float | None


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a study is not given out: by its user, or because the store cannot be written (for some seconds more)."""

    cancelled: bool
    paused: str
    blocked: str

    @property
    def why(self) -> str:
        """The reason to tell; empty when it goes on, or was cancelled."""
        return self.blocked or self.paused


class Ledger:
    """What Redis knows of the studies. Methods raise redis' own errors when it does not answer."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._scripts = {name: redis.register_script(text) for name, text in SCRIPTS.items()}

    def _call(self, script: str, *arguments: Any) -> Any:
        return self._scripts[script](keys=[], args=arguments)

    # a study ----------------------------------------------------------------------------------------------------

    def open(
        self,
        study: str,
        digest: str,
        states: str,
        *,
        quiet_s: float = 0.0,
        request: str = "",
        causes: Mapping[str, int] | None = None,
    ) -> bool:
        """Begin (again) with a study whose variants have these marks; False when it is under way already.

        `request` is which `run()` or `retry()` this is, `causes` how many have failed by each since it began. Nothing
        is given out for `quiet_s`: after a loss of Redis the beats need that long to say who still runs.
        """
        failed = [word for pair in (causes or {}).items() for word in pair]
        return bool(self._call("open", study, digest, states, int(quiet_s * 1000), request, *failed))

    def request(self, study: str) -> str:
        """Return which request the ledger follows; empty when it was opened without one."""
        said = self.redis.hget(f"ep:s:{study}:about", "request")
        return said.decode() if isinstance(said, bytes) else ""

    def note_origin(self, study: str, where: str, shown: str) -> None:
        """Note from which store a study is followed: by `Store.where`, and in words."""
        self.redis.hset(f"ep:s:{study}:about", mapping={"where": where, "shown": shown})

    def origin(self, study: str) -> Origin | None:
        """Return from which store a study is followed, and what; None when the ledger knows nothing of it."""
        about: Any = self.redis.hmget(f"ep:s:{study}:about", "digest", "request", "where", "shown")
        digest, *others = [None if word is None else word.decode(errors="replace") for word in about]
        return None if digest is None else Origin(digest, *[word or "" for word in others])

    def digest(self, study: str) -> str | None:
        """Return the digest of the manifest that the ledger follows; None when it knows nothing of the study."""
        said = self.redis.hget(f"ep:s:{study}:about", "digest")
        return said.decode() if isinstance(said, bytes) else None

    def states(self, study: str) -> str:
        """Return one mark a variant; empty when the ledger knows nothing of the study."""
        said = self.redis.get(f"ep:s:{study}:states")
        return said.decode() if isinstance(said, bytes) else ""

    def recount(self, study: str) -> int:
        """Have the counts agree with the marks again, should Redis have come back with half of a transition.

        Returns how many variants have not ended.
        """
        return int(self._call("recount", study))

    def size(self, study: str) -> int:
        """Return how many variants the ledger has of the study."""
        return int(self.redis.strlen(f"ep:s:{study}:states"))

    def active(self) -> list[str]:
        """Return the names of the studies that are not finished."""
        names: Any = self.redis.smembers("ep:studies")
        return sorted(name.decode(errors="replace") for name in names)

    def drop(self, study: str) -> None:
        """Forget a study."""
        self.redis.srem("ep:studies", study)
        self.redis.delete(*(f"ep:s:{study}:{part}" for part in _PARTS))

    def cancel(self, study: str, digest: str) -> int:
        """Cancel what waits, and tell what runs to stop; return how many waited."""
        return int(self._call("cancel", study, digest))

    def pause(self, study: str, digest: str, why: str) -> None:
        """Give out nothing more; what runs goes on. With an empty `why` the study goes on."""
        self._call("pause", study, digest, why)

    def block(self, study: str, digest: str, why: str) -> None:
        """Give out nothing for `BLOCK_S`: the store cannot be written, or a disk is full."""
        self._call("block", study, digest, why, int(BLOCK_S * 1000))

    def unblock(self, study: str) -> None:
        """Go on at once with what was blocked."""
        self.redis.hdel(f"ep:s:{study}:about", "blocked", "blocked_until")

    def halt(self, study: str) -> Halt:
        """Return why nothing is given out."""
        pipe = self.redis.pipeline(transaction=False)
        pipe.hmget(f"ep:s:{study}:about", "cancelled", "paused", "blocked", "blocked_until")
        pipe.time()
        said, (seconds, micros) = pipe.execute()
        return _halt(said, seconds * 1000 + micros / 1000)

    def progress(self, study: str) -> Progress | None:
        """Return how far the study is; None when the ledger knows nothing of it."""
        pipe = self.redis.pipeline(transaction=False)
        pipe.hgetall(f"ep:s:{study}:counts")
        pipe.lrange(f"ep:s:{study}:ends", 0, -1)
        pipe.hmget(f"ep:s:{study}:about", "cancelled", "paused", "blocked", "blocked_until")
        pipe.time()
        said, ends, about, (seconds, micros) = pipe.execute()
        if not said:
            return None
        count = {mark: int(said.get(mark.value.encode(), 0)) for mark in Mark}
        left = count[Mark.PENDING] + count[Mark.QUEUED] + count[Mark.RUNNING]
        slots = sum(int(worker["slots"]) for worker in self.workers())
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
            eta_s=left / rate if rate and len(ends) >= ENOUGH else self._eta_in_turns(left, slots),
            workers=slots,
            paused=_halt(about, seconds * 1000 + micros / 1000).why if left else "",
        )

    def _eta_in_turns(self, left: int, slots: int) -> float | None:
        """Seconds until a study is ready that has hardly begun, by what the simulations of all studies took lately."""
        names = self.active() if left else []
        if len(names) < 2:
            return None
        pipe = self.redis.pipeline(transaction=False)
        for name in names:
            pipe.lrange(f"ep:s:{name}:took", 0, _LATELY - 1)
        took = [_ended(one.decode()).took_s for said in pipe.execute() for one in said]
        if len(took) < ENOUGH or not slots:
            return None
        return math.ceil(left * len(names) / slots) * statistics.fmean(took)

    def glance(self, study: str, digest: str, known: str = "", attach_s: float = 0.0) -> Glance | None:
        """Return all that a panel shows, in one round trip; None when the ledger does not follow this manifest.

        The marks are left out when the counts are those `known` from an earlier glance. Whoever looks is attached, as
        by `attach`, for `attach_s`; with 0 it is a mere look.
        """
        said = self._call("glance", study, digest, known, int(attach_s * 1000))
        return _glance(study, said) if said else None

    # variants ---------------------------------------------------------------------------------------------------

    def take(self, study: str, window: int) -> tuple[list[int], list[int]]:
        """Mark pending variants as queued, and return them: the caller publishes them.

        The first ones were given out before and came back, so they go before all that waits in the broker; the others
        are as many as bring the queued ones to `window`.
        """
        first, *indices = map(int, self._call("take", study, window))
        return indices[:first], indices[first:]

    def advance(self, queue: str, count: int) -> None:
        """Have the newest messages of a queue read next."""
        self._call("advance", f"{PREFIX}{queue}", count)

    def take_turns(self, queue: str) -> None:
        """Have the studies whose messages wait in a queue take turns, whoever queued first."""
        if self.redis.scard("ep:studies") > 1:
            self._call("turns", f"{PREFIX}{queue}")

    def claim(self, lease: Lease, worker: str, supervisor: str, *, alone: bool = False) -> bool:
        """Take the lease of a variant; False when it is not to be run, or not now.

        One that is to run `alone` begins when its supervisor runs nothing else, and nothing else begins there
        meanwhile: then it is known who brought the worker down.
        """
        return bool(self._call("claim", *_words(lease), int(LEASE_S * 1000), worker, supervisor, int(alone)))

    def beat(self, lease: Lease, worker: str, supervisor: str, progress: float | None) -> Stop | None:
        """Renew a lease, also one that Redis lost; return why to stop, if so."""
        said = self._call(
            "beat",
            *_words(lease),
            int(LEASE_S * 1000),
            worker,
            supervisor,
            "" if progress is None else progress,
        )
        return Stop(said.decode()) if said else None

    def finish(self, lease: Lease, mark: Mark, cause: str = "", *, wait_s: float = 0.0, supervisor: str = "") -> int:
        """Give the lease back and mark the variant; `Mark.PENDING` puts it back, to be given out after `wait_s`.

        Nothing changes when somebody else holds the lease meanwhile. Returns how many variants of the study have failed
        by this `cause` since it was run, 0 when it did not fail.
        """
        return int(self._call("finish", *_words(lease), mark.value, cause, int(wait_s * 1000), supervisor))

    def move(
        self, study: str, digest: str, marks: Iterable[Mark], to: Mark, indices: Iterable[int], *, wait_s: float = 0.0
    ) -> int:
        """Mark those of `indices` that have one of `marks` with `to`; return how many had."""
        return int(self._call("move", study, digest, "".join(marks), to.value, int(wait_s * 1000), *indices))

    def expire(self, study: str, running: Running) -> bool:
        """End the lease under which a variant runs whose worker is known to be dead; False when it is another's now."""
        return bool(self._call("expire", study, running.index, running.token))

    def silent(self, study: str) -> set[int]:
        """Return the running variants whose lease ran out."""
        return {int(index) for index in self._call("silent", study)}

    def aged(self, study: str, what: Literal["silent", "absent"], indices: Iterable[int], seconds: float) -> set[int]:
        """Note that these are silent or absent now; return those that every reconciliation found so, for `seconds`."""
        return {int(index) for index in self._call("aged", study, what, int(seconds * 1000), *indices)}

    def running(self, study: str) -> list[Running]:
        """Return who runs what."""
        said: Any = self.redis.hgetall(f"ep:s:{study}:running")
        return [_running(int(index), info) for index, text in said.items() if (info := _read(text))]

    def queued_messages(self, queue: str) -> set[str]:
        """Return the ids of the messages that wait in a queue of the broker."""
        messages: Any = self.redis.lrange(f"{PREFIX}{queue}", 0, -1)
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
        about = {name: worker for name, text in said.items() if (worker := _read(text))}
        gone = [name for name, worker in about.items() if now - worker["seen"] > 3_600_000]
        if gone:
            self.redis.hdel("ep:workers", *gone)
        return [worker for worker in about.values() if now - worker["seen"] <= WORKER_S * 1000]

    def _now_ms(self) -> float:
        seconds, micros = self.redis.time()
        return float(seconds * 1000 + micros / 1000)

    def set_slots(self, count: int) -> None:
        """Ask the supervisor of a private pool to have this many simulations run at once."""
        self.redis.set("ep:slots", count)

    def slots(self) -> int | None:
        """Return how many were asked for; None when nobody asked since Redis started."""
        said = self.redis.get("ep:slots")
        count = int(said) if isinstance(said, bytes) and said.isdigit() and len(said) <= len(str(MOST_SLOTS)) else 0
        return count if 1 <= count <= MOST_SLOTS else None

    def attach(self, seconds: float) -> None:
        """Say that a client is here: a private pool stays for this long at least, whatever others said before."""
        self._call("attach", int(seconds * 1000))

    @contextmanager
    def telling(self, seconds: float) -> Iterator[None]:
        """A client that tells of a study: a private pool stays meanwhile, for so long at most if the client dies."""
        pipe = self.redis.pipeline()
        pipe.incr("ep:telling")
        pipe.pexpire("ep:telling", int(seconds * 1000))
        pipe.execute()
        try:
            yield
        finally:
            self._call("told", "")

    def attached(self) -> bool:
        """Say whether a client was here lately."""
        return bool(self.redis.exists("ep:attached", "ep:telling"))

    def hold(self, name: str, token: str, seconds: float) -> bool:
        """Take the lease of a name, or renew it; False when another token has it."""
        return bool(self._call("hold", name, token, int(seconds * 1000)))

    def is_held(self, name: str) -> bool:
        """Say whether somebody has the lease of a name."""
        return bool(self.redis.exists(f"ep:held:{name}"))

    def let_go(self, name: str, token: str) -> None:
        """Give back the lease of a name, if this token has it."""
        self._call("let_go", name, token)

    def lock(self, name: str, seconds: float) -> bool:
        """Take a lock that nobody gives back: it ends by itself. False when somebody has it."""
        return bool(self.redis.set(f"ep:lock:{name}", "1", nx=True, px=int(seconds * 1000)))


def _words(lease: Lease) -> tuple[str, str, int, str, str]:
    return lease.study, lease.digest, lease.index, lease.key, lease.token


def _read(text: bytes) -> dict[str, Any]:
    """What one of ours wrote; empty when it was somebody else."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) and ("seen" in said or "token" in said) else {}


def _running(index: int, said: dict[str, Any]) -> Running:
    return Running(
        index, said["key"], said["token"], said["worker"], said["supervisor"], said["since"], said.get("progress")
    )


def _glance(study: str, said: list[Any]) -> Glance:
    now_ms, counts, marks, about, running, leases, took, causes, workers, others, elsewhere, opened_ms = said
    now_ms = float(now_ms)
    halt = _halt([one or None for one in about], now_ms)
    pairs = zip(running[::2], running[1::2], leases, strict=True)
    return Glance(
        at_s=now_ms / 1000,
        counts=dict(zip(Mark, map(int, counts), strict=True)),
        marks=marks or None,
        running=tuple(
            _seen(_running(int(index), read), int(lease), now_ms)
            for index, text, lease in pairs
            if (read := _read(text))
        ),
        ended=tuple(_ended(one.decode()) for one in took),
        elsewhere_s=tuple(_ended(one.decode()).took_s for one in elsewhere),
        workers=tuple(_about(workers, now_ms)),
        others=tuple(
            Other(name.decode(errors="replace"), int(waiting), int(busy))
            for name, waiting, busy in others
            if name.decode(errors="replace") != study
        ),
        causes={cause.decode(): int(count) for cause, count in zip(causes[::2], causes[1::2], strict=True)},
        cancelled=halt.cancelled,
        halt=halt.why,
        opened_s=float(opened_ms) / 1000,
    )


def _seen(running: Running, lease_ms: int, now_ms: float) -> RunningVariant:
    """Who runs a variant; the lease says when it was renewed last, all of it ago when it has run out."""
    return RunningVariant(
        index=running.index,
        worker=running.worker,
        supervisor=running.supervisor,
        age_s=max(now_ms - running.since_ms, 0.0) / 1000,
        progress=running.progress,
        beat_s=max(LEASE_S - max(lease_ms, 0) / 1000, 0.0),
    )


def _ended(text: str) -> Ended:
    index, mark, at_ms, took_ms = text.split(":")
    return Ended(int(index), mark == Mark.FAILED, float(at_ms) / 1000, float(took_ms) / 1000)


def _about(said: list[bytes], now_ms: float) -> Iterator[dict[str, Any]]:
    """What the living workers say of themselves, and how many seconds ago."""
    for name, text in sorted(zip(said[::2], said[1::2], strict=True)):
        about = _read(text)
        if about and now_ms - about["seen"] <= WORKER_S * 1000:
            yield {**about, "name": name.decode(errors="replace"), "beat_s": max(now_ms - about["seen"], 0.0) / 1000}


def _halt(said: list[bytes | None], now_ms: float) -> Halt:
    cancelled, paused, blocked, until = said
    recently = blocked is not None and now_ms < float(until or 0) + BLOCK_S * 1000
    return Halt(
        cancelled is not None,
        paused.decode() if paused is not None else "",
        blocked.decode() if blocked is not None and recently else "",
    )


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
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""  # not one of ours
