"""A series by the hours of the day: the mean day of each variant, and all days of one as a carpet."""

from __future__ import annotations

from typing import Any, Literal

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from epstudy.core.errors import InputError
from epstudy.plots.bands import draw_spread, mark_dates
from epstudy.plots.labels import legend_text, say, say_below, wrapped
from epstudy.plots.panels import label_outer, one_panel, several_panels
from epstudy.plots.steps import (
    Steps,
    as_frame,
    check_within_a_day,
    chosen_column,
    column_text,
    hours,
    known_variants,
    only_period,
    periods,
    series_label,
)
from epstudy.plots.styles import CONTINUOUS, beside, look
from epstudy.results.day_types import day_types, groups_of

_ONE_BY_ONE = 8
_SEASONS = ("December to February", "March to May", "June to August", "September to November")
_WEEK = {
    "Monday to Friday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "Saturday and Sunday": ("Saturday", "Sunday"),
}

Group = tuple[str, NDArray[np.bool_]]


def load_profile(
    series: pd.DataFrame | pd.Series,
    *,
    by: Literal["hour", "weekday", "season"] = "hour",
    ax: Axes | None = None,
) -> Axes | list[Axes]:
    """Draw the mean day of each variant; of more than eight variants the median and what lies about it.

    A mean stands in the middle of its interval. Days are in local standard time. What is a weekday, a weekend or a
    holiday is EnergyPlus' own day type, see `ep.day_types`; holidays, which are neither, have a panel of their own,
    and so have custom days: its title is their type.

    Parameters
    ----------
    series
        What `study.timeseries()` returned, in steps of less than a day, or one column of it.
    by
        "hour" for one mean day, "weekday" for Monday to Friday, weekends, holidays and custom days apart, "season" for
        the four seasons (of the north). Design days and several run periods have a panel each, whatever this is.
    ax
        Where to draw, where there is one panel.

    Returns
    -------
    Axes, or where there are several panels a list of them

    Raises
    ------
    InputError
        When this is no series, its steps are too long or differ, or `by` is another word.
    """
    if by not in ("hour", "weekday", "season"):
        raise InputError(f'by="{by}" is no way to part days; expected "hour", "weekday" or "season"')
    frame, note = known_variants(as_frame(series))
    found = periods(frame)
    for steps in found:
        check_within_a_day(steps, "load_profile")
    if len(found) > 1:
        parts = [(steps, steps.period, np.ones((len(steps.begins), 1), dtype=bool)) for steps in found]
    else:
        parts = [(found[0], title, chosen) for title, chosen in _groups(found[0], by)]
    several = len(parts) > 1
    axes = (
        several_panels([wrapped(title, 32) for _, title, _ in parts], ax, 3.6, 3.0) if several else [one_panel(ax, 7.6)]
    )
    for panel, (steps, _, chosen) in zip(axes, parts, strict=True):
        _draw_mean_day(panel, steps, chosen)
        panel.set(xlabel="hour of the day", xlim=(0, 24), xticks=range(0, 25, 6 if several else 3))
        panel.set(ylabel=series_label(frame, found[0].length))
    if several:
        label_outer(axes)
        say_below(axes[0].figure, note)
    else:
        say(axes[0], note)
    beside(axes)
    return axes if several else axes[0]


def carpet(series: pd.DataFrame | pd.Series, variant: Any = None, *, ax: Axes | None = None) -> Axes:
    """Draw one variant as a carpet: hours of the day upwards, days from left to right, the value as colour.

    Each interval stands where it begins, so that the hour stamped 24:00 belongs to the day that ends there. A time that
    was not simulated stays white.

    Parameters
    ----------
    series
        What `study.timeseries()` returned, in steps of less than a day, or one column of it.
    variant
        Which column; with several keys the variant and the key, `(3, "Core_ZN")`. Not needed where there is one.

    Raises
    ------
    InputError
        When this is no series, there is no such column, it has no values, or there are several simulated periods.
    """
    frame = as_frame(series)
    column = chosen_column(frame, variant)
    steps = only_period(frame.iloc[:, [column]], "a carpet")
    check_within_a_day(steps, "a carpet")
    days = ((steps.begins.normalize() - steps.begins[0].normalize()) / pd.Timedelta(days=1)).to_numpy(dtype=int)
    slots = np.floor(hours(steps) / (steps.length / pd.Timedelta(hours=1)) + 1e-6).astype(int)
    cells = np.full((int(pd.Timedelta(days=1) / steps.length), days.max() + 1), np.nan)
    cells[slots, days] = steps.values.iloc[:, 0].to_numpy(dtype=float)
    ax = one_panel(ax, 8.6, 3.4)
    first = mdates.date2num(steps.begins[0].normalize().to_pydatetime())
    extent = (first, first + cells.shape[1], 0.0, 24.0)
    image = ax.imshow(cells, cmap=CONTINUOUS, origin="lower", aspect="auto", extent=extent, interpolation="nearest")
    mark_dates(ax, steps)
    ax.set(ylabel="hour of the day", yticks=range(0, 25, 6))
    say(ax, column_text(frame.columns[column]))
    ax.figure.colorbar(image, ax=ax, label=series_label(frame, steps.length))
    return ax


def _groups(steps: Steps, by: str) -> list[Group]:
    """The parts of a period, each with the intervals that belong to it; those that have none left out.

    The intervals have a row each, and a column each variant where these differ.
    """
    if by == "hour":
        return [("", np.ones((len(steps.begins), 1), dtype=bool))]
    if by == "season":
        codes = np.asarray(steps.begins.month % 12 // 3)[:, None]
        parts = [(name, codes == code) for code, name in enumerate(_SEASONS)]
    else:
        types = _types(steps)
        others = sorted({*np.unique(types.astype(str))}.difference(*_WEEK.values()))
        parts = [(name, np.isin(types, kinds)) for name, kinds in {**_WEEK, **{one: (one,) for one in others}}.items()]
    return [(name, chosen) for name, chosen in parts if chosen.any()]


def _types(steps: Steps) -> NDArray[np.object_]:
    """The day type of each interval: one column, or as many as variants where these differ."""
    groups = groups_of(steps.values)
    types = np.empty((len(steps.begins), 1 if len(groups) == 1 else steps.values.shape[1]), dtype=object)
    for places in groups:
        own = day_types(steps.values, steps.values.columns[places[0]]).to_numpy()
        types[:, places if len(groups) > 1 else [0]] = own[:, None]
    return types


def _draw_mean_day(ax: Axes, steps: Steps, chosen: NDArray[np.bool_]) -> None:
    rows = np.flatnonzero(chosen.any(axis=1))
    middles = hours(steps)[rows] + steps.length / pd.Timedelta(hours=1) / 2
    values = steps.values.iloc[rows]
    if chosen.shape[1] > 1:
        values = values.where(chosen[rows])
    days = values.groupby(np.round(middles, 6)).mean()
    if days.shape[1] > _ONE_BY_ONE:
        draw_spread(ax, days.index.to_numpy(dtype=float), days)
        return
    for place, column in enumerate(days.columns):
        shown = look(place)
        label = legend_text(column_text(column))
        (drawn,) = ax.plot(days.index, days.iloc[:, place], color=shown.colour, linestyle=shown.dashes, label=label)
        drawn.set(marker=shown.marker, markersize=4, markevery=max(1, len(days) // 8))
