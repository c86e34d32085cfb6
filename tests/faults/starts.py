"""The log of starts that the short engine writes: which variant was started, in which Celery child, when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a simulation; `at` is the monotonic clock of this machine, in seconds."""

    name: str
    pid: int
    at: float


def read_starts(log: Path) -> list[Start]:
    """Return the starts in their order; none when nothing was started."""
    try:
        lines = log.read_text().splitlines()
    except FileNotFoundError:
        return []
    return [Start(name, int(pid), float(at)) for name, pid, at in map(str.split, lines)]


def executions(log: Path) -> Counter[str]:
    """Return how often each variant was started."""
    return Counter(start.name for start in read_starts(log))


def restarts(starts: Iterable[Start], pids: Iterable[int], at: float) -> dict[str, float]:
    """Return the variants that these Celery children had begun last when they died `at`, and were started again.

    The value is the seconds until then. One that had ended before is in it no more: it was not started again.
    """
    known = list(starts)
    again = {}
    for pid in pids:
        before = [start for start in known if start.pid == pid and start.at <= at]
        if before:
            later = [start.at for start in known if start.name == before[-1].name and start.at > at]
            if later:
                again[before[-1].name] = later[0] - at
    return again
