"""How a series is distributed over variants, step by step: the median and the bands about it."""

from __future__ import annotations

from typing import Any

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter
from numpy.typing import NDArray

from epstudy.plots.labels import say, say_below, wrapped
from epstudy.plots.panels import one_panel, several_panels
from epstudy.plots.steps import COUNTED, Steps, as_frame, known_variants, periods, series_label
from epstudy.plots.styles import beside, look

#: Fewer variants than this have no band of 90 %: it would be interpolated.
_FEW = 20
_SEEN = 1000
_COLUMNS_AT_ONCE = 500
_LONG = pd.Timedelta(days=62)
_DAY = pd.Timedelta(days=1)


def band(series: pd.DataFrame | pd.Series, *, ax: Axes | None = None) -> Axes | list[Axes]:
    """Draw the median of all variants over time, and the bands that hold half of them and nine in ten.

    Of fewer than 20 variants the band reaches from the lowest to the highest. More than 1,000 steps are taken by days:
    energies are summed, everything else is averaged, of each variant by itself. A first or last day of which the series
    has a part is left out, and said.

    Parameters
    ----------
    series
        What `study.timeseries()` returned. Variants without values are left out and counted.
    ax
        Where to draw, where there is one simulated period.

    Returns
    -------
    Axes, or where there are several simulated periods a list of them

    Raises
    ------
    InputError
        When this is no series, or its steps are not equally long.
    """
    frame, note = known_variants(as_frame(series))
    counted = next(iter(frame.attrs.get("units", {}).values()), "") in COUNTED
    by_days = [_by_days(steps, counted) for steps in periods(frame)]
    found = [steps for steps, _ in by_days]
    notes = [note, *(left_out for _, left_out in by_days)]
    several = len(found) > 1
    if several:
        axes = several_panels([wrapped(steps.period, 32) for steps in found], ax, 4.2, 3.2, same_x=False)
        say_below(axes[0].figure, *notes)
    else:
        axes = [one_panel(ax, 8.6, 3.8)]
        say(axes[0], *notes)
    for panel, steps in zip(axes, found, strict=True):
        draw_spread(panel, (steps.begins + steps.length / 2).to_numpy(), steps.values)
        panel.set_xlim(steps.begins[0], steps.begins[-1] + steps.length)  # type: ignore[arg-type]
        mark_dates(panel, steps)
    axes[0].set_ylabel(series_label(frame, found[0].length))
    beside(axes)
    return axes if several else axes[0]


def draw_spread(ax: Axes, at: NDArray[Any], table: pd.DataFrame) -> None:
    """Draw the median and the bands of a table with a row a step and a column a variant, or a variant and key."""
    values = table.to_numpy(dtype=float)
    count, what = values.shape[1], "series" if table.columns.nlevels > 1 else "variants"
    shares = {"from lowest to highest": (0.0, 1.0)}
    if count >= _FEW:
        shares = {"nine in ten of them": (0.05, 0.95), "half of them": (0.25, 0.75)}
    quantile = np.nanquantile if np.isnan(values).any() else np.quantile
    levels = quantile(values, [0.5, *(edge for edges in shares.values() for edge in edges)], axis=1)
    shown = look(0)
    ax.plot(at, levels[0], color="black", linewidth=1.2, label=f"median of {count:,} {what}", zorder=3)
    for place, name in reversed(list(enumerate(shares))):
        low, high = levels[1 + 2 * place], levels[2 + 2 * place]
        alpha = 0.55 if place else 0.25
        ax.fill_between(at, low, high, color=shown.colour, alpha=alpha, linewidth=0, label=name, zorder=2 + place / 2)


def mark_dates(ax: Axes, steps: Steps) -> None:
    """Put months on the axis of a long period, dates or hours on that of a short one."""
    if steps.begins[-1] - steps.begins[0] > _LONG:
        ax.xaxis.set(major_locator=mdates.MonthLocator(), major_formatter=NullFormatter())
        ax.xaxis.set(minor_locator=mdates.MonthLocator(bymonthday=15), minor_formatter=mdates.DateFormatter("%b"))
        ax.tick_params(axis="x", which="minor", length=0)
        return
    locator = mdates.AutoDateLocator(maxticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))


def _by_days(steps: Steps, counted: bool) -> tuple[Steps, str]:
    """Sums or means of each day, where there are more steps than can be seen; and which days are left out."""
    if len(steps.begins) <= _SEEN or steps.length >= _DAY:
        return steps, ""
    days = steps.begins.normalize()
    firsts = np.flatnonzero(np.r_[True, days[1:] != days[:-1]])
    counts = np.diff(np.r_[firsts, len(days)])[:, None]
    parts = []
    for place in range(0, steps.values.shape[1], _COLUMNS_AT_ONCE):
        some = steps.values.iloc[:, place : place + _COLUMNS_AT_ONCE].to_numpy(dtype=float)
        sums = np.add.reduceat(some, firsts, axis=0)
        parts.append(sums if counted else sums / counts)
    begins = pd.DatetimeIndex(days[firsts])
    values = pd.DataFrame(np.hstack(parts), index=begins, columns=steps.values.columns)
    short = [place for place in (0, len(begins) - 1) if counts[place, 0] < counts.max()]
    named = " and ".join(f"{begins[place].day} {begins[place]:%b}" for place in short)
    note = f"without {named}, of which there is a part" if short else ""
    return Steps(steps.period, begins.delete(short), _DAY, values.drop(index=begins[short])), note
