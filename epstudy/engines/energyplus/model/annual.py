"""The days of an annual run: those of a measured weather file, else those that the model's first RunPeriod means.

A typical year is made of months of different years and has no weekdays of its own: the model's RunPeriod says on which
one it begins. A measured year has: EnergyPlus runs over them, with 29 February, when the RunPeriod states its year.

The days are plain JSON, empty where the run period needs nothing but its ends:

    {"begin": [2019, 7, 1], "end": [2020, 6, 30]}
    {"begin": [null, 1, 1], "end": [null, 12, 31], "weekday": "Wednesday"}
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from epstudy.engines.energyplus.model.epw import Epw, year_later
from epstudy.engines.energyplus.model.model import Document, ModelObject, objects_of

_JANUARY, _DECEMBER = (1, 1), (12, 31)
_WHOLE = {"begin_month": 1, "begin_day_of_month": 1, "end_month": 12, "end_day_of_month": 31}
_WEEKDAYS = tuple(calendar.day_name)
_DAY = datetime.timedelta(days=1)


def annual_days(document: Document, epw: Epw | None) -> dict[str, Any]:
    """Return the days of an annual run of a model with a weather file; see the head of this module."""
    if epw is not None and epw.measured:
        begin, end = whole_year(epw)
        if not (epw.leap_year_observed and lacks_leap_day(epw)):
            return {"begin": _numbers(begin), "end": _numbers(end)}
        # EnergyPlus would wait for 29 February, and take the first day of the file once more in its place
        return {"begin": [None, begin.month, begin.day], "end": [None, end.month, end.day], "weekday": weekday(begin)}
    moved = _weekday_of_1_january(document)
    return {"begin": [None, *_JANUARY], "end": [None, *_DECEMBER], "weekday": moved} if moved else {}


def set_full_year(document: Document, days: Mapping[str, Any] | None = None) -> None:
    """Leave one RunPeriod, over these days or from 1 January to 31 December, with the first one's options, in place."""
    first, *others = [*objects_of(document, "RunPeriod")] or [document.add("RunPeriod", "annual", _WHOLE)]
    for one in others:
        document.removeidfobject(one)
    if days:
        for which in ("begin", "end"):
            year, month, day = days[which]
            setattr(first, f"{which}_year", year or "")
            setattr(first, f"{which}_month", month)
            setattr(first, f"{which}_day_of_month", day)
        first.day_of_week_for_start_day = days.get("weekday", "")
        first.treat_weather_as_actual = "No"  # the same days, but EnergyPlus wants years in the header for Yes
        return
    first.begin_month, first.begin_day_of_month = _JANUARY
    first.end_month, first.end_day_of_month = _DECEMBER
    if first.begin_year:
        first.end_year = first.begin_year


def whole_year(epw: Epw) -> tuple[datetime.date, datetime.date]:
    """Return the first and the last day of a measured file's first year."""
    begin = datetime.date(*epw.first)
    return begin, year_later(begin) - _DAY


def lacks_leap_day(epw: Epw) -> bool:
    """Say whether there was a 29 February in a measured year, and the file has none."""
    begin, end = whole_year(epw)
    return not epw.leap_day and any(leap_days(begin, end))


def leap_days(begin: datetime.date, end: datetime.date) -> Iterator[datetime.date]:
    """Return every 29 February from one day to another."""
    leap_years = filter(calendar.isleap, range(begin.year, end.year + 1))
    return (day for year in leap_years if begin <= (day := datetime.date(year, 2, 29)) <= end)


def weekday(day: datetime.date) -> str:
    """Return the English name of the weekday of a date."""
    return _WEEKDAYS[day.weekday()]


def begins(one: ModelObject) -> tuple[int, int, int]:
    """Return year (0 where it states none), month and day of the begin of a RunPeriod."""
    return int(one.begin_year or 0), int(one.begin_month or 1), int(one.begin_day_of_month or 1)


def _weekday_of_1_january(document: Document) -> str:
    """On which weekday the year begins in which the first RunPeriod begins on its own, if that is no 1 January."""
    first = next(iter(objects_of(document, "RunPeriod")), None)
    if first is None or begins(first)[1:] == _JANUARY:
        return ""
    year, month, day = begins(first)
    said = str(first.day_of_week_for_start_day or "").strip().title()
    if year and not (calendar.isleap(year) and month > 2):
        return ""  # the year itself says it, for 1 January too
    start = _WEEKDAYS.index(said) if not year and said in _WEEKDAYS else None
    if year:
        start = datetime.date(year, month, day).weekday()
    if start is None:
        return ""
    before = (datetime.date(2001, month, 1) - datetime.date(2001, 1, 1)).days + day - 1
    return _WEEKDAYS[(start - before) % 7]


def _numbers(day: datetime.date) -> list[int]:
    return [day.year, day.month, day.day]
