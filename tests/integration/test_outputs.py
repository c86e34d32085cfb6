"""What EnergyPlus was asked for is what comes back: meters, variables, tables, and none of them moves a scalar."""

from __future__ import annotations

import io
import json
import math
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.outputs.harvesting import harvest_requests, readable
from epstudy.engines.energyplus.outputs.requests import ComponentSizes, EndUses, Meter, Request, Table, Variable
from epstudy.engines.energyplus.outputs.scalars import (
    CARRIERS,
    END_USES,
    KEPT_FILES,
    ask,
    harvest,
    kept_files,
    set_period,
)
from epstudy.results.parquet import about, long_table, wide_series
from tests.support.offices import CHICAGO, OFFICE

SIMULATE = """
import os, sys
from pyenergyplus.api import EnergyPlusAPI
os.chdir(sys.argv[1])
api = EnergyPlusAPI()
sys.exit(api.runtime.run_energyplus(api.state_manager.new_state(), ["-d", sys.argv[1], "-w", *sys.argv[2:]]))
"""

#: "csv" would not survive annual values; the others are tried where there is something to write in them.
KEPT = [word for word in KEPT_FILES if word not in ("csv", "map", "dfs", "screen", "json")]
TEMPERATURE, HEATING = "Zone Mean Air Temperature", "Zone Air System Sensible Heating Energy"
ELECTRICITY, GAS, LIGHTS = "Electricity:Facility", "NaturalGas:Facility", "InteriorLights:Electricity"
OPAQUE = Table("EnvelopeSummary", "Opaque Exterior")
TARIFFS = Table("TariffReport", "General")
ZONES = ["Core_ZN", "perimeter_zn_1"]

ANNUAL = Meter(ELECTRICITY, "annual")
ASKED: list[Request] = [
    ANNUAL,
    *(Meter(ELECTRICITY, frequency) for frequency in ("timestep", "hourly", "daily", "monthly", "runperiod")),
    Meter(GAS),
    Meter(LIGHTS),
    Meter("Electricty:Facility"),
    Variable(TEMPERATURE, ZONES),
    Variable(TEMPERATURE, "*", "monthly"),
    Variable(HEATING, "Core_ZN", "detailed"),
    Variable(HEATING, "Core_ZN"),
    Variable(HEATING, ["Core_ZN", "Cor_ZN"], "daily"),
    Variable("Zone Mean Air Temp"),
    Variable(TEMPERATURE, "Nowhere", "daily"),
    OPAQUE,
    TARIFFS,
    Table("EnvelopeSummary", "Opaque Exteriors"),
    EndUses(),
    ComponentSizes(),
]


@dataclass
class Ran:
    """A run, and what was asked of it as it comes out of the store."""

    folder: Path
    files: dict[str, bytes]

    def frame(self, request: Request) -> pd.DataFrame:
        return pq.read_table(io.BytesIO(self.files[request.digest])).to_pandas()

    def note(self, request: Request) -> str:
        return str(about(self.files[request.digest]).get("note", ""))

    def sql(self, query: str, *values: Any) -> list[Any]:
        with sqlite3.connect(self.folder / "eplusout.sql") as sql:
            return sql.execute(query, values).fetchall()


def start(
    folder: Path,
    period: str,
    requests: Iterable[Request],
    keep: Sequence[str] = (),
    suffix: str = ".idf",
    change: Callable[[Any], None] = lambda _document: None,
) -> subprocess.Popen[bytes]:
    """EnergyPlus, started on the small office in a process of its own."""
    document = model.load(OFFICE.read_bytes(), ".idf")
    set_period(document, period)
    change(document)
    ask(document, requests, keep)
    path = folder / f"in{suffix}"
    path.write_bytes(model.write(document, suffix))
    with (folder / "console.txt").open("wb") as console:
        return subprocess.Popen([sys.executable, "-c", SIMULATE, folder, CHICAGO, path], stdout=console, stderr=console)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The folders of two annual runs, one without and one with requests and nearly every file that can be kept."""
    plain, asked = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("asked")
    processes = [start(plain, "annual", ()), start(asked, "annual", ASKED, KEPT)]
    assert [process.wait() for process in processes] == [0, 0]
    return plain, asked


@pytest.fixture(scope="module")
def year(runs: tuple[Path, Path]) -> Ran:
    return Ran(runs[1], harvest_requests(runs[1], ASKED))


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The two design days, from a model written as epJSON, with the series as CSV besides."""
    folder = tmp_path_factory.mktemp("days")
    asked = [one for one in ASKED if one != ANNUAL]
    assert start(folder, "design-days", asked, ["csv"], ".epjson").wait() == 0
    return Ran(folder, harvest_requests(folder, asked))


