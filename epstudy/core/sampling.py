"""Samplings: which points of the parameters' space become variants. The same arguments give the same points."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from epstudy.core.errors import InputError
from epstudy.core.parameter import Level, Parameter

Point = tuple[Level, ...]

#: More variants than anybody simulates; a slip of the finger makes billions, for which there is no memory.
MOST_POINTS = 1_000_000


class Sampling(Protocol):
    """Chooses the variants of a study."""

    @property
    def kind(self) -> str: ...

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return one tuple of levels a variant, in the order of `parameters`."""
        ...


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination of the levels; the last parameter changes fastest."""

    @property
    def kind(self) -> str:
        return "grid"

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return the product of the levels.

        Raises
        ------
        InputError
            When there is no parameter, or a parameter has no level: the grid would be empty. When there are more than a
            million combinations.
        """
        if not parameters:
            raise InputError('the grid is empty: give at least one parameter, {"name": ep.Field(target, levels)}')
        empty = [name for name, parameter in parameters.items() if not parameter.levels]
        if empty:
            named = ", ".join(f'"{name}"' for name in empty)
            raise InputError(f"the grid is empty: {named} has no levels; give at least one, or [None] for the model's")
        count = math.prod(len(parameter.levels) for parameter in parameters.values())
        if count > MOST_POINTS:
            each = " x ".join(str(len(parameter.levels)) for parameter in parameters.values())
            raise InputError(f"the grid has {each} = {count:,} combinations; expected at most {MOST_POINTS:,}")
        return list(itertools.product(*(parameter.levels for parameter in parameters.values())))


class Labels(dict[str, Any]):
    """The labels of one point, as `v["lpd"]` and as `v.lpd`."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f'no parameter "{name}"; there are {", ".join(self)}') from None


def select(points: list[Point], names: Sequence[str], where: Callable[[Labels], Any]) -> list[Point]:
    """Return the points for which `where` says yes of their labels.

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
    if not kept:
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
