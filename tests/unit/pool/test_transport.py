"""The gate lets our own message through, written anew, and nothing else, whatever the bytes."""

from __future__ import annotations

import base64
import copy
import json
import logging
import random
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from epstudy.core.errors import InputError
from epstudy.pool.broker.app import BACKSTOP_S, make_app, message_id
from epstudy.pool.broker.transport import (
    MOST_BYTES,
    Asked,
    Question,
    Refused,
    Transport,
    asked,
    broadcast,
    message,
    question,
)

OURS = Asked("büro-2", 3, BACKSTOP_S + 5)
ASKS = Question("stats", ("one@host", "two@host"), "26bfdd26-d743-33ca-b849-deedfe1088ac", "fe173c02")
ODD: list[Any] = [None, True, False, 0, -1, 1, 0.5, 1e308, 10**30, "", "a", "\x00", "\ud800", [], [[]], {}, {"a": 1}]


def published() -> dict[str, Any]:
    """A message as Celery 5.7 writes it for `app.publish`."""
    identity = message_id(OURS.study, OURS.index)
    nothing_more = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    return {
        "body": encoded([[OURS.study, OURS.index], {}, nothing_more]),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {
            "lang": "py",
            "task": "epstudy.simulate",
            "id": identity,
            "shadow": None,
            "eta": None,
            "expires": None,
            "group": None,
            "group_index": None,
            "retries": 0,
            "timelimit": [OURS.limit_s, None],
            "root_id": identity,
            "parent_id": None,
            "argsrepr": "('büro-2', 3)",
            "kwargsrepr": "{}",
            "origin": "gen1@host",
            "ignore_result": True,
            "replaced_task_nesting": 0,
            "stamped_headers": None,
            "stamps": {},
        },
        "properties": {
            "correlation_id": identity,
            "reply_to": "3eb5e264-3833-3628-9d6b-c14861df03e5",
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "epstudy"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": "5ed4aa41-0286-4a8d-a569-957bc7f9c75e",
        },
    }


def shouted() -> dict[str, Any]:
    """A broadcast as Celery 5.7 writes it for `inspect(destination=[...]).stats()`."""
    return {
        "body": encoded(
            {
                "method": ASKS.method,
                "arguments": {},
                "destination": list(ASKS.workers),
                "pattern": None,
                "matcher": None,
                "ticket": ASKS.ticket,
                "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": ASKS.replies_to},
            }
        ),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"clock": 1, "expires": 1795250906.9},
        "properties": {
            "delivery_mode": 2,
            "delivery_info": {"exchange": "celery.pidbox", "routing_key": ""},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": "44377700-7af0-4640-99ce-8ebdea5e0165",
        },
    }


def encoded(content: object) -> str:
    return base64.b64encode(json.dumps(content).encode()).decode()


def written(said: object) -> bytes:
    return json.dumps(said).encode()


def test_our_message_comes_through_as_its_values() -> None:
    assert asked(written(published())) == OURS
    no_limit = published()
    no_limit["headers"]["timelimit"] = [None, None]
    assert asked(written(no_limit)) == Asked(OURS.study, OURS.index, None)
    assert question(written(shouted())) == ASKS


def test_what_is_handed_on_is_the_same_message_written_anew() -> None:
    before, after = published(), json.loads(message(OURS, "epstudy"))
    assert asked(message(OURS, "epstudy")) == OURS
    assert question(broadcast(ASKS)) is None, "it has nothing that only a sender needs"
    assert after["body"] == before["body"]
    assert {name: before["headers"][name] for name in after["headers"]} == after["headers"]
    assert after["properties"].pop("delivery_tag") != before["properties"]["delivery_tag"]
    assert {name: before["properties"][name] for name in after["properties"]} == after["properties"]


def test_the_longest_message_of_ours_is_short_enough() -> None:
    longest = Asked("\U00010400" * 100, 2**31 - 1, 1e9)
    item = message(longest, "epstudy.energyplus-25.2.0-cf7368216c")
    assert len(item) < MOST_BYTES / 1.5, "Celery adds some headers"
    assert asked(item) == longest
    assert asked(item + b" " * MOST_BYTES) is None


def replaced(said: Any, choose: random.Random) -> Any:
    """Put something odd, or a copy of another part, at a random place, or take that away."""
    said = copy.deepcopy(said)
    places = list(_places(said))
    where, name = choose.choice(places)
    other, others_name = choose.choice(places)
    value = choose.choice([*ODD, copy.deepcopy(other[others_name])])
    if isinstance(where, dict) and choose.random() < 0.3:
        del where[name]
    else:
        where[name] = value
    return said


def _places(said: Any) -> Iterator[tuple[Any, Any]]:
    names = said.keys() if isinstance(said, dict) else range(len(said)) if isinstance(said, list) else ()
    for name in names:
        yield said, name
        yield from _places(said[name])


def in_the_parts(said: dict[str, Any], choose: random.Random) -> bytes:
    return written(replaced(said, choose))


