"""What can be said of a model and of what a parameter names in it before EnergyPlus sees them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from epstudy.engines.energyplus.installation import Installation
from epstudy.engines.energyplus.model.document import template_classes
from epstudy.engines.energyplus.model.external import REFERENCES
from epstudy.engines.energyplus.model.fields import find_place, unnumbered
from epstudy.engines.energyplus.model.methods import methods_of
from epstudy.engines.energyplus.model.model import Document, Match, ModelObject, ends_a_field, label_of, objects_of
from epstudy.engines.energyplus.outputs.requests import Meter, Request, Variable
from epstudy.engines.energyplus.outputs.scalars import UNASKED


@dataclass(frozen=True, slots=True)
class Findings:
    """What is wrong with a model, and what is worth a word."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_version(model: tuple[int, int] | None, installation: Installation) -> list[str]:
    """Problems of a model that states another version than the installed EnergyPlus has."""
    if model in (None, installation.version[:2]):
        return []
    stated = f"is of EnergyPlus version {model[0]}.{model[1]}, the engine is {installation.build}; it would run, and"
    if model > installation.version[:2]:
        return [
            f"{stated} not as its version means it. Install EnergyPlus {model[0]}.{model[1]} and name its folder, "
            f"installation=..., or ask for the model in version {'.'.join(map(str, installation.version[:2]))}"
        ]
    return [f"{stated} other numbers come out. Upgrade the model with EnergyPlus' IDFVersionUpdater"]


def check_classes(document: Document, installation: Installation, trusted: bool) -> list[str]:
    """Problems of a model that needs more than this EnergyPlus has; untrusted code is `external`'s to refuse."""
    problems = []
    ground = used(document, "GroundHeatTransfer:")
    if ground:
        problems.append(
            f"uses {', '.join(ground)}, which needs the Slab and Basement preprocessors; run them once and put the "
            "temperatures that they give into the model"
        )
    templates = template_classes(document)
    if templates and installation.expand_objects is None:
        problems.append(
            f"uses {', '.join(templates)}, which needs ExpandObjects; EnergyPlus {installation} comes without it: give "
            "installation= the folder of one that has it"
        )
    if trusted and uses_plugins(document) and not installation.python_plugins:
        problems.append(
            f"uses {', '.join(used(document, 'PythonPlugin:'))}, which needs an EnergyPlus built with Python; "
            f"{installation} is not: give installation= the folder of one that is"
        )
    return problems


def uses_plugins(document: Document) -> bool:
    """Say whether the model runs Python of its own inside EnergyPlus."""
    return bool(used(document, "PythonPlugin:Instance"))


def used(document: Document, *starts: str) -> list[str]:
    """Return the classes that the model has objects of and whose names begin so, sorted."""
    return sorted(name for name in document if name.startswith(starts) and len(document[name]))


def unwritable(document: Document, requests: Iterable[Request]) -> list[str]:
    """Problems of requests for which nothing in the model can be called, because a name ends a field of an IDF."""
    named = [one for one in requests if isinstance(one, Meter | Variable)]
    texts = [(one, text) for one in named for text in (one.name, *(one.key if isinstance(one, Variable) else ()))]
    return [
        f'{type(one).__name__}("{one.name}"): {text!r} holds a sign that ends a field of an IDF, so that nothing in '
        "the model is called like that"
        for one, text in texts
        if ends_a_field(document, text)
    ]


def check_period(document: Document, period: str, weather: bool) -> list[str]:
    """Problems of a model that does not have what the period needs; `weather` says whether there is a weather file."""
    if period == "design-days":
        sizing = [name for name in document if name.startswith("SizingPeriod:") and len(document[name])]
        return [] if sizing else ["has no SizingPeriod object, so there are no design days to run; use period='annual'"]
    if not weather and (period == "annual" or runs_weather(document)):
        wanted = "its annual run" if period == "annual" else "the weather run that its SimulationControl asks for"
        return [f"has no weather file for {wanted}; give weather=, or period='design-days'"]
    return []


def runs_weather(document: Document) -> bool:
    """Say whether the model's SimulationControl asks for the run of the weather file."""
    controls = objects_of(document, "SimulationControl")
    return any(str(one.run_simulation_for_weather_file_run_periods).casefold() == "yes" for one in controls)


def not_a_parameter(match: Match, period: str) -> str:
    """Why a field cannot be varied here, if so: it would do nothing, or not be part of the key."""
    if (match.object_class, match.field) in REFERENCES:
        return "names a file; a level that is a path would not be in the key. Give each file a model of its own"
    if match.object_class in UNASKED:
        return "is an output request; epstudy asks for what the results need and for nothing else"
    decided = match.object_class == "RunPeriod" or match.field.startswith("run_simulation_for_")
    if match.object_class in ("SimulationControl", "RunPeriod") and decided and period != "model":
        return f'is decided by period="{period}"; use period="model" to vary it'
    return ""


def unused(match: Match) -> list[str]:
    """Warnings of objects in which another field counts than the one that is set; see `methods`."""
    warnings = []
    for method in methods_of(match.object_class):
        ignored = [found for one in match.objects if (found := method.ignores(one, match.field))]
        for (choice, used), count in Counter(ignored).items():
            counts = f"another field counts, {' and '.join(used)}" if used else "it does not count"
            warnings.append(
                f"changes nothing in {count} of {len(match.objects)} {match.object_class} objects: by their "
                f'{method.field} "{choice}" {counts}'
            )
    return warnings


