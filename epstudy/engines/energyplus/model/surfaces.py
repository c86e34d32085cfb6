"""Surface types as users name them ("walls", "floors/ground"), and the surfaces of a model that are of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from epstudy.core.canonical import folded
from epstudy.core.errors import InputError

Document = Any  # an idfkit.IDFDocument
ModelObject = Any

#: What a word for a type means, in the singular.
_KINDS = {
    "wall": "walls",
    "roof": "roofs",
    "floor": "floors",
    "ceiling": "ceilings",
    "window": "windows",
    "skylight": "skylights",
    "door": "doors",
    "glass door": "glass doors",
    "glazed door": "glass doors",
    "glassdoor": "glass doors",
    "glazeddoor": "glass doors",
}

#: What a word for a boundary means.
_BOUNDARIES = {
    **dict.fromkeys(("outdoor", "outdoors", "outside", "outer", "exterior", "external"), "outdoors"),
    **dict.fromkeys(("ground", "underground"), "ground"),
    **dict.fromkeys(("surface", "surfaces", "interzone", "interior", "internal", "inner"), "surface"),
    **dict.fromkeys(("*", "all", "any"), "*"),
    **{
        word: word
        for word in (
            "adiabatic",
            "foundation",
            "groundfcfactormethod",
            "othersidecoefficients",
            "othersideconditionsmodel",
            "space",
            "zone",
        )
    },
}

#: The words for boundaries, for messages.
BOUNDARIES = tuple(dict.fromkeys(_BOUNDARIES.values()))

#: The boundary that a type means when it stands alone.
_ALONE = {"floors": ("ground", "outdoors"), "ceilings": ("*",)}

#: Classes whose name says type and boundary; the boundary of a sub-surface (None) is that of the surface it lies in.
_CLASSES: dict[str, tuple[str, str | None]] = {
    "Wall:Exterior": ("walls", "outdoors"),
    "Wall:Adiabatic": ("walls", "adiabatic"),
    "Wall:Underground": ("walls", "ground"),
    "Wall:Interzone": ("walls", "surface"),
    "Roof": ("roofs", "outdoors"),
    "Ceiling:Adiabatic": ("ceilings", "adiabatic"),
    "Ceiling:Interzone": ("ceilings", "surface"),
    "Floor:GroundContact": ("floors", "ground"),
    "Floor:Adiabatic": ("floors", "adiabatic"),
    "Floor:Interzone": ("floors", "surface"),
    "Window": ("windows", None),
    "Door": ("doors", None),
    "GlazedDoor": ("glass doors", None),
    "Window:Interzone": ("windows", "surface"),
    "Door:Interzone": ("doors", "surface"),
    "GlazedDoor:Interzone": ("glass doors", "surface"),
}
_DETAILED = ("BuildingSurface:Detailed", "Wall:Detailed", "RoofCeiling:Detailed", "Floor:Detailed")
_FENESTRATION = {"window": "windows", "door": "doors", "glassdoor": "glass doors"}
_GLAZED = ("windows", "skylights", "glass doors")


@dataclass(frozen=True, slots=True)
class Target:
    """What a parameter names: surfaces of a type with boundaries, or (without a type) constructions by a glob."""

    kind: str
    boundaries: tuple[str, ...] = ()
    pattern: str = ""

    @property
    def canonical(self) -> str:
        """The target in one spelling; that of constructions in keys depends on the names in the model."""
        return f"{self.kind}/{'+'.join(self.boundaries)}" if self.kind else f"Construction/{folded(self.pattern)}"


@dataclass(frozen=True, slots=True)
class Surface:
    """One surface of a model: its type ("walls"), its boundary in lower case, and the surface on the other side."""

    one: ModelObject
    kind: str
    boundary: str
    partner: str = ""
    in_roof: bool = False

    @property
    def glazed(self) -> bool:
        """Whether EnergyPlus wants window layers here."""
        return self.kind in _GLAZED

    def is_named_by(self, target: Target) -> bool:
        """Say whether a target by type names this surface."""
        same = self.kind == target.kind or (target.kind == "skylights" and self.kind == "windows" and self.in_roof)
        return same and any(_covers(word, self.boundary) for word in target.boundaries)


def read_target(text: str) -> Target:
    """Return what a target names; whatever reads as no surface type is the name or glob of constructions.

    "walls", "Wall:Outdoors", "exterior walls" and "walls/outdoors" are the same. A construction whose name reads as a
    surface type is named with its class: "Construction/Exterior Wall".

    Raises
    ------
    InputError
        For an empty target.
    """
    head, slash, rest = text.partition("/")
    if slash and head.strip().casefold() == "construction" and rest.strip():
        return Target("", pattern=rest.strip())
    if not text.strip(" /"):
        raise InputError(
            'a target is empty; expected a surface type such as "walls" or "floors/ground", '
            "or the name of a construction"
        )
    kinds: list[str] = []
    boundaries: list[str] = []
    for word in _words(text):
        if _singular(word) in _KINDS:
            kinds.append(_KINDS[_singular(word)])
        elif word in _BOUNDARIES:
            boundaries.append(_BOUNDARIES[word])
        else:
            return Target("", pattern=text.strip())
    if len(kinds) != 1:
        return Target("", pattern=text.strip())
    alone = _ALONE.get(kinds[0], ("outdoors",))
    return Target(kinds[0], ("*",) if "*" in boundaries else tuple(sorted(set(boundaries))) or alone)


def kind_in(text: str) -> str:
    """The first surface type that a text mentions, or ""."""
    return next((_KINDS[_singular(word)] for word in _words(text) if _singular(word) in _KINDS), "")


def surfaces_of(document: Document) -> list[Surface]:
    """Return every heat-transfer surface of a model with its sub-surfaces, in the order of the model's classes."""
    bases = {folded(surface.one.name): surface for surface in _base_surfaces(document)}
    return [*bases.values(), *_sub_surfaces(document, bases)]


