"""Samplings that belong to a method of sensitivity: Saltelli's sample for Sobol's indices, Morris' trajectories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from epstudy.core.errors import InputError
from epstudy.core.extras import require
from epstudy.core.parameter import Parameter
from epstudy.core.sampling.cube import (
    MOST_DIMENSIONS,
    at,
    checked_drawn,
    checked_seed,
    generator,
    more_than,
    notes_on_size,
    refuse_dependence,
    unit_problem,
)
from epstudy.core.sampling.grid import MOST_POINTS, Point, checked_number


@dataclass(frozen=True, init=False, slots=True)
class Saltelli:
    """Saltelli's sample for Sobol's indices: `n` (parameters + 2) variants, in which parameters are swapped one by one.

    A larger `n` of the same seed begins with the same variants.

    Parameters
    ----------
    n
        How many base points; a power of two.
    seed
        The same seed gives the same points on every machine.
    second_order
        Whether interactions of two parameters are wanted as well; then there are `n` (2 parameters + 2) variants.
    groups, correlation
        Refused, with the reason.

    Raises
    ------
    InputError
        When `n` or `seed` is no whole number.
    """

    n: int
    seed: int
    second_order: bool

    kind = "saltelli"
    whole = "in Saltelli's sample each variant is compared with others by its place"

    def __init__(
        self, n: int, seed: int = 0, *, second_order: bool = False, groups: Any = None, correlation: Any = None
    ) -> None:
        refuse_dependence(groups, correlation)
        object.__setattr__(self, "n", checked_number("n", n, 2))
        object.__setattr__(self, "seed", checked_seed(seed))
        object.__setattr__(self, "second_order", bool(second_order))

    @property
    def arguments(self) -> Mapping[str, Any]:
        return {"n": self.n, "seed": self.seed, "second_order": self.second_order}

    @property
    def notes(self) -> tuple[str, ...]:
        return notes_on_size("Saltelli", self.n)

    def extended(self, n: int) -> Saltelli:
        """Return Saltelli's sample of `n` base points that begins with these ones.

        Raises
        ------
        InputError
            When that is no larger one.
        """
        return Saltelli(more_than(n, self.n), self.seed, second_order=self.second_order)

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return the points: for each base point A, then A with each parameter of B, then B; see SALib.

        Raises
        ------
        InputError
            As for `LatinHypercube`; when a parameter has one level; when there are more than a million variants.
        """
        require("SALib")

        from SALib.sample import sobol

        checked_drawn(parameters, "Saltelli", least=2, most=MOST_DIMENSIONS // 2)
        each = (2 if self.second_order else 1) * len(parameters) + 2
        if each * self.n > MOST_POINTS:
            raise InputError(f"Saltelli's sample has {self.n} x {each} variants; expected at most {MOST_POINTS:,}")
        base = 2 ** (self.n - 1).bit_length()  # the sequence itself; SciPy warns of all other numbers
        cube = sobol.sample(
            unit_problem(list(parameters)), base, calc_second_order=self.second_order, seed=generator(self.seed)
        )
        return at(parameters, cube[: each * self.n])


@dataclass(frozen=True, init=False, slots=True)
class Morris:
    """Morris' trajectories: each begins anywhere and changes one parameter after the other.

    `trajectories` (parameters + 1) variants tell which parameters matter at all, and which of them not by a straight
    line or not alone: the cheapest screening.

    Parameters
    ----------
    trajectories
        How many; 10 to 50 is usual.
    seed
        The same seed gives the same points on every machine.
    levels
        How many values of each parameter are used, an even number; of a list, that many of its levels at most.
    groups, correlation
        Refused, with the reason.

    Raises
    ------
    InputError
        When `trajectories` or `seed` is no whole number, or `levels` is not even.
    """

    trajectories: int
    seed: int
    levels: int

    kind = "morris"
    notes = ()
    whole = "in Morris' trajectories each variant is compared with the one before it"

    def __init__(
        self, trajectories: int, seed: int = 0, *, levels: int = 4, groups: Any = None, correlation: Any = None
    ) -> None:
        refuse_dependence(groups, correlation)
        object.__setattr__(self, "trajectories", checked_number("trajectories", trajectories, 2))
        object.__setattr__(self, "seed", checked_seed(seed))
        if checked_number("levels", levels, 2) % 2:
            raise InputError(f"levels is {levels}; expected an even number, so that all are met equally often")
        object.__setattr__(self, "levels", int(levels))

    @property
    def arguments(self) -> Mapping[str, Any]:
        return {"trajectories": self.trajectories, "seed": self.seed, "levels": self.levels}

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return the trajectories, one after the other.

        Raises
        ------
        InputError
            As for `LatinHypercube`; when a parameter has one level, or a distribution that goes to infinity; when there
            are more than a million variants.
        """
        require("SALib")

        from SALib.sample import morris

        checked_drawn(parameters, "Morris", least=2)
        if (len(parameters) + 1) * self.trajectories > MOST_POINTS:
            raise InputError(f"Morris' sample has more than {MOST_POINTS:,} variants; take fewer trajectories")
        cube = morris.sample(
            unit_problem(list(parameters)), self.trajectories, num_levels=self.levels, seed=generator(self.seed)
        )
        return at(parameters, cube)
