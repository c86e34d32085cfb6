"""What a study asks of EnergyPlus beside the scalars: end uses, meters, variables, tables, component sizes.

EnergyPlus tells no capital from a small letter, nor do these: requests that mean the same have the same digest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from epstudy.core.canonical import folded, short_digest
from epstudy.core.errors import InputError
from epstudy.core.text import did_you_mean, near_names

#: How often a series is reported. "timestep" is that of the zones, "detailed" that of the air and water systems.
Frequency = Literal["timestep", "detailed", "hourly", "daily", "monthly", "runperiod", "annual"]
FREQUENCIES: tuple[Frequency, ...] = get_args(Frequency)

#: Every key of a variable.
ALL_KEYS = "*"

_ALSO = {"eachcall": "detailed", "zonetimestep": "timestep", "yearly": "annual", "environment": "runperiod"}
_ENDS_A_LINE = "\n\r"

#: What makes a regular expression of a key for EnergyPlus, and what has a meaning of its own in one.
_LIKE_A_PATTERN = re.compile(r"[*+?()|\[\]\\.]")
_SIGNS = re.compile(r"[*+?()|\[\]\\.^${}]")

_DEFINE_METERS = ("Meter:Custom", "Meter:CustomDecrement")
_DEFINE_VARIABLES = (
    "EnergyManagementSystem:OutputVariable",
    "EnergyManagementSystem:MeteredOutputVariable",
    "PythonPlugin:OutputVariable",
)

#: Reports that stand under another name in the SQL file than in the object that asks for them, both squeezed.
_WRITTEN_AS = {
    "heatemissionssummary": "annualheatemissionsreport",
    "thermalresiliencesummary": "annualthermalresiliencesummary",
    "economicresultsummary": "economicsresultssummaryreport",
    "componentcosteconomicssummary": "constructioncostestimatesummary",
}

#: The model's own tables: class, and what the report is called that it makes. Of the bins of a variable the report is
#: called like the variable with its unit; TIME_BINS stands for the reports of all.
_OWN_TABLES = {
    "Output:Table:Monthly": "name",
    "Output:Table:Annual": "name",
    "Output:Table:TimeBins": "variable_name",
    "Output:Table:ReportPeriod": "name",
}
TIME_BINS = "timebins"
_OF_TIME_BINS = ("time bin results", "statistics")


@dataclass(frozen=True, slots=True)
class EndUses:
    """Every end use by every fuel, as scalars: end_use, fuel, unit, value.

    Energies are in kWh, water is a fuel of its own in m3. What the building does not use is 0; after design days
    every value is NaN. Totals are left out: the fuels of an end use, or the end uses of a fuel, may be summed.
    """

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON, the same for every spelling of the same request."""
        return {"output": "end uses"}

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name this request."""
        return short_digest(self.to_json())


@dataclass(frozen=True, slots=True)
class ComponentSizes:
    """The sizes that run: component_class, component, description, value, unit, designed, user_specified, source.

    One row a component and quantity; see `epstudy.engines.energyplus.outputs.sizes.what_runs`.
    """

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON, the same for every spelling of the same request."""
        return {"output": "component sizes"}

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name this request."""
        return short_digest(self.to_json())


@dataclass(frozen=True, init=False, slots=True)
class Meter:
    """A meter as a series; energy in kWh, water in m3, the rest in EnergyPlus' unit.

    Parameters
    ----------
    name
        As in EnergyPlus' own list of meters (`eplusout.mdd`), such as `"Electricity:Facility"`. A star stands for any
        text, as in `"InteriorLights:Electricity:*"`: then the series has a column for each meter.
    frequency
        One of `FREQUENCIES`, in any case. A meter has no "detailed" steps: it is then reported each zone timestep,
        as EnergyPlus does.

    Raises
    ------
    InputError
        When the name is no text that a model can hold, or the frequency is none of them.
    """

    name: str
    frequency: Frequency

    def __init__(self, name: str, frequency: Frequency = "hourly") -> None:
        read = _frequency(frequency)
        object.__setattr__(self, "name", _name(name, "a meter", "Electricity:Facility"))
        object.__setattr__(self, "frequency", "timestep" if read == "detailed" else read)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON, the same for every spelling of the same request."""
        return {"output": "meter", "name": folded(self.name), "frequency": self.frequency}

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name this request."""
        return short_digest(self.to_json())


@dataclass(frozen=True, init=False, slots=True)
class Variable:
    """An output variable as a series, one column a key; energy in kWh, the rest in EnergyPlus' unit.

    Parameters
    ----------
    name
        As in EnergyPlus' own list of variables (`eplusout.rdd`), such as `"Zone Mean Air Temperature"`.
    key
        The zone, surface, component … that it is reported for: one name, a list of names, or `"*"` for all.
    frequency
        One of `FREQUENCIES`, in any case.

    Raises
    ------
    InputError
        When a name or key is no text that a model can hold, or the frequency is none of them.
    """

    name: str
    key: str | tuple[str, ...]
    frequency: Frequency

    def __init__(self, name: str, key: str | Iterable[str] = ALL_KEYS, frequency: Frequency = "hourly") -> None:
        object.__setattr__(self, "name", _name(name, "a variable", "Zone Mean Air Temperature"))
        object.__setattr__(self, "key", _keys(key))
        object.__setattr__(self, "frequency", _frequency(frequency))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON, the same for every spelling of the same request."""
        keys = self.key if self.key == ALL_KEYS else sorted({folded(key) for key in self.key})
        return {"output": "variable", "name": folded(self.name), "key": keys, "frequency": self.frequency}

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name this request."""
        return short_digest(self.to_json())


@dataclass(frozen=True, init=False, slots=True)
class Table:
    """A table of EnergyPlus, a row a cell, as EnergyPlus wrote it: energies in kWh, full doubles.

    After design days EnergyPlus fills the tables of a year with zeros; those are no results.

    Parameters
    ----------
    report
        Name of the report, such as `"EnvelopeSummary"`; as in Output:Table:SummaryReports, or as in the SQL file. Or of
        a table of the model's own: the name of its Output:Table:Monthly or Output:Table:Annual; "TimeBins".
    table
        Name of the table in it, such as `"Opaque Exterior"`, "Custom Monthly Report", "Custom Annual Report"; the
        variable of the time bins.

    Raises
    ------
    InputError
        When one of them is no text.
    """

    report: str
    table: str

    def __init__(self, report: str, table: str) -> None:
        for what, text in (("report", report), ("table", table)):
            if not isinstance(text, str) or not text.strip():
                raise InputError(
                    f'{what} is {text!r}; expected a name, as in ep.Table("EnvelopeSummary", "Fenestration")'
                )
            object.__setattr__(self, what, " ".join(text.split()))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON, the same for every spelling of the same request."""
        return {"output": "table", "report": report_id(self.report), "table": folded(self.table)}

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that name this request."""
        return short_digest(self.to_json())


Request = EndUses | Meter | Variable | Table | ComponentSizes

_CLASSES: Mapping[str, type[Any]] = {
    "end uses": EndUses,
    "meter": Meter,
    "variable": Variable,
    "table": Table,
    "component sizes": ComponentSizes,
}


def from_json(said: Mapping[str, Any]) -> Request:
    """Return the request that `said` is the `to_json` of.

    Raises
    ------
    InputError
        When it is none that this version of epstudy knows.
    """
    made = _CLASSES.get(said.get("output", ""))
    values = {name: value for name, value in said.items() if name != "output"}
    if made is None or set(values) != {field.name for field in fields(made)}:
        raise InputError(f"the output {dict(said)!r} is of no kind that this version of epstudy knows")
    request: Request = made(**values)
    return request


def as_request(one: Request | Mapping[str, Any]) -> Request:
    """Return a request that came as itself or as its JSON."""
    return from_json(one) if isinstance(one, Mapping) else one


def read_requests(outputs: Any) -> tuple[Request, ...]:
    """Return what a user gives as `outputs=`, one request or several, each of them once.

    Raises
    ------
    InputError
        For anything that is no request; the message says what to write instead.
    """
    given = [outputs] if isinstance(outputs, Request | str | type | Mapping) else outputs
    if not isinstance(given, Iterable):
        raise InputError(f'outputs are {outputs!r}; expected a list such as [ep.Meter("Electricity:Facility")]')
    read: dict[str, Request] = {}
    for one in map(_request, given):
        read.setdefault(one.digest, one)
    return tuple(read.values())


def merged(requests: Iterable[Request]) -> tuple[Request, ...]:
    """Return requests with the keys of one variable at one frequency in one request, at the place of its first."""
    found: dict[Any, Request] = {}
    for one in requests:
        if not isinstance(one, Variable):
            found[one.digest] = one
            continue
        same = (folded(one.name), one.frequency)
        other = found.get(same)
        keys = [each.key for each in (other, one) if isinstance(each, Variable)]
        every = ALL_KEYS if ALL_KEYS in keys else [name for key in keys for name in key]
        found[same] = Variable(one.name, every, one.frequency)
    return tuple(found.values())


def request_problems(document: Any, requests: Iterable[Request]) -> list[str]:
    """Return what is wrong with requests, as far as a model can tell.

    The reports of tables are looked up in the schema. Which variables, meters and tables there are only a run can say:
    of their names only the kind is checked. What a run does not report has no rows, and its file says so.
    """
    reports = report_names(document)
    own = own_reports(document)
    problems = []
    for one in requests:
        if isinstance(one, Table) and reports and report_id(one.report) not in reports:
            if not _may_be_own(document, one, own):
                problems.append(_report_problem(one, reports | own))
        elif (
            isinstance(one, Meter) and not {":", "*"} & {*one.name} and not _defined(document, one.name, _DEFINE_METERS)
        ):
            problems.append(
                f'Meter("{one.name}") names no meter: expected a name with a colon, such as "Electricity:Facility"; '
                f'is it a variable, ep.Variable("{one.name}")?'
            )
        elif isinstance(one, Variable) and _patterns(document, one):
            problems.append(
                f'Variable("{one.name}"): the key "{_patterns(document, one)[0]}" holds a star and is no name in the '
                'model; a key is a name, not a pattern: give one key, a list of keys, or "*" for all'
            )
        elif isinstance(one, Variable) and ":" in one.name and not _defined(document, one.name, _DEFINE_VARIABLES):
            problems.append(f'Variable("{one.name}") names a meter; write ep.Meter("{one.name}")')
    return problems


def written_key(key: str) -> str:
    """Return a key as Output:Variable must hold it for the object of this very name, and no other, to report.

    EnergyPlus 25.2 takes a key that holds one of `*+?()|[]\\.` for a regular expression of RE2, which has to match the
    whole name (`isKeyRegexLike` in DataOutputs.cc); any other it compares.
    """
    if key == ALL_KEYS or not _LIKE_A_PATTERN.search(key):
        return key
    return _SIGNS.sub(r"\\\g<0>", key)


def written_meter(name: str) -> str:
    """Return the name of a meter as Output:Meter must hold it for this one, among others, to be reported.

    EnergyPlus 25.2 takes a name to the first bracket, for a unit may stand there, and compares what is before a star.
    """
    before, bracket, _ = name.partition("[")
    return f"{before}{ALL_KEYS}" if bracket else name


def _patterns(document: Any, one: Variable) -> list[str]:
    """Keys that hold a star and are no name in the model: meant as patterns, it seems."""
    starred = [key for key in one.key if "*" in key] if one.key != ALL_KEYS else []
    if not starred:
        return []
    names = {folded(each.name.strip()) for objects in document.values() for each in objects if each.name}
    return [key for key in starred if folded(key) not in names]


def report_names(document: Any) -> dict[str, str]:
    """Return the reports that the model's version has, spelled as it wants them, by their `report_id`.

    Names that stand for many reports, such as AllSummary, are not among them. Schemas before 9.3 know no report.
    """
    schema = document.schema.get_inner_schema("Output:Table:SummaryReports")
    names = schema["properties"]["reports"]["items"]["properties"]["report_name"]
    return {report_id(name): name for name in names.get("enum", ()) if name and not name.startswith("All")}


def own_reports(document: Any) -> dict[str, str]:
    """Return the reports that the model's own tables make, as the model calls them, by their `report_id`."""
    found = {}
    for one in own_tables(document):
        name = str(getattr(one, _OWN_TABLES[one.obj_type]) or "")
        found[report_id(name)] = name
        if one.obj_type == "Output:Table:TimeBins":
            found[TIME_BINS] = "TimeBins"
    return found


