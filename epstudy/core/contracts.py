"""The seams: what an engine promises in the notebook, and what its simulator promises on a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from epstudy.core.check import Check
from epstudy.core.outcome import Outcome
from epstudy.core.parameter import Parameter


@dataclass(frozen=True, slots=True)
class Prepared:
    """A study as its engine sees it, after one look at every file.

    `recipe` is all that a key holds besides the edits, as plain JSON; None when the inputs cannot be read at all.
    `files` are the input files under the name that the recipe gives them (digest and suffix). `edits` holds, for each
    parameter, what each of its levels changes, as plain JSON. `metrics` maps each scalar of a result to its unit.
    """

    check: Check
    recipe: Mapping[str, Any] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    edits: Mapping[str, tuple[tuple[Any, ...], ...]] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)


class Engine(Protocol):
    """What simulates, as the notebook names it: a frozen value that reads nothing until `prepare`."""

    @property
    def kind(self) -> str:
        """The name in the registry under which a worker finds the simulator."""
        ...

    def prepare(self, parameters: Mapping[str, Parameter]) -> Prepared:
        """Read and check everything once. Problems are findings, never exceptions."""
        ...


class Stop(StrEnum):
    """Why a running simulation must end."""

    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"  # somebody else holds this variant now


#: Called several times a second while a simulation runs, with its progress from 0 to 1 where the engine tells.
Watch = Callable[[float | None], Stop | None]


@dataclass(frozen=True, slots=True)
class Run:
    """One simulation to do: recipe and edits of a variant, an empty folder of its own, and how long it may take."""

    recipe: Mapping[str, Any]
    edits: list[Any]
    folder: Path
    input_path: Callable[[str], Path]
    timeout_s: float | None = None


class Simulator(Protocol):
    """The worker's side of an engine: holds its warm process, runs one variant at a time."""

    def describe(self) -> str:
        """Return what is installed here, with its version; raise EngineError when it is not."""
        ...

    def warm(self) -> None:
        """Start whatever makes the first run slow."""
        ...

    def run(self, run: Run, watch: Watch) -> Outcome:
        """Simulate one variant. A failure is an outcome; state `cancelled` when `watch` said to stop."""
        ...

    def close(self) -> None:
        """End the processes."""
        ...
