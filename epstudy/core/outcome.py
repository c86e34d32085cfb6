"""What became of a variant, and how far a study is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from epstudy.core.shape import NUMBER, Kinds, check_items, check_shape


class State(StrEnum):
    """Where a variant stands."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Cause(StrEnum):
    """Why a variant failed."""

    INPUT = "input"  # the engine refused the model or its files
    SIMULATION = "simulation"  # it started and ended with a fatal error
    CRASH = "crash"  # the engine's process died
    TIMEOUT = "timeout"  # it ran longer than the study allows
    LOST = "lost"  # its workers died under it, again and again
    INFRASTRUCTURE = "infrastructure"  # files, network, or another engine than the study's


#: Failures that say something about the model: the same input fails the same way again.
DETERMINISTIC = frozenset({Cause.INPUT, Cause.SIMULATION, Cause.CRASH})


_OF_AN_OUTCOME: Mapping[str, Kinds] = {
    "cause": (str, type(None)),
    "message": str,
    "engine": str,
    "worker": str,
    "attempts": int,
    "timeout_s": (*NUMBER, type(None)),
    "finished": str,
    "details": dict,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one variant. `metrics` are floats; NaN where the run cannot say.

    `details` is what the engine says besides, as plain JSON: of EnergyPlus its first fatal and last severe message.
    """

    state: State
    cause: Cause | None = None
    message: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    engine: str = ""
    worker: str = ""
    attempts: int = 1
    timeout_s: float | None = None
    finished: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON; NaN becomes null."""
        return {
            "state": self.state.value,
            "cause": self.cause.value if self.cause else None,
            "message": self.message,
            "metrics": {name: None if math.isnan(value) else value for name, value in self.metrics.items()},
            "engine": self.engine,
            "worker": self.worker,
            "attempts": self.attempts,
            "timeout_s": self.timeout_s,
            "finished": self.finished,
            "details": dict(self.details),
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Outcome:
        """Return the Outcome that `to_json` wrote; fields that a later version added are left out.

        Raises
        ------
        ValueError
            When it has another shape.
        """
        check_shape(said, {"state": str, "metrics": dict}, optional=_OF_AN_OUTCOME)
        check_items(said["metrics"], (*NUMBER, type(None)), "metrics")
        metrics = {name: math.nan if value is None else float(value) for name, value in said["metrics"].items()}
        cause = Cause(said["cause"]) if said.get("cause") else None
        known = {name: value for name, value in said.items() if name in _OF_AN_OUTCOME}
        return cls(**{**known, "state": State(said["state"]), "cause": cause, "metrics": metrics})

    def settles(self, timeout_s: float | None) -> bool:
        """Say whether a study with this time limit need not simulate the variant (again).

        Done is done, and the same input fails the same way again. A run that was out of time is worth another one
        only with more time; a lost one always is.
        """
        if self.state is State.DONE or self.cause in DETERMINISTIC:
            return True
        if self.cause is Cause.TIMEOUT:
            return self.timeout_s is not None and timeout_s is not None and timeout_s <= self.timeout_s
        return False

    def stamped(self, *, worker: str, attempts: int, finished: str, timeout_s: float | None) -> Outcome:
        """Return this outcome with who found it, at which attempt, when (ISO 8601) and under which limit."""
        return replace(self, worker=worker, attempts=attempts, finished=finished, timeout_s=timeout_s)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a variant: who made it, when it was begun (ISO 8601), and how it ended.

    `ended` is the value of the Cause it ended with; empty while it is under way, or when nobody saw its end because its
    worker died. `token` tells it from those of others who had the same lease before and after.
    """

    worker: str
    started: str
    ended: str = ""
    token: str = ""

    def to_json(self) -> dict[str, str]:
        """Return plain JSON."""
        return {"worker": self.worker, "started": self.started, "ended": self.ended, "token": self.token}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Attempt:
        """Return the Attempt that `to_json` wrote; raise ValueError when it has another shape."""
        check_shape(said, dict.fromkeys(("worker", "started", "ended"), str), optional={"token": str})
        return cls(str(said["worker"]), str(said["started"]), str(said["ended"]), str(said.get("token", "")))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a study is. The five states add up to `total`; `cached` is the part of `done` that was not simulated.

    `per_second` counts finished simulations over the last minute; `eta_s` is None before five have finished, here or in
    the studies that it takes turns with. `paused` says why nothing more is begun for now; empty when the study goes on.
    """

    total: int
    pending: int
    running: int
    done: int
    failed: int
    cancelled: int
    cached: int
    per_second: float = 0.0
    eta_s: float | None = None
    workers: int = 0
    paused: str = ""

    @property
    def finished(self) -> int:
        """How many variants have ended, whichever way."""
        return self.done + self.failed + self.cancelled

    @property
    def complete(self) -> bool:
        """Whether no variant is pending or running."""
        return self.finished == self.total

    def __str__(self) -> str:
        parts = [f"{self.done} of {self.total} done" + (f" ({self.cached} from the store)" if self.cached else "")]
        parts += [
            f"{count} {state}"
            for state, count in (
                ("running", self.running),
                ("pending", self.pending),
                ("failed", self.failed),
                ("cancelled", self.cancelled),
            )
            if count
        ]
        if self.paused and not self.complete:
            parts.append(f"paused: {self.paused}")
        elif self.eta_s is not None and not self.complete:
            parts.append(f"about {duration(self.eta_s)} left")
        return ", ".join(parts)


def seconds_of(stamp: str) -> float | None:
    """Return a time as ISO 8601 in seconds since 1970; None for what is none."""
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return None


def duration(seconds: float) -> str:
    """Return a time as a text for people."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def size_text(size: float) -> str:
    """Return a number of bytes as a text for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
