"""What EnergyPlus would stumble over in a weather file, or fill in silently, told before anything is queued.

EnergyPlus reads eight lines of header and then one line after the other up to the last day of the run. It ends at a
line that is not what it expects; a value that is missing it takes from the line before, or takes none (seen with 25.2).
What makes it fail is a problem; what it fills in, or takes out of its range, is a warning with the days.
"""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from epstudy.core.parameter import Parameter
from epstudy.engines.energyplus.check.checks import runs_weather
from epstudy.engines.energyplus.model.epw import weather_problems
from epstudy.engines.energyplus.model.model import Document, objects_of

Day = tuple[int, int]

_HOLIDAYS = "HOLIDAYS/DAYLIGHT SAVINGS"
_HEADER = (
    "LOCATION",
    "DESIGN CONDITIONS",
    "TYPICAL/EXTREME PERIODS",
    "GROUND TEMPERATURES",
    _HOLIDAYS,
    "COMMENTS 1",
    "COMMENTS 2",
    "DATA PERIODS",
)
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_ENDS = re.compile(r"\r\n?|\n")
_DATE = re.compile(r"\s*(\d+)\s*/\s*(\d+)\s*")
_MINUTE = re.compile(r"-?\d+(\.\d*)?")  # which EnergyPlus reads, and takes no notice of in an hourly file
_NUMBERS = range(6, 27)  # columns of a line that EnergyPlus reads as numbers (WeatherManager.cc)
_SKY = (12, 23)  # columns of infrared radiation and opaque sky cover, of which EnergyPlus needs one
_NO_INFRARED, _NO_SKY_COVER = 9999, 99
_RANGES_SHOWN = 3
_YEAR = 364  # days from the first to the last of a year, 29 February or not
_STEPS = 6  # time steps an hour of a model that says nothing of them

_LAST = "EnergyPlus goes on with the last value before"
_NONE = "EnergyPlus takes none"


@dataclass(frozen=True, slots=True)
class _Column:
    """A column whose gaps and values matter: the code from which on a value is missing, and the range EnergyPlus has.

    Ranges are those of Auxiliary Programs 25.2, EnergyPlus Weather File (EPW) Data Dictionary; infinite where it has
    none. `then` says what EnergyPlus does without a value.
    """

    place: int
    name: str
    unit: str
    missing: float
    least: float
    most: float
    then: str


_COLUMNS = (
    _Column(6, "dry bulb temperature", "C", 99.9, -90, 70, _LAST),
    _Column(7, "dew point temperature", "C", 99.9, -90, 70, _LAST),
    _Column(8, "relative humidity", "%", 999, 0, 110, _LAST),
    _Column(9, "atmospheric pressure", "Pa", 999999, 31000, 120000, _LAST),
    _Column(14, "direct normal radiation", "Wh/m2", 9999, 0, 1500, _NONE),
    _Column(15, "diffuse horizontal radiation", "Wh/m2", 9999, 0, 1500, _NONE),
    _Column(20, "wind direction", "degrees", 999, 0, 360, _LAST),
    _Column(21, "wind speed", "m/s", 999, 0, 40, _LAST),
)


