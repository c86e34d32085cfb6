"""Samplings that draw: Latin hypercubes and Sobol sequences, and the samples of Morris' and Sobol's methods.

Each draws points of the unit cube; a coordinate is the share of its parameter's distribution that lies below the value,
or the place in its list of levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from epstudy.core.errors import InputError
from epstudy.core.parameter import Level, Parameter, distribution_of
from epstudy.core.sampling import MOST_POINTS, Point, checked_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Cube = NDArray[np.float64]

_MOST_DIMENSIONS = 21_201  # for which SciPy knows the sequence
_MOST_SEED = 2**63 - 1


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

    kind: ClassVar[str] = "latin hypercube"
    notes: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[str] = ""

    def __init__(self, n: int, seed: int = 0, *, groups: Any = None, correlation: Any = None) -> None:
        _refuse(groups, correlation)
        object.__setattr__(self, "sizes", (checked_number("n", n),))
        object.__setattr__(self, "seed", _checked_seed(seed))

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
        cube = qmc.LatinHypercube(len(parameters), rng=_chance(self.seed)).random(first)
        for size in later:
            cube = _refined(cube, size, _chance([self.seed, size]))
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

    kind: ClassVar[str] = "sobol"
    whole: ClassVar[str] = ""

    def __init__(self, n: int, seed: int = 0, *, groups: Any = None, correlation: Any = None) -> None:
        _refuse(groups, correlation)
        object.__setattr__(self, "n", checked_number("n", n))
        object.__setattr__(self, "seed", _checked_seed(seed))

    @property
    def arguments(self) -> Mapping[str, Any]:
        return {"n": self.n, "seed": self.seed}

    @property
    def notes(self) -> tuple[str, ...]:
        return _uneven("Sobol", self.n)

    def extended(self, n: int) -> Sobol:
        """Return a Sobol sequence of `n` points that begins with these ones.

        Raises
        ------
        InputError
            When that is no larger one.
        """
        return Sobol(_more(n, self.n), self.seed)

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return the points.

        Raises
        ------
        InputError
            As for `LatinHypercube`.
        """
        from scipy.stats import qmc

        checked_drawn(parameters, "Sobol", most=_MOST_DIMENSIONS)
        sequence = qmc.Sobol(len(parameters), scramble=True, rng=_chance(self.seed))
        return at(parameters, sequence.random_base2((self.n - 1).bit_length())[: self.n])


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

    kind: ClassVar[str] = "saltelli"
    whole: ClassVar[str] = "in Saltelli's sample each variant is compared with others by its place"

    def __init__(
        self, n: int, seed: int = 0, *, second_order: bool = False, groups: Any = None, correlation: Any = None
    ) -> None:
        _refuse(groups, correlation)
        object.__setattr__(self, "n", checked_number("n", n, 2))
        object.__setattr__(self, "seed", _checked_seed(seed))
        object.__setattr__(self, "second_order", bool(second_order))

    @property
    def arguments(self) -> Mapping[str, Any]:
        return {"n": self.n, "seed": self.seed, "second_order": self.second_order}

    @property
    def notes(self) -> tuple[str, ...]:
        return _uneven("Saltelli", self.n)

    def extended(self, n: int) -> Saltelli:
        """Return Saltelli's sample of `n` base points that begins with these ones.

        Raises
        ------
        InputError
            When that is no larger one.
        """
        return Saltelli(_more(n, self.n), self.seed, second_order=self.second_order)

    def points(self, parameters: Mapping[str, Parameter]) -> list[Point]:
        """Return the points: for each base point A, then A with each parameter of B, then B; see SALib.

        Raises
        ------
        InputError
            As for `LatinHypercube`; when a parameter has one level; when there are more than a million variants.
        """
        from SALib.sample import sobol

        checked_drawn(parameters, "Saltelli", least=2, most=_MOST_DIMENSIONS // 2)
        each = (2 if self.second_order else 1) * len(parameters) + 2
        if each * self.n > MOST_POINTS:
            raise InputError(f"Saltelli's sample has {self.n} x {each} variants; expected at most {MOST_POINTS:,}")
        base = 2 ** (self.n - 1).bit_length()  # the sequence itself; SciPy warns of all other numbers
        cube = sobol.sample(
            unit_problem(list(parameters)), base, calc_second_order=self.second_order, seed=_chance(self.seed)
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

    kind: ClassVar[str] = "morris"
    notes: ClassVar[tuple[str, ...]] = ()
    whole: ClassVar[str] = "in Morris' trajectories each variant is compared with the one before it"

    def __init__(
        self, trajectories: int, seed: int = 0, *, levels: int = 4, groups: Any = None, correlation: Any = None
    ) -> None:
        _refuse(groups, correlation)
        object.__setattr__(self, "trajectories", checked_number("trajectories", trajectories, 2))
        object.__setattr__(self, "seed", _checked_seed(seed))
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
        from SALib.sample import morris

        checked_drawn(parameters, "Morris", least=2)
        if (len(parameters) + 1) * self.trajectories > MOST_POINTS:
            raise InputError(f"Morris' sample has more than {MOST_POINTS:,} variants; take fewer trajectories")
        cube = morris.sample(
            unit_problem(list(parameters)), self.trajectories, num_levels=self.levels, seed=_chance(self.seed)
        )
        return at(parameters, cube)


def at(parameters: Mapping[str, Parameter], cube: Cube) -> list[Point]:
    """Return the points of the parameters' space at these points of the unit cube, shape (points, parameters).

    Raises
    ------
    InputError
        When a distribution has no value there.
    """
    import numpy as np

    columns: list[list[Level]] = []
    for place, (name, parameter) in enumerate(parameters.items()):
        drawn_from = distribution_of(parameter)
        if drawn_from is not None:
            try:
                columns.append([Level(value, value) for value in drawn_from.values(cube[:, place])])
            except InputError as error:
                raise InputError(f'"{name}": {error}') from error
            continue
        last = len(parameter.levels) - 1
        places = np.minimum((cube[:, place] * (last + 1)).astype(int), last)
        columns.append([parameter.levels[one] for one in places])
    return list(zip(*columns, strict=True))


def checked_drawn(parameters: Mapping[str, Parameter], name: str, least: int = 1, most: int = MOST_POINTS) -> None:
    """Raise InputError unless every parameter has a distribution, or at least so many levels; and for too many."""
    if len(parameters) > most:
        raise InputError(f"{name} draws at most {most:,} parameters; there are {len(parameters):,}")
    if not parameters:
        raise InputError('there is nothing to draw: give at least one parameter, {"name": ep.Field(target, levels)}')
    for parameter_name, parameter in parameters.items():
        if distribution_of(parameter) is None and len(parameter.levels) < least:
            found = "has one level" if parameter.levels else "has neither levels nor a distribution"
            wanted = "two levels or more" if least > 1 else "a list"
            raise InputError(
                f'{name} cannot vary "{parameter_name}", which {found}; give {wanted}, or a distribution such as '
                "scipy.stats.uniform(4, 8)"
            )


def unit_problem(names: list[str]) -> dict[str, Any]:
    """Return the unit cube as SALib describes a problem."""
    return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}


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


def _more(n: Any, there: int) -> int:
    if checked_number("n", n) <= there:
        raise InputError(f"n is {n}; expected more than the {there} points that there are")
    return int(n)


def _chance(seed: Any) -> Any:
    import numpy as np

    return np.random.default_rng(seed)


def _checked_seed(seed: Any) -> int:
    whole = hasattr(seed, "__index__") and not isinstance(seed, bool)
    if not whole or not 0 <= int(seed) <= _MOST_SEED:
        raise InputError(f"seed is {seed!r}; expected a whole number from 0: the same one gives the same variants")
    return int(seed)


def _uneven(name: str, n: int) -> tuple[str, ...]:
    if n & (n - 1) == 0:
        return ()
    below = 1 << (n.bit_length() - 1)
    return (f"{name}: n is {n}, no power of two; {below} or {2 * below} points fill the space more evenly",)


def _refuse(groups: Any, correlation: Any) -> None:
    if groups is not None:
        raise InputError(
            "groups of parameters are not supported: their indices would be told as if each parameter were varied "
            "alone. Give one parameter a list of targets, ep.Field([target, target], levels), and they move together"
        )
    if correlation is not None:
        raise InputError(
            "correlated parameters are not supported: the indices of sensitivity hold for independent ones only. Draw "
            "them together yourself, and give the rows as sampling=ep.Table(dataframe)"
        )
