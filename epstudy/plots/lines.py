"""Lines by a parameter: what a result does when one level follows another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Patch

from epstudy.core.errors import InputError
from epstudy.plots.columns import check_columns, check_numbers, is_number, is_result, levels_of, with_values
from epstudy.plots.labels import axis_label, column_label, legend_texts, plain, say, say_empty
from epstudy.plots.panels import one_panel
from epstudy.plots.styles import CONTINUOUS, Look, beside, look
from epstudy.plots.ticks import mark_x, places

_BINS, _UNBINNED = 40, 100
_NAMED, _MOST = 12, 200
_MARKED = 40


def line(frame: pd.DataFrame, x: str, y: str, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw `y` over the values of `x`, one line for each value of `by`.

    Where several variants have the same `x` and `by`, the line is their median, and a band reaches from the lowest to
    the highest. A numeric `x` of more than 100 values is taken in 40 bins of equal width. A level that leaves the model
    as it is stands apart from numbers, left of them.

    Parameters
    ----------
    frame
        What `study.results()` returned.
    x
        Column of numbers, or of categories in the order of the study.
    y
        Column of numbers. Variants without a value are left out and counted.
    by
        Column with up to 12 values, or up to 200 numbers, which are then told apart by a colour bar.

    Raises
    ------
    InputError
        When a column is not there, `y` is not of numbers, or `by` has more values than lines can be told apart.
    """
    check_columns(frame, x, *([by] if by else []))
    check_numbers(frame, y)
    rows, note = with_values(frame, [y, x] if is_result(frame, x) else [y])
    codes, levels = levels_of(rows[by], frame[by]) if by else (np.zeros(len(rows), dtype=int), [None])
    looks, scale = _looks(frame, by, levels)
    at, ticks = places(rows[x], frame[x])
    apart = rows[x].isna().to_numpy() & is_number(rows[x])
    at, binned = _in_bins(at, ~apart)
    ax = one_panel(ax, width=7.6 if by else 6.4)
    several = False
    values = rows[y].to_numpy(dtype=float)
    for code, (name, shown) in enumerate(looks):
        of_line, label = codes == code, name
        for chosen, dashes in ((of_line & ~apart, shown.dashes), (of_line & apart, "none")):
            if chosen.any():
                several |= _draw(ax, at[chosen], values[chosen], shown, dashes, label)
                label = "_"  # once in the legend
    mark_x(ax, ticks)
    ax.set(xlabel=axis_label(frame, x), ylabel=axis_label(frame, y))
    say(ax, note)
    if not len(rows):
        say_empty(ax, y)
    bins = f"{_BINS} bins of {column_label(frame, x)}" if binned else ""
    _explain(ax, axis_label(frame, by) if by else None, scale, several, bins)
    return ax


def _looks(
    frame: pd.DataFrame, by: str | None, levels: list[Any]
) -> tuple[list[tuple[str, Look]], ScalarMappable | None]:
    """The name and the look of each line, and the colour scale of many lines."""
    if by is None:
        return [("_", look(0))], None
    if len(levels) <= _NAMED:
        return [(text, look(place)) for place, text in enumerate(legend_texts(levels))], None
    if not is_number(frame[by]) or len(levels) > _MOST:
        most = _MOST if is_number(frame[by]) else _NAMED
        raise InputError(
            f'"{by}" has {len(levels)} values; at most {most} lines can be told apart: select some rows, or make '
            f'classes: frame["class"] = pd.qcut(frame["{by}"], 4)'
        )
    scale = ScalarMappable(Normalize(np.nanmin(levels), np.nanmax(levels)), colormaps[CONTINUOUS])
    colours = [scale.to_rgba(level) if level == level else (0.6, 0.6, 0.6, 1.0) for level in levels]
    return [("_", Look(colour, "-", "", "")) for colour in colours], scale


def _in_bins(at: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, bool]:
    """Places, those of many numbers replaced by the middles of bins; and whether they were."""
    numbers = at[known]
    if np.unique(numbers).size <= _UNBINNED:
        return at, False
    edges = np.linspace(numbers.min(), numbers.max(), _BINS + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    binned = at.copy()
    binned[known] = middles[np.clip(np.digitize(numbers, edges) - 1, 0, _BINS - 1)]
    return binned, True


def _draw(ax: Axes, at: np.ndarray, values: np.ndarray, shown: Look, dashes: object, name: str) -> bool:
    """Draw one line and its band; return whether there is a band."""
    drawn = pd.Series(values).groupby(at).agg(["median", "min", "max", "size"])
    marker = shown.marker if len(drawn) <= _MARKED else ""
    ax.plot(
        drawn.index,
        drawn["median"],
        color=shown.colour,
        linestyle=dashes,
        marker=marker or ".",
        label=name,
        markersize=5 if marker else 0,
    )
    if (drawn["size"] == 1).all():
        return False
    if len(drawn) == 1:
        ax.vlines(drawn.index, drawn["min"], drawn["max"], color=shown.colour, linewidth=3, alpha=0.3)
    ax.fill_between(drawn.index, drawn["min"], drawn["max"], color=shown.colour, alpha=0.15, linewidth=0)
    return True


def _explain(ax: Axes, by: str | None, scale: ScalarMappable | None, several: bool, bins: str) -> None:
    if scale is not None:
        ax.figure.colorbar(scale, ax=ax, label=plain(by or ""))
    handles, labels = ax.get_legend_handles_labels()
    if several:
        handles.append(Patch(facecolor="0.5", alpha=0.3))
        labels.append(plain("median, lowest to highest\n" + (f"in {bins}" if bins else "of several variants")))
    if handles:
        beside(ax, handles=handles, labels=labels, title=by)
