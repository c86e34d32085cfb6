"""The unit cube that samplings draw from, and what they all check.

A coordinate is the share of its parameter's distribution that lies below the value, or the place in its list of levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from epstudy.core.errors import InputError
from epstudy.core.parameter import Level, Parameter, distribution_of
from epstudy.core.sampling.grid import MOST_POINTS, Point, checked_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Cube = NDArray[np.float64]

#: For how many parameters SciPy knows the sequence of Sobol.
MOST_DIMENSIONS = 21_201

_MOST_SEED = 2**63 - 1


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


def more_than(n: Any, there: int) -> int:
    """Return `n`; raise InputError unless it is more than there are."""
    if checked_number("n", n) <= there:
        raise InputError(f"n is {n}; expected more than the {there} points that there are")
    return int(n)


def generator(seed: Any) -> Any:
    """Return NumPy's generator of random numbers for a seed."""
    import numpy as np

    return np.random.default_rng(seed)


def checked_seed(seed: Any) -> int:
    """Return a seed; raise InputError for anything but a whole number."""
    whole = hasattr(seed, "__index__") and not isinstance(seed, bool)
    if not whole or not 0 <= int(seed) <= _MOST_SEED:
        raise InputError(f"seed is {seed!r}; expected a whole number from 0: the same one gives the same variants")
    return int(seed)


def notes_on_size(name: str, n: int) -> tuple[str, ...]:
    """Return what to say of a number of points that is no power of two."""
    if n & (n - 1) == 0:
        return ()
    below = 1 << (n.bit_length() - 1)
    return (f"{name}: n is {n}, no power of two; {below} or {2 * below} points fill the space more evenly",)


def refuse_dependence(groups: Any, correlation: Any) -> None:
    """Raise InputError for what no sampling here does, with the reason."""
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
