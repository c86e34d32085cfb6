"""A glance: what one poll of a pool says of a study. Plain values, for whoever shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from epstudy.core.outcome import State
from epstudy.core.pace import Ended


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
class RunningVariant:
    """A variant that somebody simulates: since when and how far, from 0 to 1, None where the engine does not say.

    `worker` is the process that does it, `supervisor` the name of the worker that it belongs to, and `beat_s` how many
    seconds ago it last said that it lives.
    """

    index: int
    worker: str
    supervisor: str
    age_s: float
    progress: float | None
    beat_s: float


@dataclass(frozen=True, slots=True)
class Other:
    """Another study of the same pool, with how many of its variants wait and run."""

    study: str
    waiting: int
    running: int


@dataclass(frozen=True, slots=True)
class Glance:
    """What one poll says of a study.

    `counts` has how many variants have each mark; `marks` one byte a variant, None when the counts are those that the
    caller knows already. `ended` are the last simulations, the newest first, and `elsewhere_s` what those of the pool's
    other studies took, told while few of this one have ended. `workers` is what the living workers say of themselves,
    `beat_s` seconds ago. `halt` says why nothing is given out; empty when the study goes on.
    `opened_s` is when the pool began to follow it. Both times are by the clock of Redis, in seconds since 1970.
    """

    at_s: float
    counts: Mapping[Mark, int]
    marks: bytes | None
    running: tuple[RunningVariant, ...] = ()
    ended: tuple[Ended, ...] = ()
    elsewhere_s: tuple[float, ...] = ()
    workers: tuple[Mapping[str, Any], ...] = ()
    others: tuple[Other, ...] = ()
    causes: Mapping[str, int] = field(default_factory=dict)
    cancelled: bool = False
    halt: str = ""
    opened_s: float = 0.0

    @property
    def sharing(self) -> int:
        """How many studies take turns in the pool, this one included."""
        return 1 + sum(bool(one.waiting or one.running) for one in self.others)

    @property
    def known(self) -> str:
        """What to name at the next poll, so that marks travel only when they have changed."""
        return " ".join(str(self.counts.get(mark, 0)) for mark in Mark)
