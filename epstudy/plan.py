"""A plan: what a Study was asked, as it was given, and what becomes of it after one look at every file."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from epstudy.core.arguments import (
    checked_count,
    checked_engine,
    checked_keep,
    checked_list,
    checked_parameters,
    checked_retries,
    checked_timeout,
)
from epstudy.core.contracts import Engine, Prepared
from epstudy.core.errors import InputError
from epstudy.core.manifest import Manifest, make_manifest
from epstudy.core.parameter import Parameter, distribution_of
from epstudy.core.sampling.grid import Grid, Labels, Point, Sampling, corners, select, with_baseline, with_drawn
from epstudy.core.variant import check_study_name
from epstudy.core.version import VERSION
from epstudy.pool.client import Live
from epstudy.results.kept import simulated_again
from epstudy.results.rows import NOTES
from epstudy.store import Store


@dataclass(frozen=True, slots=True)
class Plan:
    """A study before its files were looked at: engine, parameters, the points that were chosen, and how to run them."""

    name: str
    engine: Engine
    parameters: Mapping[str, Parameter]
    sampling: Sampling
    points: Sequence[Point]
    combinations: int
    dropped: int
    baseline: int | None
    outputs: tuple[Any, ...]
    keep: tuple[str, ...]
    timeout_s: float | None
    retries: int
    stop_after: int | None
    where: Callable[[Labels], Any] | None = None

    def look(self, store: Store, live: Live, user: str) -> tuple[Prepared, Manifest | None]:
        """Look at every file, target and level; return what was found, and the manifest where one can be made."""
        prepared = self.engine.prepare(self.parameters, self.outputs, self.keep, untouched=self.baseline is not None)
        code = any(code["kind"] == "source" for code in prepared.sources.values())
        lacking, notes = live.findings(prepared.needs, code)
        needs = "" if live.private else prepared.needs  # a private pool has what this machine has
        manifest = None if prepared.recipe is None else self._manifest(replace(prepared, needs=needs), user)
        dropped = [f"where= drops {self.dropped} of {self.combinations} combinations"] if self.dropped else []
        repeated = [] if manifest is None or not prepared.check.ok else _repeated(store, manifest)
        check = replace(
            prepared.check,
            problems=(*self._clashes(prepared), *prepared.check.problems, *lacking),
            warnings=(*self.sampling.notes, *dropped, *prepared.check.warnings, *notes, *repeated),
        )
        return replace(prepared, check=check), manifest

    def probe(self) -> Plan:
        """Return the plan of the corner variants alone."""
        points = corners(self.points)
        name = f"{self.name[:60]}.probe-{uuid.uuid4().hex[:12]}"  # nobody else's, whoever probes at the same moment
        return replace(self, name=name, points=points, dropped=0, baseline=None, stop_after=None)

    def _manifest(self, prepared: Prepared, user: str) -> Manifest:
        return make_manifest(
            self.name,
            self.engine.kind,
            prepared,
            self.parameters,
            self.points,
            sampling=self.sampling.kind,
            sampling_arguments=self._sampling_arguments(),
            timeout_s=self.timeout_s,
            retries=self.retries,
            baseline=self.baseline,
            keep=self.keep,
            stop_after=self.stop_after,
            written={
                **prepared.names,
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "by": user,
                "epstudy": VERSION,
            },
        )

    def _sampling_arguments(self) -> dict[str, Any]:
        said: dict[str, Any] = {**self.sampling.arguments, "points": self.combinations - self.dropped}
        said["levels"] = {name: len(parameter.levels) for name, parameter in self.parameters.items()}
        drawn_from = {name: distribution_of(parameter) for name, parameter in self.parameters.items()}
        named = {name: one for name, one in drawn_from.items() if one is not None and self.sampling.kind != "table"}
        if named:
            said["distributions"] = {name: str(one) for name, one in named.items()}
            said["ranges"] = {name: one.ends for name, one in named.items() if one.ends}
        return said

    def _clashes(self, prepared: Prepared) -> list[str]:
        return [
            f'parameter "{name}" has the name of a result; give it another one'
            for name in self.parameters
            if name in prepared.metrics or name.removesuffix(NOTES) in {*prepared.notes} - {name}
        ]


def make_plan(
    name: str,
    engine: Engine,
    parameters: Mapping[str, Parameter] | Sequence[tuple[str, Parameter]],
    *,
    sampling: Sampling | None,
    outputs: Any,
    where: Callable[[Labels], Any] | None,
    baseline: bool,
    keep: Any,
    timeout: float | None,
    retries: int,
    stop_after: int | None,
) -> Plan:
    """Return the plan of these arguments.

    Raises
    ------
    InputError
        When one of them cannot be, or the grid is empty.
    """
    checked = checked_parameters(parameters)
    sampling = Grid() if sampling is None else _checked_sampling(sampling)
    points = sampling.points(checked)
    combinations = len(points)
    if where is not None:
        if sampling.whole:
            raise InputError(f"where= cannot be used here: {sampling.whole}; a sample with gaps has no indices")
        points = select(points, list(checked), where)
    dropped = combinations - len(points)
    base: int | None = None
    if baseline:
        points, base = with_baseline(points, len(checked))
    return Plan(
        name=check_study_name(name),
        engine=checked_engine(engine),
        parameters=with_drawn(checked, points),
        sampling=sampling,
        points=points,
        combinations=combinations,
        dropped=dropped,
        baseline=base,
        outputs=checked_list(outputs),
        keep=checked_keep(keep),
        timeout_s=checked_timeout(timeout),
        retries=checked_retries(retries),
        stop_after=checked_count("stop_after", stop_after),
        where=where,
    )


def _checked_sampling(sampling: Any) -> Sampling:
    if isinstance(sampling, type) or not hasattr(sampling, "points"):
        raise InputError(f"sampling is {sampling!r}; expected a sampling such as ep.Grid() or ep.Sobol(128, seed=1)")
    checked: Sampling = sampling
    return checked


def _repeated(store: Store, manifest: Manifest) -> list[str]:
    """Warnings about variants that are one and the same simulation, or must be simulated again."""
    repeated = len(manifest) - len(set(manifest.keys))
    said = f"{repeated} of {len(manifest)} variants equal another one; each is simulated once"
    return [text for text in (said if repeated else "", simulated_again(store, manifest)) if text]
