"""What a panel reads from the store, little by little: metrics of what is done, messages of what failed, by group."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from epstudy.core.glance import Mark
from epstudy.core.manifest import Manifest
from epstudy.core.message_groups import normalised
from epstudy.core.outcome import Outcome, State, seconds_of

ALL_OF = 2000  # studies up to this size are read whole, larger ones when somebody asks for a column
GROUPS = 20  # of failures that are told
_LEVELS_NAMED = 3

_DONE = np.frombuffer(f"{Mark.DONE}{Mark.HELD}".encode(), dtype=np.uint8)
_FAILED = ord(Mark.FAILED)


@dataclass(slots=True)
class Group:
    """Variants that failed for one cause with one message, but for names and numbers."""

    cause: str
    text: str
    message: str
    variants: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Told:
    """A group as a panel shows it: how many variants, one of them as an example, and which levels they have."""

    cause: str
    text: str
    message: str
    count: int
    example: int
    levels: str


class Readings:
    """Reads the outcomes of one study as its variants end. `wanted` has it read all, however many there are."""

    def __init__(self, manifest: Manifest, outcome: Callable[[int], Outcome | None]) -> None:
        self.wanted = len(manifest) <= ALL_OF
        self.metrics: dict[str, NDArray[np.float64]] = {}
        self.last_end_s = 0.0  # when the last of those that are read had ended, in seconds since 1970
        self._manifest = manifest
        self.rows = np.array(manifest.rows, dtype=np.int32).reshape(len(manifest), len(manifest.axes))
        self._outcome = outcome
        self._told: tuple[Told, ...] | None = None
        self._groups: dict[tuple[str, str], Group] = {}
        self._group_of: dict[int, Group] = {}
        self._normalised: dict[str, str] = {}
        self._read = np.zeros(len(manifest), dtype=bool)
        self._queued = np.zeros(len(manifest), dtype=bool)
        self._done: NDArray[np.bool_] = np.zeros(len(manifest), dtype=bool)
        self.gone: set[int] = set()  # done, and their results cannot be read
        self._failures: deque[int] = deque()
        self._results: deque[int] = deque()

    def follow(self, marks: NDArray[np.uint8]) -> None:
        """Take note of what ended, and of what is asked for anew, since the last time. `marks` has a byte a variant."""
        self._done = np.isin(marks, _DONE)
        failed = marks == _FAILED
        for index in [index for index in self._group_of if not failed[index]]:
            self._leave(index)
        self._read &= self._done | failed
        self.gone = {index for index in self.gone if self._done[index]}
        self._queue(self._failures, failed)
        if self.wanted:
            self._queue(self._results, self._done)

    def want(self) -> None:
        """Have all results read, also of a large study."""
        if not self.wanted:
            self.wanted = True
            self._queue(self._results, self._done)

    def read(self, budget_s: float, first: Iterable[int] = ()) -> bool:
        """Read for so long: these results `first`, then failures, then results. Return whether anything was new."""
        until = time.perf_counter() + budget_s
        fresh = [index for index in first if self._done[index] and not self._read[index]]
        for index in fresh:
            self._take(index)
        found = bool(fresh)
        while (self._failures or self._results) and time.perf_counter() < until:
            queue = self._failures or self._results
            if not self._read[queue[0]]:
                self._take(queue[0])  # a store that cannot be read leaves it there
                found = True
            self._queued[queue.popleft()] = False
        return found

    @property
    def unread(self) -> int:
        """How many outcomes are still to be read."""
        return len(self._failures) + len(self._results)

    @property
    def group_count(self) -> int:
        """How many groups of failures there are; `failures` has the largest of them."""
        return len(self._groups)

    @property
    def failures_read(self) -> int:
        """How many failures are read."""
        return len(self._group_of)

    @property
    def has_result(self) -> NDArray[np.bool_]:
        """Of which variants the result is read."""
        return self._read & self._done

    @property
    def results_read(self) -> int:
        """How many results are read."""
        return int(self.has_result.sum())

    def failures(self) -> tuple[Told, ...]:
        """Return the failures by cause and message, the largest group first, at most twenty groups."""
        if self._told is None:
            groups = sorted(self._groups.values(), key=lambda one: (-len(one.variants), one.cause, one.text))
            self._told = tuple(
                Told(one.cause, one.text, one.message, len(one.variants), min(one.variants), self._levels(one))
                for one in groups[:GROUPS]
            )
        return self._told

    def variants_of(self, cause: str, text: str) -> list[int]:
        """Return the variants of a group of failures; none when it is gone."""
        group = self._groups.get((cause, text))
        return [] if group is None else sorted(group.variants)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a metric of all variants, NaN where it is not known or the variant is not done."""
        found = self.metrics.get(name)
        return np.full(len(self._manifest), np.nan) if found is None else np.where(self._done, found, np.nan)

    def _queue(self, queue: deque[int], which: NDArray[np.bool_]) -> None:
        fresh = np.flatnonzero(which & ~self._read & ~self._queued)
        self._queued[fresh] = True
        queue.extend(fresh.tolist())

    def _take(self, index: int) -> None:
        outcome = self._outcome(index)
        if outcome is None:
            if self._done[index]:
                self.gone.add(index)
            return  # not there yet, or gone: read when something else has changed
        self.gone.discard(index)
        self._read[index] = True
        self.last_end_s = max(self.last_end_s, seconds_of(outcome.finished) or 0.0)
        if outcome.state is State.DONE:
            for name, value in outcome.metrics.items():
                if name not in self.metrics:
                    self.metrics[name] = np.full(len(self._manifest), np.nan)
                self.metrics[name][index] = value
        elif not self._done[index]:
            self._join(index, outcome)

    def _join(self, index: int, outcome: Outcome) -> None:
        cause = outcome.cause.value if outcome.cause else ""
        text = self._normalised.get(outcome.message)
        if text is None:
            text = normalised(outcome.message)
            if len(self._normalised) < ALL_OF:
                self._normalised[outcome.message] = text
        group = self._groups.setdefault((cause, text), Group(cause, text, outcome.message))
        group.variants.add(index)
        self._group_of[index] = group
        self._told = None

    def _levels(self, group: Group) -> str:
        """Which levels the variants of a group have, where that is not all of a parameter's: "u_value = 9.9"."""
        said = []
        rows = self.rows[list(group.variants)]
        for place, axis in enumerate(self._manifest.axes):
            used = np.unique(rows[:, place])
            if len(used) <= _LEVELS_NAMED and len(used) < len(axis.labels):
                labels = [shown(axis.labels[level]) for level in used]
                said.append(f"{axis.name} = {', '.join(labels)}")
        return "; ".join(said)

    def _leave(self, index: int) -> None:
        group = self._group_of.pop(index)
        self._told = None
        group.variants.discard(index)
        self._read[index] = False
        if not group.variants:
            del self._groups[group.cause, group.text]


def shown(label: object) -> str:
    """Return a level's label as a short text."""
    text = f"{label:.6g}" if isinstance(label, float) else str(label)
    return text if len(text) <= 60 else f"{text[:57]}…"
