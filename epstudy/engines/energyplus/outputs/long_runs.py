"""Runs of two years and more: what EnergyPlus counts over all of them, where its tables have the last year alone.

EnergyPlus empties its tables when 365 days of a run period are left and as many or more have passed (seen with 25.2;
https://github.com/NatLabRockies/EnergyPlus/pull/5256). Its meters of frequency RunPeriod go on: so such a run reports
them all, and scalars and end uses are added up from these, over every run period.
"""

from __future__ import annotations

import datetime
import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from epstudy.engines.energyplus.model.annual import begins
from epstudy.engines.energyplus.model.model import Document, ModelObject, objects_of

_DAYS = 730
_RUN_PERIOD = 4  # Time.IntervalType of the SQL file, Output Details and Examples, 25.2
_WEATHER = 3  # EnvironmentPeriods.EnvironmentType, ibidem

_UNMET = {
    "heating": "Facility Heating Setpoint Not Met While Occupied Time",
    "cooling": "Facility Cooling Setpoint Not Met While Occupied Time",
}

#: What makes EnergyPlus count over the whole run, as classes with their fields.
OBJECTS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("Output:Meter", {"key_name": "*", "reporting_frequency": "RunPeriod"}),
    *(
        ("Output:Variable", {"key_value": "*", "variable_name": name, "reporting_frequency": "RunPeriod"})
        for name in _UNMET.values()
    ),
)

#: Rows of EnergyPlus' table "End Uses", and what its meters are called.
_METERED = {
    "Interior Lighting": "InteriorLights",
    "Exterior Lighting": "ExteriorLights",
    "Humidification": "Humidifier",
    "Generators": "Cogeneration",
}


@dataclass(frozen=True, slots=True)
class WholeRun:
    """Meters of a run, added over its run periods: energies in kWh, water in m3, by the meter's name in lower case.

    `peak_electricity_w` is the highest mean power of a time step. Times in h.
    """

    meters: Mapping[str, float]
    peak_electricity_w: float
    unmet_heating_h: float
    unmet_cooling_h: float

    def end_use(self, row: str, column: str) -> float:
        """Return the cell of the table "End Uses"; 0 for what the building does not have."""
        fuel = column.replace(" ", "")
        if row == "Total End Uses":
            return self.meter(f"{fuel}:Facility")
        return self.meter(f"{_METERED.get(row, row.replace(' ', ''))}:{fuel}")

    def meter(self, name: str) -> float:
        """Return what a meter counted; 0 where there is none."""
        return self.meters.get(name.casefold(), 0.0)


def run_days(one: ModelObject) -> int:
    """Return how many days a RunPeriod has, at most; one that states no year and ends on 29 February has years."""
    year, month, day = begins(one)
    last = int(one.end_month or 12), int(one.end_day_of_month or 31)
    if not year:
        return 4 * 366 if last == (2, 29) and (month, day) != last else 366
    end_year = int(one.end_year or 0) or year + (last < (month, day))
    return (
        datetime.date(end_year, last[0], 1).toordinal() + last[1] - datetime.date(year, month, 1).toordinal() - day + 1
    )


def is_long(document: Document) -> bool:
    """Say whether EnergyPlus' tables would hold the last year alone."""
    return runs_weather(document) and any(run_days(one) >= _DAYS for one in objects_of(document, "RunPeriod"))


def runs_weather(document: Document) -> bool:
    """Say whether the model's SimulationControl runs the weather file."""
    controls = objects_of(document, "SimulationControl")
    return any(str(one.run_simulation_for_weather_file_run_periods).casefold() == "yes" for one in controls)


def whole_run(sql: sqlite3.Connection) -> WholeRun | None:
    """Return what was counted over the whole run; None for a run whose tables hold all of it."""
    longest = sql.execute(
        "SELECT MAX(Interval) FROM Time JOIN EnvironmentPeriods USING (EnvironmentPeriodIndex) "
        "WHERE IntervalType = ? AND EnvironmentType = ?",
        (_RUN_PERIOD, _WEATHER),
    ).fetchone()[0]
    if (longest or 0) < _DAYS * 24 * 60:
        return None
    rows = sql.execute(
        "SELECT Name, Units, Value, MaxValue FROM ReportData JOIN ReportDataDictionary USING "
        "(ReportDataDictionaryIndex) JOIN Time USING (TimeIndex) "
        "JOIN EnvironmentPeriods USING (EnvironmentPeriodIndex) LEFT JOIN ReportExtendedData "
        "USING (ReportDataIndex) WHERE ReportingFrequency = 'Run Period' AND EnvironmentType = ? "
        "AND (IsMeter = 1 OR Name IN (?, ?))",
        (_WEATHER, *_UNMET.values()),
    )
    values: dict[str, list[float]] = {}
    peaks = [0.0]
    for name, unit, value, largest in rows:
        values.setdefault(name.casefold(), []).append(value / 3.6e6 if unit == "J" else value)
        if name == "Electricity:Facility":
            peaks.append(max(largest or 0.0, 0.0))
    (steps_per_hour,) = sql.execute("SELECT NumTimestepsPerHour FROM Simulations").fetchone()
    meters = {name: math.fsum(each) for name, each in values.items()}
    unmet = {name: meters.pop(variable.casefold(), 0.0) for name, variable in _UNMET.items()}
    return WholeRun(meters, max(peaks) * steps_per_hour / 3600, unmet["heating"], unmet["cooling"])
