"""The seams: what an engine promises in the notebook, and what its simulator promises on a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from epstudy.core.check import Check
from epstudy.core.outcome import Outcome
from epstudy.core.parameter import Parameter


@dataclass(frozen=True, slots=True)
class Prepared:
    """A study as its engine sees it, after one look at every file.

    `recipe` is all that a key holds besides the edits, as plain JSON; None when the inputs cannot be read at all.
    `files` are the input files under the name that the recipe gives them (digest and suffix). `edits` holds, for each
    parameter, what each of its levels changes, as plain JSON; of a level that cannot be made, `core.refusal.refused`
    says why. A recipe with a part "refused" says why no variant can be. `metrics` maps each scalar of a result to its
    unit.

    `sources` holds the user's own code that edits name, by digest. `outputs` are the requests as plain JSON, and
    `artifacts` the names of the files that every result of this study has beside its scalars. `notes` maps a parameter
    to a text for each of its levels, which the results show. `needs` names what a worker must have to run this;
    `hints` say where on this machine it may be found, and are no part of a key. `names` are those of the files that
    parts of the recipe came from, for people: `{"model": "office.idf"}`. `units` maps a parameter to the unit of its
    levels, where they have one.
    """

    check: Check
    recipe: Mapping[str, Any] | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    edits: Mapping[str, tuple[tuple[Any, ...], ...]] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[Mapping[str, Any], ...] = ()
    artifacts: tuple[str, ...] = ()
    notes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    needs: str = ""
    hints: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


class Engine(Protocol):
    """What simulates, as the notebook names it: a frozen value that reads nothing until `prepare`."""

    @property
    def kind(self) -> str:
        """The name in the registry under which a worker finds the simulator."""
        ...

    def prepare(
        self,
        parameters: Mapping[str, Parameter],
        outputs: Sequence[Any] = (),
        keep: Sequence[str] = (),
        *,
        untouched: bool = False,
    ) -> Prepared:
        """Read and check everything once. Problems are findings, never exceptions.

        `untouched` says that the model runs without any level too: as the baseline.
        """
        ...


class Stop(StrEnum):
    """Why a running simulation must end."""

    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"  # somebody else holds this variant now


#: Called several times a second while a simulation runs, with its progress from 0 to 1 where the engine tells.
Watch = Callable[[float | None], Stop | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one simulation may take of its worker; None: as much as there is.

    `memory_bytes` is what its processes have in memory together, `file_bytes` the length of any file that they write.
    """

    memory_bytes: int | None = None
    file_bytes: int | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Run:
    """One simulation to do: recipe and edits of a variant, an empty folder of its own, and how long it may take.

    `sources`, `outputs` and `artifacts` are those of the study (see `Prepared`); `keep` names the files that a result
    keeps. `allow_code` says whether code that came with the study, as text, may be executed here. `limits` are the
    worker's.
    """

    recipe: Mapping[str, Any]
    edits: list[Any]
    folder: Path
    input_path: Callable[[str], Path]
    timeout_s: float | None = None
    sources: Mapping[str, Any] = field(default_factory=dict)
    outputs: Sequence[Mapping[str, Any]] = ()
    keep: Sequence[str] = ()
    artifacts: Sequence[str] = ()
    allow_code: bool = False
    hints: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = NO_LIMITS

    @property
    def kept(self) -> Path:
        """Where the simulator leaves what shall be stored beside the outcome: the `artifacts` of a result."""
        return self.folder / ".kept"


@dataclass(frozen=True, slots=True)
class Held:
    """The files that stand beside a result: their names, and the path of one, None when it is gone meanwhile."""

    names: tuple[str, ...]
    path: Callable[[str], Path | None]


class Simulator(Protocol):
    """The worker's side of an engine: holds its warm process, runs one variant at a time."""

    def describe(self) -> str:
        """Return what is installed here, with its version; raise EngineError when it is not."""
        ...

    def installed(self) -> list[str]:
        """Return what people call what is installed here: `EnergyPlus 25.2.0`. Empty when nothing is."""
        ...

    def abilities(self) -> list[str]:
        """Return what studies may need that is here: see `Prepared.needs`. Empty when nothing is installed."""
        ...

    def warm(self) -> None:
        """Start whatever makes the first run slow."""
        ...

    def run(self, run: Run, watch: Watch) -> Outcome:
        """Simulate one variant. A failure is an outcome; state `cancelled` when `watch` said to stop.

        Whatever the outcome, `run.kept` holds the files to be stored: all `run.artifacts` of a result.
        """
        ...

    def readable(self, outputs: Sequence[Mapping[str, Any]], held: Held) -> bool:
        """Say whether `read_again` could make these outputs from what an earlier run kept that is not damaged."""
        ...

    def export(self, run: Run) -> str:
        """Write the variant into `run.folder` so that the engine alone runs it there; return the command.

        Raises
        ------
        InputError
            When it cannot be made.
        """
        ...

    def read_again(self, run: Run, held: Held) -> bool:
        """Make the artifacts that are missing from those that an earlier run kept; False when they do not suffice.

        What is made stands in `run.kept`.
        """
        ...

    def close(self) -> None:
        """End the processes."""
        ...


@runtime_checkable
class TriesOut(Simulator, Protocol):
    """A Simulator that can say within a second or so whether the engine takes a variant at all."""

    def try_out(self, run: Run) -> Outcome:
        """Simulate one variant no further than its begin.

        `done` when it began, `failed` with the engine's own words when it did not; `cancelled` when that took too long
        to be found out.
        """
        ...
