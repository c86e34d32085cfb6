"""The calendar of a run is that of its weather file, and its days are those of EnergyPlus, whatever year is written."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pandas as pd
import pytest

import epstudy as ep
from tests.support.shoebox import CHICAGO, shoebox
from tests.support.weather_years import measured

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


def test_measured_years_run_over_their_own_days_side_by_side(store: str, tmp_path: Path) -> None:
    """Lit hours of each year by its weekdays and its 29 February: those of 2020 were 8,760 hours of 2017."""
    files = {
        "2019": measured(tmp_path / "2019.epw", "2019-01-01", "2019-12-31"),
        "2020": measured(tmp_path / "2020.epw", "2020-01-01", "2020-12-31"),
        "2020 short": measured(tmp_path / "short.epw", "2020-01-01", "2020-12-31", without_leap_day=True),
        "2020 short, header leap": measured(
            tmp_path / "yes.epw", "2020-01-01", "2020-12-31", without_leap_day=True, leap="Yes"
        ),
        "winter 2019": measured(tmp_path / "july.epw", "2019-07-01", "2020-06-30"),
        "typical": CHICAGO,
    }
    engine = shoebox(
        tmp_path / "in.idf", BY_DAY, run_period=run_period("1/1", "12/31", "Sunday"), period="annual", heated=False
    )
    study = ep.Study("years", engine, {"year": ep.Weather(files)}, outputs=[ep.Meter(LIGHTS)])
    results = study.run().wait().results().set_index("year")
    lit_days = {
        "2019": 261,
        "2020": 262,
        "2020 short": 261,
        "2020 short, header leap": 261,
        "winter 2019": 262,
        "typical": 260,
    }
    always = pd.Series({"2020": 366, "winter 2019": 366}).reindex(list(files), fill_value=365) * 24 * 0.48
    right = always + pd.Series(lit_days) * 10 * 0.48
    assert results["interior_lighting_kwh"].to_dict() == pytest.approx(right.to_dict())

    hours = study.timeseries(LIGHTS)
    assert len(hours) == 8784
    assert hours.sum().to_list() == pytest.approx(right.to_list())
    noon = hours[hours.index.hour == 12]
    assert noon.index[noon[0].isna()].strftime("%m-%d").to_list() == ["02-29"]
    assert not noon[1].isna().any()
    for variant in range(len(files)):
        alone = study.timeseries(LIGHTS, variants=[variant])
        assert set(alone[variant][ep.day_types(alone) == "Saturday"].round(6)) == {0.48}
        assert set(hours[variant][ep.day_types(hours, variant) == "Saturday"].dropna().round(6)) == {0.48}
    assert study.timeseries(LIGHTS, variants=[4]).index[0] == pd.Timestamp("2019-07-01 01:00")
    assert study.timeseries(LIGHTS, long=True).groupby("variant").size().to_list() == [
        8760,
        8784,
        8760,
        8760,
        8784,
        8760,
    ]


def test_a_run_period_of_summer_keeps_its_weekdays_over_the_year(store: str, tmp_path: Path) -> None:
    """1 July was a Monday; the year began on a Monday in its place."""
    engine = shoebox(
        tmp_path / "in.idf", BY_DAY, run_period=run_period("7/1", "7/31", "Monday"), period="annual", heated=False
    )
    study = ep.Study("from-july", engine, LPD, outputs=[ep.Meter(LIGHTS, "daily")])
    days = study.run().wait().timeseries(LIGHTS)
    assert len(days) == 365
    assert set(ep.day_types(days)["2013-07-02":"2013-07-02"]) == {"Monday"}, "stamped with its end"
    assert days[0].round(6).groupby(ep.day_types(days)).nunique().max() == 1


def test_scalars_of_two_years_were_of_the_last_one(store: str, tmp_path: Path) -> None:
    """Over two run periods, one of them of two years: what is counted is what the series of the run add up to."""
    periods = run_period("7/1/2018", "7/14/2018").replace("Run,", "Summer,") + run_period("1/1/2018", "12/31/2019")
    meters = {"interior_lighting_kwh": LIGHTS, "electricity_kwh": "Electricity:Facility"}
    heat = {"heating_kwh": "Heating:DistrictHeatingWater", "cooling_kwh": "Cooling:DistrictCooling"}
    engine = shoebox(tmp_path / "in.idf", BY_DAY, run_period=periods)
    outputs = [*(ep.Meter(name, "monthly") for name in {**meters, **heat}.values()), ep.EndUses()]
    study = ep.Study("two-years", engine, LPD, outputs=outputs)
    assert "of 730 days" in str(study.check())
    (row,) = study.run().wait().results(strict=True).to_dict("records")
    sums = {column: float(study.timeseries(name).sum().iloc[0]) for column, name in {**meters, **heat}.items()}
    assert {column: row[column] for column in sums} == pytest.approx(sums)
    assert row["site_energy_kwh"] == pytest.approx(sums["electricity_kwh"] + sums["heating_kwh"] + sums["cooling_kwh"])
    assert row["site_eui_kwh_m2"] == pytest.approx(row["site_energy_kwh"] / 48)
    assert row["net_site_energy_kwh"] == pytest.approx(row["site_energy_kwh"])
    assert row["peak_electricity_w"] == pytest.approx(960)
    uses = study.table("EndUses")
    assert uses.loc[uses["unit"] == "kWh", "value"].sum() == pytest.approx(row["site_energy_kwh"])
    months = ep.plots.monthly_end_uses({"lights": study.timeseries(LIGHTS).loc["RUN"]})
    assert [text.get_text() for text in months.get_xticklabels()][:1] == ["Jan 2018"]
    assert len(months.containers[0]) == 24