def own_tables(document: Any) -> list[Any]:
    """Return the objects with which the model asks for tables of its own."""
    return [one for object_class in _OWN_TABLES if object_class in document for one in list(document[object_class])]


def makes(own: Any, report: str) -> bool:
    """Say whether one of the model's own tables makes the report of this name."""
    ids = {report_id(str(getattr(own, _OWN_TABLES[own.obj_type]) or ""))}
    ids |= {TIME_BINS} if own.obj_type == "Output:Table:TimeBins" else set()
    return bool(ids & {report_id(report), report_id(without_unit(report))})


def reports_of(written: Iterable[tuple[int, str]], one: Table) -> list[int]:
    """Return the numbers of those reports, of all that EnergyPlus wrote, that are the one that is asked for.

    The bins of a variable are found by its name, with or without the unit, or as the table of `TIME_BINS`.
    """
    wanted, table = report_id(one.report), folded(without_unit(one.table))
    there = list(written)
    exact = [index for index, name in there if report_id(name) == wanted]
    if exact:
        return exact
    bins = {index: without_unit(name) for index, name in there if "[" in name}
    if wanted == TIME_BINS:
        return [index for index, name in bins.items() if table in (folded(name), *_OF_TIME_BINS)]
    return [index for index, name in bins.items() if report_id(name) == wanted]


