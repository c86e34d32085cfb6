"""Samplings: which points of the parameters' space become variants. The same arguments give the same points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Protocol

from epstudy.core.canonical import canonical
from epstudy.core.errors import InputError
from epstudy.core.parameter import Level, Parameter, distribution_of, read_levels, with_levels

Point = tuple[Level, ...]

#: Of a sampling that was made without any.
NO_ARGUMENTS: Mapping[str, Any] = {}

#: More variants than anybody simulates; a slip of the finger makes billions, for which there is no memory.
MOST_POINTS = 1_000_000
_SHOWN = 12  # labels that a message lists


class Sampling(Protocol):
    """Chooses the variants of a study."""

    @property
    def kind(self) -> str: ...

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What it was made with, as plain JSON: the same arguments give the same points."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of the sample; `Study.check()` warns of it."""
        ...

    @property
    def whole(self) -> str:
        """Why `where=` cannot drop points of it; empty where it can."""
        ...

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return one tuple of levels a variant, in the order of `parameters`."""
        ...


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination of the levels; the last parameter changes fastest."""

    kind = "grid"
    arguments = NO_ARGUMENTS
    notes = ()
    whole = ""

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return the product of the levels.

        Raises
        ------
        InputError
            When there is no parameter, or a parameter has no levels, or a distribution in place of them. When there are
            more than a million combinations.
        """
        levels = levels_of(parameters, "Grid() combines", "LatinHypercube(n, seed)")
        count = math.prod(len(one) for one in levels)
        if count > MOST_POINTS:
            each = " x ".join(str(len(one)) for one in levels)
            raise InputError(f"the grid has {each} = {count:,} combinations; expected at most {MOST_POINTS:,}")
        return list(itertools.product(*levels))


@dataclass(frozen=True, slots=True)
class Paired:
    """The first levels of all parameters are the first variant, the second ones the second, and so on."""

    kind = "paired"
    arguments = NO_ARGUMENTS
    notes = ()
    whole = ""

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return the levels side by side.

        Raises
        ------
        InputError
            As for `Grid`; and when the parameters have not equally many levels.
        """
        levels = levels_of(parameters, "Paired() takes", "Table(dataframe)")
        if len({len(one) for one in levels}) > 1:
            counts = ", ".join(f'"{name}" has {len(one)}' for name, one in zip(parameters, levels, strict=True))
            raise InputError(f"Paired() needs equally many levels of every parameter: {counts}")
        return list(zip(*levels, strict=True))


@dataclass(frozen=True, init=False, slots=True)
class Rows:
    """The rows of a table, one a variant: what a user types as `ep.Table(dataframe)`.

    Parameters
    ----------
    table
        A DataFrame, or a dict of lists, with one column a parameter. A cell is a label of the parameter's levels, or
        the value itself where the parameter has none: `ep.Field(target)`. A cell without a value leaves the model as it
        is.

    Raises
    ------
    InputError
        When it has no rows or no columns.
    """

    columns: Mapping[str, tuple[Any, ...]]

    kind = "table"
    notes = ()
    whole = ""

    def __init__(self, table: Any) -> None:
        if getattr(table, "ndim", 2) != 2 or not hasattr(table, "keys"):
            raise InputError(f"a table of variants is a DataFrame or a dict of lists, not a {type(table).__name__}")
        lists = [one for one in (table.values() if isinstance(table, Mapping) else ()) if not _is_column(one)]
        if lists:
            raise InputError(f"a column of the table is {lists[0]!r}; expected a list of values")
        if len({*table.keys()}) < len(list(table.keys())):
            raise InputError("the table has two columns of one name")
        columns = {name: tuple(None if is_missing(one) else one for one in table[name]) for name in table.keys()}  # noqa: SIM118
        if len({len(column) for column in columns.values()}) != 1 or not next(iter(columns.values())):
            raise InputError("the table of variants has no rows, or columns of different length")
        object.__setattr__(self, "columns", columns)

    @property
    def arguments(self) -> Mapping[str, Any]:
        return {"rows": len(next(iter(self.columns.values())))}

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return the rows.

        Raises
        ------
        InputError
            When columns and parameters are not the same, a cell is no label of its parameter, or there are more than a
            million rows.
        """
        if {*self.columns} != {*parameters}:
            raise InputError(
                f"the table has the columns {_listed(self.columns)}; the parameters are {_listed(parameters)}"
            )
        checked_number("rows", self.arguments["rows"])
        columns = [self._levels(name, parameter) for name, parameter in parameters.items()]
        return list(zip(*columns, strict=True))

    def _levels(self, name: str, parameter: Parameter) -> list[Level]:
        if not parameter.levels:
            return list(read_levels(self.columns[name]))
        known = {canonical(level.label): level for level in parameter.levels}
        known.setdefault(canonical(None), AS_IN_THE_MODEL)
        levels = []
        for row, label in enumerate(self.columns[name]):
            level = known.get(canonical(label))
            if level is None:
                labels = _listed([level.label for level in parameter.levels])
                raise InputError(f'row {row} of the table has {label!r} for "{name}"; its levels are {labels}')
            levels.append(level)
        return levels


def levels_of(parameters: Mapping[str, Parameter], what: str, instead: str) -> list[tuple[Level, ...]]:
    """Return the levels of every parameter.

    Raises
    ------
    InputError
        When there is no parameter, or one has no levels; `what` the sampling does with levels, and what to take
        `instead` for a distribution, are for the message.
    """
    if not parameters:
        raise InputError('the grid is empty: give at least one parameter, {"name": ep.Field(target, levels)}')
    for name, parameter in parameters.items():
        drawn_from = distribution_of(parameter)
        if drawn_from is not None:
            raise InputError(
                f'{what} levels, and "{name}" has the distribution {drawn_from}: give a list of values, or '
                f"sampling=ep.{instead}"
            )
    empty = [name for name, parameter in parameters.items() if not parameter.levels]
    if empty:
        named = ", ".join(f'"{name}"' for name in empty)
        raise InputError(f"the grid is empty: {named} has no levels; give at least one, or [None] for the model's")
    return [parameter.levels for parameter in parameters.values()]


def with_drawn(parameters: Mapping[str, Parameter], points: Sequence[Point]) -> dict[str, Parameter]:
    """Return the parameters with the levels that these points have, where they have none of their own."""
    chosen = dict(parameters)
    for place, (name, parameter) in enumerate(parameters.items()):
        if not parameter.levels:
            levels = {canonical([point[place].label, point[place].value]): point[place] for point in points}
            chosen[name] = with_levels(parameter, tuple(levels.values()))
    return chosen


def checked_number(name: str, number: Any, least: int = 1) -> int:
    """Return a whole number from `least` to a million.

    Raises
    ------
    InputError
        When it is none.
    """
    whole = hasattr(number, "__index__") and not isinstance(number, bool)
    if not whole or not least <= int(number) <= MOST_POINTS:
        raise InputError(f"{name} is {number!r}; expected a whole number from {least} to {MOST_POINTS:,}")
    return int(number)


def _is_column(values: Any) -> bool:
    return isinstance(values, Iterable) and not isinstance(values, str | bytes | Mapping | Set)


def is_missing(cell: Any) -> bool:
    """None, NaN, NaT or pandas' NA."""
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or (isinstance(cell, float) and cell != cell)