def test_asking_for_outputs_moves_no_scalar(runs: tuple[Path, Path]) -> None:
    plain, asked = runs
    assert harvest(asked) == harvest(plain)


@pytest.mark.parametrize(("meter", "scalar"), [(ELECTRICITY, "electricity_kwh"), (GAS, "natural_gas_kwh")])
def test_the_hours_of_a_meter_add_up_to_the_year(year: Ran, meter: str, scalar: str) -> None:
    hours = year.frame(Meter(meter))[meter]
    assert len(hours) == 8760
    assert math.fsum(hours) == pytest.approx(harvest(year.folder)[scalar], rel=1e-9)


@pytest.mark.parametrize(
    ("frequency", "rows"), [("timestep", 52560), ("daily", 365), ("monthly", 12), ("runperiod", 1), ("annual", 1)]
)
def test_every_frequency_adds_up_to_the_same(year: Ran, frequency: str, rows: int) -> None:
    one = year.frame(Meter(ELECTRICITY, frequency))
    hours = year.frame(Meter(ELECTRICITY))
    assert len(one) == rows
    assert one["time"].iloc[-1] == hours["time"].iloc[-1] == pd.Timestamp("2018-01-01")
    assert math.fsum(one[ELECTRICITY]) == pytest.approx(math.fsum(hours[ELECTRICITY]), rel=1e-12)


def test_months_are_the_hours_that_end_in_them(year: Ran) -> None:
    months = year.frame(Meter(ELECTRICITY, "monthly")).set_index("time")[ELECTRICITY]
    hours = year.frame(Meter(ELECTRICITY)).set_index("time")[ELECTRICITY]
    sums = hours.groupby((hours.index - pd.Timedelta(minutes=1)).month).sum()
    assert list(months.index) == [pd.Timestamp(2017, month, 1) for month in range(2, 13)] + [pd.Timestamp("2018-01-01")]
    assert months.to_list() == pytest.approx(sums.to_list(), rel=1e-12)


def test_steps_of_the_systems_add_up_too(year: Ran) -> None:
    steps, hours = (year.frame(Variable(HEATING, "Core_ZN", one)) for one in ("detailed", "hourly"))
    assert len(steps) > 6 * len(hours)
    assert steps["time"].is_monotonic_increasing
    assert math.fsum(steps["CORE_ZN"]) == pytest.approx(math.fsum(hours["CORE_ZN"]), rel=1e-9)


def test_zone_temperatures_are_those_of_an_office(year: Ran) -> None:
    frame = year.frame(Variable(TEMPERATURE, ZONES))
    assert list(frame.columns) == ["time", "CORE_ZN", "PERIMETER_ZN_1"]
    assert frame["time"].iloc[0] == pd.Timestamp("2017-01-01 01:00"), "the end of the first hour"
    assert frame["time"].is_unique
    assert frame[["CORE_ZN", "PERIMETER_ZN_1"]].to_numpy().min() > 10
    assert frame[["CORE_ZN", "PERIMETER_ZN_1"]].to_numpy().max() < 40
    months = year.frame(Variable(TEMPERATURE, "*", "monthly"))
    assert months.shape == (12, 1 + 6)
    assert months["CORE_ZN"].iloc[0] == pytest.approx(frame["CORE_ZN"].iloc[: 31 * 24].mean(), rel=1e-9)


def test_stamps_are_standard_time_and_daylight_saving_moves_the_schedules(year: Ran) -> None:
    lights = year.frame(Meter(LIGHTS)).set_index("time")[LIGHTS]
    ((summer_hours,),) = year.sql("SELECT COUNT(*) FROM Time WHERE IntervalType = 1 AND Dst = 1")
    assert summer_hours > 4000, "the model has daylight saving"
    winter, summer = (lights[day].to_numpy() for day in ("2017-01-11", "2017-07-12"))  # two Wednesdays
    assert winter.max() > 2 * winter.min()
    assert np.roll(summer, 1) == pytest.approx(winter, rel=1e-9), "an hour earlier by the sun"
    assert lights.index.to_series().diff().dropna().eq(pd.Timedelta(hours=1)).all(), "no hour is lost or twice"


def test_fuels_and_end_uses_add_up_to_the_scalars(year: Ran) -> None:
    uses = year.frame(EndUses())
    energies, scalars = uses[uses["unit"] == "kWh"], harvest(year.folder)
    assert set(uses["unit"]) == {"kWh", "m3"}
    assert not uses["value"].isna().any()
    assert set(uses["end_use"]) == set(END_USES.values())
    for name, end_use in END_USES.items():
        assert math.fsum(energies.loc[energies["end_use"] == end_use, "value"]) == scalars[name]
    for name, fuels in CARRIERS.items():
        total = math.fsum(energies.loc[energies["fuel"].isin(fuels), "value"])
        assert total == pytest.approx(scalars[name], rel=1e-12)
    assert math.fsum(energies["value"]) == pytest.approx(scalars["site_energy_kwh"], rel=1e-12)
    assert uses.loc[uses["fuel"] == "Water", "value"].sum() > 0