def _base_surfaces(document: Document) -> Iterator[Surface]:
    for object_class in _DETAILED:
        for one in _objects(document, object_class):
            boundary = str(one.outside_boundary_condition or "").casefold()
            partner = _text(one, "outside_boundary_condition_object") if boundary == "surface" else ""
            yield Surface(one, _detailed_kind(one, object_class, boundary), boundary, partner)
    for object_class, (kind, boundary_word) in _CLASSES.items():
        if boundary_word is not None and kind not in (*_GLAZED, "doors"):
            for one in _objects(document, object_class):
                yield Surface(one, kind, boundary_word, _partner(one))


def _detailed_kind(one: ModelObject, object_class: str, boundary: str) -> str:
    if object_class == "BuildingSurface:Detailed":
        return _KINDS.get(str(one.surface_type or "").casefold(), "")
    if object_class == "RoofCeiling:Detailed":
        return "roofs" if boundary == "outdoors" else "ceilings"
    return "walls" if object_class == "Wall:Detailed" else "floors"


def _sub_surfaces(document: Document, bases: dict[str, Surface]) -> Iterator[Surface]:
    for one in _objects(document, "FenestrationSurface:Detailed"):
        kind = _FENESTRATION.get(str(one.surface_type or "").casefold())
        if kind is not None:  # the two ends of a tubular daylighting device are its own matter
            yield _sub_surface(one, kind, None, bases)
    for object_class, (kind, boundary) in _CLASSES.items():
        if kind in (*_GLAZED, "doors"):
            for one in _objects(document, object_class):
                yield _sub_surface(one, kind, boundary, bases)


def _sub_surface(one: ModelObject, kind: str, boundary: str | None, bases: dict[str, Surface]) -> Surface:
    base = bases.get(folded(_text(one, "building_surface_name")))
    partner = _partner(one)
    if boundary is None:
        boundary = "surface" if partner else base.boundary if base else ""
    return Surface(one, kind, boundary, partner, base is not None and base.kind in ("roofs", "ceilings"))


def _covers(word: str, boundary: str) -> bool:
    if word == "ground":
        return boundary.startswith("ground") or boundary == "foundation"
    if word == "surface":
        return boundary in ("surface", "zone", "space")
    return word in ("*", boundary)


def _words(text: str) -> list[str]:
    words = [word for word in re.split(r"[\s/:,;+_-]+", text.casefold()) if word]
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in ("glass", "glazed") and _singular(word) == "door":
            joined[-1] = "glass door"
        else:
            joined.append(word)
    return joined


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") else word


def _partner(one: ModelObject) -> str:
    if "outside_boundary_condition_object" not in one.field_order:
        return ""
    return _text(one, "outside_boundary_condition_object")


def _text(one: ModelObject, field: str) -> str:
    return str(one.data.get(field) or "").strip()


def _objects(document: Document, object_class: str) -> list[ModelObject]:
    return list(document[object_class]) if object_class in document else []
