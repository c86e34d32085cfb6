"""What is asked of EnergyPlus, and the scalars that are read from what it wrote.

Scalars come from its own tables in the SQL file, as full doubles in kWh, addressed by report, table, row and column
name (the columns differ between versions), with the unit checked in every row.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
from pathlib import Path
from typing import Any

from epstudy.core.errors import EngineError
from epstudy.engines.energyplus.model import Document, objects_of, remove_all

#: The end uses of EnergyPlus: column of the results, and row of its table "End Uses".
END_USES = {
    "heating_kwh": "Heating",
    "cooling_kwh": "Cooling",
    "interior_lighting_kwh": "Interior Lighting",
    "exterior_lighting_kwh": "Exterior Lighting",
    "interior_equipment_kwh": "Interior Equipment",
    "exterior_equipment_kwh": "Exterior Equipment",
    "fans_kwh": "Fans",
    "pumps_kwh": "Pumps",
    "heat_rejection_kwh": "Heat Rejection",
    "humidification_kwh": "Humidification",
    "heat_recovery_kwh": "Heat Recovery",
    "water_systems_kwh": "Water Systems",
    "refrigeration_kwh": "Refrigeration",
    "generators_kwh": "Generators",
}

#: Energy by carrier: column of the results, and the columns of "End Uses" whose "Total End Uses" are added.
CARRIERS = {
    "electricity_kwh": ("Electricity",),
    "natural_gas_kwh": ("Natural Gas",),
    "district_heating_kwh": ("District Heating Water", "District Heating Steam", "District Heating"),
    "district_cooling_kwh": ("District Cooling",),
}

#: Every scalar of a result, in the order of the columns, with its unit.
METRICS: dict[str, str] = {
    "site_energy_kwh": "kWh",
    "site_eui_kwh_m2": "kWh/m2",
    **dict.fromkeys(CARRIERS, "kWh"),
    **dict.fromkeys(END_USES, "kWh"),
    "floor_area_m2": "m2",
    "unmet_heating_h": "h",
    "unmet_cooling_h": "h",
    "peak_electricity_w": "W",
    "warnings": "1",
    "severe_errors": "1",
    "seconds": "s",
}

WEATHER_RUN_PERIOD = 3  # EnvironmentPeriods.EnvironmentType in the SQL file, Output Details and Examples, 25.2

_SUMMARY = "AnnualBuildingUtilityPerformanceSummary"
_DEMAND = "DemandEndUseComponentsSummary"

UNASKED = (
    "Output:Variable",
    "Output:Meter",
    "Output:Meter:MeterFileOnly",
    "Output:Meter:Cumulative",
    "Output:Meter:Cumulative:MeterFileOnly",
    "Output:Table:Monthly",
    "Output:Table:Annual",
    "Output:Table:TimeBins",
    "Output:Table:SummaryReports",
    "Output:Table:ReportPeriod",
    "Output:Surfaces:List",
    "Output:Surfaces:Drawing",
    "Output:Constructions",
    "Output:DaylightFactors",
    "Output:EnergyManagementSystem",
    "Output:EnvironmentalImpactFactors",
    "Output:VariableDictionary",
    "Output:JSON",
    "Output:SQLite",
    "OutputControl:Files",
    "OutputControl:Timestamp",
)


def ask(document: Document) -> None:
    """Leave of the model's output requests only what the scalars need, in place: 3 files instead of 17."""
    remove_all(document, *UNASKED)
    document.add(
        "Output:SQLite",
        option_type="SimpleAndTabular",
        unit_conversion_for_tabular_data="JtoKWH",
        format_numeric_values_for_tabular_data="No",
    )
    document.add("Output:Table:SummaryReports", reports=[{"report_name": _SUMMARY}, {"report_name": _DEMAND}])
    wanted = {"output_sqlite", "output_end"}
    files = [name for name in document.schema.get_all_field_names("OutputControl:Files") if name != "name"]
    document.add("OutputControl:Files", **{name: "Yes" if name in wanted else "No" for name in files})


def set_period(document: Document, period: str) -> None:
    """Make the model run the weather year or its design days, in place; "model" leaves it as it is."""
    if period == "model":
        return
    annual = period == "annual"
    if not list(objects_of(document, "SimulationControl")):
        document.add("SimulationControl")
    for control in objects_of(document, "SimulationControl"):
        control.run_simulation_for_weather_file_run_periods = "Yes" if annual else "No"
        control.run_simulation_for_sizing_periods = "No" if annual else "Yes"
    if annual:
        _full_year(document)


