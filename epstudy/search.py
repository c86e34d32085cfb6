"""The search for the best variants: optuna proposes, the pool simulates, the store keeps every evaluation.

A search holds nothing that is not in its arguments: begun again with the same ones it proposes the same variants, and
those that are done come from the store.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from epstudy.core.errors import InputError
from epstudy.core.extras import require
from epstudy.core.outcome import Progress
from epstudy.core.parameter import Parameter, distribution_of
from epstudy.core.sampling.cube import at
from epstudy.core.sampling.grid import Labels, Point, checked_number, select, with_drawn
from epstudy.core.text import did_you_mean, near_names
from epstudy.plan import Plan
from epstudy.pool.progress import ProgressLines

if TYPE_CHECKING:
    import pandas as pd

Objective = str | Callable[["pd.DataFrame"], Any]

_REFUSED = 200  # proposals in a row that where= may refuse


@dataclass(frozen=True, slots=True)
class Chosen:
    """The sampling of a search: points that it has proposed so far."""

    arguments: Mapping[str, Any]

    kind = "search"
    notes = ()
    whole = ""

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Refuse: the search itself chooses them."""
        raise InputError(f"the points of {', '.join(parameters)} are chosen by Study.minimise()")


class Search:
    """A search for the variants with the least objectives, a batch at a time: `ask`, run `plan`, `tell`.

    Parameters
    ----------
    plan
        Engine and parameters. Numbers of a distribution are searched between its ends, by their share; lists by their
        levels: as numbers where all are, else as categories.
    objectives
        Names of results, `{name: "min" or "max"}`, or `{name: function of the results}`.
    n, batch, seed
        How many variants, how many of them at a time, and the seed of the proposals.

    Raises
    ------
    InputError
        When one of them cannot be.
    """

    def __init__(self, plan: Plan, objectives: Any, *, n: int, batch: int, seed: int) -> None:
        require("optuna")

        import numpy as np
        import optuna

        self.objectives = _checked_objectives(objectives, plan.parameters)
        self._n, self._batch = checked_number("n", n), checked_number("batch", batch)
        self._seed = checked_number("seed", seed, 0)
        self._first = plan
        self._chance = np.random.default_rng(self._seed)
        self._spaces = {name: _space(name, parameter) for name, parameter in plan.parameters.items()}
        several = len(self.objectives) > 1
        sampler: Any = (
            optuna.samplers.NSGAIISampler(seed=self._seed, population_size=max(self._batch, 2))
            if several
            else optuna.samplers.TPESampler(seed=self._seed, n_startup_trials=self._batch, constant_liar=True)
        )
        directions: list[Any] = ["maximize" if to == "max" else "minimize" for to in self.objectives.values()]
        said = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(logging.WARNING)  # else it announces a study of its own
        self._proposals = optuna.create_study(directions=directions, sampler=sampler)
        optuna.logging.set_verbosity(said)
        self._asked: list[Any] = []
        self._points: list[Point] = []
        self._batches: list[int] = []
        self._values: list[list[float] | None] = []

    @property
    def plan(self) -> Plan:
        """All that was proposed so far, as a study of its own: only the last batch is new to the store."""
        said = {
            "n": self._n,
            "batch": self._batch,
            "seed": self._seed,
            "objectives": {name: to if isinstance(to, str) else "a function" for name, to in self.objectives.items()},
        }
        return replace(
            self._first,
            name=f"{self._first.name[:70]}.minimised",
            sampling=Chosen(said),
            points=tuple(self._points),
            parameters=_with_all(self._first.parameters, self._points),
            combinations=len(self._points),
            dropped=0,
            baseline=None,
        )

    def ask(self) -> bool:
        """Propose the next batch; False when all have been proposed.

        Raises
        ------
        InputError
            When `where=` refuses nearly all that is proposed.
        """
        self._asked = []
        batch = self._batches[-1] + 1 if self._batches else 0
        while len(self._asked) < self._batch and len(self._points) < self._n:
            trial, point = self._proposal()
            self._asked.append(trial)
            self._points.append(point)
            self._batches.append(batch)
        return bool(self._asked)

    def tell(self, results: pd.DataFrame) -> None:
        """Say what came of the last batch: `results` are those of `plan`.

        Raises
        ------
        InputError
            When they have no such column, or no variant of the first batch has a value.
        """
        from optuna.trial import TrialState

        table = objective_table(results, self.objectives)
        rows = table.iloc[-len(self._asked) :]
        for trial, (_, row) in zip(self._asked, rows.iterrows(), strict=True):
            there = bool(row.notna().all())
            self._values.append([float(value) for value in row] if there else None)
            self._proposals.tell(trial, self._values[-1], state=TrialState.COMPLETE if there else TrialState.FAIL)
        if not any(self._values):
            lacking = ", ".join(f'"{name}"' for name in table.columns[table.isna().all()]) or "all objectives together"
            raise InputError(
                f"none of {len(self._values)} variants has a value of {lacking}: look at "
                f'Study.open("{self.plan.name}").failures(); after design days EnergyPlus knows no energies'
            )

    def best(self) -> str:
        """Return the best so far in one line."""
        kept = [values for values in self._values if values]
        if len(self.objectives) > 1:
            return f"{len(self._proposals.best_trials)} of {len(kept)} are the best of all in some way"
        name, to = next(iter(self.objectives.items()))
        value = (max if to == "max" else min)(values[0] for values in kept)
        return f"the best {name} is {value:.6g}"

    def evaluations(self, results: pd.DataFrame) -> pd.DataFrame:
        """Return the results with the columns of functions, `batch`, and `best`: the front, or the best variants."""
        table = objective_table(results, self.objectives)
        frame = results.copy()
        for name in [name for name, objective in self.objectives.items() if callable(objective)]:
            frame[name] = table[name]
        frame["batch"] = self._batches[: len(frame)]
        frame["best"] = front(table, [to == "max" for to in self.objectives.values()])
        frame.attrs["objectives"] = {name: to if isinstance(to, str) else "min" for name, to in self.objectives.items()}
        return frame

    def _proposal(self) -> tuple[Any, Point]:
        import numpy as np
        from optuna.trial import TrialState

        for refused in range(_REFUSED):
            if refused:  # optuna learns nothing from those, and would propose them again
                self._proposals.enqueue_trial(
                    {name: anything(self._chance) for name, (_, _, anything) in self._spaces.items()}
                )
            trial = self._proposals.ask({name: space for name, (space, _, _) in self._spaces.items()})
            shares = np.array([[share(trial.params[name]) for name, (_, share, _) in self._spaces.items()]])
            point = at(self._first.parameters, shares)[0]
            labels = Labels(zip(self._first.parameters, (level.label for level in point), strict=True))
            if self._first.where is None or select([point], list(labels), self._first.where, empty=True):
                return trial, point
            self._proposals.tell(trial, state=TrialState.FAIL)
        raise InputError(f"where= refused {_REFUSED} proposals in a row: it leaves too little to search in")


