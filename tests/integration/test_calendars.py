"""The calendar of a run is that of its weather file, and its days are those of EnergyPlus, whatever year is written."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd

import epstudy as ep
from tests.integration.shoebox import shoebox

LIGHTS = "InteriorLights:Electricity"
LPD = {"lpd": ep.Field("Lights/Desk Lights/watts_per_floor_area", [10.0])}
BY_DAY = """
  Schedule:Compact, Office Hours, Any, Through: 12/31, For: Weekdays, Until: 08:00, 0, Until: 18:00, 1, Until: 24:00, 0,
    For: AllOtherDays, Until: 24:00, 0;
  Lights, Desk Lights, Box, Office Hours, Watts/Area, , 10, , 0, 0.4, 0.2, 0;
"""
HOLIDAYS = """
  RunPeriodControl:SpecialDays, Carnival, 2/24, 2, Holiday;
  RunPeriodControl:SpecialDays, Inventory, 3/10, 1, CustomDay1;
"""


def run_period(begin: str, end: str, weekday: str = "") -> str:
    """A RunPeriod from month/day or month/day/year to another."""
    first, last = (",".join([*day.split("/"), ""][:3]) for day in (begin, end))
    return f"RunPeriod, Run, {first}, {last}, {weekday}, No, No, No, Yes, Yes;"


def test_saturdays_are_those_of_energyplus_and_holidays_stand_apart(store: str, tmp_path: Path) -> None:
    """2020 on a typical year: EnergyPlus leaves 29 February out and goes on with the weekdays."""
    engine = shoebox(
        tmp_path / "in.idf", BY_DAY + HOLIDAYS, run_period=run_period("2/1/2020", "4/30/2020"), heated=False
    )
    study = ep.Study("days-of-2020", engine, LPD, outputs=[ep.Meter(LIGHTS)], keep=("sql",))
    hours = study.run().wait().timeseries(LIGHTS)
    with sqlite3.connect(study.fetch(0, "sql")) as sql:
        right = [
            kind
            for (kind,) in sql.execute(
                "SELECT DayType FROM ReportData JOIN Time USING (TimeIndex) JOIN ReportDataDictionary USING "
                "(ReportDataDictionaryIndex) WHERE ReportingFrequency = 'Hourly' ORDER BY TimeIndex"
            )
        ]
    assert ep.day_types(hours).to_list() == right
    assert right.count("Holiday") == 48
    stamped = pd.Series((hours.index - pd.Timedelta(minutes=1)).day_name(), hours.index)
    assert (stamped["2020-03-11 01:00":] != ep.day_types(hours)["2020-03-11 01:00":]).all(), "a day behind the calendar"
    axes = ep.plots.load_profile(hours, by="weekday")
    assert [ax.get_title() for ax in axes] == ["Monday to Friday", "Saturday and Sunday", "CustomDay1", "Holiday"]
    assert [round(ax.lines[0].get_ydata().max(), 6) for ax in axes] == [0.96, 0.48, 0.48, 0.48]
