"""The gate between Redis and Celery: what a worker reads becomes the one message that we write, or nothing.

kombu takes what stands in a queue at its word, in Celery's main process: a text that is no JSON, or JSON of another
shape, ends that process and every simulation below it; a header may name another task, a callback, a date or a time
limit. So nothing is handed on but what this module writes anew from a few checked values. The rest is dropped, counted
and logged: a message is a hint, and the reconciliation asks again for what is still to be done.

Of remote control only the questions pass (`celery inspect`, Flower's tables). Any client of the Redis could otherwise
end the workers (`shutdown`), take their slots (`pool_shrink`), kill what they run (`revoke`, `time_limit`) or have them
read other queues (`add_consumer`). Studies are cancelled in the ledger.

Celery gets there by its documented `amqp` class, and kombu by the Connection in it: `broker_transport` is no way, as
the scheme of the URL overrides it on a unix socket, and TLS is chosen by that scheme.
"""

from __future__ import annotations

import base64
import json
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from celery.app.amqp import AMQP
from kombu.connection import Connection as KombuConnection
from kombu.transport import redis as kombu_redis

from epstudy.core.errors import InputError
from epstudy.core.variant import check_study_name
from epstudy.pool.broker.app import BACKSTOP_S, TASK, message_id, queue_keys
from epstudy.pool.broker.connection import set_aside, warn_of_foreign

log = logging.getLogger(__name__)

MOST_BYTES = 16_384  # ours have one thousand; nothing longer is even parsed
_MOST_VARIANTS = 2**31
_MOST_LIMIT_S = 2e9  # a study's timeout ends at 1e9
_REPLIES = "reply.celery.pidbox"
_LOG_S = 1.0

#: Headers that have Celery do more than run a task now, and once. In ours each is None or 0.
_WEIGHTS = (
    "shadow",
    "eta",
    "expires",
    "group",
    "group_index",
    "parent_id",
    "retries",
    "replaced_task_nesting",
    "stamped_headers",
    "compression",
)

