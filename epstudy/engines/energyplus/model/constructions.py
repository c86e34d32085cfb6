"""Swaps constructions: by surface type, or the layers of constructions by name; both sides of a surface together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from epstudy.core.canonical import folded, plain
from epstudy.core.errors import InputError
from epstudy.engines.energyplus.model.materials import (
    DIGITS,
    Layer,
    add_layer,
    content_name,
    materials_of,
    resolve_layer,
    reversed_layer,
)
from epstudy.engines.energyplus.model.model import (
    Document,
    ModelObject,
    matching,
    named,
    nearest,
    objects_of,
    one_spelling,
    some,
)
from epstudy.engines.energyplus.model.surfaces import BOUNDARIES, Surface, Target, kind_in, read_target, surfaces_of

#: Constructions without layers that belong into windows, and those that only a surface to the ground may have.
_WINDOW_CLASSES = (
    "Construction:ComplexFenestrationState",
    "Construction:WindowDataFile",
    "Construction:WindowEquivalentLayer",
)
_GROUND_CLASSES = ("Construction:FfactorGroundFloor", "Construction:CfactorUndergroundWall")
_MOST_LAYERS = 10
_SHOWN = 60  # characters of the names of layers in the name of a new construction


@dataclass(frozen=True, slots=True)
class Found:
    """What a target touches: the objects that it sets, and every surface whose layers may change with them.

    `objects` are surfaces, or the Construction objects of a target by name. `surfaces` holds, beside the surfaces named
    or built of these, those on their other sides. As a text it is what `check()` shows.
    """

    target: Target
    objects: tuple[ModelObject, ...]
    surfaces: tuple[Surface, ...]
    text: str

    def __str__(self) -> str:
        return self.text


def find_surfaces(document: Document, target: str) -> Found:
    """Return what `target` touches in the model.

    Raises
    ------
    InputError
        When it names neither surfaces nor constructions of the model; the message says which there are.
    """
    wanted = read_target(target)
    every = surfaces_of(document)
    if wanted.kind:
        direct = [one for one in every if one.is_named_by(wanted)]
        objects = tuple(one.one for one in direct)
        if not objects:
            raise InputError(f'"{target}" names no surface of the model; {_there_are(every)}')
        now = some(sorted({str(one.construction_name) for one in objects}))
        text = f"{wanted.canonical}: {_count(len(objects), 'surface')} (now {now})"
    else:
        objects = _constructions_named(document, target, wanted, every)
        names = {folded(one.name) for one in objects}
        direct = [one for one in every if _construction_name(one) in names]
        now = some([one.name for one in objects])
        text = f"Construction/{wanted.pattern}: {_count(len(objects), 'construction')} ({now})"
        text += f", {_count(len(direct), 'surface')}"
    partners = {folded(one.partner) for one in direct if one.partner}
    others = [one for one in every if folded(one.one.name) in partners and one not in direct]
    return Found(wanted, objects, (*direct, *others), text + _shaded(document, direct))


def construction_edits(document: Document, targets: Iterable[str], value: Any) -> list[dict[str, Any]]:
    """Return what one level of a parameter does to the model, as plain JSON in one spelling; nothing for None."""
    return [
        {
            "construct": _canonical_target(document, edit["construct"]),
            "layers": plain(_canonical_layers(document, edit["layers"])),
        }
        for edit in _as_typed(targets, value)
    ]


def apply_construction(document: Document, edit: Mapping[str, Any]) -> None:
    """Apply one edit in place.

    Surfaces between zones get the mirror image of the construction on their other side. Where both sides are named,
    the one that comes first in the model has the layers as they are given.

    Raises
    ------
    InputError
        With every reason why it cannot be; the model is as it was then.
    """
    problems: list[str] = []
    step = _look(document, edit, problems)
    if step is None:
        raise InputError("; ".join(problems))
    for layer in step.layers:
        add_layer(document, layer)
    if step.found.target.kind:
        name = step.construction or _construction_of(document, step.layers)
        direct = [one for one in step.found.surfaces if one.is_named_by(step.found.target)]
        for surface in direct:
            surface.one.construction_name = name
    else:
        names = {folded(one.name) for one in step.found.objects}
        direct = [one for one in step.found.surfaces if _construction_name(one) in names]
        for one in step.found.objects:
            _set_layers(one, [layer.name for layer in step.layers])
    _mirror(document, direct)


def construction_problems(document: Document, targets: Iterable[str], value: Any) -> list[str]:
    """Return everything wrong with one level of a parameter, for `check()`; the model is left as it is."""
    problems: list[str] = []
    edited = document.copy()
    settled: dict[str, tuple[str, Any]] = {}
    for edit in _as_typed(targets, value):
        found: list[str] = []
        step = _look(edited, edit, found)
        if step is not None:
            apply_construction(edited, edit)
            found += _clashes(edited, step.found, settled)
        problems += [text for text in found if text not in problems]
    return problems


def _clashes(document: Document, found: Found, settled: dict[str, tuple[str, Any]]) -> list[str]:
    """Targets of one level that an edit overrides: it is applied already, and is settled here for the next."""
    layers = {name: _layers(document, one) for name, one in _constructions(document).items()}
    now: dict[str, Any] = {}
    for surface in surfaces_of(document):
        built = _construction_name(surface)
        now[surface.one.name] = built if layers.get(built) is None else _names(layers[built] or [])
    touched = [one.one.name for one in found.surfaces]
    lost = [name for name in touched if name in settled and settled[name][1] != now[name]]
    mine = found.target.canonical
    said = [
        f"{settled[name][0]} and {mine} both set the layers of {name}, and not the same; name each surface once "
        "(what is between two zones has its layers on both sides)"
        for name in lost[:1]
    ]
    settled |= {name: (mine, now[name]) for name in touched}
    return said


@dataclass(frozen=True, slots=True)
class _Step:
    """An edit that fits the model: what it touches, and the layers or the name of a construction without layers."""

    found: Found
    layers: tuple[Layer, ...]
    construction: str = ""


def _as_typed(targets: Iterable[str], value: Any) -> list[dict[str, Any]]:
    """The edits of a level with all names as the user typed them, for messages."""
    pairs = [
        (target, value.get(read_target(target).canonical) if isinstance(value, Mapping) else value)
        for target in targets
    ]
    return [{"construct": target, "layers": given} for target, given in pairs if given is not None]


def _look(document: Document, edit: Mapping[str, Any], problems: list[str]) -> _Step | None:
    """Read an edit against the model; None when there are problems, which are added to the list."""
    try:
        found = find_surfaces(document, edit["construct"])
    except InputError as error:
        problems.append(str(error))
        return None
    before = len(problems)
    step = (
        _named_construction(document, found, edit["layers"], problems)
        if isinstance(edit["layers"], str)
        else _new_layers(document, found, edit["layers"], problems)
    )
    return step if len(problems) == before else None


def _named_construction(document: Document, found: Found, name: str, problems: list[str]) -> _Step | None:
    constructions = _constructions(document)
    one = named(constructions, name)
    if one is None:
        names = [each.name for each in constructions.values()]
        problems.append(f'the model has no construction "{name}"' + (nearest(name, names) or f"; it has {some(names)}"))
        return None
    if not found.target.kind and one.obj_type != "Construction":
        problems.append(f'"{one.name}" is a {one.obj_type}, which has no layers to give to other constructions')
        return None
    layers = tuple(_layers(document, one) or ())
    glazed = any(layer.glazed for layer in layers) or one.obj_type in _WINDOW_CLASSES
    problems += _misfits(document, found, f'those of "{one.name}"', glazed, one.obj_type)
    return _Step(found, layers, one.name)


def _new_layers(document: Document, found: Found, layers: list[Any], problems: list[str]) -> _Step:
    resolved: list[Layer] = []
    for layer in layers:
        try:
            resolved.append(resolve_layer(document, layer))
        except InputError as error:
            problems.append(str(error))
    names = ", ".join(layer.name for layer in resolved)
    if len(layers) > _MOST_LAYERS:
        problems.append(f"there are {len(layers)} layers; a Construction holds {_MOST_LAYERS}")
    if len({layer.glazed for layer in resolved}) > 1:
        problems.append(f"opaque layers and window layers cannot be in one construction: {names}")
    elif len(resolved) == len(layers):
        problems += _misfits(document, found, names, resolved[0].glazed, "Construction")
    return _Step(found, tuple(resolved))


def _misfits(document: Document, found: Found, what: str, glazed: bool, object_class: str) -> list[str]:
    """Why a construction cannot be where the target says: glass in a wall, layers in place of an F-factor."""
    needs, has = ("opaque", "belong into windows") if glazed else ("window", "are opaque")
    if not found.target.kind:
        wrong = [one.name for one in found.objects if _glazed(document, one) != glazed]
        return [f"{some(wrong)}: {needs} layers are needed here, {what} {has}"] if wrong else []
    surfaces = [one for one in found.surfaces if one.is_named_by(found.target)]
    if any(one.glazed != glazed for one in surfaces):
        return [f"{found.target.canonical}: {needs} layers are needed here, {what} {has}"]
    factor = [one.one.name for one in surfaces if one.boundary == "groundfcfactormethod"]
    if factor and object_class not in _GROUND_CLASSES:
        return [
            f"{_count(len(factor), 'surface')} of {found.target.canonical} ({some(factor)}) "
            f"{'has' if len(factor) == 1 else 'have'} the boundary GroundFCfactorMethod, which takes no layers; set "
            '"Construction:FfactorGroundFloor/*/f_factor" or "Construction:CfactorUndergroundWall/*/c_factor" with '
            "ep.Field, or give the name of such a construction"
        ]
    if object_class == "Construction:AirBoundary" and any(
        one.boundary not in ("surface", "zone", "space") for one in surfaces
    ):
        return [f"{found.target.canonical}: a Construction:AirBoundary may only be between zones"]
    return []


def _mirror(document: Document, changed: Iterable[Surface]) -> None:
    """Give the other side of every surface the same layers in the other order."""
    by_name = {folded(one.one.name): one for one in surfaces_of(document)}
    constructions = _constructions(document)
    settled: set[str] = set()
    for surface in changed:
        own, other = folded(surface.one.name), folded(surface.partner)
        if other not in by_name or own in (other, *settled):
            continue
        settled |= {own, other}
        partner = by_name[other].one
        name = surface.one.construction_name
        layers = _layers(document, constructions[folded(name)])
        theirs = constructions.get(folded(str(partner.construction_name)))
        turned = [reversed_layer(document, layer) for layer in reversed(layers or [])]
        if layers is None or _names(turned) == _names(layers):
            partner.construction_name = name
        elif theirs is None or _names(_layers(document, theirs) or []) != _names(turned):
            for layer in turned:
                add_layer(document, layer)
            partner.construction_name = _construction_of(document, turned)
            constructions = _constructions(document)


def _construction_of(document: Document, layers: Iterable[Layer]) -> str:
    """The name of the construction of these layers; it is made, named by its content, where the model lacks it."""
    names = [layer.name for layer in layers]
    shown = " + ".join(names)[:_SHOWN].rstrip(" +")
    constructions = _constructions(document)
    for length in DIGITS:
        name = content_name(shown, [one.casefold() for one in names], length)
        other = constructions.get(folded(name))
        if other is None:
            _set_layers(document.add("Construction", name, validate=False), names)
            return name
        if _names(_layers(document, other) or []) == [folded(one) for one in names]:
            return str(other.name)
    raise InputError(f'the model has other constructions under every name for the new "{shown}"')


def _set_layers(one: ModelObject, names: list[str]) -> None:
    for place, field in enumerate(one.field_order):
        if place < len(names):
            setattr(one, field, names[place])
        elif one.data.get(field):
            setattr(one, field, "")


def _layers(document: Document, construction: ModelObject) -> list[Layer] | None:
    """The layers of a construction from outside to inside; None for one that is not made of layers."""
    if construction.obj_type != "Construction":
        return None
    materials = materials_of(document)
    names = [str(value) for field in construction.field_order if (value := construction.data.get(field))]
    return [materials.get(folded(name), Layer(name, "Material", {})) for name in names]


def _glazed(document: Document, construction: ModelObject) -> bool:
    return any(layer.glazed for layer in _layers(document, construction) or [])


def _constructions(document: Document) -> dict[str, ModelObject]:
    classes = document.schema.get_types_providing_reference("ConstructionNames")
    classes = [*classes, "Construction:ComplexFenestrationState"]
    return {folded(one.name): one for one in objects_of(document, *classes)}


def _constructions_named(
    document: Document, target: str, wanted: Target, every: list[Surface]
) -> tuple[ModelObject, ...]:
    layered = tuple(objects_of(document, "Construction"))
    found = matching(layered, wanted.pattern)
    if found:
        return found
    others = matching(tuple(_constructions(document).values()), wanted.pattern)
    if others:
        one = others[0]
        raise InputError(
            f'"{target}" is the {one.obj_type} "{one.name}", which has no layers; set its fields with ep.Field'
        )
    names = [one.name for one in layered]
    kind = kind_in(target)
    raise InputError(
        f'"{target}" names no construction of the model'
        + (nearest(wanted.pattern, names) or f"; it has {some(names)}")
        + (f"; {kind} by type may stand with {', '.join(BOUNDARIES)}" if kind else "")
        + f"; {_there_are(every)}"
    )


def _canonical_target(document: Document, target: str) -> str:
    wanted = read_target(target)
    layered = tuple(objects_of(document, "Construction"))
    return wanted.canonical if wanted.kind else f"Construction/{one_spelling(layered, wanted.pattern)}"


def _canonical_layers(document: Document, layers: Any) -> Any:
    """Layers in one spelling: names of the model in small letters, unless those are the name of another object."""
    if isinstance(layers, str):
        return _one_name(_constructions(document), layers)
    materials = materials_of(document)
    return [_canonical_layer(materials, layer) for layer in layers]


def _canonical_layer(materials: Mapping[str, Layer], layer: Any) -> Any:
    if isinstance(layer, str) or set(layer) == {"name"}:
        return _one_name(materials, layer if isinstance(layer, str) else str(layer["name"]))
    texts = {name for name, value in layer.items() if isinstance(value, str) and name != "name"}
    return {name: folded(value) if name in texts else value for name, value in layer.items()}


def _one_name(things: Mapping[str, Any], name: str) -> str:
    small = name.strip().casefold()
    return small if named(things, small) is named(things, name.strip()) else folded(name.strip())


def _shaded(document: Document, surfaces: Iterable[Surface]) -> str:
    """What to know of windows whose shading control names a construction of its own."""
    names = {folded(one.one.name) for one in surfaces}
    listed = {
        folded(str(item.get("fenestration_surface_name", "")))
        for control in objects_of(document, "WindowShadingControl")
        if control.data.get("construction_with_shading_name")
        for item in control.data.get("fenestration_surfaces") or []
    }
    count = len(names & listed)
    return (
        f"; when shaded, {count} of them keep the construction that their WindowShadingControl names" if count else ""
    )


def _there_are(every: Iterable[Surface]) -> str:
    counts = Counter(f"{one.kind}/{one.boundary}" for one in every if one.kind)
    listed = ", ".join(f"{kind} ({count})" for kind, count in sorted(counts.items()))
    return f"its surfaces are {listed}" if listed else "the model has no surfaces"


def _construction_name(surface: Surface) -> str:
    return folded(str(surface.one.construction_name or ""))


def _names(layers: Iterable[Layer]) -> list[str]:
    return [folded(layer.name) for layer in layers]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
