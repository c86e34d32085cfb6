"""An IDF is read as EnergyPlus reads it, whatever its spelling, and written back as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from epstudy.core.errors import InputError
from epstudy.engines.energyplus.check.checks import unwritable
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.idf_reader import value_of
from epstudy.engines.energyplus.outputs.requests import Variable

TEXT = b"""! Version, 8.9; of a comment
Version, 25.2;  ! of the model
Zone, Box;
 LIGHTS , Box Lights,\tBox, Always, Watts/Area, , +1.0E+01, , .2; Schedule:Constant, 01, , 1; ! two on a line
Schedule:Constant, 1, , 0.5;;

Schedule:Compact, Hours, , Through: 12/31, For: AllDays, ! a, b; c
   Until: 24:00, 1;
"""


def lights(content: bytes) -> Any:
    return model.load(content, ".idf")["Lights"][0]


@pytest.mark.parametrize(
    "spell",
    [
        lambda text: text,
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\n".join(line.partition(b"!")[0] for line in text.split(b"\n")).replace(b"\n", b"\r"),
    ],
    ids=["lf", "bom", "crlf", "cr"],
)
def test_a_text_is_read_and_written_back_as_it_is(spell: Any) -> None:
    content = spell(TEXT)
    document = model.load(content, ".idf")
    assert (document["Lights"][0].name, document["Lights"][0].watts_per_floor_area) == ("Box Lights", 10.0)
    assert [one.name for one in document["Schedule:Constant"]] == ["01", "1"]
    assert len(document["Schedule:Compact"][0].data["data"]) == 4
    assert model.write(document.copy(), ".idf") == content


def test_an_edit_from_1_to_01_is_written_and_a_number_that_is_the_same_is_not() -> None:
    content = TEXT.replace(b"Box, Always", b"Box, 1")
    document = model.load(content, ".idf")
    edits = [
        {"set": "Lights/*/schedule_name", "to": "01"},
        {"set": "Lights/*/watts_per_floor_area", "to": 10},
        {"set": "Schedule:Constant/01/hourly_value", "to": 0.25},
    ]
    model.apply_edits(document, edits)
    expected = content.replace(b"Box, 1,", b"Box, 01,").replace(b"01, , 1;", b"01, , 0.25;")
    assert model.write(document, ".idf") == expected


def test_names_that_energyplus_tells_apart_are_two_objects_also_in_a_copy() -> None:
    content = TEXT + b"Lights, BOX LIGHTS, Box;\nLights, Stra\xc3\x9fe, Box;\nLights, Strasse, Box;\n"
    document = model.load(content, ".idf").copy()
    for target, count in {"box lights": 2, "straße": 1, "STRASSE": 1, "*": 4}.items():
        assert len(model.find(document, f"Lights/{target}/schedule_name").objects) == count
    assert model.write(document, ".idf") == content


def test_what_is_removed_is_gone_from_the_text_of_a_copy() -> None:
    document = model.load(TEXT, ".idf")
    model.remove_all(document, "Lights")
    text = model.write(document.copy(), ".idf")
    assert b"Box Lights" not in text
    assert b"two on a line" in text


def test_only_what_a_measure_changed_is_written_anew() -> None:
    document = model.load(TEXT, ".idf").copy()
    document["Lights"][0].data["watts_per_floor_area"] = 12.5
    model.forget_text(document)
    assert model.write(document, ".idf") == TEXT.replace(b"+1.0E+01", b"12.5")
    assert document.changes() == {"Lights": 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TEXT + b"this is a stray line\n", "it ends in 'this is a stray line', which is no object"),
        (TEXT + b"\x1a", r"it ends in '\x1a', which is no object"),
        (TEXT + b"Zone, cut", 'it ends within an object, "Zone, cut", that has no semicolon'),
        (TEXT + b"LightsExtra, a, b;", 'line 9: "LightsExtra" is no class of EnergyPlus 25.2'),
        (TEXT + b"Zone, Box;", 'line 9: there are two Zone objects called "Box"'),
        (TEXT + b"Zone;", '"Zone" is no object, it has no fields'),
        (TEXT.decode().encode("utf-16"), "it is UTF-16 text, which EnergyPlus does not read; save it as UTF-8"),
        (TEXT.decode().encode("utf-16-le"), "it is UTF-16 text"),
        ((TEXT.decode() * 20).encode("utf-16-be"), "it is UTF-16 text"),
        (
            b"! by a tool\rVersion, 25.2;\rZone, Box;\r",
            "its lines end with CR alone, and EnergyPlus takes all",
        ),
    ],
)
def test_what_energyplus_does_not_read_is_told_in_words(content: bytes, said: str) -> None:
    with pytest.raises(InputError) as error:
        model.load(content, ".idf", (25, 2, 0))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("content", "version"),
    [
        (TEXT, (25, 2)),
        (b"VERSION,\n  9.6.0 ; !- Version Identifier", (9, 6)),
        (b"WindowMaterial:SimpleGlazingSystem, New Version, 1.8, 0.5;", None),
        (b"! Version, 25.2;\nZone, Version, 1.5;", None),
        (b'\xef\xbb\xbf{"Zone": {"x \\"version_identifier\\": \\"8.9\\"": {}}}', None),
        (b'{"Version": {"Version 1": {"version_identifier": "26.1"}}}', (26, 1)),
        (b"\xff\xfe\x00", None),
        (b"[]", None),
    ],
)
def test_the_version_is_that_of_the_object_of_this_class(content: bytes, version: tuple[int, int] | None) -> None:
    assert model.version_of(content) == version


@pytest.mark.parametrize("text", ["1_000", "nan", "inf", "1e999", "0x10", "1.0D1", "autosize"])
def test_what_only_python_reads_as_a_number_stays_a_text(text: str) -> None:
    assert value_of("number", text) == text


def test_an_epjson_keeps_the_fields_of_converters_and_what_no_edit_touches() -> None:
    said = {
        "Version": {"Version 1": {"version_identifier": "25.2"}},
        "Lights": {
            "a": {
                "idf_order": 1,
                "_comment": "b",
                "watts_per_floor_area": 10.0,
                "design_level_calculation_method": "WATTS/AREA",
            },
            "A": {"watts_per_floor_area": 5.0},
        },
    }
    document = model.load(json.dumps(said).encode(), ".epJSON").copy()
    document["Lights"][1].watts_per_floor_area = 7.5
    written = json.loads(model.write(document, ".epJSON"))
    assert written["Lights"] == {"a": said["Lights"]["a"], "A": {"watts_per_floor_area": 7.5}}


def test_an_epjson_has_names_that_no_idf_can_hold_and_levels_mean_them() -> None:
    """EnergyPlus takes "Office, weekdays" in an epJSON; the level was refused, and the key of a variable too."""
    said = {
        "Version": {"Version 1": {"version_identifier": "25.2"}},
        "Zone": {"Box, A": {}},
        "Schedule:Constant": {"Office, weekdays": {"hourly_value": 1}, "up; down!": {"hourly_value": 0}},
        "Lights": {"a": {"schedule_name": "up; down!"}},
    }
    document = model.load(json.dumps(said).encode(), ".epJSON")
    model.set_field(model.find(document, "Lights/*/schedule_name"), "Office, weekdays")
    assert json.loads(model.write(document, ".epJSON"))["Lights"]["a"]["schedule_name"] == "Office, weekdays"
    key = Variable("Zone Mean Air Temperature", "Box, A")
    assert unwritable(document, [key]) == []
    assert "'Box, A' holds a sign that ends a field" in unwritable(model.load(TEXT, ".idf"), [key])[0]
    with pytest.raises(InputError, match="ends a field"):
        model.set_field(model.find(document, "Lights/*/schedule_name"), "two\nlines")


def test_a_comment_in_an_epjson_is_passed_over_as_energyplus_does() -> None:
    text = b'// of a tool\n{"Version": {"V": {"version_identifier": "25.2"}}, /* a, "b" */ "Zone": {"A // B": {}}}\n'
    document = model.load(text, ".epJSON")
    assert [one.name for one in document["Zone"]] == ["A // B"]
    assert model.version_of(text) == (25, 2)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"LIGHTS": {}}, '"LIGHTS" is no class of EnergyPlus 25.2; did you mean "Lights"?'),
        (
            {"_comment": "by a tool"},
            '"_comment" is no class of EnergyPlus 25.2; an epJSON holds classes',
        ),
        ({"Zone": {"Box": "x"}}, "Zone \"Box\" is 'x'; expected fields"),
    ],
)
def test_an_epjson_that_energyplus_refuses_is_told(said: Any, told: str) -> None:
    with pytest.raises(InputError) as error:
        model.load(json.dumps(said).encode(), ".epJSON", (25, 2, 0))
    assert told in str(error.value)