def test_a_table_is_what_energyplus_wrote(year: Ran) -> None:
    frame = year.frame(OPAQUE)
    written = year.sql(
        "SELECT RowName, ColumnName, Units, Value FROM TabularDataWithStrings WHERE ReportName = ? AND TableName = ?",
        OPAQUE.report,
        OPAQUE.table,
    )
    cells = {(row, column): (unit, text.strip()) for row, column, unit, text in written}
    assert len(frame) == len(cells) > 100
    for cell in frame.itertuples():
        unit, text = cells[cell.row, cell.column]
        assert cell.unit == unit
        assert cell.text == text if math.isnan(cell.value) else cell.value == float(text)
    u_values = frame[frame["column"] == "U-Factor no Film"]["value"]
    assert u_values.between(0.1, 20).all()
    assert set(frame["for"]) == {"Entire Facility"}


def test_a_table_for_many_things_says_which(year: Ran) -> None:
    frame = year.frame(TARIFFS)
    assert frame["for"].nunique() == 3
    assert frame.groupby("for")["row_number"].min().eq(0).all()


def test_sizes_are_those_of_the_components(year: Ran) -> None:
    sizes = year.frame(ComponentSizes())
    coils = sizes[sizes["component_class"] == "Coil:Cooling:DX:SingleSpeed"]
    assert coils["component"].nunique() == 5
    rated = coils[coils["description"].str.contains("Rated Total Cooling Capacity") & (coils["unit"] == "W")]
    assert rated["value"].between(1e3, 1e5).all()
    assert len(rated)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Meter("Electricty:Facility"), 'no meter "electricty:facility"; did you mean "Electricity:Facility"'),
        (Variable("Zone Mean Air Temp"), 'no variable "zone mean air temp"; did you mean "Zone Mean Air Temperature"'),
        (Variable(TEMPERATURE, "Nowhere", "daily"), f'reported "{TEMPERATURE.lower()}" not for "nowhere"'),
        (Table("EnvelopeSummary", "Opaque Exteriors"), 'no table "opaque exteriors"; did you mean "Opaque Exterior"'),
    ],
)
def test_what_was_not_reported_has_no_rows_and_says_why(year: Ran, request_: Request, said: str) -> None:
    assert len(year.frame(request_)) == 0
    assert said in year.note(request_)


def test_a_key_that_is_not_there_leaves_the_others(year: Ran) -> None:
    request = Variable(HEATING, ["Core_ZN", "Cor_ZN"], "daily")
    assert list(year.frame(request).columns) == ["time", "CORE_ZN"]
    assert 'not for "cor_zn"; did you mean "CORE_ZN"' in year.note(request)


def test_a_file_says_what_it_holds(year: Ran) -> None:
    said = about(year.files[Meter(ELECTRICITY).digest])
    assert said.pop("day_types")["ANNUAL"]["2017-01-01"] == "Holiday", "days that are not the weekday of their date"
    assert said == {
        "request": Meter(ELECTRICITY).to_json(),
        "name": ELECTRICITY,
        "unit": "kWh",
        "frequency": "hourly",
        "step_minutes": 60,
        "environment": ["ANNUAL"],
    }
    assert about(year.files[Meter(ELECTRICITY, "timestep").digest])["step_minutes"] == 10
    assert about(year.files[Variable(TEMPERATURE, ZONES).digest])["unit"] == "C"


def test_reading_twice_gives_the_same_bytes(year: Ran) -> None:
    again = harvest_requests(year.folder, [json.loads(json.dumps(one.to_json())) for one in ASKED[:12]])
    assert again == {one.digest: year.files[one.digest] for one in ASKED[:12]}


def test_every_file_that_can_be_kept_is_written(year: Ran) -> None:
    sizes = {name: (year.folder / name).stat().st_size for name in kept_files(KEPT, ".idf")}
    assert min(sizes.values()) > 0, sizes
    html = (year.folder / "eplustbl.htm").read_text(encoding="utf-8", errors="replace")
    assert "[kWh]" in html
    assert "[GJ]" not in html


