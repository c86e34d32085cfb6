"""Samplings: which points of the parameters' space become variants. The same arguments give the same points."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from epstudy.core.errors import InputError
from epstudy.core.parameter import Level, Parameter

Point = tuple[Level, ...]


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
            When there is no parameter, or a parameter has no level: the grid would be empty.
        """
        if not parameters:
            raise InputError('the grid is empty: give at least one parameter, {"name": ep.Field(target, levels)}')
        empty = [name for name, parameter in parameters.items() if not parameter.levels]
        if empty:
            named = ", ".join(f'"{name}"' for name in empty)
            raise InputError(f"the grid is empty: {named} has no levels; give at least one, or [None] for the model's")
        return list(itertools.product(*(parameter.levels for parameter in parameters.values())))
