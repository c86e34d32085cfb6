"""One meter or variable from EnergyPlus' SQL file, as a table with the column `time` and one column a key.

A stamp is the end of its interval, in local standard time all the year: so EnergyPlus counts in its own table of times,
where daylight saving moves the schedules and not the stamps. The steps of air and water systems ("detailed") are as
long as EnergyPlus made them, with stamps that it rounded to the minute.

Only the run of the weather is read. When there was none, or more than one, the column `environment` comes first and
tells design days or run periods apart, which follow one another. Warm-up days are left out.

EnergyPlus runs each day as one of its day types: a weekday, which is not that of the date after a leap day was left
out, or Holiday, SummerDesignDay, CustomDay1 … Those that are not the weekday of their date are said besides.
"""

from __future__ import annotations

import datetime
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from epstudy.core.canonical import folded
from epstudy.core.errors import EngineError
from epstudy.engines.energyplus.outputs.requests import ALL_KEYS, Meter, Variable, nearest
from epstudy.engines.energyplus.outputs.scalars import WEATHER_RUN_PERIOD, simulated_weather

if TYPE_CHECKING:
    import pyarrow as pa

#: ReportDataDictionary.ReportingFrequency of the SQL file, Output Details and Examples, 25.2.
_FREQUENCIES = {
    "timestep": "Zone Timestep",
    "detailed": "HVAC System Timestep",
    "hourly": "Hourly",
    "daily": "Daily",
    "monthly": "Monthly",
    "runperiod": "Run Period",
    "annual": "Annual",
}

#: Time.IntervalType, ibidem: smaller ones are steps, hours and days.
_MONTH, _RUN_PERIOD, _YEAR = 3, 4, 5

_SIZING_PERIODS = (1, 2)  # EnvironmentPeriods.EnvironmentType, ibidem: design days, and weather days for sizing
_NO_YEAR = 2017  # for design days, where EnergyPlus writes 0; it is what it takes for a run period without a year

_LONG = ("monthly", "runperiod", "annual")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_J_PER_KWH = 3.6e6
_ROW = np.dtype([("step", "i8"), ("column", "i8"), ("value", "f8")])
_TIMES = ("step", "environment", "kind", "year", "month", "day", "hour", "minute", "length")


@dataclass(frozen=True, slots=True)
class Reported:
    """One column of the results as the SQL file lists it. A meter's key is its name."""

    index: int
    name: str
    key: str
    unit: str


@dataclass(frozen=True, slots=True)
class Clock:
    """The steps of the simulated periods, without warm-up: arrays of the same length, in the order of time.

    `step` is Time.TimeIndex of the SQL file, `end` the end of the interval (NaT where it cannot be told), `length` its
    minutes. `environments` are the periods' names by the numbers in `environment`; `plain` says that it is the weather
    run and nothing else. `day_types` has, by the number of the period, the type of each day that EnergyPlus did not run
    as the weekday of its date, by the date ("2020-12-25").
    """

    step: NDArray[np.int64]
    end: NDArray[np.datetime64]
    length: NDArray[np.int64]
    environment: NDArray[np.int64]
    environments: dict[int, str]
    plain: bool
    day_types: dict[int, dict[str, str]]


def reported(sql: sqlite3.Connection, one: Meter | Variable) -> list[Reported]:
    """Return the columns of the SQL file that answer a request, in EnergyPlus' order."""
    rows = sql.execute(
        "SELECT ReportDataDictionaryIndex, Name, KeyValue, Units FROM ReportDataDictionary "
        "WHERE IsMeter = ? AND ReportingFrequency = ? ORDER BY ReportDataDictionaryIndex",
        (int(isinstance(one, Meter)), _FREQUENCIES[one.frequency]),
    )
    found = [Reported(index, name, key or name, unit or "") for index, name, key, unit in rows]
    found = [column for column in found if _is_named(column.name, one)]
    if isinstance(one, Meter) or one.key == ALL_KEYS:
        return found
    keys = {folded(key) for key in one.key}
    return [column for column in found if folded(column.key) in keys]


def _is_named(name: str, one: Meter | Variable) -> bool:
    """Whether this name is asked for. A star in a meter's stands for any text; nothing else in a name is a sign."""
    if isinstance(one, Variable) or ALL_KEYS not in one.name:
        return folded(name) == folded(one.name)
    pattern = ".*".join(map(re.escape, folded(one.name).split(ALL_KEYS)))
    return re.fullmatch(pattern, folded(name)) is not None


