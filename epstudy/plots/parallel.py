"""Parallel coordinates: each variant a line across its parameters and results, a selection brought out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from numpy.typing import ArrayLike, NDArray

from epstudy.core.errors import InputError
from epstudy.plots.columns import check_columns, is_number, is_result, with_values
from epstudy.plots.labels import axis_label, say, wrapped
from epstudy.plots.panels import one_panel
from epstudy.plots.styles import DISTINCT, PALE, Colouring, colouring, look
from epstudy.plots.ticks import places, thinned

_MANY = 500
_TICKS = 20
_LETTERS = 16
_CHOSEN = "chosen to be highlighted"

Mask = NDArray[np.bool_]


def parallel_coordinates(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    colour: str | None = None,
    highlight: str | ArrayLike | pd.Series | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw each variant as a line across these columns, each with a scale of its own.

    Parameters
    ----------
    frame
        What `study.results()` returned.
    columns
        Two or more of its columns, from left to right. Numbers reach from the lowest below to the highest above;
        categories stand evenly, in the order of the study.
    colour
        Column of the lines' colour: numbers, on a scale over the lines that are highlighted, or up to seven categories.
        Without it up to seven highlighted lines have a colour and a name each; more are coloured by the last column.
    highlight
        Variants to bring out, as a mask (one truth value a row) or as what `frame.query()` takes, such as
        `"site_eui_kwh_m2 < 50 and lpd > 8"`. The rest is pale, and how many are brought out is said.

    Raises
    ------
    InputError
        When a column is not there, fewer than two are given, or `highlight` is no mask and no query.
    """
    names = [columns] if isinstance(columns, str) else list(columns)
    if len(names) < 2:
        raise InputError(f"parallel coordinates need two columns or more; found {names}")
    used = [*names, *([colour] if colour else [])]
    check_columns(frame, *used)
    marked = frame.assign(**{_CHOSEN: _mask(frame, highlight)})
    rows, note = with_values(marked, [name for name in used if is_result(frame, name)])
    chosen = rows[_CHOSEN].to_numpy(dtype=bool)
    rows = rows.drop(columns=_CHOSEN)
    ax = one_panel(ax, width=max(6.4, 1.5 * len(names) + 1.0), height=4.4)
    heights = np.column_stack([_draw_scale(ax, place, rows[name], frame[name]) for place, name in enumerate(names)])
    shown = _colours(rows[chosen], colour, frame, names[-1], highlighted=highlight is not None)
    _draw_lines(ax, heights[~chosen], PALE, "-", 0.8)
    if shown:
        _draw_lines(ax, heights[chosen], shown.colours, [look(code).dashes for code in shown.codes], 1.2)
    else:
        _draw_lines(ax, heights[chosen], to_rgba(look(0).colour), "-", 1.2)
    ax.set_xticks(range(len(names)), [axis_label(frame, name).replace(" [", "\n[") for name in names])
    ax.set(xlim=(-0.35, len(names) - 0.8), ylim=(-0.04, 1.04), yticks=[])
    ax.spines[:].set_visible(False)
    ax.tick_params(axis="x", length=0, pad=10)
    said = "" if highlight is None else f"{chosen.sum():,} of {len(rows):,} variants are highlighted"
    say(ax, said, note)
    if shown:
        shown.explain(ax, lines=True)
    return ax


def _colours(
    chosen: pd.DataFrame, colour: str | None, frame: pd.DataFrame, last: str, *, highlighted: bool
) -> Colouring | None:
    """The colours of the lines that are not pale; None where one colour will do."""
    if colour:
        return colouring(chosen, colour, frame)
    if not highlighted or not len(chosen):
        return None
    if len(chosen) <= DISTINCT:
        names = [f"{chosen.index.name or 'row'} {row}" for row in chosen.index]
        colours = np.array([to_rgba(look(place).colour) for place in range(len(chosen))])
        return Colouring("", colours, np.arange(len(chosen)), names, None)
    return colouring(chosen, last, frame) if is_number(frame[last]) else None


def _mask(frame: pd.DataFrame, highlight: str | ArrayLike | pd.Series | None) -> Mask:
    """One truth value a row: all rows where nothing is asked for."""
    if highlight is None:
        return np.ones(len(frame), dtype=bool)
    wanted = _queried(frame, highlight) if isinstance(highlight, str) else highlight
    if isinstance(wanted, pd.Series):
        if not frame.index.isin(wanted.index).all():
            raise InputError("highlight= has no truth value for some rows; make the mask from the same table")
        wanted = wanted.reindex(frame.index) if not wanted.index.equals(frame.index) else wanted
    mask = np.asarray(wanted)
    if mask.dtype != bool or mask.shape != (len(frame),):
        raise InputError(
            f"highlight= is an array of {mask.dtype} with shape {mask.shape}; expected one truth value for each of the "
            f'{len(frame)} rows, such as df["site_eui_kwh_m2"] < 50, or a query, "site_eui_kwh_m2 < 50"'
        )
    return mask


def _queried(frame: pd.DataFrame, query: str) -> NDArray[Any]:
    try:
        found: Any = frame.eval(query)
    except Exception as error:
        raise InputError(f'highlight="{query}" is no query of this table: {error}') from error
    return np.asarray(found)


def _draw_scale(ax: Axes, place: int, values: pd.Series, table: pd.Series) -> NDArray[np.float64]:
    """Draw one upright scale with its ticks; return the height of each value, from 0 to 1."""
    at, ticks = places(values, table)
    every = np.concatenate([at, ticks.ticks]) if not ticks.chosen else at
    lowest, highest = (every.min(), every.max()) if every.size else (0.0, 0.0)

    def height(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        return (numbers - lowest) / (highest - lowest) if highest > lowest else np.full(len(numbers), 0.5)

    ax.axvline(place, color="black", linewidth=0.8, zorder=3)
    ground = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6}
    marks, labels = thinned(ticks, _TICKS)
    for mark, label in zip(height(marks), labels, strict=True):
        ax.plot([place - 0.02, place], [mark, mark], color="black", linewidth=0.8, zorder=3)
        text = wrapped(label, _LETTERS)
        ax.text(place - 0.04, mark, text, ha="right", va="center", fontsize="small", bbox=ground, zorder=4)
    return height(at)


def _draw_lines(ax: Axes, heights: NDArray[np.float64], colours: Any, dashes: Any, width: float) -> None:
    if not len(heights):
        return
    across = np.broadcast_to(np.arange(heights.shape[1], dtype=float), heights.shape)
    thin = min(1.0, (_MANY / len(heights)) ** 0.5)
    segments = list(np.stack([across, heights], axis=2))
    thickness, alpha = width * max(thin, 0.4), max(thin * 0.8, 0.15)
    lines = LineCollection(segments, colors=colours, linestyles=dashes, linewidths=thickness, alpha=alpha)
    lines.set_rasterized(len(heights) > _MANY)
    ax.add_collection(lines, autolim=False)