def in_the_body(said: dict[str, Any], choose: random.Random) -> bytes:
    return written({**said, "body": encoded(replaced(json.loads(base64.b64decode(said["body"])), choose))})


def in_the_bytes(said: dict[str, Any], choose: random.Random) -> bytes:
    item = bytearray(written(said))
    for _ in range(choose.choice([1, 1, 2, 20])):
        start = choose.randrange(len(item))
        end = min(len(item), start + choose.choice([0, 1, 1, 8, 200]))
        item[start:end] = choose.choice([b"", choose.randbytes(end - start), choose.randbytes(3), item[start:end] * 2])
        item = item or bytearray(b"0")
    return bytes(item)


@pytest.mark.parametrize("changed", [in_the_parts, in_the_body, in_the_bytes])
def test_whatever_is_changed_in_a_message_only_its_two_values_come_through(
    changed: Callable[[dict[str, Any], random.Random], bytes],
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    found = [asked(changed(published(), choose)) for _ in range(5_000)]
    passed = [one for one in found if one is not None]
    assert {(one.study, one.index) for one in passed} <= {(OURS.study, OURS.index)}
    assert all(one.limit_s is None or BACKSTOP_S <= one.limit_s <= 2e9 for one in passed)
    assert 0 < len(passed) < len(found), "some changes are in parts that are not handed on, most are not"


@pytest.mark.parametrize("changed", [in_the_parts, in_the_body, in_the_bytes])
def test_whatever_is_changed_in_a_broadcast_only_a_question_comes_through(
    changed: Callable[[dict[str, Any], random.Random], bytes],
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    found = [question(changed(shouted(), choose)) for _ in range(5_000)]
    passed = [one for one in found if one is not None]
    assert {one.method for one in passed} <= {ASKS.method}
    assert all(isinstance(word, str) for one in passed for word in (*one.workers, one.replies_to, one.ticket))
    assert 0 < len(passed) < len(found)


def test_bytes_of_no_kind_come_through() -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    choose = random.Random(seed)
    items = [choose.randbytes(choose.randrange(200)) for _ in range(5_000)]
    items += [b"[" * length for length in (1, 900, 5_000, MOST_BYTES, 40_000_000)]
    items += [written(odd) for odd in ODD]
    assert [item[:100] for item in items if asked(item) or question(item)] == []


@pytest.mark.parametrize(
    "command", ["shutdown", "pool_shrink", "revoke", "add_consumer", "time_limit", "", "__class__"]
)
def test_a_command_that_does_more_than_look_is_no_question(command: str) -> None:
    said = shouted()
    said["body"] = encoded({**json.loads(base64.b64decode(said["body"])), "method": command})
    assert question(written(said)) is None


def test_what_was_dropped_is_counted_and_said_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    refused = Refused()
    with caplog.at_level(logging.WARNING):
        refused.tell()
        for _ in range(1_000):
            refused.note("epstudy", b"line\n\x1b[31m" + b"x" * 5_000)
        refused.tell()
        refused.note("epstudy", b"another")
        refused.tell()
    assert refused.count == 1_001
    (line,) = caplog.messages
    assert line.startswith("1000 messages that are none of ours were dropped, lastly 5010 bytes on epstudy: b'line\\n")
    assert line.isprintable()
    assert len(line) < 300


@pytest.mark.parametrize(
    "url", ["redis://:secret@host:6379/1", "rediss://host:6379/0", "redis+socket:///run/redis.sock", "unix:///r.sock"]
)
def test_celery_reads_through_the_gate_whatever_the_url(url: str) -> None:
    app = make_app(url)
    for connection in (app.connection_for_read(), app.connection_for_read().clone(), app.connection_for_write()):
        assert connection.get_transport_cls() is Transport
        assert bool(connection.ssl) == url.startswith("rediss")
        assert "secret" not in connection.as_uri()


@pytest.mark.parametrize(
    ("query", "required", "compared", "others"),
    [
        ("", ssl.CERT_REQUIRED, True, {}),
        ("?ssl_ca_certs=/etc/ca.pem", ssl.CERT_REQUIRED, True, {"ssl_ca_certs": "/etc/ca.pem"}),
        ("?ssl_check_hostname=False", ssl.CERT_REQUIRED, False, {}),
        ("?ssl_cert_reqs=none", ssl.CERT_NONE, False, {}),
        ("?ssl_cert_reqs=CERT_OPTIONAL", ssl.CERT_OPTIONAL, True, {}),
    ],
)
def test_the_certificate_of_redis_is_looked_at(
    query: str, required: ssl.VerifyMode, compared: bool, others: dict[str, str]
) -> None:
    """Messages went to whoever answered at a rediss:// URL."""
    connection = make_app(f"rediss://:secret@host:6379/0{query}").connection_for_read()
    assert connection.ssl == {"ssl_cert_reqs": required, "ssl_check_hostname": compared, **others}


def test_what_asks_for_no_known_look_at_the_certificate_is_refused() -> None:
    with pytest.raises(InputError, match="ssl_cert_reqs"):
        make_app("rediss://host:6379/0?ssl_cert_reqs=perhaps")
