"""What each parameter of a study does to the model: its edits, what it touches, and what is wrong with its levels."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import idfkit
from idfkit import validate_object as validate

from epstudy.core.canonical import canonical, content_digest
from epstudy.core.errors import EpstudyError, InputError
from epstudy.core.parameter import Level, Parameter
from epstudy.core.refusal import is_refused, refused
from epstudy.engines.energyplus.check.checks import not_a_parameter, unused
from epstudy.engines.energyplus.check.weather_checks import Use, weather_findings
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.document import IDFDocument
from epstudy.engines.energyplus.model.model import Document, Match
from epstudy.engines.energyplus.run import edits as editing

Read = Callable[[Path, str], bytes]
_TRIED = 100  # numbers of one field that are looked at in the model: more would be felt
_COMPARED = 24  # levels whose whole models are compared: more would be felt


@dataclass(slots=True)
class Seen:
    """One parameter, looked at: `edits` has what each level does, `notes` a text for each level that results show.

    A level that cannot be made is `refused`: its edit says why. `unit` is that of the levels' labels, where all have
    the same one.
    """

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    touches: str = ""
    matches: list[Match] = field(default_factory=list)
    surfaces: set[str] = field(default_factory=set)
    built: list[Any] = field(default_factory=list)
    edits: tuple[tuple[Any, ...], ...] = ()
    notes: tuple[str, ...] = ()
    files: dict[str, bytes] = field(default_factory=dict)
    sources: dict[str, Any] = field(default_factory=dict)
    functions: dict[str, Callable[..., Any]] = field(default_factory=dict)
    unit: str = ""

    def refuse(self, why: str, levels: Iterable[Level]) -> tuple[tuple[Any, ...], ...]:
        """Return the edits of levels none of which can be made; None leaves the model as it is."""
        self.problems.append(why)
        return tuple(() if level.value is None else (refused(why, level.value),) for level in levels)


@dataclass(frozen=True, slots=True)
class Base:
    """The untouched model and what is known of it; `read` gives a file's content, or InputError that says why not."""

    document: Document
    suffix: str
    period: str
    problems: frozenset[str]
    read: Read
    use: Use
    ddy: str = ""


def look(base: Base, parameter: Parameter, place: int) -> Seen:
    """Return what a parameter does; `place` counts the measures before it, whose order matters."""
    seen = Seen()
    _LOOKS[parameter.kind](base, parameter, place, seen)
    _look_at_labels(parameter, seen)
    return seen


def _look_at_labels(parameter: Parameter, seen: Seen) -> None:
    """Two values of one label would be one level in every table; one value twice is a slip of the hand."""
    values: dict[str, set[str]] = {}
    labels: dict[str, list[str]] = {}
    for level in parameter.levels:
        values.setdefault(canonical(level.label), set()).add(canonical(level.value))
        labels.setdefault(canonical(level.value), []).append(repr(level.label))
    alike = [label for label, different in values.items() if len(different) > 1]
    seen.problems += [f"has two levels that are both called {label}; give a dict {{label: value}}" for label in alike]
    twice = [name for names in labels.values() if len(names) > 1 for name in dict.fromkeys(names)]
    if twice:
        seen.warnings.append(f"has the same level more than once: {', '.join(twice)}")


def issues(document: Document) -> frozenset[str]:
    """Return every problem that idfkit finds in a whole model, as a text."""
    return _texts(idfkit.validate_document(document).errors)


# fields ---------------------------------------------------------------------------------------------------------


def _field(base: Base, parameter: Parameter, _place: int, seen: Seen) -> None:
    wrong: list[str] = []
    impossible: dict[str, str] = {}
    for target in parameter.targets:
        try:
            match = _match(base, target)
        except InputError as error:
            wrong.append(str(error))
            continue
        seen.matches.append(match)
        problems = _level_problems(base, match, parameter, impossible)
        seen.problems += _together(problems)
        seen.warnings += unused(match)
    seen.problems[:0] = wrong
    seen.touches = ", ".join(f"{_named(match)}: {count(len(match.objects), 'object')}" for match in seen.matches)
    seen.unit = _unit(parameter, seen.matches)
    if wrong:
        impossible |= {_identity(level): wrong[0] for level in parameter.levels if level.value is not None}
    targets = [match.canonical for match in seen.matches]
    seen.edits = tuple(_field_edits(parameter.kind, targets, level, impossible) for level in parameter.levels)


def _match(base: Base, target: str) -> Match:
    """What a target names in the model, if it can be varied."""
    match = model.find(base.document, target)
    why_not = not_a_parameter(match, base.period)
    if why_not:
        raise InputError(f'"{target}" {why_not}')
    return match


