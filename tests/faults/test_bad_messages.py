"""Whatever stands in the queue or is shouted at the workers: no code runs, no worker ends, good work goes on."""

from __future__ import annotations

import base64
import json
import os
import pickle
import signal
import zlib
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import redis

import epstudy as ep
from epstudy.engines import abilities
from epstudy.pool.broker.app import PREFIX, QUEUE, TASK, make_app, message_id, publish, queue_of
from epstudy.store import Store
from tests.faults.recorder import Fault
from tests.integration.test_compose import Group, running_group
from tests.support.offices import LPD, quick, until

KEY = f"{PREFIX}{QUEUE}"
ABLE = f"{PREFIX}{queue_of(abilities()[0])}"  # where `quick()` goes: the queue of its EnergyPlus
KEYS = [KEY, ABLE, f"{KEY}\x06\x163", f"{ABLE}\x06\x169"]  # kombu has a list for each of four priorities
SHOUTS = f"{PREFIX}/{PREFIX}0.celery.pidbox"
KNOWN = "known"  # a study that is done

_fresh = count()


@pytest.fixture(autouse=True)
def _recorded(fault: Callable[[str, str], Fault]) -> None:
    """Each test is one fault of its kind, and asserts itself that it happened."""
    fault("F19", "messages that are no JSON, of another shape, forged or huge, several of each kind").happened()


class Canary:
    """A pickle of it makes the file; so does a shell that is given its command."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.command = f"touch {path}"

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.system, (self.command,)


class Pool:
    """A group of one worker with one slot, seen from inside: its queue, its Celery process, its children."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.redis = redis.Redis(port=group.port, password=group.password)
        self.app = make_app(f"redis://:{group.password}@127.0.0.1:{group.port}/0")
        self.canary = Canary(group.folder / "canary")

    def main(self) -> psutil.Process:
        """Celery's main process."""
        ours = [one for one in self.group.processes() if "epstudy.pool.worker.serve" in " ".join(one.cmdline())]
        (main,) = [one for one in ours if one.ppid() not in {other.pid for other in ours}]
        return main

    def is_ready(self) -> bool:
        """Whether Celery answers and has its slot."""
        return bool(self.app.control.ping(timeout=1, limit=1)) and len(self.main().children()) == 1

    def good(self, study: str, index: Any, limit_s: float | None = None) -> dict[str, Any]:
        """A message as `run()` publishes it, taken from a queue that nobody reads."""
        self.redis.delete(f"{PREFIX}{queue_of('nobody')}")
        publish(self.app, SimpleNamespace(study=study, timeout_s=limit_s, needs="nobody"), [index])  # type: ignore[arg-type]
        item = self.redis.rpop(f"{PREFIX}{queue_of('nobody')}")
        return dict(json.loads(item))  # type: ignore[arg-type]

    def put(self, item: bytes, key: str = KEY) -> None:
        assert self.redis.lpush(key, item) >= 1, "it was in the queue"

    def is_taken(self, items: list[bytes]) -> bool:
        """Whether none of these stands in a queue any more."""
        there = {item for key in KEYS for item in self.redis.lrange(key, 0, -1)}
        return not there & set(items)

    def dropped(self) -> int:
        """How many messages the workers say that they dropped, by their last word on it."""
        said = [line for line in self.group.log().splitlines() if "none of ours were dropped" in line]
        return sum(int(line.partition(" messages that")[0].split()[-1]) for line in said[-1:])


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    with running_group(tmp_path_factory.mktemp("group"), workers=1) as group:
        started = Pool(group)
        until(started.is_ready)
        yield started


