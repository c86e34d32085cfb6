"""The heat map: a result over two parameters, a cell a variant."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.text import Text
from numpy.typing import NDArray

from epstudy.core.errors import InputError
from epstudy.plots.columns import check_columns, check_numbers, has_value, missing_note
from epstudy.plots.labels import axis_label, column_label, level_texts, say, say_below, say_empty, wrapped
from epstudy.plots.panels import label_outer, one_panel, several_panels
from epstudy.plots.styles import CONTINUOUS
from epstudy.plots.ticks import Places, mark_x, mark_y

_WITH_NUMBERS = (12, 20)
#: Points; a smaller number cannot be read. And the share of a cell that a number may fill.
_READABLE, _FILLED = 5.0, 0.88
_LOW = 2.4  # inches that the label of the colour bar needs
_ACROSS, _UP = 14, 24
_WHOLE = 1e4
#: A grid of which nearly all cells are empty is none.
_SPARSE, _FEW = 20, 2500

Numbers = NDArray[np.float64]


@overload
def heatmap(frame: pd.DataFrame, x: str, y: str, value: str, *, by: None = None, ax: Axes | None = None) -> Axes: ...
@overload
def heatmap(frame: pd.DataFrame, x: str, y: str, value: str, *, by: str, ax: None = None) -> list[Axes]: ...


def heatmap(
    frame: pd.DataFrame, x: str, y: str, value: str, *, by: str | None = None, ax: Axes | None = None
) -> Axes | list[Axes]:
    """Draw `value` over two parameters, one cell a variant; the number in each cell while there is room.

    Parameters
    ----------
    frame
        What `study.results()` returned.
    x, y
        Columns for the horizontal and the vertical axis; their values stand in the order of the study.
    value
        Column for the colour. A cell without a number stays white.
    by
        Column of a third parameter: a panel for each of its values, all with the same colours.
    ax
        Where to draw; without it, and with `by`, on a new figure.

    Returns
    -------
    Axes, or with `by` a list of them
        The colour bar is the figure's last Axes.

    Raises
    ------
    InputError
        When a column is not there, two variants fall into one cell, or the parameters make no grid.
    """
    check_columns(frame, x, y, *([by] if by else []))
    check_numbers(frame, value)
    if frame.duplicated([name for name in (x, y, by) if name]).any():
        more = "" if by else ", or give a third parameter as by="
        raise InputError(f'several variants have the same "{x}" and "{y}"; select the rows of one heat map first{more}')
    grids, (levels, across, up) = _grids(frame, x, y, value, by)
    note = missing_note(int((~has_value(frame[value])).sum()), len(frame))
    width, height = min(1.6 + 1.1 * len(across), 9.0), min(max(1.2 + 0.7 * len(up), _LOW), 7.5)
    if by is None:
        axes = [one_panel(ax, width, height)]
        say(axes[0], note)
    else:
        names = [wrapped(f"{column_label(frame, by)} = {text}", 32) for text in level_texts(levels)]
        axes = several_panels(names, ax, min(max(width, 2.4), 3.6), min(height, 3.0))
        say_below(axes[0].figure, note)
    image = _draw(axes, grids, level_texts(across), level_texts(up))
    for panel in axes:
        panel.set(xlabel=axis_label(frame, x), ylabel=axis_label(frame, y))
    if by:
        label_outer(axes)
    if np.isfinite(grids).any():
        axes[0].figure.colorbar(image, ax=axes if by else axes[0], label=axis_label(frame, value))
        if len(across) <= _WITH_NUMBERS[0] and len(up) <= _WITH_NUMBERS[1]:
            _write_numbers(axes, grids)
    else:
        for panel in axes:
            say_empty(panel, value)
    return axes if by else axes[0]


def _grids(frame: pd.DataFrame, x: str, y: str, value: str, by: str | None) -> tuple[Numbers, list[pd.Index[Any]]]:
    """The numbers with the shape (panels, rows, columns), and the levels of the three."""
    columns, across = pd.factorize(frame[x], use_na_sentinel=False)
    rows, up = pd.factorize(frame[y], use_na_sentinel=False)
    panels, levels = np.zeros(len(frame), dtype=np.intp), pd.Index([None])
    if by:
        panels, levels = pd.factorize(frame[by], use_na_sentinel=False)
    cells = len(levels) * len(across) * len(up)
    if cells > max(_SPARSE * len(frame), _FEW):
        raise InputError(
            f'"{x}" has {len(across)} values and "{y}" {len(up)}, for {len(frame)} variants: a heat map needs a grid; '
            "scatter_matrix() shows other samplings"
        )
    grids = np.full((len(levels), len(up), len(across)), np.nan)
    grids[panels, rows, columns] = frame[value].to_numpy(dtype=float)
    return grids, [levels, across, up]


def _draw(axes: list[Axes], grids: Numbers, across: list[str], up: list[str]) -> AxesImage:
    """Draw each grid with the same colours; return the last image, for the colour bar."""
    known = grids[np.isfinite(grids)]
    lowest, highest = (known.min(), known.max()) if known.size else (0.0, 1.0)
    for ax, grid in zip(axes, grids, strict=True):
        image = ax.imshow(grid, cmap=CONTINUOUS, origin="lower", aspect="auto", vmin=lowest, vmax=highest)
        ticks = [Places(np.arange(len(labels), dtype=float), labels) for labels in (across, up)]
        mark_x(ax, ticks[0], _ACROSS // min(len(axes), 2))
        mark_y(ax, ticks[1], _UP // min(len(axes), 2))
    return image


def _write_numbers(axes: list[Axes], grids: Numbers) -> None:
    """Write the number into each cell, all in one size: as large as the cells allow, and none where that is too small.

    The size of a cell is known once the figure is laid out.
    """
    middle = (np.nanmin(grids) + np.nanmax(grids)) / 2
    texts = []
    for ax, grid in zip(axes, grids, strict=True):
        for (row, column), number in np.ndenumerate(grid):
            if np.isfinite(number):
                text = f"{number:,.0f}" if abs(number) >= _WHOLE else f"{number:#.4g}".rstrip(".")
                colour = "black" if number > middle else "white"
                texts.append(ax.text(column, row, text, ha="center", va="center", color=colour, size="medium"))
    size = float(texts[0].get_fontsize()) * min(1.0, _room_for(texts, axes[0], grids.shape[1:]))
    for drawn in texts:
        if size < _READABLE:
            drawn.remove()
        else:
            drawn.set_fontsize(size)


def _room_for(texts: list[Text], ax: Axes, shape: tuple[int, ...]) -> float:
    """The width and height of a cell, as a share of what the widest text and its margin take, whichever is less."""
    figure = ax.figure.figure
    figure.draw_without_rendering()
    extents = [text.get_window_extent() for text in texts]
    box = ax.get_window_extent()
    across = box.width / shape[1] / max(extent.width for extent in extents)
    up = box.height / shape[0] / max(extent.height for extent in extents)
    return _FILLED * min(across, up)
