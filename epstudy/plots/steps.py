"""A series as figures need it: its periods apart, its intervals by their beginnings, variants without values left out.

A stamp of `study.timeseries()` is the end of its interval: the hour from 23 to 24 of a day is stamped with the next
day, 00:00. What belongs to a day, a month or an hour of the day is told by the beginning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from epstudy.core.errors import InputError
from epstudy.plots.columns import missing_note
from epstudy.plots.labels import plain
from epstudy.results.parquet import ENVIRONMENT

_DAY = pd.Timedelta(days=1)
_MONTHS = pd.Timedelta(days=28), pd.Timedelta(days=31)
#: How long a month is said to be: it tells that the steps are months.
_MONTH = pd.Timedelta(days=30)
#: Units of what is counted in an interval, not averaged over it.
COUNTED = ("kWh", "m3", "J")


@dataclass(frozen=True, slots=True)
class Steps:
    """One simulated period of a series: one row an interval, one column a variant that has values.

    `period` is its name where there are several, `begins` where each interval begins, `length` how long one is.
    """

    period: str
    begins: pd.DatetimeIndex
    length: pd.Timedelta
    values: pd.DataFrame


def as_frame(series: pd.DataFrame | pd.Series) -> pd.DataFrame:
    """Return a series of one variant or of many as a table with stamps, or refuse it."""
    frame = series.to_frame("" if series.name is None else series.name) if isinstance(series, pd.Series) else series
    stamps = frame.index.get_level_values(-1)
    if not len(frame) or not isinstance(stamps, pd.DatetimeIndex):
        found = "no rows" if not len(frame) else f"the index {frame.index.name!r}"
        raise InputError(f"a series has a row a time step; found {found}: give what study.timeseries() returned")
    if frame is not series:
        frame.attrs = dict(series.attrs)
    return frame


def known_variants(frame: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the columns that have values, and in words how many have none."""
    known = frame.notna().any().to_numpy()
    if known.all():
        return frame, ""
    if not known.any():
        raise InputError("no variant of this series has values; look at study.failures()")
    return frame.loc[:, known], missing_note(int((~known).sum()), len(known), "series")


def chosen_column(frame: pd.DataFrame, variant: Any) -> int:
    """Return the position of the column of a variant that has values."""
    place = column_of(frame, variant)
    if not frame.iloc[:, place].notna().any():
        name = column_text(frame.columns[place]) or "the column"
        raise InputError(f"{name} has no values in this series; look at study.failures()")
    return place


def column_of(frame: pd.DataFrame, variant: Any) -> int:
    """Return the position of the column of a variant, with values or without."""
    known = list(frame.columns)
    if variant is None and len(known) == 1:
        found = [0]
    else:
        found = [place for place, column in enumerate(known) if variant is not None and _names(column, variant)]
    if len(found) != 1:
        said = "say which variant to draw, variant=" if variant is None else f"variant={variant!r} is "
        said += (
            "" if variant is None else ("no column of this series" if not found else "several columns of this series")
        )
        shown = ", ".join(map(repr, known[:8])) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
        raise InputError(f"{said}; it has {shown}")
    return found[0]


def _names(column: Any, variant: Any) -> bool:
    return bool(column == variant) or (isinstance(column, tuple) and bool(column[0] == variant))


def periods(frame: pd.DataFrame) -> list[Steps]:
    """Return the simulated periods of a series: design days and run periods each by themselves.

    Raises
    ------
    InputError
        When the steps of a period are not equally long, as those of `detailed` outputs, or values are infinite.
    """
    if frame.index.nlevels == 1:
        return [_steps("", _without_leap_gap(frame))]
    names = frame.index.get_level_values(ENVIRONMENT)
    several = names.nunique() > 1
    return [
        _steps(str(name) if several else "", frame[names == name].droplevel(ENVIRONMENT)) for name in names.unique()
    ]