def _field_edits(kind: str, targets: list[str], level: Level, impossible: Mapping[str, str]) -> tuple[Any, ...]:
    """What a level of a field does; `impossible` says why some levels cannot be made."""
    if _identity(level) in impossible:
        return (refused(impossible[_identity(level)], level.value),)
    verb, how, nothing = ("scale", "by", (None, 1)) if kind == "scale" else ("set", "to", (None,))
    return () if level.value in nothing else tuple({verb: target, how: level.value} for target in targets)


def _identity(level: Level) -> str:
    return canonical([level.label, level.value])


def _unit(parameter: Parameter, matches: Sequence[Match]) -> str:
    """The unit of the labels: that of the fields, where the labels are the numbers that go there."""
    units = {match.units or "" for match in matches}
    numbers = [level for level in parameter.levels if isinstance(level.value, int | float)]
    if parameter.kind != "field" or len(units) != 1 or any(level.label != level.value for level in numbers):
        return ""
    return units.pop()


def _named(match: Match) -> str:
    """What a target names; of several items of one object it is told which, and what is there now."""
    if not match.place.wrapper:
        return f"{match.object_class}/{match.pattern}"
    now = ", ".join(dict.fromkeys(str(value) for value in match.values()))
    return f"{match.object_class}/{match.pattern}/{match.field} (now {now[:60]})"


def _level_problems(
    base: Base, match: Match, parameter: Parameter, impossible: dict[str, str]
) -> list[tuple[Level, str]]:
    """What the schema, and the names in the model, say against each level; not what they say of the model itself.

    Levels that cannot be written at all are told in `impossible`, too.
    """
    problems = []
    schema = base.document.schema
    edited = base.document.copy()
    touched = model.find(edited, match.canonical)
    before = [touched.read(one) for one in touched.objects]
    for level in _tried(parameter.levels):
        for one, value in zip(touched.objects, before, strict=True):
            touched.write(one, value)
        try:
            _apply(touched, parameter, level.value)
        except InputError as error:
            problems.append((level, str(error)))
            impossible.setdefault(_identity(level), f"level {level.label!r}: {error}")
            continue
        found = set(issues(edited) if touched.refers else ())
        if not touched.refers:
            found |= _texts(one for each in touched.objects for one in validate(each, schema, check_unknown=False))
            found |= {
                f'{match.object_class} "{model.label_of(one)}", {match.field}: {text}'
                for one, text in touched.refusals()
            }
        unit = f"; the field is in {match.units}" if match.units else ""
        problems += [(level, text) for text in _new_problems(base, found, unit)]
    return problems


def _tried(levels: Sequence[Level]) -> list[Level]:
    """The levels to try: all, but of very many numbers the ends, where limits are met, and some between them."""
    given = [level for level in levels if level.value is not None]
    numbers = sorted((level for level in given if type(level.value) in (int, float)), key=lambda level: level.value)
    if len(numbers) <= _TRIED:
        return given
    places = {round(place * (len(numbers) - 1) / (_TRIED - 1)) for place in range(_TRIED)}
    return [level for level in given if type(level.value) not in (int, float)] + [
        numbers[place] for place in sorted(places)
    ]


def _together(problems: list[tuple[Level, str]]) -> list[str]:
    """Problems of levels as texts; what is wrong with several for one reason is told once."""
    alike: dict[str, list[tuple[Level, str]]] = {}
    for level, text in problems:
        spellings = "|".join(re.escape(str(one)) for one in (level.value, model.spelled(level.value)))
        reason = re.sub(rf"(?<![\w.:])({spellings})(?![\w.:])", "…", text)
        alike.setdefault(reason, []).append((level, text))
    return [
        f"level {same[0][0].label!r}{f' (and {len(same) - 1} more)' if len(same) > 1 else ''}: {same[0][1]}"
        for same in alike.values()
    ]


def _apply(match: Match, parameter: Parameter, value: Any) -> None:
    if not isinstance(value, str | int | float | bool):
        raise InputError(f"it is {value!r}; expected a number or a text")
    if parameter.kind == "scale":
        model.scale_field(match, float(value))
    else:
        model.set_field(match, value)


# weather --------------------------------------------------------------------------------------------------------

_SITES = {
    "ddy": "design days of {ddy}",
    "header": "design conditions in the header of the EPW",
    "model": "the model's own design days",
}


