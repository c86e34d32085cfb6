"""Names are names: what looks like a number, a pattern or another name is none, from the target to the series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import epstudy as ep
from tests.support.shoebox import CHICAGO, shoebox, write_shoebox

NUMBERS = {"1": 1.0, "01": 0.5, "1.0": 0.25}
LIT_KWH = 10.0 * 48.0 * 7 * 24 / 1000

#: Names for EnergyPlus' regular expressions to stumble over, and others that they would match.
SIGNS = (
    "Floor 1 (North)",
    "A|B+C",
    "Lab [2]",
    "What? Room",
    "Büro (Süd)",
    "Zone.*",
    "Zone.1",
    "Cost $5\\d",
    "Lab (old",
    "Block1:Zone^1",
    "+5",
    "1e3",
    "nan",
    "None",
)
DECOYS = ("Zonex1", "Zone.12", "Floor 1 North", "A", "Lab 2", "Wha Room")


def schedules(values: dict[str, float]) -> str:
    return "".join(f"  Schedule:Constant, {name}, Any, {value};\n" for name, value in values.items())


@pytest.mark.usefixtures("store")
def test_schedules_called_1_and_01_and_1_0_are_three(tmp_path: Path) -> None:
    """The edit from "1" to "01" was not written: all three variants ran with "1"."""
    more = schedules(NUMBERS) + "  Construction, 1, Brick, Wool;\n  Construction, 01, Wool, Brick;\n"

    def untouched(model: Any, value: int) -> None:
        model["Material"][0].density += value

    path = write_shoebox(tmp_path / "room.idf", more)
    path.write_text(path.read_text().replace("Box, Always, Watts", "Box, 1, Watts"))
    engine = ep.EnergyPlus(path, weather=CHICAGO, period="model")
    study = ep.Study(
        "numbers",
        engine,
        {
            "schedule": ep.Field("Lights/*/schedule_name", list(NUMBERS)),
            "measured": ep.Measure(untouched, [None, 1]),
            "walls": ep.Construction("walls", ["1", "01"]),
        },
        keep=("model",),
    )
    rows = study.run().wait().results(strict=True)
    assert list(rows["interior_lighting_kwh"]) == pytest.approx([LIT_KWH * NUMBERS[name] for name in rows["schedule"]])
    for variant in range(4):  # with and without the measure, which has the model written anew
        statements = " ".join(study.fetch(variant, "model").read_text().split()).split(";")
        walls = [one.partition("Wall, ")[2].partition(",")[0] for one in statements if ", Wall, " in one]
        assert walls == [rows["walls"][variant]] * 4


@pytest.mark.usefixtures("store")
def test_an_object_with_the_signs_of_a_regular_expression_reports_its_series_and_no_other_does(tmp_path: Path) -> None:
    """There was no series, and "Lab (old" made every variant fail: EnergyPlus took the key for a pattern."""
    values = {name: float(place) for place, name in enumerate((*SIGNS, *DECOYS), 1)}
    study = ep.Study(
        "signs",
        shoebox(tmp_path / "room.idf", schedules(values)),
        {"lpd": ep.Field("Lights/*/watts_per_floor_area", [5.0])},
        outputs=[ep.Variable("Schedule Value", SIGNS, "daily")],
        keep=("sql",),
    )
    study.run().wait().results(strict=True)
    frame = study.timeseries("Schedule Value", key=SIGNS)
    assert [float(frame[0, key].iloc[0]) for key in frame.columns.get_level_values(1)] == [
        values[name] for name in SIGNS
    ]
    assert float(study.timeseries("Schedule Value", key="büro (Süd)").iloc[0, 0]) == values["Büro (Süd)"]
    assert len(study.timeseries("Schedule Value", key="*").columns) == len(SIGNS), "a decoy reports nothing"


@pytest.mark.usefixtures("store")
def test_a_target_with_the_signs_of_a_glob_means_the_object_of_that_name(tmp_path: Path) -> None:
    study = ep.Study(
        "globs",
        shoebox(tmp_path / "room.idf", zone="Lab [2]*?"),
        {"m": ep.Field("Zone/lab [2]*?/multiplier", [1, 2])},
        outputs=[
            ep.Variable("Zone Mean Air Temperature", "Lab [2]*?", "daily"),
            ep.Meter("InteriorLights:Electricity:Zone:Lab [2]*?", "daily"),
        ],
    )
    assert study.check().ok, str(study.check())
    rows = study.run().wait().results(strict=True)
    assert list(rows["interior_lighting_kwh"]) == pytest.approx([LIT_KWH, 2 * LIT_KWH])
    assert study.timeseries("Zone Mean Air Temperature", key="Lab [2]*?").notna().all().all()
    lights = study.timeseries("InteriorLights:Electricity:Zone:Lab [2]*?").sum()  # EnergyPlus reads to the bracket
    assert list(lights) == pytest.approx([LIT_KWH, 2 * LIT_KWH])


def test_a_key_with_a_star_that_names_nothing_is_told(tmp_path: Path) -> None:
    study = ep.Study(
        "stars",
        shoebox(tmp_path / "room.idf"),
        {"lpd": ep.Field("Lights/*/watts_per_floor_area", [5.0])},
        outputs=[ep.Variable("Zone Mean Air Temperature", "Bo*")],
        store=str(tmp_path / "store"),
    )
    assert 'the key "Bo*" holds a star and is no name in the model' in str(study.check())