def _without_leap_gap(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out a 29 February that stands for other variants than these: in none of the columns it has a value."""
    begins = pd.DatetimeIndex(frame.index) - pd.Timedelta(minutes=1)
    leap = np.flatnonzero((begins.month == 2) & (begins.day == 29))
    empty = leap[frame.iloc[leap].isna().to_numpy().all(axis=1)]
    return frame if not len(empty) else frame.drop(index=frame.index[empty])


def _steps(period: str, frame: pd.DataFrame) -> Steps:
    stamps = pd.DatetimeIndex(frame.index)
    if len(stamps) < 2:
        raise InputError(f"this figure needs two time steps or more; the series has {len(stamps)}")
    infinite = np.isinf(frame.to_numpy(dtype=float)).any(axis=0).sum()
    if infinite:
        raise InputError(
            f"{infinite:,} of {frame.shape[1]:,} columns of this series have infinite values; say what they are to be, "
            "such as no values: series.replace([np.inf, -np.inf], np.nan)"
        )
    lengths = pd.Series(stamps[1:] - stamps[:-1])
    if lengths.between(*_MONTHS).all():
        return Steps(period, pd.DatetimeIndex(stamps - pd.DateOffset(months=1)), _MONTH, frame)
    length = lengths.min()
    if length <= pd.Timedelta(0) or (lengths == length).mean() < 0.9:
        raise InputError(
            f"the steps of this series are from {length} to {lengths.max()} long; this figure needs equal ones: ask "
            'for the output "hourly" or "timestep"'
        )
    return Steps(period, stamps - length, length, frame)


def only_period(frame: pd.DataFrame, figure: str) -> Steps:
    """Return the one simulated period of a series, or say how to choose one."""
    found = periods(frame)
    if len(found) > 1:
        named = ", ".join(f'"{steps.period}"' for steps in found[:4])
        raise InputError(
            f'{figure} shows one simulated period; this series has {named}: choose one, series.loc["{found[0].period}"]'
        )
    return found[0]


def check_within_a_day(steps: Steps, figure: str) -> None:
    """Refuse steps that are not shorter than a day."""
    if steps.length >= _DAY:
        raise InputError(
            f"{figure} needs steps of less than a day; those of this series have {_length_text(steps.length)}: ask for "
            'the output "hourly"'
        )


def check_whole_months(steps: Steps) -> None:
    """Refuse stamps of months as pandas makes them: they may begin their months, or end them."""
    made = getattr(steps.values.index, "freq", None) is not None
    if steps.length == _MONTH and (made or (steps.begins.day != 1).any()):
        raise InputError(
            f"the months of this series, stamped from {steps.values.index[0]} on, are of pandas or not whole; "
            "study.timeseries() stamps a month with the first of the next: give its hourly or monthly series as it is, "
            'or a table with months that are named: table.index = table.index.strftime("%b")'
        )


def months_in_part(steps: Steps) -> str:
    """Return "in part: May (1 of 744 steps)", of the months of which steps are missing, or nothing."""
    if steps.length >= _MONTH:
        return ""
    months = steps.begins.to_period("M")
    counts = pd.Series(1, index=months).groupby(level=0).sum()
    known = pd.PeriodIndex(counts.index)
    whole = np.asarray(known.days_in_month) * (_DAY / steps.length)
    without = (known.days_in_month == 29) & ~known.isin(months[steps.begins.day == 29])
    whole = whole - without * (_DAY / steps.length)  # a leap year that was run without its 29 February
    names = known.strftime("%b %Y" if known.year.nunique() > 1 else "%b")
    parts = [
        f"{name} ({count:,} of {all_of_it:,.0f} steps)"
        for name, count, all_of_it in zip(names, counts, whole, strict=True)
        if count < all_of_it
    ]
    return "in part: " + ", ".join(parts) if parts else ""


def hours(steps: Steps) -> np.ndarray:
    """Return the hour of the day at which each interval begins, with fractions."""
    return ((steps.begins - steps.begins.normalize()) / pd.Timedelta(hours=1)).to_numpy(dtype=float)


def series_label(frame: pd.DataFrame, length: pd.Timedelta | None = None) -> str:
    """Return the name of a series with its unit; of an energy in steps of other than an hour also their length."""
    units = frame.attrs.get("units", {})
    if len(units) != 1:
        return ""
    name, unit = next(iter(units.items()))
    if length is not None and unit in COUNTED and length != pd.Timedelta(hours=1):
        unit = f"{unit} in {_length_text(length)}"
    return plain(f"{name} [{unit}]" if unit else name)


def column_text(column: Any) -> str:
    """Return what a column is called: "variant 3", with its key where it has one, or the name that it was given."""
    if isinstance(column, tuple):
        return f"variant {column[0]}, {', '.join(map(str, column[1:]))}"
    return f"variant {column}" if isinstance(column, int | np.integer) else str(column)


def _length_text(length: pd.Timedelta) -> str:
    if length == _MONTH:
        return "a month"
    for unit, name in (
        (_DAY, "day"),
        (pd.Timedelta(hours=1), "hour"),
        (pd.Timedelta(minutes=1), "minute"),
    ):
        count = length / unit
        if count >= 1 and count == int(count):
            return f"{count:.0f} {name}s" if count > 1 else f"a {name}"
    return str(length)