def read_clock(sql: sqlite3.Connection) -> Clock:
    """Return the steps of the weather run, or of the design days when there was none."""
    types = (WEATHER_RUN_PERIOD,) * 2 if simulated_weather(sql) else _SIZING_PERIODS
    environments = dict(
        sql.execute(
            "SELECT EnvironmentPeriodIndex, EnvironmentName FROM EnvironmentPeriods WHERE EnvironmentType IN (?, ?)",
            types,
        )
    )
    rows = sql.execute(
        "SELECT TimeIndex, EnvironmentPeriodIndex, IntervalType, IFNULL(Year, 0), IFNULL(Month, 0), IFNULL(Day, 0), "
        "IFNULL(Hour, 0), IFNULL(Minute, 0), IFNULL(Interval, 0) FROM Time WHERE IFNULL(WarmupFlag, 0) = 0 "
        "AND EnvironmentPeriodIndex IN (SELECT EnvironmentPeriodIndex FROM EnvironmentPeriods WHERE EnvironmentType "
        "IN (?, ?)) ORDER BY TimeIndex",
        types,
    )
    times = np.fromiter(rows, dtype=[(name, "i8") for name in _TIMES])
    plain = types[0] == WEATHER_RUN_PERIOD and len(environments) == 1
    days = _day_types(sql, environments)
    return Clock(times["step"], _ends(times), times["length"], times["environment"], environments, plain, days)


def read_series(
    sql: sqlite3.Connection, clock: Clock, one: Meter | Variable, folder: Path
) -> tuple[pa.Table, dict[str, Any]]:
    """Return the table of a request, energies in kWh, and what it is.

    `folder` may hold `eplusout.rdd` and `eplusout.mdd`, for the nearest names where nothing was reported.

    Raises
    ------
    EngineError
        When the file does not say when a reported interval ended.
    """
    import pyarrow as pa

    columns = reported(sql, one)
    steps, values = _values(sql, clock, columns)
    note = _note(sql, one, columns, len(steps), folder)
    if one.frequency == "annual" and len(steps) and _environment_count(sql) > 1:
        steps, values = steps[:0], values[:0]
        note = "EnergyPlus adds design days and earlier run periods to annual values; ask for runperiod instead"
    ends = clock.end[steps]
    if np.isnat(ends).any():
        raise EngineError(f"the SQL file does not say when the intervals of {one.name}, {one.frequency}, ended")
    several = isinstance(one, Meter) and ALL_KEYS in one.name
    data: dict[str, Any] = {} if clock.plain else {"environment": _names(clock, steps)}
    data |= {"time": pa.array(ends.astype("datetime64[us]"))}
    for place, key in enumerate(_distinct([column.key for column in columns])):
        data[key] = values[:, place] / _J_PER_KWH if columns[place].unit == "J" else values[:, place]
    about: dict[str, Any] = {
        "name": columns[0].name if columns and not several else one.name,
        "unit": ", ".join(dict.fromkeys("kWh" if column.unit == "J" else column.unit for column in columns)),
        "frequency": one.frequency,
        "step_minutes": _minutes(one, clock.length[steps]),
        "environment": list(clock.environments.values()),
    }
    days = {clock.environments[number]: days for number, days in clock.day_types.items() if days}
    if days and len(steps) and one.frequency not in _LONG:
        about["day_types"] = days
    return pa.table(data), {**about, "note": note} if note else about


def unlisted(folder: Path, requests: Iterable[Meter | Variable]) -> list[str]:
    """Return the meters and variables that a model does not have, by the lists that EnergyPlus writes as it begins."""
    said = []
    for one in requests:
        what, names = _dictionary(one, folder)
        if names and not any(_is_named(name, one) for name in names):
            said.append(f'no {what} "{one.name}"{nearest(one.name, names)}')
    return said


def _dictionary(one: Meter | Variable, folder: Path) -> tuple[str, list[str]]:
    """What a request is called, and the names of all that the model has of these."""
    what, listing = ("meter", "eplusout.mdd") if isinstance(one, Meter) else ("variable", "eplusout.rdd")
    return what, _listed(folder / listing)


def _day_types(sql: sqlite3.Connection, environments: Iterable[int]) -> dict[int, dict[str, str]]:
    """The days of each period that EnergyPlus did not run as the weekday of their date."""
    found: dict[int, dict[str, str]] = {number: {} for number in environments}
    rows = sql.execute(
        "SELECT DISTINCT EnvironmentPeriodIndex, IFNULL(Year, 0), Month, Day, DayType FROM Time "
        "WHERE IFNULL(WarmupFlag, 0) = 0 AND IntervalType < ? AND Month > 0 AND Day > 0 AND DayType > ''",
        (_MONTH,),
    )
    for environment, year, month, day, kind in rows:
        # A design day may be of 29 February.
        date = datetime.date(year or _NO_YEAR, month, 1) + datetime.timedelta(days=day - 1)
        if environment in found and kind != _WEEKDAYS[date.weekday()]:
            found[environment][date.isoformat()] = kind
    return found