@pytest.fixture(autouse=True)
def _notebook(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    pool.group.configure(monkeypatch)


@pytest.fixture(autouse=True)
def _nothing_happens(pool: Pool) -> Iterator[None]:
    """The Celery process and its children stay the same, no canary is touched, no other task was sent."""
    main = pool.main()
    slots = main.children()
    yield
    assert pool.main() == main, pool.group.log()[-3000:]
    assert main.children() == slots
    assert not pool.canary.path.exists()
    assert pool.redis.keys(f"{PREFIX}canary*") == []


def begun(variants: int = 3) -> ep.Study:
    """A study under way that was never run before."""
    number = next(_fresh)
    levels = [5 + number / 8 + step / 64 for step in range(variants)]
    return ep.Study(f"good-{number}", quick(), {"lpd": ep.Field(LPD, levels)}).run()


def ends_right(pool: Pool, study: ep.Study) -> None:
    """Every variant is done, at its first attempt."""
    assert set(study.wait().results(strict=True)["status"]) == {"done"}
    store = Store(str(pool.group.store))
    outcomes = store.outcomes(store.manifest(study.name).keys).values()
    assert [outcome.attempts for outcome in outcomes] == [1] * len(study.variants)


def changed(said: dict[str, Any], **parts: Any) -> bytes:
    """The message with other values: `headers__eta=...` is the header `eta`."""
    said = json.loads(json.dumps(said))
    for path, value in parts.items():
        *outer, last = path.replace("content_", "content-").split("__")
        place = said
        for name in outer:
            place = place[name]
        place[last] = value
    return json.dumps(said).encode()


def body(content: object) -> str:
    return base64.b64encode(content if isinstance(content, bytes) else json.dumps(content).encode()).decode()


def task_body(arguments: object, **more: Any) -> str:
    return body([arguments, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None, **more}])


