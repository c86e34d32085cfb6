"""What each day of a series ran as: a weekday, a holiday, a design day.

EnergyPlus gives every day a type, by which its schedules go: Sunday to Saturday, Holiday, SummerDesignDay,
WinterDesignDay, CustomDay1, CustomDay2. It is not always the weekday of the date: a leap year without its 29 February
goes on with the weekdays, and variants of several years stand beside each other under one date. The days that ran as
something else than the weekday of their date travel with a table in `attrs["day_types"]`, plain JSON that survives
slices, and is by date, so that any rows will do:

    [{"variants": None or [0, 3], "environment": None or "its name", "days": {"2020-12-25": "Holiday"}}]

`variants` is None where it holds for every column.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from epstudy.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

DAY_TYPES = "day_types"

_Entry = dict[str, Any]


def remember(
    frame: pd.DataFrame, calendars: Sequence[tuple[Sequence[int], Sequence[tuple[str | None, dict[str, str]]]]]
) -> None:
    """Put into a table what its days ran as, from (variants, [(period, days)]) of each calendar."""
    alike = [days for _, days in calendars]
    if all(days == alike[0] for days in alike):
        entries = [_entry(None, period, days) for period, days in alike[0] if days]
    else:
        entries = [
            _entry(list(map(int, variants)), period, days) for variants, each in calendars for period, days in each
        ]
    if entries:
        frame.attrs[DAY_TYPES] = entries


def day_types(series: pd.DataFrame | pd.Series, variant: Any = None) -> pd.Series:
    """Return EnergyPlus' day type of each row of a series: "Monday", "Holiday", "SummerDesignDay" …

    A row belongs to the day in which its interval is: that stamped 00:00 to the day that ends there.

    Parameters
    ----------
    series
        What `study.timeseries()` returned, in either form, or some rows or columns of it. A table from elsewhere, or of
        a store from before day types were kept, has the weekdays of its stamps.
    variant
        Of which variant; needed where the variants of a table ran over different weekdays, such as weather files of
        several years side by side.

    Returns
    -------
    Series
        Texts, with the index of `series`.

    Raises
    ------
    InputError
        When this is no series, or the variants differ and none is chosen.

    Examples
    --------
    >>> hours = study.timeseries("Electricity:Facility")
    >>> hours.groupby(ep.day_types(hours)).mean()
    """
    import pandas as pd

    stamps, periods, variants = _rows(series)
    days = (pd.DatetimeIndex(stamps) - pd.Timedelta(minutes=1)).normalize()
    types = pd.Series(days.day_name().to_numpy(dtype=object), index=series.index)
    entries = series.attrs.get(DAY_TYPES, [])
    if variants is None:
        entries = _of_variant(entries, series, variant)
    dates = days.strftime("%Y-%m-%d").to_numpy()
    for entry in entries:
        here = np.isin(dates, list(entry["days"]))
        if periods is not None and entry["environment"] is not None:
            here &= periods == entry["environment"]
        if variants is not None and entry["variants"] is not None:
            here &= np.isin(variants, entry["variants"])
        types[here] = [entry["days"][date] for date in dates[here]]
    return types


def groups_of(series: pd.DataFrame) -> list[list[int]]:
    """Return the places of the columns of a table in groups that have the same day types.

    Raises
    ------
    InputError
        When variants differ and a column is not called by its variant, so that nobody knows which it is.
    """
    entries = series.attrs.get(DAY_TYPES, [])
    sets = {tuple(entry["variants"]) for entry in entries if entry["variants"] is not None}
    if not sets:
        return [list(range(series.shape[1]))]
    groups: dict[tuple[int, ...], list[int]] = {}
    for place, column in enumerate(series.columns):
        own = next((one for one in sets if number_of(column) in one), None)
        if own is None:
            raise InputError(
                f"the variants of this series ran over different weekdays, and which variant the column {column!r} is "
                "cannot be told: keep the variants' numbers, or give variants of one calendar"
            )
        groups.setdefault(own, []).append(place)
    return list(groups.values())


def number_of(column: Any) -> Any:
    """Return the variant that a column is called by."""
    return column[0] if isinstance(column, tuple) else column


def _entry(variants: list[int] | None, period: str | None, days: dict[str, str]) -> _Entry:
    return {"variants": variants, "environment": period, "days": days}


def _of_variant(entries: list[_Entry], series: pd.DataFrame | pd.Series, variant: Any) -> list[_Entry]:
    """What holds for one column of a table with a column a variant."""
    if all(entry["variants"] is None for entry in entries):
        return entries
    if variant is None:
        names = [series.name] if series.ndim == 1 else list(series.columns)
        variant = names[0] if len({number_of(name) for name in names}) == 1 else None
    known = [entry for entry in entries if entry["variants"] is None or number_of(variant) in entry["variants"]]
    if not known:
        listed = " and ".join(sorted({", ".join(map(str, entry["variants"][:4])) for entry in entries}))
        raise InputError(
            f"the variants of this series ran over different weekdays ({listed}); give variant=, one of them"
        )
    return known


def _rows(series: pd.DataFrame | pd.Series) -> tuple[Any, Any, Any]:
    """The stamp of each row; its period where the index tells, and its variant where the rows do."""
    import pandas as pd

    stamps = series.index.get_level_values(-1)
    if isinstance(stamps, pd.DatetimeIndex):
        several = "environment" in series.index.names
        return stamps, series.index.get_level_values("environment").to_numpy() if several else None, None
    if isinstance(series, pd.DataFrame) and {"variant", "time"} <= {*series.columns}:
        periods = series["environment"].to_numpy() if "environment" in series else None
        return series["time"], periods, series["variant"].to_numpy()
    raise InputError(
        f"a series has a row a time step; found the index {series.index.name!r}: give what timeseries() returned"
    )