def objective_table(results: pd.DataFrame, objectives: Mapping[str, Objective]) -> pd.DataFrame:
    """Return one column an objective, index "variant"; NaN where a variant has no value.

    Raises
    ------
    InputError
        When a column is not there, or a function returns no numbers.
    """
    import pandas as pd

    columns = {}
    for name, objective in objectives.items():
        if callable(objective):
            columns[name] = _values_of(name, objective, results)
        else:
            check_objectives({name: objective}, [one for one in results.columns if results[one].dtype.kind in "fi"])
            columns[name] = results[name].astype(float)
    table = pd.DataFrame(columns)
    return table.where(results["status"] == "done")


def _values_of(name: str, objective: Callable[[pd.DataFrame], Any], results: pd.DataFrame) -> pd.Series[Any]:
    """What a function says of each variant."""
    import numpy as np
    import pandas as pd

    if name in results.columns:
        raise InputError(f'the objective "{name}" has the name of a result; give the function another one')
    try:
        values = objective(results)
    except Exception as error:
        raise InputError(f'the objective "{name}" fails: {type(error).__name__}: {error}') from error
    if np.ndim(values) != 1 or len(values) != len(results):
        raise InputError(f'the objective "{name}" returns {type(values).__name__}; expected a number for each variant')
    if isinstance(values, pd.Series) and not values.index.equals(results.index):
        raise InputError(f'the objective "{name}" returns a Series of other rows; expected the variants as its index')
    try:
        return pd.Series(values, index=results.index, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f'the objective "{name}" returns no numbers: {error}') from error


