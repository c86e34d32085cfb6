"""Variants that ran over different calendars in one table: which step of one stands beside which of another.

A measured year of 366 days and one of 365 have the same hours but for 29 February. They are aligned by month, day and
time of day, so that 1 March stands beside 1 March, and the 29th is empty where a variant has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epstudy.core.errors import InputError

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MINUTE = np.timedelta64(1, "m")
_AS_LONG_AS_THEY_ARE = ("detailed", "runperiod", "annual")  # frequencies of which steps of one rank belong together


@dataclass(frozen=True, slots=True)
class Calendar:
    """The steps that some variants have in common.

    `time` holds the end of each step, `environment` its simulated period where there are several. `day_types` has by
    the name of the period the days that did not run as the weekday of their date: {"2020-12-25": "Holiday"}.
    """

    variants: tuple[int, ...]
    time: NDArray[np.datetime64]
    environment: NDArray[np.object_] | None
    day_types: Mapping[str, Mapping[str, str]]
    frequency: str


def aligned(name: str, calendars: Sequence[Calendar]) -> tuple[Calendar, list[NDArray[np.intp]]]:
    """Return the calendar whose steps are the rows of a table, and for each one the rows of its steps.

    Of calendars that have the same months, days and times of day it is the first, else the one with most steps.

    Raises
    ------
    InputError
        When they have different numbers of steps, and the longest does not hold those of the others.
    """
    first = calendars[0]
    keys = [_keys(one) for one in calendars]
    if all(np.array_equal(one, keys[0]) for one in keys):
        return first, [np.arange(len(one.time)) for one in calendars]
    longest = max(range(len(calendars)), key=lambda place: len(calendars[place].time))
    fits = not any(one.frequency in _AS_LONG_AS_THEY_ARE or one.environment is not None for one in calendars)
    if fits and all(_is_within(one, keys[longest]) for one in keys):
        order = np.argsort(keys[longest])
        return calendars[longest], [order[np.searchsorted(keys[longest], one, sorter=order)] for one in keys]
    _check_lengths(name, calendars)
    return first, [np.arange(len(one.time)) for one in calendars]


def days_as_shown(shown: Calendar, one: Calendar, rows: NDArray[np.intp]) -> list[tuple[str | None, dict[str, str]]]:
    """Return by simulated period the day types of a calendar that are not the weekdays of the dates of its rows."""
    own, seen = _days(one.time), _days(shown.time)[rows]
    names = [None] if shown.environment is None else list(dict.fromkeys(shown.environment.tolist()))
    if np.array_equal(own, seen):
        days = [_of_period(one, name) for name in names]
        return [(name, dict(known)) for name, known in zip(names, days, strict=True)]
    found = []
    for name in names:
        here = np.ones(len(rows), dtype=bool) if name is None else shown.environment[rows] == name  # type: ignore[index]
        pairs = np.unique(np.stack([own[here], seen[here]]), axis=1)
        known = _of_period(one, name)
        types = {str(date): known.get(str(day)) or weekday(day) for day, date in pairs.T}
        found.append((name, {date: kind for date, kind in types.items() if kind != weekday(np.datetime64(date))}))
    return found


def weekday(day: np.datetime64) -> str:
    """Return the name of the weekday of a date."""
    return _WEEKDAYS[(int(day.astype("datetime64[D]").astype(int)) + 3) % 7]  # 1 January 1970 was a Thursday


def _of_period(one: Calendar, name: str | None) -> Mapping[str, str]:
    """The days of one period; of a table without periods there is but one."""
    return next(iter(one.day_types.values()), {}) if name is None else one.day_types.get(name, {})


def _days(time: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """The day to which each step belongs: a stamp is its end."""
    days: NDArray[np.datetime64] = (time.astype("datetime64[m]") - _MINUTE).astype("datetime64[D]")
    return days


def _keys(one: Calendar) -> NDArray[np.int64]:
    """Month, day and minute of each step, in one number; of months the month, for they end on different days."""
    minutes = one.time.astype("datetime64[m]") - _MINUTE
    days, months = minutes.astype("datetime64[D]"), minutes.astype("datetime64[M]")
    month = months.astype(int) % 12
    if one.frequency == "monthly":
        return month
    day = (days - months.astype("datetime64[D]")).astype(int)
    minute = (minutes - days.astype("datetime64[m]")).astype(int)
    keys: NDArray[np.int64] = (month * 31 + day) * 1440 + minute
    return keys


def _is_within(keys: NDArray[np.int64], others: NDArray[np.int64]) -> bool:
    """Whether each step stands once in the others, and these hold none twice."""
    alone = len(np.unique(keys)) == len(keys) and len(np.unique(others)) == len(others)
    return alone and bool(np.isin(keys, others).all())


def _check_lengths(name: str, calendars: Sequence[Calendar]) -> None:
    first, *others = calendars
    different = [one for one in others if len(one.time) != len(first.time)]
    if different:
        other, count = different[0], sum(len(one.variants) for one in different)
        more = f" (and {count - 1} more differ from variant {first.variants[0]})" if count > 1 else ""
        raise InputError(
            f'"{name}" has {len(first.time)} steps in variant {first.variants[0]} and {len(other.time)} in variant '
            f"{other.variants[0]}{more}, and they are not of the same days; look at those of one length at a time: "
            "variants=[...]"
        )