@dataclass(frozen=True, slots=True)
class Use:
    """What a study does with a weather file.

    `days` are the first and the last day of each run, as month and day; empty where none reads the weather, None where
    that is not known. `steps_per_hour` are the model's time steps, None where they vary.
    """

    period: str
    days: tuple[tuple[Day, Day], ...] | None
    steps_per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """Texts that follow "the weather file … "."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def use_of(document: Document | None, period: str, parameters: Mapping[str, Parameter]) -> Use:
    """Return what a study does with its weather files; of a model that cannot be read only the period says it."""
    if period == "design-days":
        return Use(period, ())
    free = any(parameter.kind == "measure" for parameter in parameters.values())
    varied = {target.partition("/")[0].strip().casefold() for one in parameters.values() for target in one.targets}
    days: tuple[tuple[Day, Day], ...] | None = (((1, 1), (12, 31)),) if period == "annual" else None
    if document is None:
        return Use(period, days)
    if period == "model" and not free and not varied & {"runperiod", "simulationcontrol"}:
        days = _run_days(document)
    steps = [one.number_of_timesteps_per_hour for one in objects_of(document, "Timestep")] or [_STEPS]
    fixed = not free and "timestep" not in varied and isinstance(steps[0], int | float)
    return Use(period, days, int(steps[0]) if fixed else None)


def _run_days(document: Document) -> tuple[tuple[Day, Day], ...] | None:
    """First and last day of each run period; none where the weather is not run, None where a year makes them many."""
    if not runs_weather(document):
        return ()
    found = []
    for one in objects_of(document, "RunPeriod"):
        numbers = (one.begin_month, one.begin_day_of_month, one.end_month, one.end_day_of_month)
        if not all(isinstance(number, int | float) for number in numbers) or one.begin_year != one.end_year:
            return None
        month, day, end_month, end_day = map(int, numbers)
        found.append(((month, day), (end_month, end_day)))
    return tuple(found)


@lru_cache(maxsize=64)
def weather_findings(content: bytes, use: Use) -> Findings:
    """Return what is wrong with a weather file for a study, and what EnergyPlus will make of what it lacks."""
    read = weather_problems(content, "design-days")  # whether it can be read at all
    if read or use.days == ():
        return Findings(tuple(read))
    file = _File.of(content)
    problems = [*file.header_problems(), *file.rhythm_problems(use)]
    if problems:
        return Findings(tuple(problems))
    problems = [*weather_problems(content, use.period), *file.coverage_problems(use), *file.line_problems(use)]
    if problems:
        return Findings(tuple(problems))
    return Findings(warnings=tuple(file.fillings(use)))


@dataclass(frozen=True, slots=True)
class _File:
    """A weather file as lines: `numbers` are the line numbers of `rows`, the lines of data that are not empty."""

    header: list[list[str]]
    rows: list[list[str]]
    numbers: list[int]
    blank: list[int]

    @classmethod
    def of(cls, content: bytes) -> _File:
        lines = _ENDS.split(content.decode("latin-1"))
        start = next(place for place, line in enumerate(lines) if line.upper().startswith("DATA PERIODS")) + 1
        data = [(number, line) for number, line in enumerate(lines[start:], start + 1)]
        held = [(number, line.split(",")) for number, line in data if line.strip(" \t\x1a")]
        numbers = [number for number, _ in held]
        blank = [number for number, line in data if not line.strip(" \t\x1a") and number < numbers[-1]]
        header = [[field.strip() for field in line.split(",")] for line in lines[:start]]
        return cls(header, [fields for _, fields in held], numbers, blank)

    # the header ---------------------------------------------------------------------------------------------------

    def header_problems(self) -> list[str]:
        words = [line[0].upper() for line in self.header]
        if len(words) != len(_HEADER):
            absent = [name for name in _HEADER if name not in words]
            strange = [
                f'line {place} "{word}"'
                for place, word in enumerate(words, 1)
                if word not in _HEADER or word in words[: place - 1]
            ]
            lacks = f", without {', '.join(absent)}" if absent else ""
            more = f", with {', '.join(strange)} besides" if strange else ""
            return [
                f"has {len(words)} lines of header{lacks}{more}; EnergyPlus reads exactly {len(_HEADER)}, the last one "
                "DATA PERIODS, and ends"
            ]
        weekdays = self.header[-1][4::4]
        wrong = [day for day in weekdays[: self._periods] if day.casefold() not in _WEEKDAYS]
        if wrong:
            return [f'has the weekday "{wrong[0]}" in its line DATA PERIODS; expected Sunday to Saturday']
        return [*self._date_problems(), *self._holiday_problems(), *self._zone_problems()][:1]

    def _date_problems(self) -> list[str]:
        """Problems of the first and last day of each period: EnergyPlus reads month/day, with a year or not."""
        ends = [text for at in range(self._periods) for text in (self.header[-1][5 + 4 * at : 7 + 4 * at] or [""])]
        if len(ends) < 2 * self._periods:
            return [f"has a line DATA PERIODS of {self._periods} periods that lacks first or last days"]
        wrong = [text for text in ends if (date := _DATE.match(text)) and not _is_day(int(date[1]), int(date[2]))]
        wrong += [text for text in ends if not text or text.isdigit()]
        return [f'has the day "{wrong[0]}" in its line DATA PERIODS; expected month/day, as 12/31'] if wrong else []

    def _holiday_problems(self) -> list[str]:
        """Problems of a line of holidays that is too short: EnergyPlus goes on with the words of the next line."""
        line = next(fields for fields in self.header if fields[0].upper() == _HOLIDAYS)
        count = int(line[4]) if len(line) > 4 and line[4].isdigit() else 0
        if len(line) >= 5 + 2 * count:
            return []
        return [
            f"has a line {_HOLIDAYS} of {len(line)} fields; expected whether leap years are observed, the first and "
            f"the last day of daylight saving, how many holidays follow ({count}), and name and day of each"
        ]

    def _zone_problems(self) -> list[str]:
        zone = next(fields for fields in self.header if fields[0].upper() == "LOCATION")[8]
        good = _is_number(zone) and -12 <= float(zone) <= 14
        return [] if good else [f'has the time zone "{zone}" in its line LOCATION; EnergyPlus takes -12 to 14 hours']

    @property
    def _periods(self) -> int:
        return int(float(self.header[-1][1]))

    @property
    def _per_hour(self) -> int:
        return int(float(self.header[-1][2]))

    # the lines ----------------------------------------------------------------------------------------------------

    def rhythm_problems(self, use: Use) -> list[str]:
        """Problems of how many lines there are for each hour, by the header, by the dates, by the model."""
        said = self._per_hour
        dates = [tuple(map(int, row[1:4])) for row in self.rows[:200]]
        found = max(dates.count(date) for date in dates[:24])
        if {row[3].strip() for row in self.rows[: 24 * found]} >= {"0"}:
            return [f"has hours from 0 to 23, as line {self.numbers[0]}; EnergyPlus reads 1 to 24, each hour's end"]
        if found != said and len(dates) >= 24 and all(dates.count(date) == found for date in dates[: 12 * found]):
            return [
                f"has {found} lines of data an hour, and its line DATA PERIODS says {said}; write {found} there, or "
                "take the lines that are too many out"
            ]
        if said != 1 and use.steps_per_hour not in (None, said):
            return [
                f"has {said} lines of data an hour, and the model has {use.steps_per_hour} time steps; EnergyPlus "
                f"needs as many: set Timestep to {said}, or give an hourly file"
            ]
        return []

    def coverage_problems(self, use: Use) -> list[str]:
        """Problems of days that are run and are in no period of the header, or have no line."""
        problems = []
        there = self._days()
        for first, last in use.days or ():
            run = f"the run from {_date(first)} to {_date(last)}"
            periods = self._dates()
            whole = len(periods) == 1 and _place(*reversed(periods[0])) >= _YEAR  # which EnergyPlus begins again
            if periods and not whole and not any(_within(first, last, *period) for period in periods):
                said = " and ".join(f"{_date(begin)} to {_date(end)}" for begin, end in periods)
                problems.append(f"covers {said} by its line DATA PERIODS, which is not {run}")
                continue
            lacking = [day for day in (first, last) if day not in there and day != (2, 29)]
            if lacking and use.period != "annual":
                problems.append(f"has no line of {_date(lacking[0])}, and {run} needs all days in between")
            elif self._cut_off(last):
                hour = int(self.rows[-1][3])
                problems.append(f"ends on {_date(last)} at hour {hour}, and {run} needs 24 hours a day")
        return problems

    def _cut_off(self, day: Day) -> bool:
        """Whether the file ends in the middle of this day, which is its last one."""
        of_day = [row for row in self.rows[-24 * self._per_hour :] if (int(row[1]), int(row[2])) == day]
        return self._day(-1) == day and len(of_day) < 24 * self._per_hour

    def line_problems(self, use: Use) -> list[str]:
        """Problems of empty lines, and of what is no number, among the lines up to the last day of a run."""
        used = self._used(use)
        if not len(used):
            return []
        last = self.numbers[used[-1]]
        empty = [number for number in self.blank if number < last]
        if empty:
            more = f" (and {len(empty) - 1} more)" if len(empty) > 1 else ""
            return [f"has an empty line {empty[0]}{more} among its data, where EnergyPlus ends; remove it"]
        for row in used:
            fields = self.rows[row]
            if not _MINUTE.fullmatch(fields[4].strip()):
                return [f'has "{fields[4].strip()}" as minute in line {self.numbers[row]}; expected 0 to 60']
            for place in _NUMBERS:
                if not _is_number(fields[place]):
                    return [
                        f'has "{fields[place].strip()}" in line {self.numbers[row]}, column {place + 1}; expected a '
                        "number, or the code for a missing one"
                    ]
        return []

    # values -------------------------------------------------------------------------------------------------------

    def fillings(self, use: Use) -> Iterator[str]:
        """What EnergyPlus takes for values that are missing or out of their range, with the days."""
        used = self._used(use)
        for column in _COLUMNS:
            texts = [self.rows[row][column.place] for row in used]
            values = np.array(texts, dtype=float)
            gone = ~(values < column.missing)
            if gone.any():
                yield (
                    f"has no {column.name} in {self._hours(used, gone)}: the code {column.missing:g} for a missing "
                    f"value; {column.then}"
                )
            odd = ~gone & ((values < column.least) | (values > column.most))
            if odd.any():
                worst = float(values[odd][0])
                yield (
                    f"has {worst:g} {column.unit} as {column.name} in {self._hours(used, odd)}; it is expected from "
                    f"{column.least:g} to {column.most:g}"
                )
        infrared, cover = (np.array([self.rows[row][at] for row in used], dtype=float) for at in _SKY)
        dark = ~(infrared < _NO_INFRARED) & ~(cover < _NO_SKY_COVER)
        if dark.any():
            yield (
                f"has neither infrared radiation of the sky nor opaque sky cover in {self._hours(used, dark)}: the "
                f"codes {_NO_INFRARED} and {_NO_SKY_COVER} for missing values; {_LAST} of the cover"
            )

    def _hours(self, used: NDArray[np.int64], chosen: NDArray[np.bool_]) -> str:
        """ "744 of 8760 hours (7/1 to 7/31)"."""
        per_hour = self._per_hour
        days = list(dict.fromkeys(self._day(row) for row in used[chosen]))
        every = list(dict.fromkeys(self._day(row) for row in used))
        count = math.ceil(int(chosen.sum()) / per_hour)
        return f"{count} of {len(used) // per_hour} hours ({_ranges(days, every)})"

    def _day(self, row: int) -> Day:
        return int(self.rows[row][1]), int(self.rows[row][2])

    def _days(self) -> set[Day]:
        return {(int(month), int(day)) for month, day in {(row[1], row[2]) for row in self.rows}}

    def _dates(self) -> list[tuple[Day, Day]]:
        """First and last day of each period of the header; none where a date is of another form, or has a year."""
        fields = self.header[-1]
        found = []
        for place in range(self._periods):
            ends = [_DATE.fullmatch(text) for text in fields[5 + 4 * place : 7 + 4 * place]]
            if len(ends) < 2 or not ends[0] or not ends[1]:
                return []
            found.append(((int(ends[0][1]), int(ends[0][2])), (int(ends[1][1]), int(ends[1][2]))))
        return found

    def _used(self, use: Use) -> NDArray[np.int64]:
        """The places of the lines that a run reads the values of."""
        if use.days is None:
            return np.arange(len(self.rows))
        stamps = np.array([100 * int(row[1]) + int(row[2]) for row in self.rows])
        mask = np.zeros(len(stamps), dtype=bool)
        for first, last in use.days:
            low, high = 100 * first[0] + first[1], 100 * last[0] + last[1]
            mask |= (stamps >= low) & (stamps <= high) if low <= high else (stamps >= low) | (stamps <= high)
        return np.flatnonzero(mask)


def _within(first: Day, last: Day, begin: Day, end: Day) -> bool:
    """Whether the days from `first` to `last` are among those from `begin` to `end`, which may go over New Year."""
    span = _place(end, begin)
    return _place(first, begin) <= _place(last, begin) <= span


def _place(day: Day, begin: Day) -> int:
    """How many days `day` comes after `begin`, in a year of 366 days."""
    return (_number(day) - _number(begin)) % 366


def _number(day: Day) -> int:
    return sum(calendar.monthrange(2020, month)[1] for month in range(1, min(day[0], 12))) + day[1]


def _is_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= calendar.monthrange(2020, month)[1]


def _date(day: Day) -> str:
    return f"{day[0]}/{day[1]}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _ranges(days: Sequence[Day], every: Sequence[Day]) -> str:
    """ "7/1 to 7/31, 8/3 and 2 more times": days that follow each other among `every` day as one range."""
    place = {day: number for number, day in enumerate(every)}
    runs: list[list[Day]] = []
    for day in days:
        if runs and place[day] == place[runs[-1][-1]] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    shown = [_date(run[0]) if len(run) == 1 else f"{_date(run[0])} to {_date(run[-1])}" for run in runs]
    more = len(shown) - _RANGES_SHOWN
    return ", ".join(shown[:_RANGES_SHOWN]) + (f" and {more} more times" if more > 0 else "")