def run_search(search: Search, n: int, evaluate: Callable[[Plan], tuple[Progress, pd.DataFrame]]) -> pd.DataFrame:
    """Return all evaluations of a search, which stops after `n` variants or when it is cancelled.

    `evaluate` runs a plan as a study, and returns how that ended and its results.
    """
    with ProgressLines(search.plan.name) as lines:
        while search.ask():
            progress, results = evaluate(search.plan)
            if progress.cancelled:
                lines.say(f"cancelled after {progress.done} variants; called again it goes on")
                break
            search.tell(results)
            lines.say(f"{len(results)} of {n} variants: {search.best()}")
    return search.evaluations(results)


def check_objectives(objectives: Mapping[str, Objective], metrics: Sequence[str]) -> None:
    """Raise InputError when an objective is no result."""
    for name, objective in objectives.items():
        if not callable(objective) and name not in metrics:
            hint = did_you_mean(near_names(name, metrics)) or f"there are {', '.join(metrics)}"
            raise InputError(f'there is no result "{name}" to minimise; {hint}')


def front(table: pd.DataFrame, greatest: Sequence[bool]) -> list[bool]:
    """Return which rows no other row beats; one without a value is beaten."""
    import numpy as np

    from epstudy.core.front import not_dominated

    values = table.to_numpy(dtype=float) * np.where(greatest, -1.0, 1.0)
    there = np.isfinite(values).all(axis=1)
    best = np.zeros(len(values), dtype=bool)
    best[there] = not_dominated(values[there])
    return [bool(one) for one in best]


def _checked_objectives(objectives: Any, parameters: Mapping[str, Parameter]) -> dict[str, Objective]:
    named = [objectives] if isinstance(objectives, str) else objectives
    if not isinstance(named, Mapping):
        if not isinstance(named, list | tuple) or not all(isinstance(one, str) for one in named):
            raise InputError(f'objectives are {objectives!r}; expected {{"site_eui_kwh_m2": "min"}}')
        named = dict.fromkeys(named, "min")
    for name, to in named.items():
        if to not in ("min", "max") and not callable(to):
            raise InputError(f'objective "{name}" is {to!r}; expected "min", "max", or a function of the results')
    taken = {"batch", "best"} & {*parameters} or {"batch", "best", *parameters} & {*named}
    if taken:
        raise InputError(f'"{min(taken)}" cannot be the name of a parameter or objective here; give it another one')
    if not named:
        raise InputError('there is nothing to minimise; give objectives, such as {"site_eui_kwh_m2": "min"}')
    return dict(named)


def _space(name: str, parameter: Parameter) -> tuple[Any, Callable[[Any], float], Callable[[Any], float | int]]:
    """What optuna proposes of a parameter, the share of it that stands for a proposal, and a proposal by chance."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    drawn_from = distribution_of(parameter)
    if drawn_from is not None:
        try:
            drawn_from.values([0.0, 1.0])
        except InputError as error:
            raise InputError(f'"{name}" cannot be searched: {error}') from error
        return FloatDistribution(0.0, 1.0), float, lambda chance: float(chance.random())
    count = len(parameter.levels)
    if not count:
        raise InputError(f'"{name}" cannot be searched: it has neither levels nor a distribution')
    values = [level.value for level in parameter.levels]
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    ordered = numbers and values in (sorted(values), sorted(values, reverse=True))
    space: Any = IntDistribution(0, count - 1) if ordered else CategoricalDistribution(range(count))
    return space, lambda place: (place + 0.5) / count, lambda chance: int(chance.integers(count))


def _with_all(parameters: Mapping[str, Parameter], points: Sequence[Point]) -> dict[str, Parameter]:
    """The parameters with the levels of these points where a distribution draws them."""
    from epstudy.core.parameter import with_levels

    bare = {
        name: with_levels(parameter, ()) if distribution_of(parameter) is not None else parameter
        for name, parameter in parameters.items()
    }
    return with_drawn(bare, points)
