"""Edits: what the levels of parameters do to a model, as plain JSON, and the one order in which they are applied.

    {"weather": "ab….epw", "site": "ddy" | "header" | "model", "ddy": "cd….ddy" or null, "days": see `annual`, if any}
    {"construct": target, "layers": layers}
    {"set": target, "to": value}        {"scale": target, "by": factor}
    {"measure": digest of the code, "name": its name, "value": value, "place": which of several measures}
    {"refused": why the level cannot be made, "value": value}       never applied: see `core.refusal`

Weather first, for it replaces objects that others may set; the user's own code last, for it sees the finished variant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from epstudy.core.errors import InputError
from epstudy.core.refusal import refusal_of
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.model import Document

PHASES = ("weather", "construct", "set", "scale", "measure")

Edit = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Material:
    """What edits refer to: input files by the name in the store, the user's functions by digest."""

    read: Callable[[str], bytes]
    function: Callable[[str], Callable[..., Any]]


def kind_of(edit: Edit) -> str:
    """Return which of `PHASES` an edit is.

    Raises
    ------
    InputError
        When it is none that this version of epstudy knows.
    """
    kinds = [kind for kind in PHASES if kind in edit]
    if len(kinds) != 1:
        raise InputError(f"the edit {dict(edit)!r} is of no kind that this version of epstudy knows")
    return kinds[0]


def weather_of(recipe: Mapping[str, Any], edits: Iterable[Edit]) -> str | None:
    """Return the name of the weather file that the variant runs with."""
    said = [str(edit["weather"]) for edit in edits if "weather" in edit]
    default: str | None = recipe["weather"]
    return said[-1] if said else default


def annual_days_of(recipe: Mapping[str, Any], edits: Iterable[Edit]) -> Mapping[str, Any]:
    """Return the days of the variant's annual run, by the weather file that it runs with; {} by default."""
    said = [edit.get("days", {}) for edit in edits if "weather" in edit]
    days: Mapping[str, Any] = said[-1] if said else recipe.get("days", {})
    return days


def inputs_of(edits: Iterable[Edit]) -> list[str]:
    """Return the names of the input files that edits refer to."""
    return [str(edit[name]) for edit in edits for name in ("weather", "ddy") if edit.get(name)]


def apply(document: Document, edits: Sequence[Edit], material: Material) -> None:
    """Apply edits in place, in the order of `PHASES`.

    Targets of fields mean the objects of the model in its place, not those that a construction brings: they are looked
    up when the weather is done and before anything else is.

    Raises
    ------
    InputError
        When an edit names what the model does not have, stands for a level that cannot be made, or the user's code
        fails.
    """
    why = refusal_of(edits)
    if why:
        raise InputError(why)
    ordered = sorted(edits, key=lambda edit: (PHASES.index(kind_of(edit)), edit.get("place", 0)))
    climate = [edit for edit in ordered if kind_of(edit) == "weather"]
    others = [edit for edit in ordered if kind_of(edit) != "weather"]
    for edit in climate:
        _weather(document, edit, material)
    matches = [model.find(document, edit[kind_of(edit)]) if _is_of_fields(edit) else None for edit in others]
    for edit, match in zip(others, matches, strict=True):
        if match is not None:
            model.apply_edit(match, edit)
        else:
            _APPLY[kind_of(edit)](document, edit, material)
    if any("measure" in edit for edit in others):
        model.forget_text(document)


def _is_of_fields(edit: Edit) -> bool:
    return kind_of(edit) in ("set", "scale")


def _weather(document: Document, edit: Edit, material: Material) -> None:
    from epstudy.engines.energyplus.model import site
    from epstudy.engines.energyplus.model.epw import read_epw

    epw = read_epw(material.read(edit["weather"]))
    if edit["site"] == "model":
        site.apply_climate(document, epw)
        return
    ddy = edit["ddy"]
    place = site.site_from_ddy(material.read(ddy)) if ddy else site.site_from_header(epw)
    if place is None:
        raise InputError("the weather file has no design conditions in its header")
    site.apply_site(document, place, epw)


def _construct(document: Document, edit: Edit, _material: Material) -> None:
    from epstudy.engines.energyplus.model import constructions

    constructions.apply_construction(document, dict(edit))


def _measure(document: Document, edit: Edit, material: Material) -> None:
    from epstudy.engines.energyplus.run import measures

    measures.run(document, edit["name"], material.function(edit["measure"]), edit["value"])


_APPLY: dict[str, Callable[[Document, Edit, Material], None]] = {
    "construct": _construct,
    "measure": _measure,
}
