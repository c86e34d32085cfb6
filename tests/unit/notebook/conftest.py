"""A study in a store that no pool works on, and one whose pool says what a test has it say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from epstudy.core.glance import Glance, Mark, RunningVariant
from epstudy.core.manifest import Axis, Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.core.pace import Ended
from epstudy.notebook.source import Source
from epstudy.settings import Settings
from epstudy.store import Store

Axes = Mapping[str, Sequence[Any]]


def manifest_of(axes: Axes, name: str = "facade") -> Manifest:
    """A grid over these labels, whose results are a site EUI and seconds."""
    rows = tuple(itertools.product(*(range(len(labels)) for labels in axes.values())))
    keys = tuple(f"{index:064x}" for index in range(len(rows)))
    made = tuple(
        Axis(one, "field", ("x",), tuple(labels), tuple(labels), ((),) * len(labels)) for one, labels in axes.items()
    )
    metrics = {"site_eui_kwh_m2": "kWh/m2", "seconds": "s"}
    return Manifest(name, "energyplus", {"build": "25.2.0-cf73"}, made, rows, keys, metrics)


def done(eui: float, seconds: float = 8.0) -> Outcome:
    """A result."""
    return Outcome(State.DONE, metrics={"site_eui_kwh_m2": eui, "seconds": seconds})


def failed(message: str, cause: Cause = Cause.SIMULATION) -> Outcome:
    """A failure."""
    return Outcome(State.FAILED, cause, message)


class Told(Source):
    """A source over a real store, whose pool says what the test wants: `marks`, and whatever else is in `says`."""

    def __init__(self, settings: Settings, manifest: Manifest) -> None:
        super().__init__(settings, manifest)
        self.marks = ""
        self.says: dict[str, Any] = {}
        self.looks = 0
        self.wrong: list[str] = []
        self.asked: list[tuple[Any, ...]] = []

    def glance(self, known: str = "") -> Glance | None:
        self.looks += 1
        if not self.marks:
            return None
        counts = {mark: self.marks.count(mark) for mark in Mark}
        said = replace(Glance(at_s=1000.0, counts=counts, marks=None), **self.says)
        return said if said.known == known else replace(said, marks=self.marks.encode())

    def troubles(self, glance: Glance | None, gone: Sequence[int]) -> list[str]:
        """What the test wants to be wrong: neither the clock nor the results of these glances are real."""
        return self.wrong

    def cancel(self) -> None:
        self.asked.append(("cancel",))

    def retry(self, variants: Sequence[int] | None = None) -> None:
        self.asked.append(("retry", variants))

    def put(self, index: int, outcome: Outcome) -> None:
        """Have the store hold this outcome of a variant."""
        self._store.put_outcome(self.manifest.keys[index], outcome)


@pytest.fixture
def make(tmp_path: Path) -> Callable[[Axes], Told]:
    """Makes a source of a grid that was run: its manifest is in a store of the test's own."""

    def source(axes: Axes) -> Told:
        settings = Settings(store=str(tmp_path / "store"), redis_url="redis://127.0.0.1:1/0")
        manifest = manifest_of(axes)
        Store(settings.store).put_manifest(manifest)
        return Told(settings, manifest)

    return source


def busy(count: int, *, supervisor: str = "w1", age_s: float = 4.0) -> dict[str, Any]:
    """What a pool says of so many variants that run in one worker, after six that have ended."""
    return {
        "running": tuple(
            RunningVariant(index, f"host:{100 + index}", supervisor, age_s, 0.25, 0.5) for index in range(count)
        ),
        "ended": tuple(Ended(5 - index, False, 995.0 - 5 * index, 10.0) for index in range(6)),
        "workers": ({"name": supervisor, "host": "host", "slots": 2, "epstudy": "0.1.0", "beat_s": 0.5},),
    }
