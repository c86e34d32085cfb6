"""Distributions: what a parameter has instead of levels where the sampling draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from epstudy.core.errors import InputError

#: Digits that a drawn value keeps, so that the last bit of somebody else's libm makes no other variant.
_DIGITS = 10


class HasPpf(Protocol):
    """A frozen distribution of scipy.stats, such as `stats.norm(20, 1)`."""

    def ppf(self, q: Any, /) -> Any: ...


class HasIcdf(Protocol):
    """One of scipy's newer distributions, such as `stats.Normal(mu=20, sigma=1)`."""

    def icdf(self, p: Any, /) -> Any: ...


@dataclass(frozen=True, slots=True, repr=False)
class Distribution:
    """A frozen distribution of one variable, by its quantile function."""

    name: str
    quantile: Callable[[Any], Any] = field(compare=False)

    def values(self, shares: Any) -> list[float | int]:
        """Return the value below which each share (0 to 1) of the distribution lies, to ten digits.

        Raises
        ------
        InputError
            When one of them is not finite: the share is 0 or 1, and the distribution has no end there.
        """
        import numpy as np

        found = np.asarray(self.quantile(np.asarray(shares, dtype=float)), dtype=float)
        if not np.isfinite(found).all():
            raise InputError(
                f"{self.name} has no end, and the sampling goes to both ends; give one that has, such as "
                "scipy.stats.uniform, triang or truncnorm"
            )
        return [float(f"{value:.{_DIGITS}g}") for value in found]

    @property
    def ends(self) -> list[float]:
        """The least and the greatest value; empty when one of them is infinite."""
        try:
            return self.values([0.0, 1.0])
        except InputError:
            return []

    def __repr__(self) -> str:
        return self.name


def read_distribution(levels: Any) -> Distribution | None:
    """Return the distribution that `levels` is; None where it is something else.

    Raises
    ------
    InputError
        For a distribution that is not frozen, has several variables, or an array in place of one of its numbers.
    """
    kind = type(levels).__module__
    if not kind.startswith("scipy.stats") or isinstance(levels, tuple | list):
        return None
    if "multivariate" in kind or "copula" in kind:
        raise InputError(
            f"{type(levels).__name__} has several correlated variables; a parameter is drawn by itself. Give each one "
            "a distribution, or draw them together and give the rows as sampling=ep.Table(dataframe)"
        )
    if hasattr(levels, "dist") and hasattr(levels, "ppf"):
        given = [*map(_text, levels.args), *(f"{name}={_text(value)}" for name, value in levels.kwds.items())]
        return _of_one_variable(Distribution(f"{levels.dist.name}({', '.join(given)})", _quantile(levels)))
    if hasattr(levels, "icdf"):
        return _of_one_variable(Distribution(" ".join(repr(levels).split()), levels.icdf))
    if hasattr(levels, "ppf"):
        name = getattr(levels, "name", None) or type(levels).__name__
        raise InputError(f"the distribution {name} is not frozen; call it, as in scipy.stats.norm(loc, scale)")
    raise InputError(f"levels are a {type(levels).__name__}; expected a frozen distribution, or a list of values")


def refuse_distribution(levels: Any, where: str) -> None:
    """Raise InputError when `levels` is a distribution, or holds one: `where` it cannot stand."""
    for one in [levels, *(levels.values() if isinstance(levels, dict) else levels if isinstance(levels, list) else ())]:
        drawn_from = read_distribution(one)
        if drawn_from is not None:
            raise InputError(
                f"{drawn_from} cannot stand {where}: a distribution stands alone, in place of the levels of a Field, "
                "Scale or Measure; give a list of values here"
            )


def _quantile(frozen: Any) -> Callable[[Any], Any]:
    """The quantile function; SciPy's of a discrete distribution is one below the least value at a share of 0."""
    import numpy as np

    if hasattr(frozen, "pdf"):
        return frozen.ppf  # type: ignore[no-any-return]
    return lambda shares: np.maximum(frozen.ppf(shares), frozen.support()[0])


def _of_one_variable(distribution: Distribution) -> Distribution:
    import numpy as np

    middle = np.asarray(distribution.quantile(0.5), dtype=float)
    if middle.shape != () or not np.isfinite(middle):
        what = "no finite median" if middle.shape == () else f"{middle.size} medians"
        raise InputError(f"{distribution.name} has {what}; its numbers must be single ones that make a distribution")
    return distribution


def _text(number: Any) -> str:
    return str(number.item() if hasattr(number, "item") and getattr(number, "ndim", 0) == 0 else number)
