"""Why a level cannot be made, its edit says: with check=False it fails, and nothing else is simulated in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyenergyplus.dataset import ref_models, weather_files

import epstudy as ep
from epstudy.core.refusal import is_refused, refusal_of

OFFICE = Path(ref_models["small_office"])
CHICAGO = Path(weather_files["usa_il_chicago"])
LPD = "Lights/*/watts_per_floor_area"


def office(**options: Any) -> ep.EnergyPlus:
    return ep.EnergyPlus(OFFICE, weather=CHICAGO, period="design-days", **options)


def opens(model: Any, value: Any) -> None:
    with open("levels.csv") as file:  # noqa: PTH123
        model["Lights"][0].watts_per_floor_area = float(file.read()) * value


def not_an_epw(folder: Path) -> Path:
    path = folder / "town.epw"
    path.write_text("DESIGN DAYS\n")
    return path


@pytest.mark.parametrize(
    ("parameter", "refused", "said"),
    [
        (ep.Measure(opens, [1.0, None]), [True, False], "open()"),
        (ep.Field("Lihgts/*/watts_per_floor_area", [6.0, None]), [True, False], '"Lights"?'),
        (ep.Field([LPD, "Lights/*/no_such_field"], [6.0, None]), [True, False], "no_such_field"),
        (ep.Field("Schedule:File/*/file_name", ["a.csv"]), [True], "matches nothing"),
        (ep.Field("RunPeriod/*/begin_month", [2, None]), [True, False], "is decided by period"),
        (ep.Field(LPD, {"list": [1, 2], "good": 6.0}), [True, False], "level 'list'"),
        (ep.Field("Lights/*/schedule_name", ["a;b", None]), [True, False], "level 'a;b'"),
        (ep.Scale("Lights/*/schedule_name", [2.0, None]), [True, False], "no number to scale"),
        (ep.Scale("Lihgts/*/watts_per_floor_area", [2.0, 1.0, None]), [True, True, False], '"Lights"?'),
        (ep.Weather({"here": CHICAGO, "gone": "nowhere.epw"}), [False, True], "no weather file"),
        (ep.Weather({"here": CHICAGO, "ddy": (CHICAGO, "nowhere.ddy")}), [False, True], "no design-day file"),
        (ep.Weather({"epw": (CHICAGO, CHICAGO), "as it is": None}), [True, False], "design-day file"),
        (ep.Construction("walls", {"x": ["No such material"], "same": None}), [True, False], "No such material"),
        (ep.Construction("wals", {"x": ["No such material"], "same": None}), [True, False], "wals"),
    ],
)  # fmt: skip
def test_a_level_that_cannot_be_made_is_refused_with_the_words_of_the_check(
    parameter: Any, refused: list[bool], said: str
) -> None:
    prepared = office().prepare({"x": parameter})
    assert not prepared.check.ok
    assert [is_refused(edits) for edits in prepared.edits["x"]] == refused
    why = [refusal_of(edits) for edits in prepared.edits["x"] if is_refused(edits)]
    assert all(text.startswith('parameter "x"') and said in text for text in why)


def test_a_weather_file_that_is_none_is_refused(tmp_path: Path) -> None:
    edits = office().prepare({"x": ep.Weather({"town": not_an_epw(tmp_path)})}).edits["x"]
    assert "is no EPW file" in refusal_of(edits[0])


def test_what_the_engine_can_make_it_may_refuse_itself() -> None:
    prepared = office().prepare({"x": ep.Field(LPD, [-1.0])})
    assert not prepared.check.ok
    assert prepared.edits["x"] == (({"set": LPD, "to": -1.0},),)


@pytest.mark.parametrize("name", [b"gone.csv", b"/etc/hostname", b"../gone.csv"])
def test_a_file_that_is_in_no_key_is_read_by_no_variant(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / "model.idf"
    path.write_bytes(OFFICE.read_bytes() + b"\n  Schedule:File,Levels,,%s,1,0,8760;\n" % name)
    recipe = ep.EnergyPlus(path, weather=CHICAGO).prepare({"x": ep.Field(LPD, [6.0])}).recipe
    assert recipe is not None
    assert "Schedule:File" in recipe["refused"]


def test_outputs_that_cannot_be_asked_for_are_no_study_without_them() -> None:
    recipe = office().prepare({"x": ep.Field(LPD, [6.0])}, outputs=["Electricity:Facility"]).recipe
    assert recipe is not None
    assert recipe["refused"]
