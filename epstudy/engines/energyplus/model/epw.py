"""Weather files: what an EPW says of its place and its year, and what is wrong with it before EnergyPlus reads it.

What a model must change along with its weather file is in `design_days`.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from epstudy.core.errors import InputError
from epstudy.engines.energyplus.model.weather_kinds import what_it_is

_NO_EPW = "is no EPW file: its first line does not begin with LOCATION"

_HOURS = 8760
_DAY = datetime.timedelta(days=1)
_CALENDAR = 1583  # EnergyPlus takes no year before: the first whole one of the calendar of today
_COLUMNS = 35  # Auxiliary Programs 25.2, EnergyPlus Weather File (EPW) Data Dictionary
_NEEDED = 27  # date, flags and 21 numbers; the rest has defaults (WeatherManager.cc, InterpretWeatherDataLine)

#: Columns without which there is no weather: name, place, and the code from which on a value is missing. EnergyPlus
#: puts the last good value or a constant there and runs.
_VITAL = (
    ("dry bulb temperature", 6, 99.9),
    ("relative humidity", 8, 999.0),
    ("direct normal radiation", 14, 9999.0),
    ("diffuse horizontal radiation", 15, 9999.0),
)


@dataclass(frozen=True, slots=True)
class DesignConditions:
    """ASHRAE's design conditions of one station, as far as design days need them.

    Temperatures in C, wind speeds in m/s, wind directions in degrees from north. `heating` is the 99.6 % dry bulb;
    `cooling` the 0.4 % dry bulb with its mean coincident wet bulb; `humid` the 0.4 % wet bulb with its mean coincident
    dry bulb. `daily_range` is the mean one of the hottest month, in K.
    """

    source: str
    coldest_month: int
    heating_dry_bulb: float
    heating_wind_speed: float
    heating_wind_direction: float
    hottest_month: int
    daily_range: float
    cooling_dry_bulb: float
    cooling_wet_bulb: float
    humid_dry_bulb: float
    humid_wet_bulb: float
    cooling_wind_speed: float
    cooling_wind_direction: float


@dataclass(frozen=True, slots=True)
class Epw:
    """What a weather file says of its place and its year.

    `records` counts its lines of data, `records_per_hour` is 1 in all but a few files; a model that runs with another
    one must have that many time steps an hour. `first` and `last` are year, month and day of its data. `measured` says
    that its days follow each other in time, as those of an actual year; the months of a typical year come from
    different years. `leap_day` says whether it has a 29 February, `start_weekday` and `header_years` what its header
    says of its first day ("" and None where it says nothing); EnergyPlus goes by neither.

    Mean temperatures leave missing values out and are NaN for a month, or for a year, without values.
    `ground_temperatures_c` has, for each depth in m, twelve undisturbed ones. `design` is None when the header has no
    design conditions that can be read; `without_design` then says why.
    """

    city: str
    region: str
    country: str
    source: str
    wmo: str
    latitude: float
    longitude: float
    time_zone_h: float
    elevation_m: float
    design: DesignConditions | None
    without_design: str
    ground_temperatures_c: tuple[tuple[float, tuple[float, ...]], ...]
    leap_year_observed: bool
    data_periods: int
    records_per_hour: int
    records: int
    first: tuple[int, int, int]
    last: tuple[int, int, int]
    monthly_dry_bulb_c: tuple[float, ...]
    annual_dry_bulb_c: float
    measured: bool
    leap_day: bool
    start_weekday: str
    header_years: tuple[int, int] | None

    @property
    def place(self) -> str:
        """City, region and country, for the eye."""
        return ", ".join(filter(None, (self.city, self.region, self.country)))

    @property
    def hours(self) -> int:
        """How many whole hours it covers; a year has 8760."""
        return self.records // self.records_per_hour


class _Record(NamedTuple):
    """One line of data: its number in the file, its date, and its `_VITAL` values."""

    line: int
    year: int
    month: int
    day: int
    hour: int
    values: tuple[float, ...]


def read_epw(content: bytes) -> Epw:
    """Return what a weather file says of its place and its year.

    Raises
    ------
    InputError
        When it is no EPW, or a line cannot be read; the text follows "the weather file … ".
    """
    header, records = _read(content)
    return _epw(header, records)


def weather_problems(content: bytes, period: str) -> list[str]:
    """Return what is wrong with a weather file for a run of that period; each text follows "the weather file … ".

    Only an annual run needs the whole year; a run of design days never looks at the hours.
    """
    try:
        header, records = _read(content)
        epw = _epw(header, records)
    except InputError as error:
        return [str(error)]
    if period == "design-days":
        return []
    problems = _year_problems(epw) if period == "annual" else []
    if epw.data_periods == 1:
        problems += _gaps(records, epw.records_per_hour)
    return problems + [
        f"has no {name}: every value is the code for a missing one, {missing:g} or more"
        for place, (name, _, missing) in enumerate(_VITAL)
        if all(record.values[place] >= missing for record in records)
    ]


def _year_problems(epw: Epw) -> list[str]:
    first, last = ("{}/{}".format(*date[1:]) for date in (epw.first, epw.last))
    if epw.data_periods > 1:
        return [
            f"has {epw.data_periods} data periods, and no run crosses from one to the next; expected one whole year"
        ]
    if epw.hours < _HOURS:
        lines = "hourly lines" if epw.records_per_hour == 1 else "hours of data"
        return [f"has {epw.hours} {lines}, from {first} to {last}; a year has {_HOURS}"]
    if epw.measured:
        return _measured_year_problems(epw)
    if first != "1/1":
        return [f"begins on {first}; an annual run needs the days from 1/1 to 12/31 in their order"]
    return []


def _measured_year_problems(epw: Epw) -> list[str]:
    """A measured year may begin on any day; it is whole with the day before that day of the next year."""
    begin, last = datetime.date(*epw.first), datetime.date(*epw.last)
    end = year_later(begin) - _DAY
    if last >= end:
        return []
    lines = "hourly lines" if epw.records_per_hour == 1 else "hours of data"
    hours = 24 * ((end - begin).days + 1)
    return [f"has {epw.hours} {lines}, from {begin} to {last}; a year from that day on has {hours}, to {end}"]


def year_later(day: datetime.date) -> datetime.date:
    """Return the same day of the next year; 1 March for 29 February."""
    return datetime.date(day.year + 1, 3, 1) if (day.month, day.day) == (2, 29) else day.replace(year=day.year + 1)


def _gaps(records: list[_Record], per_hour: int) -> list[str]:
    """The first place where the hours do not follow each other, if there is one."""
    a_day = 24 * per_hour
    days = [records[start : start + a_day] for start in range(0, len(records), a_day)]
    for day in days:
        for place, record in enumerate(day):
            hour = place // per_hour + 1
            if (record.month, record.day, record.hour) != (day[0].month, day[0].day, hour):
                return [_gap(record, f"{day[0].month}/{day[0].day} hour {hour}")]
    for (before, *_), (after, *_) in pairwise(days):
        following = _following(before.month, before.day)
        if (after.month, after.day) not in following:
            return [_gap(after, f"{following[0][0]}/{following[0][1]} hour 1")]
    return []


def _gap(record: _Record, expected: str) -> str:
    found = f"{record.month}/{record.day} hour {record.hour}"
    return f"is not continuous: line {record.line} is {found}, expected {expected}"


def _following(month: int, day: int) -> list[tuple[int, int]]:
    """The days that may come after a day: two after 28 February."""
    if (month, day) == (2, 28):
        return [(3, 1), (2, 29)]
    last = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]
    return [(month, day + 1)] if day < last else [(month % 12 + 1, 1)]


def _read(content: bytes) -> tuple[dict[str, list[str]], list[_Record]]:
    """The lines of the header by their first word, without it; and the lines of data."""
    lines = re.split(r"\r\n?|\n", _text(content))
    if not lines[0].upper().startswith("LOCATION,"):
        kind = what_it_is(content)
        raise InputError(f"is no EPW file: it {kind}" if kind else _NO_EPW)
    if len(lines) > 1 and b"\n" not in content:
        raise InputError("ends its lines with CR alone, which EnergyPlus does not read; save it with LF or CR and LF")
    header: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        word, *fields = (field.strip() for field in line.split(","))
        header[word.upper()] = fields
        if word.upper() == "DATA PERIODS":
            return header, list(_records(lines[number:], number + 1))
    raise InputError("is no whole EPW file: no line DATA PERIODS ends its header")


def _records(lines: list[str], first: int) -> Iterator[_Record]:
    for number, line in enumerate(lines, first):
        if not line.strip(" \t\x1a"):
            continue
        fields = line.split(",")
        if len(fields) < _NEEDED:
            raise InputError(
                f"has {len(fields)} columns in line {number}; expected the {_COLUMNS} of a line of data, "
                f"of which EnergyPlus needs {_NEEDED}"
            )
        try:
            year, month, day, hour = map(int, fields[:4])
        except ValueError:
            month = 0
        values = _floats([fields[place] for _, place, _ in _VITAL])
        if not values or not 1 <= month <= 12:
            raise InputError(
                f'has a line {number} that cannot be read: "{line[:60]}…"; expected year, month, day, hour, minute, '
                "flags, and then numbers"
            )
        yield _Record(number, year, month, day, hour, tuple(values))


def _epw(header: dict[str, list[str]], records: list[_Record]) -> Epw:
    if not records:
        raise InputError("has no line of data after its header")
    location = header["LOCATION"]
    where = _floats(location[5:9])
    if len(where) < 4:
        raise InputError(
            "has a LOCATION that cannot be read; expected city, region, country, source, WMO number, latitude, "
            f"longitude, time zone and elevation, found {', '.join(location)}"
        )
    counts = _floats(header["DATA PERIODS"][:2])
    if len(counts) < 2 or min(counts) < 1:
        raise InputError(
            "has a DATA PERIODS that cannot be read; expected first how many there are and how many records an hour "
            f"has, found {', '.join(header['DATA PERIODS'])}"
        )
    design, without_design = None, ""
    try:
        design = _conditions(header.get("DESIGN CONDITIONS", []))
    except InputError as error:
        without_design = str(error)
    months: list[list[float]] = [[] for _ in range(12)]
    for record in records:
        if record.values[0] < _VITAL[0][2]:
            months[record.month - 1].append(record.values[0])
    header_years = _header_years(header["DATA PERIODS"])
    measured = _measured(records, int(counts[1]), None)
    first, last = records[0][1:4], records[-1][1:4]
    if not measured and header_years and len({record.year for record in records}) == 1:
        measured = _measured(records, int(counts[1]), header_years[0])
        first, last = (header_years[0], *first[1:]), (header_years[1], *last[1:])
    holidays = next((fields for word, fields in header.items() if word.startswith("HOLIDAYS")), [])
    return Epw(
        city=location[0],
        region=location[1],
        country=location[2],
        source=location[3],
        wmo=location[4],
        latitude=where[0],
        longitude=where[1],
        time_zone_h=where[2],
        elevation_m=where[3],
        design=design,
        without_design=without_design,
        ground_temperatures_c=_ground(header.get("GROUND TEMPERATURES", [])),
        leap_year_observed=holidays[:1] != [] and holidays[0].casefold() == "yes",
        data_periods=int(counts[0]),
        records_per_hour=int(counts[1]),
        records=len(records),
        first=first,
        last=last,
        monthly_dry_bulb_c=tuple(map(_mean, months)),
        annual_dry_bulb_c=_mean([value for month in months for value in month]) if all(months) else math.nan,
        measured=measured,
        leap_day=any((record.month, record.day) == (2, 29) for record in records),
        start_weekday=next(iter(header["DATA PERIODS"][3:4]), "").strip().title(),
        header_years=header_years,
    )


def _measured(records: list[_Record], per_hour: int, year: int | None) -> bool:
    """Whether days follow each other in time, in the years of the lines or from the year that is given on.

    A 29 February may be left out: so are those of many measured years.
    """
    dates: list[datetime.date] = []
    for record in records[:: 24 * per_hour]:
        if year is not None and dates and record.month < dates[-1].month:
            year += 1
        try:
            dates.append(datetime.date(year or record.year, record.month, record.day))
        except ValueError:
            return False
    return dates[0].year >= _CALENDAR and all(
        after - before == _DAY or (after.month, after.day, (after - before).days) == (3, 1, 2)
        for before, after in pairwise(dates)
    )


def _header_years(fields: list[str]) -> tuple[int, int] | None:
    """The years in the dates of DATA PERIODS, which only measured years have: 1/ 1/2020."""
    years = [date.split("/")[2:] for date in fields[4:6]]
    known = [int(year[0]) for year in years if year and year[0].strip().isdigit()]
    return (known[0], known[1]) if len(known) == 2 and min(known) >= _CALENDAR else None


def _conditions(fields: list[str]) -> DesignConditions:
    """The design conditions in the fields of the line DESIGN CONDITIONS.

    The numbers stand behind the words Heating and Cooling, in the order of ASHRAE Fundamentals 2009 to 2025, chapter
    "Climatic Design Information". The editions differ behind the last number that is read here: the one of 2021 puts
    one more at the end of Heating, so places count from the word.
    """
    heating, cooling = _numbers_after(fields, "heating", 15), _numbers_after(fields, "cooling", 16)
    ordered = (
        heating[1] <= heating[2],
        cooling[6] <= cooling[4] <= cooling[2],
        cooling[3] <= cooling[2] and cooling[8] <= cooling[9],
        all(month in range(1, 13) for month in (heating[0], cooling[0])),
        all(0 <= speed <= 40 for speed in (heating[13], cooling[14])),
        all(0 <= direction <= 360 for direction in (heating[14], cooling[15])),
        0 <= cooling[1] <= 40,
    )
    if not all(ordered):
        raise InputError("has design conditions in its header that are not in ASHRAE's order; give a DDY")
    return DesignConditions(
        source=fields[1],
        coldest_month=int(heating[0]),
        heating_dry_bulb=heating[1],
        heating_wind_speed=heating[13],
        heating_wind_direction=heating[14],
        hottest_month=int(cooling[0]),
        daily_range=cooling[1],
        cooling_dry_bulb=cooling[2],
        cooling_wet_bulb=cooling[3],
        humid_wet_bulb=cooling[8],
        humid_dry_bulb=cooling[9],
        cooling_wind_speed=cooling[14],
        cooling_wind_direction=cooling[15],
    )


def _numbers_after(fields: list[str], word: str, count: int) -> list[float]:
    words = [field.casefold() for field in fields]
    if word not in words:
        raise InputError("has no design conditions in its header; give a DDY")
    start = words.index(word) + 1
    numbers = _floats(fields[start : start + count])
    if len(numbers) < count:
        raise InputError(
            f"has design conditions in its header that cannot be read: expected {count} numbers after "
            f'"{fields[start - 1]}", found {", ".join(fields[start : start + count])}; give a DDY'
        )
    return numbers


def _ground(fields: list[str]) -> tuple[tuple[float, tuple[float, ...]], ...]:
    """For each depth: the depth, three properties of the soil that are mostly blank, and twelve temperatures."""
    blocks = [fields[start : start + 16] for start in range(1, len(fields) - 15, 16)]
    numbers = [_floats([block[0], *block[4:]]) for block in blocks]
    return tuple((block[0], tuple(block[1:])) for block in numbers if block)


def _floats(texts: list[str]) -> list[float]:
    """The texts as numbers; none of them when one is not a finite number."""
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")
