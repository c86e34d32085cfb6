"""Targets find what they name, and edits change that and nothing else. On the real reference models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyenergyplus.dataset import ashrae_models, ref_models

from epstudy.core.errors import InputError
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.outputs.scalars import ask, set_period

OFFICE = Path(ref_models["small_office"]).read_bytes()


@pytest.fixture(scope="module")
def office() -> model.Document:
    return model.load(OFFICE, ".idf")


@pytest.mark.parametrize(
    ("target", "count"),
    [
        ("Lights/*/watts_per_floor_area", 5),
        ("lights/PERIMETER*/Watts per Floor Area", 4),
        ("Lights/core_zn_lights/Watts-per-floor-area", 1),
        ("Material/1/2IN Gypsum/conductivity", 1),
        ("SimulationControl/*/do_zone_sizing_calculation", 1),
        ("Construction/*/outside_layer", 12),
    ],
)
def test_a_target_finds_its_objects(office: model.Document, target: str, count: int) -> None:
    found = model.find(office, target)
    assert len(found.objects) == count or target.startswith("Construction")
    assert found.objects


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("Light/*/schedule_name", 'names no class of EnergyPlus: "Light"; did you mean "Lights"?'),
        (
            "Lights/Core/schedule_name",
            r'matches none of the 5 Lights objects: no "Core"; did you mean .*"Core_ZN_Lights"',
        ),
        ("Lights/*/watts_per_zone_floor_area", 'did you mean "watts_per_floor_area"'),
        ("Lights/*/zzz", "its fields are zone_or_zonelist"),
        ("Lights/*/name", 'names no field of Lights: "name"'),
        ("Boiler:HotWater/*/nominal_capacity", "the model has no Boiler:HotWater object"),
    ],
)
def test_a_target_that_finds_nothing_names_the_nearest(office: model.Document, target: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        model.find(office, target)


def test_a_name_with_the_signs_of_a_glob_is_found_as_it_stands(office: model.Document) -> None:
    document = office.copy()
    document["Lights"][0].name = "Zone [1] lights*"
    assert [one.name for one in model.find(document, "Lights/zone [1] lights*/schedule_name").objects] == [
        "Zone [1] lights*"
    ]


def test_two_spellings_of_a_target_are_one_key(office: model.Document) -> None:
    one, other = (
        model.find(office, target) for target in ("Lights/*/watts_per_floor_area", "LIGHTS/*/Watts per Floor Area")
    )
    assert one.canonical == other.canonical


def test_an_edit_changes_its_lines_and_no_others(office: model.Document) -> None:
    before = model.write(office, ".idf").decode("latin-1")
    assert before.encode("latin-1").replace(b"\r\n", b"\n") == OFFICE.replace(b"\r\n", b"\n")
    document = office.copy()
    model.apply_edits(document, [{"set": "Lights/Core_ZN_Lights/watts_per_floor_area", "to": 7.25}])
    after = model.write(document, ".idf").decode("latin-1")
    changed = set(_statements(after)) ^ set(_statements(before))
    assert len(changed) == 2
    assert all("Core_ZN_Lights" in statement for statement in changed)
    assert model.write(office, ".idf").decode("latin-1") == before, "the base model is not touched"


def test_a_number_arrives_with_all_its_digits(office: model.Document) -> None:
    document = office.copy()
    model.apply_edits(document, [{"set": "Lights/*/watts_per_floor_area", "to": 1 / 3}])
    back = model.load(model.write(document, ".idf"), ".idf")
    assert {one.watts_per_floor_area for one in back["Lights"]} == {1 / 3}


def test_scaling_multiplies_what_is_there(office: model.Document) -> None:
    document = office.copy()
    document["Lights"][0].watts_per_floor_area = 5.0
    before = [one.watts_per_floor_area for one in document["Lights"]]
    model.apply_edits(document, [{"scale": "Lights/*/watts_per_floor_area", "by": 1.5}])
    assert [one.watts_per_floor_area for one in document["Lights"]] == [1.5 * value for value in before]
    with pytest.raises(InputError, match="has 'nothing' in lighting_level: there is no number to scale"):
        model.apply_edits(document, [{"scale": "Lights/*/lighting_level", "by": 2}])


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_names_beyond_ascii_are_found_as_they_are_typed(encoding: str) -> None:
    content = OFFICE.decode("latin-1").replace("Core_ZN_Lights", "Büro").encode(encoding)
    document = model.load(content, ".idf")
    assert len(model.find(document, "Lights/BÜRO/schedule_name").objects) == 1
    assert model.write(document.copy(), ".idf") == content


@pytest.mark.parametrize("value", ["a, b", "a; b", "a ! b", "a\nLights,"])
def test_a_text_that_would_break_out_of_its_field_is_refused(office: model.Document, value: str) -> None:
    with pytest.raises(InputError, match="ends a field"):
        model.apply_edits(office.copy(), [{"set": "Lights/*/end_use_subcategory", "to": value}])


@pytest.mark.parametrize(
    ("target", "given", "written"),
    [
        ("Fan:ConstantVolume/*/maximum_flow_rate", "autocalculate", "Autosize"),
        ("Fan:ConstantVolume/*/maximum_flow_rate", " AUTOSIZE ", "Autosize"),
        ("Zone/*/volume", "autosize", "Autocalculate"),
        ("Zone/Core_ZN/volume", 150.0, 150),
        ("Fan:ConstantVolume/*/end_use_subcategory", "autosize", "autosize"),
    ],
)
def test_a_size_to_be_found_has_two_words_in_an_idf(
    office: model.Document, target: str, given: Any, written: Any
) -> None:
    """EnergyPlus takes either; check() refused "autocalculate" where the schema says Autosize, and the reverse."""
    document = office.copy()
    match = model.find(document, target)
    model.set_field(match, given)
    assert set(match.values()) == {written}


def test_an_unknown_kind_of_edit_is_refused(office: model.Document) -> None:
    with pytest.raises(InputError, match="no kind"):
        model.apply_edits(office.copy(), [{"multiply": "Lights/*/watts_per_floor_area", "by": 2}])


@pytest.mark.parametrize("content", [b"", b"hello", b"Version,9.9;\n", b"\xff\xfe\x00", b"{}"])
def test_what_is_no_model_says_so(content: bytes) -> None:
    with pytest.raises(InputError, match="no model that can be read"):
        model.load(content, ".idf")
    with pytest.raises(InputError, match="no model that can be read"):
        model.load(content, ".epjson")


def test_annual_means_one_full_year_and_no_design_days() -> None:
    for path in (ref_models["small_office"], ashrae_models["office_small"]):
        document = model.load(Path(path).read_bytes(), ".idf")
        document["RunPeriod"][0].end_month = 2
        set_period(document, "annual")
        control = document["SimulationControl"][0]
        period = document["RunPeriod"][0]
        assert control.run_simulation_for_weather_file_run_periods == "Yes"
        assert control.run_simulation_for_sizing_periods == "No"
        assert (period.begin_month, period.end_month, period.end_day_of_month) == (1, 12, 31)
        assert len(document["RunPeriod"]) == 1


def test_only_what_is_needed_is_asked_of_the_engine(office: model.Document) -> None:
    document = office.copy()
    ask(document)
    assert not [name for name in document if name in ("Output:Variable", "Output:Meter") and len(document[name])]
    assert [one.option_type for one in document["Output:SQLite"]] == ["SimpleAndTabular"]
    assert len(document["Output:Table:SummaryReports"]) == 1


def _statements(text: str) -> list[str]:
    lines = [line.partition("!")[0].strip() for line in text.splitlines()]
    return ["".join(part.split()) for part in "".join(lines).split(";")]
