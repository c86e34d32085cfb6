"""Redis is killed, emptied, frozen, full, and its messages are lost or doubled: the study ends right."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.faults.checker import examine
from tests.faults.messages import CHANGES
from tests.faults.notebook import LONGEST_S, looking_at
from tests.faults.pools import GroupPool
from tests.faults.recorder import Fault
from tests.faults.starts import read_starts
from tests.faults.studies import good
from tests.support.offices import until

Begin = Callable[[str, str], Fault]
MakeGroup = Callable[..., GroupPool]


def test_a_redis_without_persistence_is_killed(group: GroupPool, fault: Begin) -> None:
    f4 = fault("F4", "Redis is killed and comes back empty")
    study = good(group, "redis", 60, 0.3).run()
    with looking_at("redis"):
        for done in (10, 30):
            until(lambda done=done: study.progress().done >= done)  # type: ignore[misc]
            group.redis().set("canary", "alive")
            group.kill_redis()
            f4.happened()
            time.sleep(f4.chance.uniform(0.2, 1.5))
            group.start_redis()
            assert not group.redis().exists("canary"), "it came back empty"
            f4.recovered(_until_the_next_start(group.log))
        study.wait()
    f4.ended(examine(study, group))


def test_a_redis_loses_the_end_of_its_log(make_group: MakeGroup, fault: Begin) -> None:
    f5 = fault("F5", "Redis is killed and the last kilobyte of its append-only file is cut off")
    group = make_group(append_only=True)
    group.redis().set("canary", "alive")
    study = good(group, "log", 50, 0.3).run()
    with looking_at("log"):
        for done in (10, 30):
            until(lambda done=done: study.progress().done >= done)  # type: ignore[misc]
            group.kill_redis()
            _cut(max((group.folder / "redis" / "appendonlydir").glob("*.incr.aof")))
            f5.happened()
            group.start_redis()
            assert group.redis().exists("canary"), "it knows what it knew"
            f5.recovered(_until_the_next_start(group.log))
        study.wait()
    f5.ended(examine(study, group))


def _cut(path: Path) -> None:
    size = path.stat().st_size
    assert size > 2000
    with path.open("rb+") as file:
        file.truncate(size - 1024)


def _flush(redis: Redis, _: str) -> int:
    return int(bool(redis.flushall()))


def _delete_queue(redis: Redis, queue: str) -> int:
    return int(redis.delete(queue))


def _delete_leases(redis: Redis, _: str) -> int:
    keys: Any = redis.keys("ep:lease:*")
    return int(redis.delete(*keys)) if keys else 0


@pytest.mark.parametrize(
    ("what", "break_it", "doubles"),
    [
        ("Redis is emptied (FLUSHALL)", _flush, 0),
        ("the queue is deleted", _delete_queue, 0),
        # What runs and has no lease may be begun by another one before its next beat: the first result stays.
        ("all leases are deleted", _delete_leases, 4),
    ],
    ids=["everything", "queue", "leases"],
)
def test_what_redis_holds_is_deleted(
    group: GroupPool, fault: Begin, what: str, break_it: Callable[[Redis, str], int], doubles: int
) -> None:
    f6 = fault("F6", what)
    study = good(group, "deleted", 50, 0.3).run()
    extra = 0
    with looking_at("deleted"):
        for done in (5, 25):
            until(lambda done=done: study.progress().done >= done)  # type: ignore[misc]
            until(lambda: break_it(group.redis(), group.queue))
            f6.happened()
            extra += doubles
            f6.recovered(_until_the_next_start(group.log))
        study.wait()
    f6.ended(examine(study, group, extra=extra))


@pytest.mark.timeout(200)
def test_a_redis_is_frozen(group: GroupPool, fault: Begin) -> None:
    f7 = fault("F7", "Redis is frozen (SIGSTOP) for 15 s and goes on")
    study = good(group, "frozen", 24, 1.0).run()
    until(lambda: len(read_starts(group.log)) >= 8)
    with looking_at("frozen"):
        freeze(group, 15, f7)
        f7.recovered(_until_the_next_start(group.log))
        assert max(f7.recovered_s) < 60
        study.wait()
    f7.ended(examine(study, group))


def freeze(group: GroupPool, seconds: float, fault: Fault) -> None:
    """Freeze Redis for so long; meanwhile what runs must end and be kept."""
    running = len(group.simulations())
    kept = len(_results(group))
    group.redis_process.suspend()
    assert running > 0
    thawing = threading.Timer(seconds, group.redis_process.resume)
    thawing.start()
    try:
        until(lambda: not group.redis_answers(), 5)
        fault.happened()
        until(lambda: len(_results(group)) >= kept + running or not thawing.is_alive(), seconds + 5)
        assert thawing.is_alive(), "what ran has ended and is kept while Redis does not answer"
    finally:
        thawing.join()


@pytest.mark.parametrize("change", CHANGES)
def test_messages_are_doubled_reversed_and_dropped(group: GroupPool, fault: Begin, change: str) -> None:
    f16 = fault("F16", f"messages are {change}")
    study = good(group, "messages", 90, 0.1).run()
    redis, queue = group.redis(), group.queue
    while study.progress().done < 60:
        changed = redis.eval(CHANGES[change], 1, queue, f16.chance.randrange(1, 1_000_000))
        f16.happened(int(changed))
        time.sleep(0.5)
    study.wait()
    f16.ended(examine(study, group))


def test_a_redis_is_full_of_foreign_data(group: GroupPool, fault: Begin) -> None:
    f18 = fault("F18", "Redis is full of foreign data: it takes no more writes")
    redis = group.redis()
    study = good(group, "full", 60, 0.3).run()
    until(lambda: study.progress().done >= 10)
    with looking_at("full"):
        info: Any = redis.info("memory")
        redis.config_set("maxmemory", int(info["used_memory"]) + 300_000)
        until(lambda: _stuff(redis))
        f18.happened()
        running = len(group.simulations())
        kept = len(_results(group))
        until(lambda: len(_results(group)) >= kept + running, 10)
        started = time.monotonic()
        later = good(group, "later", 20, 0.1, first=1000)
        later.run()
        assert time.monotonic() - started < LONGEST_S
        redis.config_set("maxmemory", 0)
        redis.delete("foreign")
        f18.recovered(_until_the_next_start(group.log))
        study.wait()
    f18.ended(examine(study, group))
    f18.ended(examine(later.wait(), group))


def _stuff(redis: Redis) -> bool:
    """Put foreign data into Redis until it refuses; say whether it does."""
    for _ in range(1000):
        try:
            redis.rpush("foreign", "x" * 10_000)
        except Exception as error:  # noqa: BLE001 - it must be this one
            return "OOM" in str(error) or "maxmemory" in str(error)
    return False


def _results(group: GroupPool) -> list[Path]:
    return list((group.store / "results").glob("*/*.json"))


def _until_the_next_start(log: Path) -> float:
    """Wait until another variant is started; return the seconds until then."""
    at = time.monotonic()
    return until(lambda: [start.at for start in read_starts(log) if start.at > at], 60)[0] - at  # type: ignore[no-any-return]
