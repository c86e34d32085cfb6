"""Parameters that only EnergyPlus has: frozen values of plain JSON that read nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from epstudy.core.canonical import plain
from epstudy.core.distribution import Distribution, refuse_distribution
from epstudy.core.errors import InputError
from epstudy.core.parameter import Level, Levels, checked_label, read_into, read_levels
from epstudy.engines.energyplus.model.fields import spell
from epstudy.engines.energyplus.model.surfaces import read_target


@dataclass(frozen=True, init=False, slots=True)
class Construction:
    """Swaps the constructions of surfaces, or the layers of constructions.

    Parameters
    ----------
    targets
        A text or a list of texts. A surface type: `"walls"`, `"roofs"`, `"floors"`, `"ceilings"`, `"windows"`,
        `"skylights"`, `"doors"`, `"glass doors"`, where case and the plural do not matter. Alone it means those to the
        outdoors (floors: to the ground too; ceilings: all); `"floors/ground"`, `"walls/surface"` (between zones),
        `"walls/adiabatic"`, `"walls/*"` say which; so do `"exterior walls"` and `"Wall:Outdoors"`.
        Anything else is the name or glob of constructions of the model, `"Construction/IEAD*"` or `"IEAD*"`: these get
        the new layers themselves, and everything that refers to them follows.
    levels
        `{label: layers}`, or a list of names of constructions. Layers are

        - `None`: as the model has it;
        - a text: the name of a construction of the model;
        - a list from outside to inside, each layer the name of a material of the model or a dict with `"name"` and
          properties by the schema's names, in SI: `{"name": "Mineral wool", "thickness": 0.1, "conductivity": 0.035,
          "density": 30, "specific_heat": 1400}`. `"class"` may say what it is; else the properties do. A name that the
          model has brings the properties that are not given;
        - a dict `{name: properties or None}` in that order, or the properties of a single layer;
        - a construction set `{target: layers}` whose keys are among `targets`; what it leaves out stays.
    label
        What figures call the parameter, in place of its name.

    Raises
    ------
    InputError
        When there is no target, or a level is none of these. Whether the model has them is `Study.check()`'s to say.
    """

    targets: tuple[str, ...]
    levels: tuple[Level, ...]
    label: str | None

    def __init__(
        self,
        targets: str | Sequence[str],
        levels: Mapping[Any, Any] | Iterable[str | None],
        *,
        label: str | None = None,
    ) -> None:
        named = (targets,) if isinstance(targets, str) or not isinstance(targets, Iterable) else tuple(targets)
        if not named or not all(isinstance(one, str) for one in named):
            raise InputError(
                f'targets are {targets!r}; expected a surface type such as "walls" or "floors/ground", the name of a '
                "construction, or a list of those"
            )
        canonical = [read_target(one).canonical for one in named]
        if len(set(canonical)) < len(canonical):
            raise InputError(f"targets {list(named)!r} name the same twice; name each once")
        object.__setattr__(self, "targets", tuple(one.strip() for one in named))
        object.__setattr__(self, "levels", _read_levels(levels, canonical))
        object.__setattr__(self, "label", checked_label(label))

    @property
    def kind(self) -> str:
        return "construction"

    def __repr__(self) -> str:
        target = self.targets[0] if len(self.targets) == 1 else list(self.targets)
        return f"Construction({target!r}, {[level.label for level in self.levels]!r})"


@dataclass(frozen=True, init=False, slots=True)
class Weather:
    """Runs with other weather files, and moves the building to their place.

    Location and sizing periods are swapped along: from a `.ddy` given with the EPW or standing beside it, else from the
    ASHRAE design conditions in the EPW's own header. The results say which, in a column of their own.

    Parameters
    ----------
    levels
        Paths of EPW files, whose names without folder and suffix are the column; or `{label: path}`, or
        `{label: (epw, ddy)}`. `None` leaves weather and place as the engine and the model have them.
    label
        What figures call the parameter, in place of its name.

    Raises
    ------
    InputError
        When a level is no path and no such pair. That the files are there and good is `Study.check()`'s to say.
    """

    levels: tuple[Level, ...]
    label: str | None

    def __init__(self, levels: Iterable[Any] | Mapping[Any, Any], *, label: str | None = None) -> None:
        object.__setattr__(self, "label", checked_label(label))
        refuse_distribution(levels, "for weather files")
        if isinstance(levels, str | os.PathLike):
            levels = [levels]
        if isinstance(levels, Mapping):
            named = {label: _files(value) for label, value in levels.items()}
            object.__setattr__(self, "levels", read_levels(named))
            return
        if not isinstance(levels, Iterable):
            raise InputError(f"levels are {levels!r}; expected paths of EPW files, or a dict {{label: path}}")
        found = []
        for value in levels:
            files = _files(value)
            label = None if files is None else PurePath(files if isinstance(files, str) else files[0]).stem
            found.append(Level(label, files))
        object.__setattr__(self, "levels", tuple(found))

    @property
    def kind(self) -> str:
        return "weather"

    @property
    def targets(self) -> tuple[str, ...]:
        return ("weather",)

    def __repr__(self) -> str:
        return f"Weather({[level.label for level in self.levels]!r})"


@dataclass(frozen=True, init=False, slots=True)
class Measure:
    """Edits the model by a Python function: whatever no target can say.

    Parameters
    ----------
    function
        `function(model, value)` edits an idfkit document in place; or the text `"package.module:name"` of one that is
        installed here and on the workers. A function written in a notebook travels as its source, with the helpers and
        the plain values that it uses, and is part of the key: another source is another result. It runs last, when the
        other parameters have set what they set; several measures run in the order of the parameters.
    levels
        What the function gets as its `value`: as for `Field`, distributions too, and also lists and dicts. `None`: it
        is not called.
    label
        What figures call the parameter, in place of its name.

    Raises
    ------
    InputError
        When the function is none. What of it cannot travel is `Study.check()`'s to say.
    """

    function: Any
    levels: tuple[Level, ...]
    distribution: Distribution | None
    label: str | None

    def __init__(
        self,
        function: Callable[..., Any] | str,
        levels: Levels = (),
        *,
        label: str | None = None,
    ) -> None:
        if not callable(function) and not (isinstance(function, str) and function.count(":") == 1):
            raise InputError(f'{function!r} is no measure: expected function(model, value), or "package.module:name"')
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "label", checked_label(label))
        read_into(self, levels)

    @property
    def kind(self) -> str:
        return "measure"

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def name(self) -> str:
        """The function's name."""
        said = self.function if isinstance(self.function, str) else getattr(self.function, "__qualname__", "function")
        return str(said).rpartition(":")[2].rpartition(".")[2]

    def __repr__(self) -> str:
        return f"Measure({self.name}, {self.distribution or [level.label for level in self.levels]!r})"


def _read_levels(levels: Any, targets: list[str]) -> tuple[Level, ...]:
    if isinstance(levels, Mapping):
        labels = [level.label for level in read_levels(dict.fromkeys(levels))]
        return tuple(
            Level(label, _read_value(f"level {label!r}", value, targets))
            for label, value in zip(labels, levels.values(), strict=True)
        )
    read = read_levels(levels)
    for level in read:
        if level.value is not None and not (isinstance(level.value, str) and level.value.strip()):
            raise InputError(f"level {level.value!r} has no label; give layers as a dict {{label: layers}}")
    return read


def _read_value(where: str, value: Any, targets: list[str]) -> Any:
    """One level as plain JSON: None, a name, a list of layers, or a construction set by canonical target."""
    if not isinstance(value, Mapping):
        return _read_layers(where, value)
    keys = {str(key): read_target(str(key)).canonical for key in value if str(key).strip(" /")}
    if value and len(set(keys.values())) == len(value) and set(keys.values()) <= set(targets):
        return {keys[str(key)]: _read_layers(f"{where}, {key}", layers) for key, layers in value.items()}
    strange = [key for key, target in keys.items() if target not in targets and not target.startswith("Construction/")]
    if strange or set(keys.values()) & set(targets):
        other = strange or [key for key, target in keys.items() if target not in targets] or list(keys)
        raise InputError(
            f"{where}: {', '.join(map(repr, other))} cannot be a key here; a construction set has the targets of its "
            f"parameter as keys, each once: {', '.join(targets)}"
        )
    return _read_layers(where, value)


def _read_layers(where: str, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        if not value.strip():
            raise InputError(f"{where}: the name of the construction is empty")
        return value.strip()
    if isinstance(value, Mapping):
        if "name" in {spell(str(key)) for key in value} or any(_is_property(one) for one in value.values()):
            return [_read_layer(where, value)]
        value = [name if layer is None else _named(where, name, layer) for name, layer in value.items()]
    if not isinstance(value, list | tuple) or not value:
        raise InputError(
            f"{where}: the layers are {value!r}; expected the name of a construction, a list of layers from outside "
            "to inside, or a dict {material: properties or None}"
        )
    return [_read_layer(where, layer) for layer in value]


def _named(where: str, name: Any, properties: Any) -> dict[Any, Any]:
    if not isinstance(properties, Mapping):
        raise InputError(f"{where}: the properties of {name!r} are {properties!r}; expected a dict, or None")
    return {"name": name, **properties}


def _read_layer(where: str, layer: Any) -> Any:
    """A layer as plain JSON: the name of a material, or its properties under names as the schema spells them."""
    if isinstance(layer, str) and layer.strip():
        return layer.strip()
    if not isinstance(layer, Mapping) or not layer:
        raise InputError(f"{where}: a layer is {layer!r}; expected the name of a material, or a dict of properties")
    read: dict[str, Any] = {}
    for key, value in layer.items():
        name = spell(str(key))
        kept = plain(value)
        if isinstance(kept, dict | list | bool) or (name in ("name", "class") and not str(kept or "").strip()):
            raise InputError(f"{where}: {key} of a layer is {value!r}; expected a number or a text")
        if name in read:
            raise InputError(f"{where}: {key} of a layer is given twice")
        if kept is not None:
            read[name] = kept.strip() if isinstance(kept, str) else kept
    return read


def _is_property(value: Any) -> bool:
    return value is not None and not isinstance(value, Mapping)


def _files(value: Any) -> Any:
    """A level of `Weather` as plain JSON: a path, [EPW, DDY], or None."""
    if value is None:
        return None
    pair = value if isinstance(value, list | tuple) else (value,)
    if not 1 <= len(pair) <= 2 or not all(isinstance(one, str | os.PathLike) for one in pair):
        raise InputError(f"{value!r} is no weather: expected the path of an EPW, or a pair (epw, ddy)")
    paths = [os.fspath(one) for one in pair]
    return paths[0] if len(paths) == 1 else paths
