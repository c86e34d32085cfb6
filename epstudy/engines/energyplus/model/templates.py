"""HVACTemplate objects made into the detailed ones that EnergyPlus simulates, by EnergyPlus' own program ExpandObjects.

That program reads `in.idf` and `Energy+.idd` and writes `expanded.idf`, all in its working directory. The wheel
`pyenergyplus-lbnl` 25.2.0 brings the program without the IDD; what the program reads of an IDD (names, ranges and
choices of the fields of HVACTemplate) is in the schema of that version too, so it is written from there.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from epstudy.core.errors import EngineError, InputError
from epstudy.engines.energyplus.installation import Installation
from epstudy.engines.energyplus.model.document import TEMPLATE
from epstudy.engines.energyplus.model.model import load, write

_GROUND = "groundheattransfer"
_TIMEOUT_S = 600.0  # a busy machine takes its time

#: Lengths that ExpandObjects cuts at without a word: MaxAlphaLength and MaxLineLength of epfilter.f90, 25.2.
_LONGEST_TEMPLATE_FIELD = 100
_LONGEST_LINE = 500

#: Fields for which ExpandObjects 25.2, when they are blank, takes a value that it refuses itself or that EnergyPlus
#: ends with a Fatal at. They get the default of the Input Output Reference; every other blank stays ExpandObjects' own.
_BLANKS_THAT_FAIL = {
    "HVACTemplate:Plant:ChilledWaterLoop": ("chilled_water_pump_configuration",),
    "HVACTemplate:System:DualDuct": ("system_configuration_type", "economizer_type"),
    "HVACTemplate:System:Unitary": ("economizer_type",),
    "HVACTemplate:System:UnitarySystem": ("heating_design_supply_air_temperature",),
    "HVACTemplate:Zone:VRF": (
        "cooling_coil_gross_rated_total_capacity",
        "cooling_coil_gross_rated_sensible_heat_ratio",
        "heat_pump_heating_coil_gross_rated_capacity",
    ),
}

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_BLANK = " \t\r\n\f\v"  # not str.strip's: a byte of UTF-8, read as Latin-1, may look like a space to it
_COMMENT = re.compile(r"![^\r\n]*")
_BREAK = re.compile(f"[{_BLANK}]*[\r\n][{_BLANK}]*")


def expand(model: bytes, installation: Installation, folder: Path, *, timeout_s: float = _TIMEOUT_S) -> bytes:
    """Return the model with its HVACTemplate objects expanded, as an IDF; one without any as it is.

    The templates stay in it as comments; the user's own comments do not. What ExpandObjects warns of is in it as
    Output:PreprocessorMessage, which EnergyPlus repeats among its warnings.

    Parameters
    ----------
    model
        An IDF, or an epJSON, which is written as IDF first.
    installation
        Whose ExpandObjects to use: of the version that the model is of.
    folder
        Where to work: in a new folder within it, which is gone afterwards.
    timeout_s
        How long ExpandObjects may take, in seconds; it usually takes a hundredth of one.

    Raises
    ------
    InputError
        When ExpandObjects refuses the model, with its own words; when the model also asks for the Slab or Basement
        preprocessor; or when a field is longer than ExpandObjects reads.
    EngineError
        When there is no ExpandObjects, or it cannot be started, or does not end in time.
    """
    text = _as_idf(model, installation)
    objects = _objects(text)
    used = sorted({name for name, _ in objects if name.casefold().startswith(TEMPLATE)})
    program = installation.expand_objects
    if not used:
        return text.encode("latin-1")
    if program is None:
        raise EngineError(
            f"the model uses {', '.join(used)}, which ExpandObjects makes into what EnergyPlus simulates; EnergyPlus "
            f"{installation} has no ExpandObjects: use the package that brings it, "
            'pip install "pyenergyplus-lbnl==25.2.0", or an installed EnergyPlus'
        )
    schema = _schema(installation.version)
    content = _written(_ready(objects, schema))
    with tempfile.TemporaryDirectory(prefix="expand-", dir=folder) as place:
        work = Path(place)
        (work / "in.idf").write_bytes(content)
        (work / "Energy+.idd").write_bytes(_idd(installation))
        finished, said = _run(program, work, timeout_s)
        messages = _refusals(work)
        if messages:
            more = f" (and {len(messages) - 2} more)" if len(messages) > 2 else ""
            raise InputError(f"ExpandObjects refuses the model: {' | '.join(messages[:2])}{more}")
        expanded = work / "expanded.idf"
        if not finished or not expanded.is_file():  # it may have ended in the middle of a file
            raise InputError(f"ExpandObjects {'made nothing of' if finished else 'crashed on'} the model: {said}")
        return expanded.read_bytes()


def _run(program: Path, work: Path, timeout_s: float) -> tuple[bool, str]:
    """Run ExpandObjects in its folder; return whether it came to its end, and the first thing that it said."""
    try:
        ended = subprocess.run(
            [str(program)],
            cwd=work,
            env=None if sys.platform == "win32" else {},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EngineError(f"{program} was still running after {timeout_s:g} s, and was killed") from None
    except OSError as error:
        raise EngineError(f"{program} cannot be started: {error.strerror or error}") from error
    lines = (ended.stderr + b"\n" + ended.stdout).decode("latin-1").split("\n")
    said = [line.strip() for line in lines if line.strip() and not line.startswith("ExpandObjects ")]
    return b"ExpandObjects Finished" in ended.stdout, said[0] if said else f"it ended with code {ended.returncode}"


def _refusals(work: Path) -> list[str]:
    """What ExpandObjects calls Fatal, in its own words, each once.

    `expandedidf.err` has the words, one message a line; `expanded.idf` the severities, in the same order.
    """
    errors, expanded = work / "expandedidf.err", work / "expanded.idf"
    if not errors.is_file():
        return []
    lines = [line.strip() for line in errors.read_text(encoding="latin-1").split("\n") if line.strip()]
    said = [line.removeprefix("ExpandObjects:").strip() for line in lines]
    written = _objects(expanded.read_text(encoding="latin-1")) if expanded.is_file() else []
    severities = [
        fields[1].casefold()
        for name, fields in written
        if name == "Output:PreprocessorMessage" and fields[0] == "ExpandObjects"
    ]
    if len(severities) == len(said):
        said = [message for message, severity in zip(said, severities, strict=True) if severity != "warning"]
    return list(dict.fromkeys(said))


def _as_idf(model: bytes, installation: Installation) -> str:
    """The text of the model, one sign a byte whatever its encoding, so that it goes out as it came in."""
    if model.lstrip().startswith(b"{"):
        model = write(load(model, ".epjson", installation.version), ".idf")
    return model.decode("latin-1")


def _objects(text: str) -> list[tuple[str, list[str]]]:
    """Class and fields of every object of an IDF, without comments."""
    parts = (one.split(",") for one in _COMMENT.sub("", text).split(";"))
    fields = [[_BREAK.sub(" ", field.strip(_BLANK)) for field in part] for part in parts]
    return [(one[0], one[1:]) for one in fields if any(one)]


def _ready(objects: Iterable[tuple[str, list[str]]], schema: Any) -> Iterator[tuple[str, list[str]]]:
    """The objects as ExpandObjects reads them right: it passes over a template that is shorter than its class."""
    for name, fields in objects:
        folded = name.casefold()
        if folded.startswith(_GROUND):
            raise InputError(
                f"the model uses {name} beside HVACTemplate; ExpandObjects would hand it to the Slab and Basement "
                "programs, which epstudy does not run. Give the ground temperatures they found instead"
            )
        if folded.startswith(TEMPLATE):
            fields = _template_fields(schema, name, fields)
        longest = max([name, *fields], key=len)
        limit = _LONGEST_TEMPLATE_FIELD if folded.startswith(TEMPLATE) else _LONGEST_LINE - 4
        if len(longest) > limit:
            raise InputError(
                f'a field of {name} has {len(longest)} signs, ExpandObjects cuts it at {limit}: "{longest[:40]}…"; '
                "make it shorter"
            )
        yield name, fields


def _template_fields(schema: Any, name: str, given: list[str]) -> list[str]:
    """The fields of a template, as many as its class has."""
    object_class = schema.resolve_type_name(name)
    if object_class is None:
        return given  # ExpandObjects passes it over and EnergyPlus says that it is none of its classes
    names = schema.get_object_schema(object_class)["legacy_idd"]["fields"]
    fields = [_spelled(field) for field in given] + [""] * (len(names) - len(given))
    for place, field in enumerate(names[: len(fields)]):
        if not fields[place] and field in _BLANKS_THAT_FAIL.get(object_class, ()):
            fields[place] = str(schema.get_field_default(object_class, field))
    return fields


def _spelled(field: str) -> str:
    """A number with a capital E: ExpandObjects reads 1e-05 as 0."""
    return field.upper() if _NUMBER.fullmatch(field) else field


def _written(objects: Iterable[tuple[str, list[str]]]) -> bytes:
    """An IDF with one object after the other and one field a line: ExpandObjects sees one object a line."""
    return "\n".join(",\n  ".join([name, *fields]) + ";\n" for name, fields in objects).encode("latin-1")


def _idd(installation: Installation) -> bytes:
    """The installation's own IDD, else as much of it as ExpandObjects reads."""
    return installation.idd.read_bytes() if installation.idd is not None else template_idd(installation.version)