def prepared_for_others(document: Document, set_by: Container[tuple[int, str]], measured: bool) -> Findings:
    """What a model holds for another way of varying it, and EnergyPlus does not simulate.

    `set_by` has the fields, as (id of the object, field), that a parameter sets at every level; `measured` says whether
    a function of the user's edits every variant, which may put values in the place of tags too.
    """
    parametric = used(document, "Parametric:")
    found = Findings()
    if parametric:
        found.problems.append(
            f"uses {', '.join(parametric)}, which EnergyPlus does not simulate: its ParametricPreprocessor makes a "
            "model of each run from them. Give one of those; or take the objects out, put a value in the place of each "
            '"=$name", and vary the field here, with ep.Field'
        )
    tags = [place for place in _tags(document) if (id(place[0]), place[1]) not in set_by]
    if tags:
        one, name, tag = tags[0]
        more = f" (and {len(tags) - 1} more)" if len(tags) > 1 else ""
        target = f"{one.obj_type}/{label_of(one) or '*'}/{name}"
        text = (
            f'holds the jEPlus tag "{tag}" in {target}{more}, which jEPlus replaces and EnergyPlus takes as it is. '
            + (f'Put a value there, or vary it: ep.Field("{target}", [...])' if name != "name" else "Put a name there")
        )
        (found.warnings if measured else found.problems).append(text)
    return found


_TAG = re.compile(r"@@[^@,;!]+@@")


def _tags(document: Document) -> Iterator[tuple[ModelObject, str, str]]:
    """Every jEPlus tag: the object, the field (in its flat name where it is one of an item), and the tag."""
    for object_class in document:
        for one in document[object_class]:
            texts = [("name", one.name), *one.data.items()]
            for name, value in texts:
                if isinstance(value, str) and "@@" in value and (tag := _TAG.search(value)):
                    yield one, name, tag[0]
                elif isinstance(value, list):
                    yield from ((one, _flat_field(one, n, slot), tag[0]) for n, slot, tag in _tags_of_items(value))


def _tags_of_items(items: Iterable[Any]) -> Iterator[tuple[int, str, re.Match[str]]]:
    for number, item in enumerate(items):
        for slot, value in item.items() if isinstance(item, dict) else ():
            if isinstance(value, str) and "@@" in value and (tag := _TAG.search(value)):
                yield number, slot, tag


def _flat_field(one: ModelObject, number: int, slot: str) -> str:
    first = unnumbered(one.theidf.schema, one.obj_type, slot)
    place = find_place(one.theidf.schema, one.obj_type, re.sub(r"\d+", lambda n: str(int(n[0]) + number), first))
    return place.name if place is not None else slot


def shared_surfaces(surfaces: Mapping[str, set[str]]) -> list[str]:
    """Problems of construction parameters, each with its surfaces, that would build the same surface."""
    problems = []
    for place, (name, mine) in enumerate(surfaces.items()):
        for other, theirs in list(surfaces.items())[:place]:
            both = sorted(mine & theirs)
            if both:
                problems.append(
                    f'parameters "{other}" and "{name}" both give {len(both)} surfaces their construction, such as '
                    f'"{both[0]}"; name each surface once, or make one construction set of both'
                )
    return problems


def climates(parameters: Sequence[str], matches: Iterable[tuple[str, Match]]) -> list[str]:
    """Problems of parameters of weather: there is one climate at a time, and it brings its own place."""
    if not parameters:
        return []
    problems = []
    if len(parameters) > 1:
        named = ", ".join(f'"{name}"' for name in parameters)
        problems.append(f"parameters {named} are all weather; a variant has one, so make one parameter of all levels")
    return problems + [
        f'parameter "{name}" sets {match.field} of {match.object_class}, which parameter "{parameters[0]}" replaces'
        for name, match in matches
        if match.object_class in ("Site:Location", "SizingPeriod:DesignDay")
    ]


def built_and_set(built: Mapping[str, list[ModelObject]], matches: Iterable[tuple[str, Match]]) -> list[str]:
    """Problems of fields that a parameter of constructions writes too: the construction of a surface, its layers."""
    places = {id(one): name for name, objects in built.items() for one in objects}
    problems = {}
    for name, match in matches:
        is_layer = match.object_class.startswith("Construction") or match.field.startswith("construction_name")
        both = [one for one in match.objects if id(one) in places] if is_layer else []
        if both:
            problems[name, places[id(both[0])], match.object_class, match.field] = len(both)
    return [
        f'parameters "{other}" and "{name}" both set {field} of {number} {object_class} objects; leave it to one'
        for (name, other, object_class, field), number in problems.items()
    ]


def overlaps(matches: Iterable[tuple[str, Match]]) -> list[str]:
    """Problems of (parameter name, match) that set the same field twice: which of the two wins would be an accident."""
    set_by: dict[tuple[int, str], str] = {}
    clashes: dict[tuple[str, str, str, str], int] = {}
    for name, match in matches:
        for one in match.objects:
            place = (id(one), match.field)  # a class may have no names
            if place in set_by:
                what = (set_by[place], name, match.object_class, match.field)
                clashes[what] = clashes.get(what, 0) + 1
            set_by[place] = name
    return [
        (
            f'two targets of parameter "{name}" both name'
            if other == name
            else f'parameters "{other}" and "{name}" both set'
        )
        + f" {field} of {count} {object_class} objects; name each object once"
        for (other, name, object_class, field), count in clashes.items()
    ]
