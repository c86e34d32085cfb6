"""Studies of functions whose sensitivity is known: a stub engine, until there is one for Python functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import epstudy as ep
from epstudy.core.check import Check
from epstudy.core.contracts import Prepared
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.core.parameter import Parameter
from epstudy.store import Store

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """An engine that prepares; `solved` writes what a simulator would."""

    kind: str = "known"

    def prepare(
        self,
        parameters: Mapping[str, Parameter],
        outputs: Sequence[Any] = (),
        keep: Sequence[str] = (),
        *,
        untouched: bool = False,
    ) -> Prepared:
        edits = {
            name: tuple(() if one.value is None else ({"set": name, "to": one.value},) for one in parameter.levels)
            for name, parameter in parameters.items()
        }
        return Prepared(Check(), {"build": "known-1"}, edits=edits, metrics={"y": "kWh", "same": "1", "nothing": "kWh"})


def study(folder: Path, parameters: Mapping[str, Any], **options: Any) -> ep.Study:
    """Return a study of `{name: levels or distribution}`; nothing of it is done."""
    fields = {name: ep.Field(f"Any/thing/{name}", levels) for name, levels in parameters.items()}
    return ep.Study("known", Known(), fields, store=str(folder / "store"), **options)


def solved(one: ep.Study, function: Callable[[Row], float], failed: Sequence[int] = ()) -> ep.Study:
    """Write the outcome of every variant; return the study."""
    manifest = one._own_manifest()
    store = Store(one._settings.store)
    for index, row in enumerate(one.variants.to_dict("records")):
        if index in failed:
            store.put_outcome(manifest.keys[index], Outcome(State.FAILED, Cause.SIMULATION, "it failed"))
        else:
            metrics = {"y": float(function(row)), "same": 1.0, "nothing": math.nan}
            store.put_outcome(manifest.keys[index], Outcome(State.DONE, metrics=metrics, engine="known-1"))
    return one


def ishigami(row: Row) -> float:
    """Ishigami and Homma (1990), a = 7, b = 0.1; inputs uniform in -pi to pi."""
    return math.sin(row["x1"]) + 7 * math.sin(row["x2"]) ** 2 + 0.1 * row["x3"] ** 4 * math.sin(row["x1"])


#: First-order and total indices of `ishigami`, from V1 = (1 + b pi^4/5)^2/2, V2 = a^2/8, V13 = b^2 pi^8 8/225.
ISHIGAMI_FIRST = {"x1": 0.3139, "x2": 0.4424, "x3": 0.0}
ISHIGAMI_TOTAL = {"x1": 0.5576, "x2": 0.4424, "x3": 0.2437}

G_A = {"x1": 0.0, "x2": 1.0, "x3": 4.5, "x4": 99.0}


def sobol_g(row: Row) -> float:
    """Sobol's g function, Saltelli and Sobol (1995); inputs uniform in 0 to 1."""
    return math.prod((abs(4 * row[name] - 2) + a) / (1 + a) for name, a in G_A.items())


def sobol_g_indices() -> tuple[dict[str, float], dict[str, float]]:
    """First-order and total indices of `sobol_g`: V_i = 1/(3 (1 + a_i)^2), V = prod(1 + V_i) - 1."""
    own = {name: 1 / (3 * (1 + a) ** 2) for name, a in G_A.items()}
    whole = math.prod(1 + one for one in own.values())
    total = {name: one * whole / (1 + one) / (whole - 1) for name, one in own.items()}
    return {name: one / (whole - 1) for name, one in own.items()}, total