def _ends(times: NDArray[Any]) -> NDArray[np.datetime64]:
    """The end of each interval. Months and longer periods end with the last day that was simulated of them."""
    year = np.where(times["year"] > 0, times["year"], _NO_YEAR)
    start_of_month = ((year - 1970) * 12 + times["month"] - 1).astype("datetime64[M]").astype("datetime64[m]")
    minutes = ((times["day"] - 1) * 24 + times["hour"]) * 60 + times["minute"]
    ends: NDArray[np.datetime64] = start_of_month + minutes.astype("timedelta64[m]")
    # By their day February has 29 in every run after one of a leap year (seen in 25.2).
    months = times["kind"] == _MONTH
    ends[months] = (start_of_month[months].astype("datetime64[M]") + np.timedelta64(1, "M")).astype("datetime64[m]")
    ends[times["kind"] == _RUN_PERIOD] = np.datetime64("9999-01-01")
    years = times["kind"] == _YEAR
    ends[years] = (year[years] + 1 - 1970).astype("datetime64[Y]")
    long = times["kind"] >= _MONTH
    for environment in np.unique(times["environment"]):
        there = times["environment"] == environment
        days = ends[there & ~long]
        ends[there & long] = np.minimum(ends[there & long], days.max() if len(days) else np.datetime64("NaT"))
    return ends


def _values(
    sql: sqlite3.Connection, clock: Clock, columns: Sequence[Reported]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Places in the clock where any column has a value, and the values: shape (steps, columns), NaN where one lacks."""
    sql.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (id INTEGER PRIMARY KEY, place INTEGER)")
    sql.execute("DELETE FROM wanted")
    sql.executemany("INSERT INTO wanted VALUES (?, ?)", [(one.index, place) for place, one in enumerate(columns)])
    rows = np.fromiter(
        sql.execute(
            "SELECT TimeIndex, place, Value FROM ReportData CROSS JOIN wanted ON id = ReportDataDictionaryIndex "
            "ORDER BY ReportDataIndex"
        ),
        dtype=_ROW,
    )
    rows = rows[np.isin(rows["step"], clock.step)]
    places = np.searchsorted(clock.step, rows["step"])
    steps = np.unique(places)
    values = np.full((len(steps), len(columns)), np.nan)
    values[np.searchsorted(steps, places), rows["column"]] = rows["value"]
    return steps, values


def _names(clock: Clock, steps: NDArray[np.intp]) -> Any:
    import pyarrow as pa

    return pa.array([clock.environments[number] for number in clock.environment[steps].tolist()], pa.string())


def _minutes(one: Meter | Variable, lengths: NDArray[np.int64]) -> int | None:
    """The length of every step, where all are equally long."""
    return int(lengths[0]) if one.frequency in ("timestep", "hourly", "daily") and len(lengths) else None


def _distinct(keys: Sequence[str]) -> list[str]:
    """Keys as names of columns: two objects may have one name, and a third may be called like the second column."""
    names: list[str] = []
    for key in keys:
        name, count = key, 1
        while name in names or (count > 1 and name in keys):
            count += 1
            name = f"{key} ({count})"
        names.append(name)
    return names


def _environment_count(sql: sqlite3.Connection) -> int:
    return int(sql.execute("SELECT COUNT(*) FROM EnvironmentPeriods").fetchone()[0])


def _note(sql: sqlite3.Connection, one: Meter | Variable, columns: Sequence[Reported], steps: int, folder: Path) -> str:
    """What the run did not report of a request; an empty text when all is there."""
    if isinstance(one, Variable) and one.key != ALL_KEYS and columns:
        there = {folded(column.key) for column in columns}
        lacking = [key for key in one.key if folded(key) not in there]
        return f'EnergyPlus reported "{columns[0].name}" not for {_keys(sql, lacking)}' if lacking else ""
    if columns:
        return "" if steps else f"EnergyPlus wrote no {one.frequency} values in this run"
    what, names = _dictionary(one, folder)
    if folded(one.name) not in {folded(name) for name in names}:
        return f'EnergyPlus reported no {what} "{one.name}"{nearest(one.name, names)}'
    if isinstance(one, Meter) or one.key == ALL_KEYS:
        return f'EnergyPlus knows the {what} "{one.name}" but reported nothing'
    return f'EnergyPlus reported "{one.name}" not for {_keys(sql, one.key)}'


def _keys(sql: sqlite3.Connection, keys: Sequence[str]) -> str:
    """Keys that nothing was reported for, with the nearest names of the model's objects."""
    rows = sql.execute(
        "SELECT ZoneName FROM Zones UNION SELECT SurfaceName FROM Surfaces UNION SELECT ScheduleName FROM Schedules "
        "UNION SELECT CompName FROM ComponentSizes"
    )
    names = sorted(name for (name,) in rows if name)
    return ", ".join(f'"{key}"' for key in keys) + "".join(nearest(key, names) for key in keys[:1])


def _listed(path: Path) -> list[str]:
    """The names in EnergyPlus' list of variables or meters, whose lines are `kind,kind,name [unit]`."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="latin-1").splitlines()[2:]
    return [found[1] for line in lines if (found := re.fullmatch(r"[^,]*,[^,]*,(.*) \[.*\]", line.strip()))]
