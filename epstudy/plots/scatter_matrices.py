"""The scatter matrix: every column against every other, and how each is distributed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from epstudy.core.errors import InputError
from epstudy.plots.columns import check_columns, is_result, with_values
from epstudy.plots.labels import axis_label, say_below
from epstudy.plots.panels import DPI
from epstudy.plots.styles import CONTINUOUS, Colouring, colouring, look
from epstudy.plots.ticks import Places, mark_x, mark_y, places

#: More columns than this are too small to read.
_MOST = 10
_MANY = 2000
_BINS = 20
_TICKS = 12


def scatter_matrix(frame: pd.DataFrame, columns: Sequence[str], *, colour: str | None = None) -> NDArray[Any]:
    """Draw each pair of columns as a scatter, below a diagonal of histograms.

    Of more than 2,000 variants without `colour`, hexagons show how many there are: the darker, the more. Among so many,
    those of one level are spread a little, so that they can be seen.

    Parameters
    ----------
    frame
        What `study.results()` returned.
    columns
        From 2 to 10 columns; numbers, or categories, which stand evenly.
    colour
        Column of the points' colour: numbers, or up to seven categories.

    Returns
    -------
    array of Axes
        Shape (columns, columns); those above the diagonal are not shown.

    Raises
    ------
    InputError
        When a column is not there, or there are fewer than 2 or more than 10.
    """
    names = [columns] if isinstance(columns, str) else list(columns)
    if not 2 <= len(names) <= _MOST:
        raise InputError(f"a scatter matrix needs from 2 to {_MOST} columns; found {len(names)}")
    used = [*names, *([colour] if colour else [])]
    check_columns(frame, *used)
    rows, note = with_values(frame, [name for name in used if is_result(frame, name)])
    shown = colouring(rows, colour, frame) if colour else None
    size = len(names) * (2.2 if len(names) < 5 else 1.7) + 0.6
    figure, axes = plt.subplots(
        len(names), len(names), figsize=(size, size), dpi=DPI, squeeze=False, layout="constrained"
    )
    placed = [places(rows[name], frame[name]) for name in names]
    spread = [_spread(at, place) if len(rows) > _MANY else at for place, (at, _) in enumerate(placed)]
    for row, column in np.ndindex(axes.shape):
        ax: Any = axes[row, column]
        if column > row:
            ax.set_visible(False)
        elif column == row:
            _histogram(ax, placed[row][0])
        else:
            _scatter(ax, spread[column], spread[row], shown)
    _label(axes, [axis_label(frame, name) for name in names], [ticks for _, ticks in placed])
    say_below(figure, note, "darker: more variants" if len(rows) > _MANY and not shown else "")
    if shown:
        shown.explain(axes, lines=False)
    return axes


def _histogram(ax: Axes, at: NDArray[np.float64]) -> None:
    levels, counts = np.unique(at, return_counts=True)
    if len(levels) > _BINS:
        ax.hist(at, bins=_BINS, color="0.5")
    elif len(levels):
        ax.bar(levels, counts, width=0.8 * _spacing(levels), color="0.5")


def _spacing(levels: NDArray[np.float64]) -> float:
    return float(np.diff(levels).min()) if len(levels) > 1 else 1.0


def _spread(at: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Places, those of a few levels spread evenly around each; the same each time."""
    levels = np.unique(at)
    if len(levels) > _BINS:
        return at
    return at + _spacing(levels) * np.random.default_rng(seed).uniform(-0.35, 0.35, len(at))


def _scatter(ax: Axes, x: NDArray[np.float64], y: NDArray[np.float64], shown: Colouring | None) -> None:
    many = len(x) > _MANY
    if shown is None and many:
        ax.hexbin(x, y, gridsize=30, mincnt=1, bins="log", cmap=f"{CONTINUOUS}_r", linewidths=0.2)
        return
    options: dict[str, Any] = {"s": 4 if many else 14, "alpha": 0.4 if many else 0.8, "linewidths": 0}
    colours = np.tile(look(0).colour, len(x)) if shown is None else shown.colours
    codes = np.zeros(len(x), dtype=int) if shown is None else shown.codes
    for code in np.unique(codes):
        of_it = codes == code
        ax.scatter(x[of_it], y[of_it], c=colours[of_it], marker=look(code).marker, rasterized=many, **options)


def _label(axes: NDArray[Any], labels: Sequence[str], ticks: Sequence[Places]) -> None:
    """Put the ticks of every panel, and labels left and below."""
    last = len(labels) - 1
    for row, column in ((upper, left) for upper in range(len(labels)) for left in range(upper + 1)):
        ax = axes[row, column]
        mark_x(ax, ticks[column], _TICKS, upright=True)
        if row == column:
            ax.set_yticks([])
        else:
            ax.sharex(axes[column, column])
            mark_y(ax, ticks[row], _TICKS)
        ax.tick_params(labelbottom=row == last, labelleft=column == 0)
        ax.set_xlabel(labels[column].replace(" [", "\n[") if row == last else "")
        ax.set_ylabel(labels[row].replace(" [", "\n[") if column == 0 else "")