@lru_cache(maxsize=4)
def template_idd(version: tuple[int, int, int]) -> bytes:
    """Return the group "HVAC Templates" of the `Energy+.idd` of a version, as far as ExpandObjects reads it.

    From the schema of that version: the classes with the names of their fields in order, alpha or numeric, their
    ranges and their choices. ExpandObjects checks values with it; the defaults of blank fields are its own.

    Raises
    ------
    EngineError
        When no schema of this version is known.
    """
    schema = _schema(version)
    lines = ["!IDD_Version " + ".".join(map(str, version)), "\\group HVAC Templates", ""]
    for object_class in schema.object_types:
        if object_class.casefold().startswith(TEMPLATE):
            lines += [*_class_lines(schema, object_class), ""]
    return "\n".join([*lines, "\\group End", ""]).encode()


def _class_lines(schema: Any, object_class: str) -> Iterator[str]:
    legacy = schema.get_object_schema(object_class)["legacy_idd"]
    counts = {"A": 0, "N": 0}
    yield f"{object_class},"
    for field in legacy["fields"]:
        about = legacy["field_info"][field]
        kind = "N" if about["field_type"] == "n" else "A"
        counts[kind] += 1
        end = ";" if field == legacy["fields"][-1] else ","
        yield f"  {kind}{counts[kind]} {end} \\field {about['field_name']}"
        yield from _range_lines(schema.get_field_schema(object_class, field) or {}, kind)


def _range_lines(said: dict[str, Any], kind: str) -> Iterator[str]:
    """What limits the values of a field; a number that may also be "Autosize" has its limits one level down."""
    codes = {
        "minimum": "\\minimum",
        "exclusiveMinimum": "\\minimum>",
        "maximum": "\\maximum",
        "exclusiveMaximum": "\\maximum<",
    }
    for part in (said, *said.get("anyOf", ())):
        yield from (f"    {code} {part[name]}" for name, code in codes.items() if name in part)
    if kind == "A" and said.get("enum"):
        yield "    \\type choice"
        yield from (f"    \\key {choice}" for choice in said["enum"] if choice)


def _schema(version: tuple[int, int, int]) -> Any:
    import idfkit
    from idfkit.versions import ENERGYPLUS_VERSIONS

    if version[:2] not in {known[:2] for known in ENERGYPLUS_VERSIONS}:  # idfkit would take that of another version
        raise EngineError(f"HVACTemplate objects of EnergyPlus {version[0]}.{version[1]} are not known to this idfkit")
    return idfkit.get_schema(version)