def _full_year(document: Document) -> None:
    """One RunPeriod, from 1 January to 31 December, with the first one's weekday, year and weather options."""
    first, *others = [*objects_of(document, "RunPeriod")] or [document.add("RunPeriod", "annual")]
    for one in others:
        document.removeidfobject(one)
    first.begin_month, first.begin_day_of_month = 1, 1
    first.end_month, first.end_day_of_month = 12, 31
    if first.begin_year:
        first.end_year = first.begin_year


def harvest(folder: Path) -> dict[str, float]:
    """Return the scalars of the run in `folder`, without warnings, errors and seconds.

    An energy, an unmet hour or a peak is NaN when no weather period was simulated: after design days EnergyPlus
    fills its tables with zeros. A carrier or an end use that the building does not have is 0.

    Raises
    ------
    EngineError
        When a table lacks a row or column, or has it in another unit, than EnergyPlus 25.2 writes.
    """
    with contextlib.closing(sqlite3.connect(f"file:{folder / 'eplusout.sql'}?mode=ro", uri=True)) as sql:
        weather = sql.execute(
            "SELECT COUNT(*) FROM EnvironmentPeriods WHERE EnvironmentType = ?", (WEATHER_RUN_PERIOD,)
        ).fetchone()[0]
        area = _Table(sql, _SUMMARY, "Building Area").value("Total Building Area", "Area", "m2")
        if not weather:
            nothing = {name: math.nan for name in METRICS if name not in ("warnings", "severe_errors", "seconds")}
            return {**nothing, "floor_area_m2": area}
        return {**_energy(sql), **_comfort(sql), "floor_area_m2": area}


def _energy(sql: sqlite3.Connection) -> dict[str, float]:
    uses = _Table(sql, _SUMMARY, "End Uses")
    site = _Table(sql, _SUMMARY, "Site and Source Energy")
    fuels = uses.columns("kWh")  # every carrier, and not the column of water in m3
    return {
        "site_energy_kwh": site.value("Total Site Energy", "Total Energy", "kWh"),
        "site_eui_kwh_m2": site.value("Total Site Energy", "Energy Per Total Building Area", "kWh/m2"),
        **{
            name: math.fsum(uses.value("Total End Uses", column, "kWh") for column in columns if column in fuels)
            for name, columns in CARRIERS.items()
        },
        **{name: math.fsum(uses.value(row, column, "kWh") for column in fuels) for name, row in END_USES.items()},
    }


def _comfort(sql: sqlite3.Connection) -> dict[str, float]:
    unmet = _Table(sql, _SUMMARY, "Comfort and Setpoint Not Met Summary")
    demand = _Table(sql, _DEMAND, "End Uses")
    return {
        "unmet_heating_h": unmet.value("Time Setpoint Not Met During Occupied Heating", "Facility", "Hours"),
        "unmet_cooling_h": unmet.value("Time Setpoint Not Met During Occupied Cooling", "Facility", "Hours"),
        "peak_electricity_w": demand.value("Total End Uses", "Electricity", "W"),
    }


class _Table:
    """One table of one report, by the names of its rows and columns."""

    def __init__(self, sql: sqlite3.Connection, report: str, table: str) -> None:
        self._name = f"{report}, {table}"
        self._cells: dict[tuple[str, str], tuple[str, str]] = {
            (row, column): (unit, text)
            for row, column, unit, text in sql.execute(
                "SELECT RowName, ColumnName, Units, Value FROM TabularDataWithStrings "
                "WHERE ReportName = ? AND TableName = ? AND ReportForString = 'Entire Facility'",
                (report, table),
            )
        }

    def columns(self, unit: str) -> list[str]:
        return list(dict.fromkeys(column for (_, column), (found, _) in self._cells.items() if found == unit))

    def value(self, row: str, column: str, unit: str) -> float:
        cell: Any = self._cells.get((row, column))
        if cell is None:
            raise EngineError(f'EnergyPlus wrote no "{row}" / "{column}" in its table {self._name}')
        found, text = cell
        if found != unit:
            raise EngineError(f'{self._name}: "{row}" / "{column}" is in {found!r}; expected {unit!r}')
        return float(text) if text.strip() else math.nan