def test_a_kept_sql_file_answers_what_was_reported(year: Ran) -> None:
    there = [
        EndUses(),
        ComponentSizes(),
        Table("EnvelopeSummary", "Exterior Fenestration"),
        Meter(GAS),
        Variable(TEMPERATURE, "core_zn"),
        Variable(TEMPERATURE, "Attic", "monthly"),
    ]
    lacking = [
        Table("LightingSummary", "Interior Lighting"),
        Meter(GAS, "daily"),
        Variable(TEMPERATURE, ["Core_ZN", "Attic"]),
        Variable(TEMPERATURE, "*", "hourly"),
    ]
    assert readable(year.folder / "eplusout.sql", [*there, *lacking]) == {one.digest for one in there}


def test_design_days_follow_one_another_by_name(days: Ran) -> None:
    hours = days.frame(Variable(TEMPERATURE, ZONES))
    names = [name for (name,) in days.sql("SELECT EnvironmentName FROM EnvironmentPeriods")]
    assert list(hours.columns) == ["environment", "time", "CORE_ZN", "PERIMETER_ZN_1"]
    assert list(hours["environment"].unique()) == names
    assert hours.groupby("environment").size().eq(24).all()
    months = days.frame(Meter(ELECTRICITY, "monthly"))
    assert months["time"].to_list() == hours.groupby("environment", sort=False)["time"].max().to_list(), "no month"
    sums = days.frame(Meter(ELECTRICITY)).groupby("environment", sort=False)[ELECTRICITY].sum()
    assert months[ELECTRICITY].to_list() == pytest.approx(sums.to_list(), rel=1e-12)


def test_design_days_give_no_energy_of_a_year(days: Ran, tmp_path: Path) -> None:
    assert days.frame(EndUses())["value"].isna().all()
    assert len(days.frame(ComponentSizes())) == 100
    assert start(tmp_path, "design-days", [ANNUAL]).wait() == 0
    ran = Ran(tmp_path, harvest_requests(tmp_path, [ANNUAL]))
    assert len(ran.frame(ANNUAL)) == 0
    assert "no annual values" in ran.note(ANNUAL)


def test_run_periods_follow_one_another_and_end_with_their_last_day(tmp_path: Path) -> None:
    """Three days around a month's end, and New Year of other years; design days are run too, and left out."""

    def change(document: Any) -> None:
        (first,) = document["RunPeriod"]
        first.begin_month, first.begin_day_of_month, first.end_month, first.end_day_of_month = 1, 30, 2, 1
        new_year = {"begin_month": 12, "begin_day_of_month": 31, "end_month": 1, "end_day_of_month": 1}
        document.add("RunPeriod", "new year", **new_year, begin_year=2019, end_year=2020)
        for control in document["SimulationControl"]:
            control.run_simulation_for_sizing_periods = "Yes"

    asked = [ANNUAL, *(Meter(ELECTRICITY, frequency) for frequency in ("daily", "monthly", "runperiod"))]
    assert start(tmp_path, "annual", asked, change=change).wait() == 0
    ran = Ran(tmp_path, harvest_requests(tmp_path, asked))
    days, months, periods = (ran.frame(one) for one in asked[1:])
    assert days.groupby("environment", sort=False).size().to_dict() == {"ANNUAL": 3, "NEW YEAR": 2}
    assert [str(stamp)[5:10] for stamp in months["time"]] == ["02-01", "02-02", "01-01", "01-02"]
    assert months["time"].iloc[2:].dt.year.to_list() == [2020, 2020]
    assert periods["time"].to_list() == months["time"].iloc[[1, 3]].to_list()
    assert periods[ELECTRICITY].to_list() == pytest.approx(
        days.groupby("environment", sort=False)[ELECTRICITY].sum().to_list(), rel=1e-12
    )
    assert len(ran.frame(ANNUAL)) == 0
    assert "EnergyPlus adds design days" in ran.note(ANNUAL), "no number is better than a wrong one"


def test_the_csv_file_holds_the_same_series(days: Ran) -> None:
    written = pd.read_csv(days.folder / "eplusout.csv", index_col=False, low_memory=False)
    joules = written[f"{ELECTRICITY} [J](Hourly)"].dropna()
    hours = days.frame(Meter(ELECTRICITY)).sort_values("time")[ELECTRICITY]  # the CSV is in the order of the calendar
    assert (joules / 3.6e6).to_list() == pytest.approx(hours.to_list(), rel=1e-12)


def test_variants_come_back_side_by_side(year: Ran) -> None:
    gas, nothing = year.files[Meter(GAS).digest], year.files[Meter("Electricty:Facility").digest]
    frame = wide_series({0: gas, 1: nothing, 2: gas}, GAS)
    assert frame.shape == (8760, 3)
    assert frame[2].equals(frame[0].rename(2))
    assert frame[1].isna().all()
    assert frame.attrs["units"] == {GAS: "kWh"}
    uses = year.files[EndUses().digest]
    assert len(long_table({0: uses, 1: uses}, "end uses")) == 2 * len(year.frame(EndUses()))