def _weather(base: Base, parameter: Parameter, _place: int, seen: Seen) -> None:
    from epstudy.engines.energyplus.model.site import left_behind

    found = []
    notes = []
    for level in parameter.levels:
        try:
            edit, note = _weather_level(base, level, seen)
        except InputError as error:
            [edits], note = seen.refuse(f"level {level.label!r}: {error}", [level]), ""
        else:
            edits = (edit,) if edit else ()
        found.append(edits)
        notes.append(note)
    seen.edits, seen.notes = tuple(found), tuple(notes)
    days = len([*model.objects_of(base.document, "SizingPeriod:DesignDay")])
    seen.touches = f"Site:Location and {count(days, 'SizingPeriod:DesignDay')}"
    stays = left_behind(base.document)
    if stays and any(edits and not is_refused(edits) for edits in seen.edits):
        seen.warnings.append(f"stays as in the old place: {'; '.join(stays)}")


def _weather_level(base: Base, level: Level, seen: Seen) -> tuple[dict[str, Any] | None, str]:
    """The edit of one level, or None, and where its design days come from.

    Raises
    ------
    InputError
        When a file cannot be read, or is not what it should be.
    """
    from epstudy.engines.energyplus.check.calendar_checks import calendar_warnings
    from epstudy.engines.energyplus.model.annual import annual_days
    from epstudy.engines.energyplus.model.epw import read_epw
    from epstudy.engines.energyplus.model.site import far_apart, site_from_ddy, site_from_header

    if level.value is None:
        return None, _SITES["ddy"].format(ddy=base.ddy) if base.ddy else _SITES["model"]
    try:
        epw_path, ddy_path = _weather_paths(level.value)
    except (OSError, RuntimeError) as error:  # a name that is too long, ~ of a user who is not there
        why = getattr(error, "strerror", None) or error
        raise InputError(f"the weather file {level.value!r} cannot be read: {why}") from error
    content = base.read(epw_path, "weather file")
    ddy = None if ddy_path is None else base.read(ddy_path, "design-day file")
    with _about(f"the weather file {epw_path}"):
        epw = read_epw(content)
        site = site_from_header(epw)
    found = weather_findings(content, base.use)
    seen.problems += [f"level {level.label!r}: the weather file {epw_path} {text}" for text in found.problems]
    seen.warnings += [f"level {level.label!r}: the weather file {epw_path} {text}" for text in found.warnings]
    edit: dict[str, Any] = {"weather": _keep(seen, content, ".epw"), "site": "model", "ddy": None}
    if base.period == "annual":
        days = annual_days(base.document, epw)
        edit |= {"days": days} if days else {}
    seen.warnings += [
        f"level {level.label!r}: {text}" for text in calendar_warnings(base.document, base.period, epw, str(epw_path))
    ]
    if ddy is not None:
        with _about(f"the design-day file {ddy_path}"):
            far = far_apart(site_from_ddy(ddy), epw)
        seen.warnings += [f"level {level.label!r}: {far}"] if far else []
        edit |= {"site": "ddy", "ddy": _keep(seen, ddy, ".ddy")}
    elif site is not None:
        edit["site"] = "header"
    else:
        seen.warnings.append(
            f"level {level.label!r}: there is no .ddy beside {epw_path.name} and its header has no design "
            "conditions: sizing stays with the model's own design days, those of another place"
        )
    return edit, _SITES[edit["site"]].format(ddy=ddy_path.name if ddy_path else "")


