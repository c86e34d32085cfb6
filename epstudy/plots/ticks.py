"""Where the values of a column stand on an axis: numbers by their size, categories evenly, both with their labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from epstudy.plots.columns import is_number, levels_of
from epstudy.plots.labels import level_text, level_texts, number_text, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GAP = 0.18
_FEW, _CLOSE, _DIGITS = 7, 0.07, 5
_NARROW, _SHORT = 8, 16
_LETTERS_PER_INCH = 12


@dataclass(frozen=True, slots=True)
class Places:
    """The ticks of an axis with their labels.

    `numeric` where they mark numbers, not categories; `chosen` where matplotlib would choose them as well.
    """

    ticks: NDArray[np.float64]
    labels: list[str]
    numeric: bool = False
    chosen: bool = False


def places(values: pd.Series, table: pd.Series) -> tuple[NDArray[np.float64], Places]:
    """Return where each value stands, and the ticks of the axis.

    Numbers stand as they are, categories at 0, 1, 2 … in the order of `table`, the column that they are selected
    from. Among numbers, a level that leaves the model as it is stands apart, below the lowest.
    """
    if not len(values):
        return np.zeros(0), Places(np.zeros(0), [])
    if not is_number(values) or values.isna().all():
        codes, levels = levels_of(values, table)
        return codes.astype(float), Places(np.arange(len(levels), dtype=float), level_texts(levels))
    at = values.to_numpy(dtype=float, copy=True)
    unknown = np.isnan(at)
    lowest, highest = at[~unknown].min(), at[~unknown].max()
    few = _few_levels(at[~unknown])
    ticks = _round_ticks(lowest, highest) if few is None else few
    labels = [number_text(round(tick, 12)) for tick in ticks]
    if not unknown.any():
        return at, Places(ticks, labels, numeric=True, chosen=few is None)
    apart = lowest - _GAP * ((highest - lowest) or 1.0)
    at[unknown] = apart
    return at, Places(np.insert(ticks, 0, apart), [level_text(None), *labels], numeric=True)


def mark_x(ax: Axes, where: Places, most: int = 40, *, upright: bool = False) -> None:
    """Put the ticks of a horizontal axis, thinned to `most`, slanted where they would meet, or all `upright`."""
    if where.chosen:
        return
    ticks, labels = thinned(where, most)
    if upright:
        ax.set_xticks(ticks, [wrapped(label, _SHORT) for label in labels], rotation=90)
        return
    labels = [wrapped(label, _NARROW if len(labels) > 1 and where.numeric else _SHORT) for label in labels]
    width = ax.get_window_extent().width / ax.figure.dpi
    ax.set_xticks(ticks, labels)
    if crowded(labels, width):
        plt.setp(ax.get_xticklabels(), rotation=30, ha="right", rotation_mode="anchor")


def mark_y(ax: Axes, where: Places, most: int = 40) -> None:
    """Put the ticks of a vertical axis, thinned to `most`."""
    if not where.chosen:
        ticks, labels = thinned(where, most)
        ax.set_yticks(ticks, [wrapped(label) for label in labels])


def thinned(where: Places, most: int) -> tuple[NDArray[np.float64], list[str]]:
    """Return at most about `most` ticks with their labels: all, or every second, fifth, tenth …"""
    least = len(where.ticks) / most
    step = next((step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500) if step >= least), round(least))
    return where.ticks[::step], where.labels[::step]


def _few_levels(numbers: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The levels themselves as ticks, where they are few, short and not too close to one another."""
    levels = np.unique(numbers)
    apart = np.diff(levels)
    few = 1 < len(levels) <= _FEW and apart.min() >= _CLOSE * (levels[-1] - levels[0])
    return levels if few and all(len(number_text(level)) <= _DIGITS for level in levels) else None


def _round_ticks(lowest: float, highest: float) -> NDArray[np.float64]:
    if lowest == highest:
        return np.array([lowest])
    ticks = np.asarray(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(lowest, highest))
    slack = 1e-9 * (highest - lowest)
    return ticks[(ticks >= lowest - slack) & (ticks <= highest + slack)]


def crowded(labels: list[str], width: float) -> bool:
    """Whether labels would meet on a horizontal axis that is `width` inches wide."""
    longest = max((len(line) for label in labels for line in label.split("\n")), default=0)
    return (longest + 1.5) * len(labels) > _LETTERS_PER_INCH * width
