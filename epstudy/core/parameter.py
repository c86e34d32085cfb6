"""Parameters: one axis of a study each, a target with its levels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from copy import copy
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from epstudy.core.canonical import plain
from epstudy.core.distribution import Distribution, HasIcdf, HasPpf, read_distribution, refuse_distribution
from epstudy.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Level:
    """One value of a parameter, and what its column in the results shows for it."""

    label: Any
    value: Any


Levels = Iterable[Any] | Mapping[Any, Any] | HasPpf | HasIcdf
"""Levels by themselves or by label, or a distribution that a sampling draws from."""


class Parameter(Protocol):
    """What a sampling and an engine need to know of one axis."""

    @property
    def kind(self) -> str: ...

    @property
    def targets(self) -> tuple[str, ...]: ...

    @property
    def levels(self) -> tuple[Level, ...]: ...


AnyParameter = TypeVar("AnyParameter", bound=Parameter)


def label_of(parameter: Parameter) -> str:
    """Return what figures call a parameter; empty where its name will do."""
    return getattr(parameter, "label", None) or ""


def checked_label(label: Any) -> str | None:
    """Return the label of a parameter.

    Raises
    ------
    InputError
        When it is no text.
    """
    if label is None or (isinstance(label, str) and label.strip()):
        return label if label is None else label.strip()
    raise InputError(f'label is {label!r}; expected a text such as "Lighting power density"')


def distribution_of(parameter: Parameter) -> Distribution | None:
    """Return what a parameter's levels are drawn from; None where it has levels of its own, or can have no other."""
    found: Distribution | None = getattr(parameter, "distribution", None)
    return found


def with_levels(parameter: AnyParameter, levels: Sequence[Level]) -> AnyParameter:
    """Return the parameter with these levels; what they were drawn from stays."""
    changed = copy(parameter)
    object.__setattr__(changed, "levels", tuple(levels))
    return changed


@dataclass(frozen=True, init=False, slots=True)
class Field:
    """Sets a field of every object that a target names.

    Parameters
    ----------
    target
        `"Class/object name or glob/field"`, or a list of them; case does not matter, as in EnergyPlus.
        Object names may hold slashes: the class ends at the first one, the field begins after the last.
    levels
        A list, array or Series of values, or `{label: value}` when the value is no good as a column.
        A number is in the field's own unit (SI, as in the model). `None` leaves the model as it is. A frozen
        distribution of scipy.stats, where the sampling draws from it; nothing, where `sampling=Table(...)` has them.
    label
        What figures call the parameter, in place of its name; they add the unit of the field.

    Raises
    ------
    InputError
        When the target has not three parts, or a level is not a finite number, a text or None.
    """

    targets: tuple[str, ...]
    levels: tuple[Level, ...]
    distribution: Distribution | None
    label: str | None

    def __init__(
        self,
        target: str | Sequence[str],
        levels: Levels = (),
        *,
        label: str | None = None,
    ) -> None:
        targets = (target,) if isinstance(target, str) or not isinstance(target, Iterable) else tuple(target)
        if not targets:
            raise InputError('a Field needs a target such as "Lights/*/watts_per_floor_area"; the list is empty')
        for one in targets:
            if not isinstance(one, str) or one.count("/") < 2 or not all(part.strip() for part in split_target(one)):
                raise InputError(
                    f'{one!r} is not a target: expected "Class/object name or glob/field", '
                    'for example "Lights/*/watts_per_floor_area"'
                )
        object.__setattr__(self, "targets", targets)
        object.__setattr__(self, "label", checked_label(label))
        read_into(self, levels)

    @property
    def kind(self) -> str:
        return "field"

    def __repr__(self) -> str:
        return _shown("Field", self)


@dataclass(frozen=True, init=False, slots=True)
class Scale:
    """Multiplies what the model has in a field of every object that a target names.

    Parameters
    ----------
    target
        As for `Field`. Every object that it names must have a number there, not a blank or "autosize".
    factors
        As the levels of `Field`; 1 leaves the model as it is, as `None` does.
    label
        As for `Field`; a factor has no unit.

    Raises
    ------
    InputError
        As for `Field`; and when a factor is no number.
    """

    targets: tuple[str, ...]
    levels: tuple[Level, ...]
    distribution: Distribution | None
    label: str | None

    def __init__(
        self,
        target: str | Sequence[str],
        factors: Levels = (),
        *,
        label: str | None = None,
    ) -> None:
        field = Field(target, factors, label=label)
        for level in field.levels:
            if level.value is not None and (isinstance(level.value, bool) or not isinstance(level.value, int | float)):
                raise InputError(f"factor {level.label!r} is {level.value!r}; expected a number, or None")
        object.__setattr__(self, "targets", field.targets)
        object.__setattr__(self, "levels", field.levels)
        object.__setattr__(self, "distribution", field.distribution)
        object.__setattr__(self, "label", field.label)

    @property
    def kind(self) -> str:
        return "scale"

    def __repr__(self) -> str:
        return _shown("Scale", self)


def split_target(target: str) -> tuple[str, str, str]:
    """Return class, object name or glob, and field of a target such as `"Lights/*/watts_per_floor_area"`."""
    object_class, _, rest = target.partition("/")
    name, _, field = rest.rpartition("/")
    return object_class.strip(), name.strip(), field.strip()


def read_into(parameter: Any, levels: Any) -> None:
    """Give a parameter that is being made its levels, or the distribution from which a sampling draws them."""
    drawn_from = read_distribution(levels)
    object.__setattr__(parameter, "levels", () if drawn_from else read_levels(levels))
    object.__setattr__(parameter, "distribution", drawn_from)


def read_levels(levels: Iterable[Any] | Mapping[Any, Any]) -> tuple[Level, ...]:
    """Return `levels` as Level values, in their order.

    Raises
    ------
    InputError
        For a bare text or number, a set (it has no order), NaN, infinity, a distribution, or a value that JSON cannot
        say.
    """
    refuse_distribution(levels, "among levels")
    if isinstance(levels, Mapping):
        return tuple(Level(_label(label), plain(value)) for label, value in levels.items())
    if isinstance(levels, str | bytes) or not isinstance(levels, Iterable):
        raise InputError(f"levels are {levels!r}; expected a list of values, or a dict {{label: value}}")
    if getattr(levels, "ndim", 1) != 1:
        raise InputError(f"levels are a {type(levels).__name__} of {levels.ndim} dimensions; give one column or list")  # type: ignore[attr-defined]
    if isinstance(levels, Set):
        raise InputError(f"levels are the set {levels!r}, which has no order; give a list")
    return tuple(Level(_label(value), plain(value)) for value in levels)


def _shown(name: str, parameter: Any) -> str:
    target = parameter.targets[0] if len(parameter.targets) == 1 else list(parameter.targets)
    return f"{name}({target!r}, {parameter.distribution or [level.label for level in parameter.levels]!r})"


def _label(label: Any) -> Any:
    """A label as a plain Python value; unlike a value it keeps an integer an integer, for the eye."""
    kept = plain(label)
    if isinstance(kept, float) and not isinstance(label, float) and kept.is_integer():
        item = label.item() if hasattr(label, "item") else label
        return item if isinstance(item, int) else kept
    return kept