@contextlib.contextmanager
def _about(what: str) -> Iterator[None]:
    """Have an InputError say first what it is about."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{what} {error}") from error


def _weather_paths(value: Any) -> tuple[Path, Path | None]:
    """The EPW, and the DDY that was given or stands beside it."""
    if isinstance(value, list):
        epw, *ddy = (Path(one).expanduser() for one in value)
        return epw, ddy[0] if ddy else None
    epw = Path(value).expanduser()
    beside = [path for path in (epw.with_suffix(".ddy"), epw.with_suffix(".DDY")) if path.is_file()]
    return epw, beside[0] if beside else None


def _keep(seen: Seen, content: bytes, suffix: str) -> str:
    name = content_digest(content) + suffix
    seen.files[name] = content
    return name


# constructions --------------------------------------------------------------------------------------------------


def _construction(base: Base, parameter: Parameter, _place: int, seen: Seen) -> None:
    from epstudy.engines.energyplus.model import constructions

    touched = []
    for target in parameter.targets:
        try:
            there = constructions.find_surfaces(base.document, target)
            seen.surfaces |= {surface.one.name for surface in there.surfaces}
            seen.built += [*there.objects, *(surface.one for surface in there.surfaces)]
            touched.append(str(there))
        except InputError as error:
            seen.problems.append(str(error))
    seen.touches = ", ".join(touched)
    found: list[tuple[Any, ...]] = []
    for level in parameter.levels:
        wrong = constructions.construction_problems(base.document, parameter.targets, level.value)
        seen.problems += [f"level {level.label!r}: {text}" for text in wrong if text not in seen.problems]
        if wrong:
            found.append((refused(f"level {level.label!r}: {wrong[0]}", level.value),))
        else:
            found.append(tuple(constructions.construction_edits(base.document, parameter.targets, level.value)))
    seen.edits = tuple(found)
    if not seen.problems:
        _compare_models(base, parameter, seen)


# measures -------------------------------------------------------------------------------------------------------


def _measure(base: Base, parameter: Any, place: int, seen: Seen) -> None:
    from epstudy.engines.energyplus.run.measures import read_measure
    from epstudy.functions.source import load_code

    returned: list[Any] = []

    def watched(document: Document, value: Any) -> Any:
        returned.append(function(document, value))
        return returned[-1]

    try:
        code = read_measure(parameter.function)
        function = load_code(code)
    except EpstudyError as error:
        seen.edits = seen.refuse(str(error), parameter.levels)
        return
    seen.sources[code.digest] = code.to_json()
    seen.functions[code.digest] = watched
    seen.edits = tuple(
        ()
        if level.value is None
        else ({"measure": code.digest, "name": parameter.name, "value": level.value, "place": place},)
        for level in parameter.levels
    )
    seen.touches = _compare_models(base, parameter, seen, returned)


# whole models ---------------------------------------------------------------------------------------------------


def _compare_models(base: Base, parameter: Parameter, seen: Seen, returned: Iterable[Any] = ()) -> str:
    """Apply every level to a copy: what fails or breaks the model is a problem, what changes nothing a warning.

    Returns what the levels change, by class. `returned` has what the user's function gives back, once it was called.
    """
    material = editing.Material(read=seen.files.__getitem__, function=seen.functions.__getitem__)
    same: dict[str, list[Any]] = {}
    changed: dict[str, int] = {}
    made = zip(parameter.levels, seen.edits, strict=True)
    levels = [(level, edits) for level, edits in made if edits and not is_refused(edits)]
    for level, edits in levels[:_COMPARED]:
        edited = base.document.copy()
        try:
            editing.apply(edited, edits, material)
        except InputError as error:
            seen.problems.append(f"level {level.label!r}: {error}")
            continue
        seen.problems += [f"level {level.label!r}: {text}" for text in _new_problems(base, issues(edited))]
        text = model.write(edited, base.suffix)
        same.setdefault(content_digest(text), []).append(level.label)
        for object_class, number in edited.changes().items():
            changed[object_class] = max(number, changed.get(object_class, 0))
    before = content_digest(model.write(base.document, base.suffix))
    if before in same:
        kinds = sorted({type(one).__name__ for one in returned if not isinstance(one, IDFDocument | None)})
        instead = f"; its function returns {' or '.join(kinds)}, and must edit the model in place" if kinds else ""
        seen.warnings.append(f"changes nothing in the model at {_labels(same.pop(before))}{instead}")
    for labels in same.values():
        if len(labels) > 1 and len({canonical(level.value) for level, _ in levels if level.label in labels}) > 1:
            seen.warnings.append(f"makes one and the same model at {_labels(labels)}")
    if len(levels) > _COMPARED:
        seen.warnings.append(f"was tried at the first {_COMPARED} of {len(levels)} levels")
    return ", ".join(f"{name}: {count(number, 'object')}" for name, number in sorted(changed.items()))


def _new_problems(base: Base, found: Iterable[str], unit: str = "") -> list[str]:
    fresh = sorted(set(found) - base.problems)
    more = f" (and in {len(fresh) - 1} more objects)" if len(fresh) > 1 else ""
    return [f"{fresh[0]}{more}{unit}"] if fresh else []


def _texts(found: Iterable[Any]) -> frozenset[str]:
    return frozenset(f'{issue.obj_type} "{issue.obj_name}", {issue.field}: {issue.message}' for issue in found)


def _labels(labels: list[Any]) -> str:
    return ", ".join(map(repr, labels))


def count(number: int, noun: str) -> str:
    """Return "5 objects", "1 object"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


_LOOKS: dict[str, Callable[[Base, Any, int, Seen], None]] = {
    "field": _field,
    "scale": _field,
    "weather": _weather,
    "construction": _construction,
    "measure": _measure,
}
