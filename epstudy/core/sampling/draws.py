"""Samplings that fill the space: Latin hypercubes and Sobol sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epstudy.core.errors import InputError
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
)
from epstudy.core.sampling.grid import Point, checked_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Cube = NDArray[np.float64]


@dataclass(frozen=True, init=False, slots=True)
class LatinHypercube:
    """A Latin hypercube: of `n` slices of equal share of every parameter, each has one point.

    Parameters
    ----------
    n
        How many points.
    seed
        The same seed gives the same points on every machine.
    groups, correlation
        Refused, with the reason.

    Raises
    ------
    InputError
        When `n` or `seed` is no whole number.
    """

    sizes: tuple[int, ...]
    seed: int

    kind = "latin hypercube"
    notes = ()
    whole = ""

    def __init__(self, n: int, seed: int = 0, *, groups: Any = None, correlation: Any = None) -> None:
        refuse_dependence(groups, correlation)
        object.__setattr__(self, "sizes", (checked_number("n", n),))
        object.__setattr__(self, "seed", checked_seed(seed))

    @property
    def n(self) -> int:
        """How many points."""
        return self.sizes[-1]

    @property
    def arguments(self) -> Mapping[str, Any]:
        before = {"extended": list(self.sizes)} if len(self.sizes) > 1 else {}
        return {"n": self.n, "seed": self.seed, **before}

    def extended(self, n: int) -> LatinHypercube:
        """Return a Latin hypercube of `n` points that begins with these ones.

        Raises
        ------
        InputError
            When `n` is no multiple of the number of points: the slices would not nest.
        """
        n = checked_number("n", n)
        if n <= self.n or n % self.n:
            raise InputError(
                f"a Latin hypercube of {self.n} points cannot become one of {n!r}: the new slices must divide the old "
                f"ones evenly; take {2 * self.n}, {3 * self.n}, ..."
            )
        larger = LatinHypercube(n, self.seed)
        object.__setattr__(larger, "sizes", (*self.sizes, n))
        return larger

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return the points.

        Raises
        ------
        InputError
            When there is no parameter, or one has neither levels nor a distribution.
        """
        from scipy.stats import qmc

        checked_drawn(parameters, "LatinHypercube")
        first, *later = self.sizes
        cube = qmc.LatinHypercube(len(parameters), rng=generator(self.seed)).random(first)
        for size in later:
            cube = _refined(cube, size, generator([self.seed, size]))
        return at(parameters, cube)


@dataclass(frozen=True, init=False, slots=True)
class Sobol:
    """A scrambled Sobol sequence: points that fill the space evenly, the more so if `n` is a power of two.

    A larger `n` of the same seed begins with the same points: run again with it, only the new ones are simulated.
    These are points to look at, to fit and to propagate; indices of sensitivity by Sobol's method need `Saltelli`.

    Parameters
    ----------
    n
        How many points.
    seed
        The same seed gives the same points on every machine.
    groups, correlation
        Refused, with the reason.

    Raises
    ------
    InputError
        When `n` or `seed` is no whole number.
    """

    n: int
    seed: int

    kind = "sobol"
    whole = ""

    def __init__(self, n: int, seed: int = 0, *, groups: Any = None, correlation: Any = None) -> None:
        refuse_dependence(groups, correlation)
        object.__setattr__(self, "n", checked_number("n", n))
        object.__setattr__(self, "seed", checked_seed(seed))

    @property
    def arguments(self) -> Mapping[str, Any]:
        return {"n": self.n, "seed": self.seed}

    @property
    def notes(self) -> tuple[str, ...]:
        return notes_on_size("Sobol", self.n)

    def extended(self, n: int) -> Sobol:
        """Return a Sobol sequence of `n` points that begins with these ones.

        Raises
        ------
        InputError
            When that is no larger one.
        """
        return Sobol(more_than(n, self.n), self.seed)

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return the points.

        Raises
        ------
        InputError
            As for `LatinHypercube`.
        """
        from scipy.stats import qmc

        checked_drawn(parameters, "Sobol", most=MOST_DIMENSIONS)
        sequence = qmc.Sobol(len(parameters), scramble=True, rng=generator(self.seed))
        return at(parameters, sequence.random_base2((self.n - 1).bit_length())[: self.n])


def _refined(cube: Cube, n: int, chance: Any) -> Cube:
    """A Latin hypercube of `n` points that begins with `cube`, whose number of points divides `n`.

    Of the `n` finer slices of each parameter, every old point has one; the new points get the others.
    """
    import numpy as np

    columns = []
    for column in cube.T:
        taken = np.minimum((column * n).astype(int), n - 1)
        free = chance.permutation(np.setdiff1d(np.arange(n), taken))
        columns.append(np.concatenate([column, (free + chance.random(len(free))) / n]))
    return np.array(columns).T