def _listed(names: Iterable[Any]) -> str:
    shown = [str(name) for name in names]
    return ", ".join(shown[:_SHOWN]) + (f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else "")


class Labels(dict[str, Any]):
    """The labels of one point, as `v["lpd"]` and as `v.lpd`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f'no parameter "{name}"; there are {", ".join(self)}') from None


def select(
    points: list[Point], names: Sequence[str], where: Callable[[Labels], Any], *, empty: bool = False
) -> list[Point]:
    """Return the points for which `where` says yes of their labels; none only if they may be `empty`.

    Raises
    ------
    InputError
        When `where` fails, with the point at which it did, or leaves no point.
    """
    kept = []
    for point in points:
        labels = Labels(zip(names, (level.label for level in point), strict=True))
        try:
            if where(labels):
                kept.append(point)
        except Exception as error:
            raise InputError(f"where= fails for {dict(labels)}: {type(error).__name__}: {error}") from error
    if not kept and not empty:
        raise InputError(f"the grid is empty: where= drops all {len(points)} combinations")
    return kept


def with_baseline(points: list[Point], width: int) -> tuple[list[Point], int]:
    """Return the points with the untouched model among them, first unless it is there already, and its index."""
    for index, point in enumerate(points):
        if all(level.value is None for level in point):
            return points, index
    return [(AS_IN_THE_MODEL,) * width, *points], 0


AS_IN_THE_MODEL = Level(None, None)


def corners(points: Sequence[Point], most: int = 8) -> list[Point]:
    """Return the points at which every parameter is at an end of its levels, at most so many of them.

    The ends are the least and the greatest number, or the first and the last level of what is no number. When there
    are more corners than `most`, those with all parameters at one end, and those with one parameter at the other.
    """
    if not points:
        return []
    ends = [_ends([point[place] for point in points]) for place in range(len(points[0]))]
    found = [point for point in points if all(level in end for level, end in zip(point, ends, strict=True))]
    found = [point for place, point in enumerate(found) if point not in found[:place]] or [points[0], points[-1]]
    if len(found) <= most:
        return found

    def away(point: Point) -> int:
        return sum(level != end[0] for level, end in zip(point, ends, strict=True))

    return sorted(found, key=lambda point: min(away(point), len(ends) - away(point)))[:most]


def _ends(levels: Sequence[Level]) -> tuple[Level, Level]:
    numbers = [level for level in levels if level.value is not None]  # what the model has is between these, or a corner
    if numbers and all(isinstance(one.value, int | float) and not isinstance(one.value, bool) for one in numbers):
        return min(numbers, key=lambda level: level.value), max(numbers, key=lambda level: level.value)
    return levels[0], levels[-1]
