"""What a model carries for its users can be had: meters by pattern, own tables, variables of its programs, maps."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import epstudy as ep
from tests.support.shoebox import shoebox

OWN = """
  EnergyManagementSystem:Sensor, Rate, Box Lights, Lights Electricity Rate;
  EnergyManagementSystem:ProgramCallingManager, Caller, EndOfZoneTimestepBeforeZoneReporting, Note;
  EnergyManagementSystem:Program, Note, SET Twice = 2 * Rate;
  EnergyManagementSystem:GlobalVariable, Twice;
  EnergyManagementSystem:OutputVariable, Twice the Lamp, Twice, Averaged, ZoneTimeStep, , W;
  Meter:Custom, My Lamps, Electricity, Box Lights, Lights Electricity Energy;
  Output:Table:Monthly, My Months, 3, InteriorLights:Electricity, SumOrAverage, InteriorLights:Electricity, Maximum;
  Output:Table:Monthly, My Months [2], 3, Zone Mean Air Temperature, SumOrAverage;
  Output:Table:Annual, My Year, *, Always, Lights Electricity Energy, SumOrAverage, 3;
  Output:Table:TimeBins, *, Zone Mean Air Temperature, 18, 2, 8;
  Output:Table:TimeBins, Box, Zone Lights Electricity Rate, 0, 100, 8;
  Daylighting:Controls, Box Daylight, Box, SplitFlux, Always, Continuous, 0.3, 0.2, 1, 1, Point, 0, 22, 1,
    Point, 1, 500;
  Daylighting:ReferencePoint, Point, Box, 4, 3, 0.8;
  Output:IlluminanceMap, Box Map, Box, 0.8, 1, 7, 4, 1, 5, 4;
  OutputControl:IlluminanceMap:Style, Tab;
"""
LIGHTS = "InteriorLights:Electricity"
MONTHS = ("My Months", "Custom Monthly Report")
LPD = {"lpd": ep.Field("Lights/*/watts_per_floor_area", [5.0, 10.0])}
ENERGY_KWH = {0: 0.24 * 7 * 24, 1: 0.48 * 7 * 24}  # of 48 m2, at all hours of a week


@pytest.fixture(scope="module")
def study(session_store: str, tmp_path_factory: pytest.TempPathFactory) -> ep.Study:
    path = tmp_path_factory.mktemp("own") / "in.idf"
    outputs: list[Any] = [
        ep.Meter(f"{LIGHTS}:*"),
        ep.Meter("*:Zone:Box", "runperiod"),
        ep.Meter("My Lamps"),
        ep.Variable("Twice the Lamp"),
        ep.Table(*MONTHS),
        ep.Table("My Months [2]", MONTHS[1]),
        ep.Table("My Year", "Custom Annual Report"),
        ep.Table("TimeBins", "Zone Mean Air Temperature"),
        ep.Table("Zone Mean Air Temperature [C]", "Statistics"),
        ep.Table("Zone Lights Electricity Rate", "Time Bin Results"),
    ]
    keep = ("map", "dfs", "json", "screen", "eplusout.sql")
    made = ep.Study("own", shoebox(path, OWN), LPD, outputs=outputs, keep=keep, store=session_store)
    check = made.check()
    assert check.ok, check
    return made.run().wait()


def test_meters_by_pattern_are_those_that_energyplus_has(study: ep.Study) -> None:
    every = study.timeseries(f"{LIGHTS}:*")
    assert set(every[0].columns) == {f"{LIGHTS}:Zone:BOX", f"{LIGHTS}:SpaceType:GENERAL"}
    for variant, energy in ENERGY_KWH.items():
        assert every[variant].sum().tolist() == [pytest.approx(energy)] * 2
    one = study.timeseries(f"{LIGHTS}:Zone:box", frequency="hourly")
    assert one.sum().to_dict() == pytest.approx(ENERGY_KWH)
    assert one.attrs["units"] == {f"{LIGHTS}:Zone:box": "kWh"}
    ends = study.timeseries("*:Zone:Box")[0].columns
    assert f"{LIGHTS}:Zone:BOX" in ends
    assert all(name.endswith(":Zone:BOX") for name in ends), "a star in front is one, too"
    assert study.timeseries("My Lamps").sum().to_dict() == pytest.approx(ENERGY_KWH)
    assert study.timeseries("Twice the Lamp").max().to_dict() == pytest.approx({0: 480, 1: 960})


def test_tables_of_the_models_own(study: ep.Study) -> None:
    months = study.table(*MONTHS)
    june = months[(months["row"] == "June") & (months["unit"] == "kWh")]
    assert june.groupby("variant")["value"].sum().to_dict() == pytest.approx(ENERGY_KWH)
    assert not months["column"].str.contains("TEMPERATURE").any(), "the other table of a like name"
    assert study.table("My Months [2]")["column"].str.contains("TEMPERATURE").any()
    assert len(study.table("My Year", "Custom Annual Report"))
    bins = study.table("TimeBins")
    assert set(bins["for"]) == {"BOX"}
    statistics: pd.DataFrame = study.table("Zone Mean Air Temperature [C]", "Statistics")
    assert 0 < len(statistics) < len(bins)
    assert {*statistics["value"].dropna()} <= {*bins["value"].dropna()}
    assert bins["value"].max() == 7 * 24, "hours"
    assert len(study.table("Zone Lights Electricity Rate", "Time Bin Results")), "which nothing else reports"


def test_maps_and_other_files_that_energyplus_wrote(study: ep.Study) -> None:
    assert "BOX MAP" in study.fetch(0, "map").read_text(encoding="latin-1")
    assert study.fetch(0, "eplusmap.csv") == study.fetch(0, "map")
    assert study.fetch(1, "dfs").stat().st_size > 0
    assert study.fetch(1, "json").read_text(encoding="latin-1").startswith("{")
    with sqlite3.connect(study.fetch(0, "sql")) as sql:
        assert sql.execute("SELECT COUNT(*) FROM TabularData").fetchone()[0] > 100
    with pytest.raises(ep.InputError, match='the engine wrote no "screen"'):
        study.fetch(0, "screen")


def test_a_report_that_nobody_makes_is_told_with_the_nearest(store: str, tmp_path: Path) -> None:
    engine = shoebox(tmp_path / "in.idf", OWN)
    check = ep.Study("none-such", engine, LPD, outputs=[ep.Table("My Month", MONTHS[1])]).check()
    assert not check.ok
    assert 'EnergyPlus has no report "My Month"; did you mean "My Months"' in str(check)
    plain = shoebox(tmp_path / "plain.idf")
    assert not ep.Study("none-either", plain, LPD, outputs=[ep.Table(*MONTHS)]).check().ok