def without_unit(name: str) -> str:
    """Return the name of a report on a variable, such as "ZONE MEAN AIR TEMPERATURE [C]", without its unit."""
    return re.sub(r"\s*\[.*", "", name)


def report_id(name: str) -> str:
    """Return a report's name as one small word, the same whether it is asked for or written under that name."""
    squeezed = re.sub(r"[^0-9a-z]+", "", folded(name))
    asked_as = {written: asked for asked, written in _WRITTEN_AS.items()}
    return asked_as.get(squeezed, squeezed)


def nearest(wanted: str, names: Iterable[str]) -> str:
    """Return "; did you mean …?" with up to three names, or an empty text when none is near."""
    close = near_names(wanted, names, count=3)
    return f"; {did_you_mean(close)}" if close else ""


def _name(name: Any, what: str, example: str) -> str:
    if not isinstance(name, str) or not name.strip():
        raise InputError(f'{what} is named by a text such as "{example}"; found {name!r}')
    if any(sign in name for sign in _ENDS_A_LINE):
        raise InputError(f"the name {name!r} holds the end of a line; expected a name as the model has it")
    return name.strip()


def _keys(key: Any) -> str | tuple[str, ...]:
    given = [key] if isinstance(key, str) or not isinstance(key, Iterable) else list(key)
    if not given:
        raise InputError('the list of keys is empty; give keys, or "*" for all')
    if any(isinstance(one, str) and one.strip() == ALL_KEYS for one in given):
        return ALL_KEYS
    return tuple(dict.fromkeys(_name(one, "a key", "Core_ZN") for one in given))


