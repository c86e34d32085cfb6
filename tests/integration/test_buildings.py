"""Buildings of other kinds than the small office: a study gives the very numbers that EnergyPlus writes by hand.

These are a few of them, for every day; `python -m benchmarks.all_buildings` compares all 32 that the wheel ships, as
docs/buildings.md tells.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

import epstudy as ep
from benchmarks.all_buildings import (
    ENVELOPE,
    METERS,
    TEMPERATURE,
    Case,
    by_hand,
    cases,
    compared,
    furthest,
    reported,
    through_epstudy,
    written,
)

CONVERT = """
import sys
from pyenergyplus.api import EnergyPlusAPI
api = EnergyPlusAPI()
sys.exit(api.runtime.run_energyplus(api.state_manager.new_state(), ["--convert-only", "-d", *sys.argv[1:]]))
"""


def case_of(building: str, period: str) -> Case:
    (case,) = [case for case in cases() if (case.building, case.period) == (building, period)]
    return case


def used(study: ep.Study, meter: str) -> list[float]:
    """The energy on a meter in each variant, in kWh."""
    return [float(energy) for energy in study.timeseries(meter).sum()]


def edited_json(content: bytes, period: str, lpd: float | None) -> bytes:
    """Edit an epJSON as what it is, JSON."""
    model = json.loads(content)
    if lpd is not None:
        for lights in model["Lights"].values():
            lights["watts_per_floor_area"] = lpd
    (control,) = model["SimulationControl"].values()
    control["run_simulation_for_sizing_periods"] = "No" if period == "annual" else "Yes"
    control["run_simulation_for_weather_file_run_periods"] = "Yes" if period == "annual" else "No"
    (reports,) = model["Output:Table:SummaryReports"].values()
    assert ENVELOPE[0] in [one["report_name"] for one in reports["reports"]]
    reports["reports"].append({"report_name": "DemandEndUseComponentsSummary"})
    model["Output:SQLite"] = {
        "by hand": {
            "option_type": "SimpleAndTabular",
            "unit_conversion_for_tabular_data": "JtoKWH",
            "format_numeric_values_for_tabular_data": "No",
        }
    }
    series = {"key_value": "*", "variable_name": TEMPERATURE, "reporting_frequency": "Daily"}
    model["Output:Variable"]["by hand"] = series
    for meter in METERS:
        model["Output:Meter"][f"by hand {meter}"] = {"key_name": meter, "reporting_frequency": "Hourly"}
    return json.dumps(model).encode()


@pytest.mark.parametrize(
    ("building", "meters"),
    [
        ("ref supermarket", ["Refrigeration:Electricity", "Heating:NaturalGas"]),  # racks and cases, packaged units
        ("ref large_office", ["HeatRejection:Electricity", "Pumps:Electricity"]),  # chillers, a tower, boilers
        ("ref large_hotel", ["InteriorEquipment:NaturalGas", "WaterSystems:NaturalGas"]),  # fan coils, a laundry
        (
            "ashrae office_small",
            ["Heating:Electricity", "WaterSystems:Electricity"],
        ),  # heat pumps, the model's own code
    ],
)
def test_the_design_days_of_another_building_are_energyplus_own(
    store: str, tmp_path: Path, building: str, meters: list[str]
) -> None:
    case = case_of(building, "design-days")
    study = through_epstudy(case)
    row = compared(case, study, by_hand(case, tmp_path))
    assert row.good, row
    assert row.values > 2000
    for meter in meters:
        assert min(used(study, meter)) > 0, meter


def test_the_design_days_of_an_epjson_are_energyplus_own(store: str, tmp_path: Path) -> None:
    """A restaurant as EnergyPlus itself converts it, edited by hand as JSON."""
    idf = case_of("ref full_service_restaurant", "design-days")
    subprocess.run([sys.executable, "-c", CONVERT, tmp_path, idf.model], check=True, cwd=tmp_path, capture_output=True)
    case = Case("epJSON restaurant", tmp_path / f"{idf.model.stem}.epJSON", idf.weather, idf.period)
    study = through_epstudy(case)
    folders = by_hand(case, tmp_path, edited_json)
    row = compared(case, study, folders)
    assert row.good, row
    assert row.values > 2000
    other, _ = furthest(reported(study, 1), written(folders[0]))
    assert other > 0.01, "two models that differ do not pass for one"


def test_the_year_of_a_building_with_two_fuels_is_energyplus_own(store: str, tmp_path: Path) -> None:
    case = case_of("ref full_service_restaurant", "annual")
    study = through_epstudy(case)
    row = compared(case, study, by_hand(case, tmp_path))
    assert row.good, row
    assert row.values > 2 * 8760 * 10
    frame = study.results(strict=True)
    for fuel in ("electricity_kwh", "natural_gas_kwh"):
        assert frame[fuel].min() > 10_000
    for use in ("heating_kwh", "cooling_kwh", "interior_equipment_kwh", "refrigeration_kwh", "water_systems_kwh"):
        assert frame[use].min() > 1_000
    assert math.fsum(used(study, "Electricity:Facility")) == pytest.approx(frame["electricity_kwh"].sum(), rel=1e-9)
