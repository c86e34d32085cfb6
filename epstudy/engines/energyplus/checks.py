"""What can be said of a model, its weather and the levels of its parameters before EnergyPlus sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import idfkit
from idfkit import validate_object as validate

from epstudy.core.errors import InputError
from epstudy.core.parameter import Parameter
from epstudy.engines.energyplus.external import REFERENCES
from epstudy.engines.energyplus.installation import Installation
from epstudy.engines.energyplus.model import Document, Match, find, objects_of, scale_field, set_field
from epstudy.engines.energyplus.outputs import UNASKED

_HOURS = 8760

#: Classes that the library of the wheel cannot run, by the beginning of their names, and what they need.
_NEEDS_MORE = {
    "HVACTemplate:": "ExpandObjects",
    "GroundHeatTransfer:": "the Slab and Basement preprocessors",
    "PythonPlugin:": "an EnergyPlus built with Python",
    "ExternalInterface": "a co-simulation partner",
}


def check_version(model: tuple[int, int] | None, installation: Installation) -> list[str]:
    """Problems of a model that states another version than the installed EnergyPlus has."""
    if model is None:
        return ["states no version; add the object Version, such as `Version,25.2;`"]
    if model == installation.version[:2]:
        return []
    return [
        f"is of EnergyPlus version {model[0]}.{model[1]}, the engine is {installation.build}; it would run, and other "
        "numbers come out. Upgrade the model with EnergyPlus' IDFVersionUpdater"
    ]


def check_classes(document: Document) -> list[str]:
    """Problems of a model that needs more than the installed library."""
    problems = []
    for start, needed in _NEEDS_MORE.items():
        used = sorted(name for name in document if name.startswith(start) and len(document[name]))
        if used:
            problems.append(f"uses {', '.join(used)}, which needs {needed}; the library in the wheel cannot run it")
    return problems


def check_period(document: Document, period: str, weather: bytes | None) -> list[str]:
    """Problems of a model and a weather file that do not give what the period needs."""
    if period == "design-days":
        sizing = [name for name in document if name.startswith("SizingPeriod:") and len(document[name])]
        return [] if sizing else ["has no SizingPeriod object, so there are no design days to run; use period='annual'"]
    if weather is None and (period == "annual" or _runs_weather(document)):
        wanted = "its annual run" if period == "annual" else "the weather run that its SimulationControl asks for"
        return [f"has no weather file for {wanted}; give weather=, or period='design-days'"]
    return []


def _runs_weather(document: Document) -> bool:
    controls = objects_of(document, "SimulationControl")
    return any(str(one.run_simulation_for_weather_file_run_periods).casefold() == "yes" for one in controls)


def check_weather(weather: bytes, period: str) -> list[str]:
    """Problems of the content of a weather file; only an annual run needs the whole year."""
    lines = weather.decode("latin-1").splitlines()
    if not lines or not lines[0].upper().startswith("LOCATION,"):
        return ["is no EPW file: its first line does not begin with LOCATION"]
    hours = sum(line[:1].isdigit() for line in lines)
    return [] if hours >= _HOURS or period != "annual" else [f"has {hours} hourly lines; a year has {_HOURS}"]


def check_parameters(
    document: Document, parameters: Mapping[str, Parameter], period: str
) -> tuple[list[str], list[str], dict[str, str], dict[str, list[Match]]]:
    """Return problems, warnings, what each parameter touches, and the matches of its targets."""
    known = _issues(document)
    problems: list[str] = []
    warnings: list[str] = []
    touches: dict[str, str] = {}
    matches: dict[str, list[Match]] = {}
    set_by: dict[tuple[str, str, str], str] = {}
    for name, parameter in parameters.items():
        matches[name] = []
        for target in parameter.targets:
            try:
                match = find(document, target)
            except InputError as error:
                problems.append(f'parameter "{name}": {error}')
                continue
            refused = _not_a_parameter(match, period)
            if refused:
                problems.append(f'parameter "{name}": "{target}" {refused}')
                continue
            matches[name].append(match)
            problems += [f'parameter "{name}": {text}' for text in _level_problems(document, match, parameter, known)]
            problems += _overlaps(name, match, set_by)
        touches[name] = ", ".join(
            f"{match.object_class}/{match.pattern}: {len(match.objects)} object{'s' if len(match.objects) != 1 else ''}"
            for match in matches[name]
        )
        values = [repr(level.value) for level in parameter.levels]
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            warnings.append(f'parameter "{name}" has the level {", ".join(twice)} more than once')
    return problems, warnings, touches, matches


def _not_a_parameter(match: Match, period: str) -> str:
    """Why a field cannot be varied here, if so: it would do nothing, or not be part of the key."""
    if (match.object_class, match.field) in REFERENCES:
        return "names a file; a level that is a path would not be in the key. Give each file a model of its own"
    if match.object_class in UNASKED:
        return "is an output request; epstudy asks for what the results need and for nothing else"
    decided = match.object_class == "RunPeriod" or match.field.startswith("run_simulation_for_")
    if match.object_class in ("SimulationControl", "RunPeriod") and decided and period != "model":
        return f'is decided by period="{period}"; use period="model" to vary it'
    return ""


def _level_problems(document: Document, match: Match, parameter: Parameter, known: set[str]) -> list[str]:
    """What the schema, and the names in the model, say against the levels; not what they say of the model itself."""
    problems = []
    schema = document.schema
    refers = schema.is_reference_field(match.object_class, match.field)
    edited = document.copy()
    touched = find(edited, match.canonical)
    before = [getattr(one, match.field) for one in touched.objects]
    for level in parameter.levels:
        if level.value is None:
            continue
        for one, value in zip(touched.objects, before, strict=True):
            setattr(one, match.field, value)
        try:
            _apply(touched, parameter, level.value)
        except InputError as error:
            problems.append(f"level {level.label!r}: {error}")
            continue
        issues = (
            _issues(edited) if refers else _texts(issue for one in touched.objects for issue in validate(one, schema))
        )
        found = sorted(issues - known)
        if found:
            more = f" (and in {len(found) - 1} more objects)" if len(found) > 1 else ""
            unit = schema.get_field_schema(match.object_class, match.field).get("units")
            problems.append(f"level {level.label!r}: {found[0]}{more}" + (f"; the field is in {unit}" if unit else ""))
    return problems


def _apply(match: Match, parameter: Parameter, value: Any) -> None:
    if not isinstance(value, str | int | float | bool):
        raise InputError(f"it is {value!r}; expected a number or a text")
    if parameter.kind == "scale":
        scale_field(match, float(value))
    else:
        set_field(match, value)


def _issues(document: Document) -> set[str]:
    """Every problem that idfkit finds in a whole model, as a text."""
    return _texts(idfkit.validate_document(document).errors)


def _texts(issues: Iterable[Any]) -> set[str]:
    return {f'{issue.obj_type} "{issue.obj_name}", {issue.field}: {issue.message}' for issue in issues}


def _overlaps(name: str, match: Match, set_by: dict[tuple[str, str, str], str]) -> list[str]:
    """Fields that another parameter sets already: which of the two wins would be an accident."""
    clashes: dict[str, int] = {}

    def who(other: str) -> str:
        if other == name:
            return f'two targets of parameter "{name}" both name'
        return f'parameters "{other}" and "{name}" both set'

    for one in match.objects:
        place = (match.object_class, one.name.casefold(), match.field)
        if place in set_by:
            clashes[set_by[place]] = clashes.get(set_by[place], 0) + 1
        set_by[place] = name
    return [
        f"{who(other)} {match.field} of {count} {match.object_class} objects; name each object once"
        for other, count in clashes.items()
    ]