#: The commands of remote control that only look.
_QUESTIONS = frozenset(
    {
        "ping",
        "stats",
        "active",
        "active_queues",
        "reserved",
        "scheduled",
        "revoked",
        "registered",
        "conf",
        "report",
        "clock",
    }
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a message asks for: one variant, and a time limit behind the simulator's own."""

    study: str
    index: int
    limit_s: float | None


@dataclass(frozen=True, slots=True)
class Question:
    """What a broadcast asks the workers, or some of them, and where it waits for the answers."""

    method: str
    workers: tuple[str, ...]
    replies_to: str
    ticket: str


def asked(item: bytes) -> Asked | None:
    """Return what a message asks for; None when it is not exactly as `app.publish` writes it."""
    match _json(item):
        case {
            "content-type": "application/json",
            "content-encoding": "utf-8",
            "headers": {"task": str(task), "id": str(identity), "timelimit": [limit, None], **headers},
            "properties": {"body_encoding": "base64"},
            "body": str(body),
        } if task == TASK and _is_limit(limit) and all(headers.get(name) in (None, 0) for name in _WEIGHTS):
            match _json(_decoded(body)):
                case [[str(study), int(index)], dict(named), dict(more)] if not named and all(
                    value is None for value in more.values()
                ):
                    if _is_variant(study, index) and identity == message_id(study, index):
                        return Asked(study, index, limit)
    return None


def message(wanted: Asked, queue: str) -> bytes:
    """Return the message that asks for this, written anew."""
    identity = message_id(wanted.study, wanted.index)
    headers = {
        "lang": "py",
        "task": TASK,
        "id": identity,
        "root_id": identity,
        "timelimit": [wanted.limit_s, None],
        "argsrepr": repr((wanted.study, wanted.index)),
        "kwargsrepr": "{}",
        "ignore_result": True,
    }
    nothing_more = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
    return _written([[wanted.study, wanted.index], {}, nothing_more], headers, queue)


def question(item: bytes) -> Question | None:
    """Return what a broadcast asks; None when it is no question, or asks for more than an answer."""
    match _json(item):
        case {"content-type": "application/json", "properties": {"body_encoding": "base64"}, "body": str(body)}:
            match _json(_decoded(body)):
                case {
                    "method": str(method),
                    "destination": None | list() as workers,
                    "pattern": None,
                    "matcher": None,
                    "ticket": str(ticket),
                    "reply_to": {"exchange": str(exchange), "routing_key": str(replies_to)},
                } if method in _QUESTIONS and exchange == _REPLIES and _is_text(replies_to, ticket, *(workers or ())):
                    return Question(method, tuple(workers or ()), replies_to, ticket)
    return None


def broadcast(asks: Question) -> bytes:
    """Return the broadcast that asks this, written anew."""
    said = {
        "method": asks.method,
        "arguments": {},
        "destination": list(asks.workers) or None,
        "ticket": asks.ticket,
        "reply_to": {"exchange": _REPLIES, "routing_key": asks.replies_to},
    }
    return _written(said, {}, "")


def _json(text: bytes) -> Any:
    """What a JSON text says; None when it is too long, or none."""
    try:
        return json.loads(text) if len(text) <= MOST_BYTES else None
    except (ValueError, RecursionError):
        return None


def _decoded(text: str) -> bytes:
    """What stands in base64; nothing when it is not that."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


def _is_variant(study: str, index: int) -> bool:
    try:
        check_study_name(study)
    except InputError:
        return False
    return type(index) is int and 0 <= index < _MOST_VARIANTS  # True is an int


def _is_limit(limit: object) -> bool:
    if isinstance(limit, int | float) and not isinstance(limit, bool):
        return BACKSTOP_S <= limit <= _MOST_LIMIT_S
    return limit is None


def _is_text(*words: object) -> bool:
    return all(isinstance(word, str) and 0 < len(word) <= 255 and word.isprintable() for word in words)


def _written(body: object, headers: dict[str, Any], queue: str) -> bytes:
    said = {
        "body": base64.b64encode(json.dumps(body).encode()).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": {
            "correlation_id": headers.get("id"),
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": queue},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": str(uuid.uuid4()),  # a forged one could be that of another message
        },
    }
    return json.dumps(said).encode()


class Refused:
    """Counts what was dropped, and says so once a second at most."""

    def __init__(self) -> None:
        self.count = 0
        self._said = 0
        self._next = 0.0
        self._last = ""

    def note(self, where: str, item: bytes) -> None:
        """Count one, and keep how it begins."""
        self.count += 1
        self._last = f"{len(item)} bytes on {where}: {item[:100]!r}"

    def tell(self) -> None:
        """Log what was not logged yet, unless that was a moment ago."""
        if self.count > self._said and time.monotonic() >= self._next:
            log.warning("%s messages that are none of ours were dropped, lastly %s", self.count, self._last)
            self._said, self._next = self.count, time.monotonic() + _LOG_S


class Channel(kombu_redis.Channel):  # type: ignore[misc]
    """kombu's channel on Redis, which reads through the gate."""

    def _create_client(self, asynchronous: bool = False) -> Any:
        client = super()._create_client(asynchronous=asynchronous)
        if asynchronous:  # the one that waits for messages
            client.parse_response = partial(self._read, client.parse_response)
        return client

    def _read(self, read: Callable[..., Any], link: Any, command: str, **options: Any) -> Any:
        """What Redis answers; for the command that waits for a message, ours or None, as if none had come."""
        if command != "BRPOP":
            return read(link, command, **options)
        try:
            said = read(link, command, **options)
        except self.ResponseError as error:
            if not str(error).startswith("WRONGTYPE"):
                raise
            self._set_aside()
            return None
        if said:
            said = self._let_through(*said)
        self.connection.refused.tell()
        return said

    def _set_aside(self) -> None:
        """Take away what has the name of a queue and is none: Celery's main process would end of it, for ever."""
        keys = [key for queue in self.active_queues for key in queue_keys(queue)]
        with self.conn_or_acquire() as client:
            warn_of_foreign(set_aside(client, keys))

    def _let_through(self, key: bytes, item: bytes) -> tuple[bytes, bytes] | None:
        queue = key.decode(errors="replace").rsplit(self.sep, 1)[0]
        if queue.endswith(f".{_REPLIES}"):
            return key, item  # read by who asked; no worker does
        wanted = asked(item)
        if wanted is None:
            self.connection.refused.note(queue, item)
            return None
        return key, message(wanted, queue)

    def _handle_message(self, client: Any, response: Any) -> dict[str, Any]:
        """What came by a subscription; nothing in it when it is no question."""
        said: dict[str, Any] = super()._handle_message(client, response)
        if said["type"] in (b"message", b"pmessage", "message", "pmessage"):
            asks = question(said["data"])
            if asks is None:
                self.connection.refused.note("remote control", said["data"])
                self.connection.refused.tell()
            said["data"] = b"" if asks is None else broadcast(asks)
        return said


class Transport(kombu_redis.Transport):  # type: ignore[misc]
    """kombu's transport over Redis, with our channel."""

    Channel = Channel
    refused = Refused()  # of this process: connections come and go


class Connection(KombuConnection):  # type: ignore[misc]
    """kombu's connection, with our transport whatever the scheme of the URL."""

    def get_transport_cls(self) -> type[Transport]:
        """Return our transport."""
        return Transport


class Amqp(AMQP):  # type: ignore[misc]
    """Celery's messaging, over our connections."""

    Connection = Connection
