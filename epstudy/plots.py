"""Figures: a table in, axes out. Nothing is loaded here; units come from the table's `attrs["units"]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epstudy.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def heatmap(frame: pd.DataFrame, x: str, y: str, value: str, *, ax: Axes | None = None) -> Axes:
    """Draw `value` over two parameters, one cell a variant, the number in each cell.

    Parameters
    ----------
    frame
        What `study.results()` returned.
    x, y
        Columns for the horizontal and the vertical axis; their values stand in the order of the study.
    value
        Column for the colour. A cell without a number stays white.

    Raises
    ------
    InputError
        When a column is not there, or two variants fall into one cell.
    """
    import matplotlib.pyplot as plt

    for column in (x, y, value):
        if column not in frame.columns:
            raise InputError(f'the table has no column "{column}"; it has {", ".join(map(str, frame.columns))}')
    if frame.duplicated([x, y]).any():
        raise InputError(f'several variants have the same "{x}" and "{y}"; select the rows of one heat map first')
    columns, rows = (list(dict.fromkeys(frame[name])) for name in (x, y))
    cells = frame.pivot(index=y, columns=x, values=value).reindex(index=rows, columns=columns)
    ax = ax or plt.subplots(figsize=(1.6 + 1.1 * len(columns), 1.2 + 0.7 * len(rows)), layout="constrained")[1]
    image = ax.imshow(cells.to_numpy(dtype=float), cmap="cividis", origin="lower", aspect="auto")
    ax.set_xticks(range(len(columns)), [_text(label) for label in columns])
    ax.set_yticks(range(len(rows)), [_text(label) for label in rows])
    ax.set(xlabel=x, ylabel=y)
    _write_numbers(ax, cells.to_numpy(dtype=float))
    bar = ax.figure.colorbar(image, ax=ax)
    bar.set_label(axis_label(frame, value))
    return ax


def axis_label(frame: pd.DataFrame, column: str) -> str:
    """Return the column with its unit, such as `site_eui_kwh_m2 [kWh/m2]`."""
    unit = frame.attrs.get("units", {}).get(column, "1")
    return column if unit == "1" else f"{column} [{unit}]"


def _write_numbers(ax: Axes, numbers: Any) -> None:
    import numpy as np

    if numbers.size > 200:
        return
    middle = (np.nanmin(numbers) + np.nanmax(numbers)) / 2 if np.isfinite(numbers).any() else 0.0
    for (row, column), number in np.ndenumerate(numbers):
        if np.isfinite(number):
            colour = "black" if number > middle else "white"
            ax.text(column, row, f"{number:#.4g}".rstrip("."), ha="center", va="center", color=colour)


def _text(label: Any) -> str:
    return "as in the model" if label is None or label != label else str(label)