def _frequency(frequency: Any) -> Frequency:
    squeezed = re.sub(r"[\s_-]+", "", frequency.casefold()) if isinstance(frequency, str) else ""
    read = _ALSO.get(squeezed, squeezed)
    for known in FREQUENCIES:
        if read == known:
            return known
    raise InputError(f"frequency is {frequency!r}; expected one of {', '.join(FREQUENCIES)}")


def _request(one: Any) -> Request:
    if isinstance(one, Request):
        return one
    if isinstance(one, str):
        kind = "Meter" if ":" in one else "Variable"
        raise InputError(f'outputs hold the text "{one}"; write ep.{kind}("{one}")')
    if isinstance(one, type) and one in _CLASSES.values():
        raise InputError(f"outputs hold the class {one.__name__}; write ep.{one.__name__}(...), with brackets")
    known = "ep.EndUses(), ep.Meter(...), ep.Variable(...), ep.Table(...) or ep.ComponentSizes()"
    raise InputError(f"outputs hold {one!r}; expected {known}")


def _may_be_own(document: Any, one: Table, own: Mapping[str, str]) -> bool:
    """Whether a table of the model's own may make this report: what those of a report period make has other names."""
    return bool({report_id(one.report), report_id(without_unit(one.report))} & own.keys()) or (
        "Output:Table:ReportPeriod" in document and len(document["Output:Table:ReportPeriod"]) > 0
    )


def _report_problem(one: Table, reports: Mapping[str, str]) -> str:
    if report_id(one.report).startswith("all"):
        return (
            f'Table("{one.report}", "{one.table}"): "{one.report}" stands for many reports; name the one of the table'
        )
    hint = nearest(one.report, reports.values()) or f"; there are {', '.join(sorted(reports.values()))}"
    return f'Table("{one.report}", "{one.table}"): EnergyPlus has no report "{one.report}"{hint}'


def _defined(document: Any, name: str, classes: Iterable[str]) -> bool:
    """Whether the model itself defines it: then it may be called anything."""
    objects = [one for object_class in classes if object_class in document for one in document[object_class]]
    return folded(name) in {folded(one.name) for one in objects}