def no_json(pool: Pool) -> list[bytes]:
    good = changed(pool.good(KNOWN, 0))
    return [b"garbage", b"", b"\xff\xfe\x00\x80", b"\x80\x04K\x01.", good[: len(good) // 2], good + b"}", good[1:]]


def other_json(pool: Pool) -> list[bytes]:
    texts = ["[]", "{}", "null", "true", "0", "1e999", '"text"', '{"body": []}', '{"properties": null}', "[[[]]]"]
    return [text.encode() for text in texts]


def deep_json(pool: Pool) -> list[bytes]:
    deep = b"[" * 100_000
    inside = changed(pool.good(KNOWN, 0), body=body(b"[" * 5_000))
    return [deep, deep + b"]" * 100_000, b'{"a":' * 50_000, inside]


def parts_missing(pool: Pool) -> list[bytes]:
    good = pool.good(KNOWN, 0)
    without = [{key: value for key, value in good.items() if key != name} for name in good]
    inside = [
        {**good, part: {key: value for key, value in good[part].items() if key != name}}
        for part, name in [
            ("headers", "task"),
            ("headers", "id"),
            ("headers", "timelimit"),
            ("properties", "body_encoding"),
        ]
    ]
    return [json.dumps(said).encode() for said in [*without, *inside]]


def parts_of_other_types(pool: Pool) -> list[bytes]:
    good = pool.good(KNOWN, 0)
    values: list[Any] = [None, [], {}, 7, "text", True, {"__type__": "datetime", "__value__": 3}]
    names = ("body", "headers", "properties", "headers__task", "headers__id", "properties__body_encoding")
    found = [changed(good, **{name: value}) for name in names for value in values]
    return [item for item in found if item != changed(good)]


def bad_base64(pool: Pool) -> list[bytes]:
    good = pool.good(KNOWN, 0)
    return [
        *(changed(good, body=text) for text in ("a", "####", "ä", good["body"][:-1])),
        changed(good, properties__body_encoding="hex"),
        changed(good, properties__body_encoding="utf-8"),
    ]


def other_formats(pool: Pool) -> list[bytes]:
    good = pool.good(KNOWN, 0)
    command = pool.canary.command
    evil = pickle.dumps(pool.canary)
    yaml = f"!!python/object/apply:os.system ['{command}']".encode()
    pickled = "application/x-python-serialize"
    return [
        evil,
        yaml,
        changed(good, content_type=pickled, content_encoding="binary", body=body(evil)),
        changed(good, content_type="pickle", content_encoding="binary", body=body(evil)),
        changed(good, content_type="application/x-yaml", body=body(yaml)),
        changed(good, content_type="application/data", content_encoding="binary", body=body(evil)),
        changed(good, content_type="text/plain"),
        changed(good, content_encoding="rot13"),
        changed(good, headers__compression="application/x-gzip", body=body(zlib.compress(b"0" * 1_000_000))),
    ]


def other_tasks(pool: Pool) -> list[bytes]:
    good = pool.good(KNOWN, 0)
    call = task_body([pool.canary.command])
    names = ["os.system", "celery.chain", "celery.group", "celery.chord", "celery.map", "celery.backend_cleanup"]
    maps = task_body([{"task": "canary", "args": [], "options": {"queue": "canary"}}, [[]]])
    return [
        *(changed(good, headers__task=name, body=call) for name in [*names, "", f"{TASK} ", "epstudy", "__class__"]),
        changed(good, headers__task="celery.starmap", body=maps),
        json.dumps({"task": "os.system", "id": "1", "args": [pool.canary.command], "kwargs": {}}).encode(),
    ]


def more_than_the_task(pool: Pool) -> list[bytes]:
    good = pool.good(KNOWN, 0)
    sent = {
        "task": "canary",
        "args": [],
        "kwargs": {},
        "options": {"queue": "canary", "task_id": "1"},
        "subtask_type": None,
        "immutable": True,
    }
    asked = [KNOWN, 0]
    return [
        changed(good, body=task_body(asked, callbacks=[sent])),
        changed(good, body=task_body(asked, errbacks=[sent])),
        changed(good, body=task_body(asked, chain=[sent])),
        changed(good, body=task_body(asked, chord=sent)),
        changed(good, body=body([asked, {"canary": 1}, {}])),
        changed(good, headers__eta="2999-01-01T00:00:00"),
        *(changed(good, headers__eta=value) for value in ("soon", 5, [], "9999-12-31T23:59:59+23:59")),
        *(changed(good, headers__expires=value) for value in ("1999-01-01T00:00:00", 1e308, {}, "never")),
        *(changed(good, headers__timelimit=value) for value in ([0.001, None], ["1", None], [None, 1], 5, "ab", [-1])),
        changed(good, headers__timelimit=[10**400, None]),
        changed(good, headers__group="canary", headers__group_index=0),
        changed(good, headers__shadow=["canary"]),
        changed(good, headers__stamped_headers=7, headers__stamps=7),
        changed(good, headers__retries="many"),
    ]


def other_arguments(pool: Pool) -> list[bytes]:
    good = pool.good(KNOWN, 0)
    indices: list[Any] = [-1, 10**30, 2**31, True, 0.0, 0.5, "0", None, [0], float("nan")]
    names: list[Any] = ["../../x", "/etc/passwd", "", "a b", "x\x00", "\ud800", 7, None, ["known"], "n" * 101, "*"]
    pairs = [*((KNOWN, index) for index in indices), *((name, 0) for name in names)]
    return [
        *(changed(good, headers__id=f"{name}:{index}", body=task_body([name, index])) for name, index in pairs),
        *(changed(good, body=task_body(arguments)) for arguments in ([], [KNOWN], [KNOWN, 0, 0], {}, None, KNOWN)),
        changed(good, headers__id="another:0"),
        changed(good, headers__id="known:1"),
    ]


BAD = [
    no_json,
    other_json,
    deep_json,
    parts_missing,
    parts_of_other_types,
    bad_base64,
    other_formats,
    other_tasks,
    more_than_the_task,
    other_arguments,
]


def test_a_good_message_of_this_file_is_one(pool: Pool) -> None:
    """Else the bad ones below would be refused for another reason than the one they are there for."""
    ends_right(pool, ep.Study(KNOWN, quick(), {"lpd": ep.Field(LPD, [1.5])}).run())
    before = pool.dropped()
    pool.put(changed(pool.good(KNOWN, 0)))
    pool.put(changed(pool.good(KNOWN, 0, limit_s=30.0)), KEYS[-1])
    identity = message_id(KNOWN, 0)
    until(lambda: pool.group.log().count(f"Task {TASK}[{identity}] received") == 3)
    until(lambda: pool.group.log().count(f"Task {TASK}[{identity}] succeeded") == 3)
    assert pool.dropped() == before


@pytest.mark.parametrize("kind", BAD)
def test_a_message_that_is_none_of_ours_is_dropped(pool: Pool, kind: Callable[[Pool], list[bytes]]) -> None:
    items, before = kind(pool), pool.dropped()
    study = begun()
    for place, item in enumerate(items * 2):
        pool.put(item, KEYS[place % len(KEYS)])
    until(lambda: pool.is_taken(items))
    until(lambda: pool.dropped() == before + 2 * len(items))
    ends_right(pool, study)


@pytest.mark.parametrize("key", KEYS, ids=["queue", "able", "queue-priority", "able-priority"])
def test_what_has_a_queues_name_and_is_none_is_set_aside(pool: Pool, key: str) -> None:
    """Celery's main process ended of it, and each that was started after it."""
    study = begun()
    pool.redis.set(key, "no list")  # whatever was there
    until(lambda: pool.redis.get(f"{key}.foreign") == b"no list")
    pool.redis.delete(f"{key}.foreign")
    with pool.redis.pipeline() as pipe:
        pipe.delete(key).hset(key, "no", "list").execute()
    until(lambda: pool.redis.exists(f"{key}.foreign"))
    until(lambda: f"under {key} that is no queue" in pool.group.log())
    ends_right(pool, study)


def test_the_reconciliation_reads_past_bad_messages(pool: Pool) -> None:
    """It looks into the queue for what was lost; so does a notebook that waits."""

    def swept() -> int:
        return max(int(json.loads(about)["seen"]) for about in pool.redis.hvals(f"{PREFIX}workers"))

    items, before, main = [b"garbage", b"[]", b"[" * 100_000, b"x" * 20_000_000], pool.dropped(), pool.main()
    study = begun()
    main.suspend()
    try:
        for item in items * 2:
            pool.put(item, ABLE)
        for _ in range(3):
            last = swept()
            until(lambda last=last: swept() > last)
        assert pool.redis.llen(ABLE) > len(items)
        study.progress()
        with pytest.raises(TimeoutError):
            study.wait(timeout=3)
    finally:
        main.resume()
    until(lambda: pool.dropped() == before + 2 * len(items))
    ends_right(pool, study)


def test_messages_of_forty_megabytes_are_read_and_no_more(pool: Pool) -> None:
    good, before, main = pool.good(KNOWN, 0), pool.dropped(), pool.main()
    held = main.memory_info().rss
    study = begun()
    large = 40_000_000
    items = [b"x" * large, b"[" * large, b"[" + b"0," * (large // 2) + b"0]", changed(good, body="A" * large)]
    items.append(changed(good, headers__argsrepr="x" * large))
    for item in items:
        pool.put(item)
        until(lambda item=item: pool.is_taken([item]))
    until(lambda: pool.dropped() == before + len(items))
    until(lambda: main.memory_info().rss < held + large, 10)
    ends_right(pool, study)


def test_a_message_for_what_is_not_there_or_is_anothers_does_nothing(pool: Pool) -> None:
    """Well made, and of no use: a study that nobody runs, one that is done, an index beyond its end."""
    study = begun()
    asked = [("nobodys", 0), (KNOWN, 0), (KNOWN, 1), (KNOWN, 2**31 - 1), (study.name, 99_999)]
    items = [changed(pool.good(name, index)) for name, index in asked] * 3
    for item in items:
        pool.put(item)
    until(lambda: pool.is_taken(items))
    for name, index in asked:
        ended = f"[{message_id(name, index)}] succeeded"
        until(lambda ended=ended: pool.group.log().count(ended) >= 3)
    ends_right(pool, study)
    assert ep.Study.open(KNOWN).results()["status"].tolist() == ["done"]


def test_a_forged_time_limit_ends_no_simulation(pool: Pool) -> None:
    study = begun(4)
    items = [changed(pool.good(study.name, index), headers__timelimit=[0.2, None]) for index in range(4)]
    for item in items:
        assert pool.redis.rpush(ABLE, item) >= 1, "before the study's own"
    until(lambda: pool.is_taken(items))
    ends_right(pool, study)


def shout(method: str, **arguments: Any) -> dict[str, Any]:
    """A command of remote control as Celery sends it."""
    said = {"method": method, "arguments": arguments, "destination": None, "pattern": None, "matcher": None}
    return {
        "body": body(said),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"clock": 1, "expires": 0},
        "properties": {
            "delivery_mode": 2,
            "delivery_info": {"exchange": "celery.pidbox", "routing_key": ""},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": "1",
        },
    }


def commands(pool: Pool) -> list[bytes]:
    identity = [message_id(KNOWN, 0)]
    said = [
        shout("shutdown"),
        shout("pool_shrink", n=1),
        shout("pool_grow", n=3),
        shout("pool_restart", modules=["os"]),
        shout("rate_limit", task_name=TASK, rate_limit="1/h"),
        shout("time_limit", task_name=TASK, hard=0.001),
        shout("cancel_consumer", queue=QUEUE),
        shout("add_consumer", queue="canary", exchange_type="none"),
        shout("revoke", task_id=identity, terminate=True, signal="SIGKILL"),
        shout("autoscale", max=9, min=9),
        shout("enable_events"),
        shout("memdump"),
        shout("hello", from_node="x", revoked={"a": "b"}),
        shout("__class__"),
        shout("ping", ticket="1", canary=1),
    ]
    asked = {"method": "ping", "arguments": {}, "destination": None, "pattern": None, "matcher": None, "ticket": "1"}
    answers = [{"exchange": "", "routing_key": "canary"}, {"exchange": "canary", "routing_key": "canary"}, "canary"]
    said += [{**said[0], "body": body({**asked, "reply_to": there})} for there in answers]
    slow = {**asked, "pattern": "(a+)+$", "matcher": "pcre", "reply_to": {"exchange": "reply.celery.pidbox"}}
    return [json.dumps(one).encode() for one in [*said, {**said[0], "body": body(slow)}]]


def noise(pool: Pool) -> list[bytes]:
    good = shout("ping")
    return [
        *(b"garbage", b"\xff", b"[]", b"{}", b"null", b"[" * 100_000, b"x" * 20_000_000, pickle.dumps(pool.canary)),
        *(changed(good, **{part: None}) for part in ("body", "headers", "properties", "content-type")),
        changed(good, body="####"),
        changed(good, body=body([])),
        changed(good, properties__delivery_tag=[]),
        changed(good, headers__clock="late"),
        changed(good, content_type="application/x-python-serialize", body=body(pickle.dumps(pool.canary))),
    ]


@pytest.mark.parametrize("kind", [commands, noise])
def test_what_is_shouted_at_the_workers_moves_none(pool: Pool, kind: Callable[[Pool], list[bytes]]) -> None:
    items, before = kind(pool), pool.dropped()
    study = begun()
    for item in items:
        assert pool.redis.publish(SHOUTS, item) == 1, "the worker heard it"
    until(lambda: pool.dropped() == before + len(items))
    ends_right(pool, study)


def test_a_shout_that_redis_itself_does_not_pass_on_interrupts_no_work(pool: Pool) -> None:
    """Redis hangs up on a listener that is 32 MB behind; the worker comes back."""
    study = begun()
    pool.redis.publish(SHOUTS, b"x" * 40_000_000)
    until(lambda: pool.redis.publish(SHOUTS, b"garbage") == 1)
    ends_right(pool, study)


def test_remote_control_still_answers_questions(pool: Pool) -> None:
    """What `celery inspect` and the tables of Flower ask."""
    until(lambda: not pool.redis.scard(f"{PREFIX}studies"))
    name, about = next(iter(pool.app.control.inspect(timeout=5, limit=1).stats().items()))
    assert about["pool"]["max-concurrency"] == 1
    looks = pool.app.control.inspect(destination=[name], timeout=5)
    assert looks.ping() == {name: {"ok": "pong"}}
    assert looks.registered() == {name: [TASK]}
    assert QUEUE in [queue["name"] for queue in looks.active_queues()[name]]
    for look in (looks.active, looks.reserved, looks.scheduled, looks.revoked):
        assert look() == {name: []}
    assert pool.group.password not in str([looks.conf(), looks.stats(), looks.report()])


def test_a_worker_starts_whatever_stands_where_kombu_keeps_its_books(tmp_path: Path) -> None:
    with running_group(tmp_path, workers=1) as group:
        pool = Pool(group)
        pool.redis.hset(f"{PREFIX}unacked", mapping={"a": "garbage", "b": "[]", "c": "[1,2,3]"})
        pool.redis.zadd(f"{PREFIX}unacked_index", {"a": 0, "b": 0, "c": 0})
        pool.put(b"garbage")
        pool.redis.set(KEYS[2], "no list")
        first = pool.main()
        os.kill(first.pid, signal.SIGKILL)
        until(lambda: not first.is_running() or first.status() == psutil.STATUS_ZOMBIE)
        until(lambda: pool.app.control.ping(timeout=1) or None, 30)
        second = pool.main()
        with pytest.MonkeyPatch.context() as notebook:
            group.configure(notebook)
            ends_right(pool, begun())
        assert pool.main() == second
