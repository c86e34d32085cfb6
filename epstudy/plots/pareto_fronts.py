"""The Pareto front: variants than which none is better in one objective without being worse in another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from epstudy.core.errors import InputError
from epstudy.core.front import not_dominated
from epstudy.plots.columns import check_numbers, with_values
from epstudy.plots.labels import axis_label, say, say_empty
from epstudy.plots.panels import one_panel
from epstudy.plots.styles import beside, look

_MANY = 2000


def pareto_front(frame: pd.DataFrame, objectives: Mapping[str, Literal["min", "max"]]) -> pd.Series:
    """Return which variants are on the front: a truth value a row, by which `frame[front]` selects them.

    A variant is on the front when none is at least as good in every objective and better in one. Equal variants are on
    it together; one without a value is not.

    Parameters
    ----------
    frame
        What `study.results()` returned.
    objectives
        Columns and what is better, "min" or "max": `{"site_eui_kwh_m2": "min", "daylight_h": "max"}`.

    Raises
    ------
    InputError
        When there is no objective, a column is not there or not of numbers, or a sense is neither "min" nor "max".
    """
    if not objectives:
        raise InputError('a front needs objectives, such as {"site_eui_kwh_m2": "min", "unmet_cooling_h": "min"}')
    check_numbers(frame, *objectives)
    for name, sense in objectives.items():
        if sense not in ("min", "max"):
            raise InputError(f'"{name}" has the sense {sense!r}; expected "min" or "max"')
    signs = np.array([1.0 if sense == "min" else -1.0 for sense in objectives.values()])
    costs = frame[list(objectives)].to_numpy(dtype=float) * signs
    known = np.isfinite(costs).all(axis=1)
    front = np.zeros(len(frame), dtype=bool)
    front[known] = not_dominated(costs[known])
    return pd.Series(front, index=frame.index, name="pareto_front")


def pareto(
    frame: pd.DataFrame, x: str, y: str, *, minimise: tuple[bool, bool] = (True, True), ax: Axes | None = None
) -> Axes:
    """Draw all variants over two objectives, those on the Pareto front joined by a step line and numbered.

    A number is the row's place in the index: the variant. Where they would meet, some of the front have none;
    `pareto_front()` says which variants they all are.

    Parameters
    ----------
    frame
        What `study.results()` returned.
    x, y
        Columns of numbers. Variants without a value are left out and counted.
    minimise
        Whether less is better, of `x` and of `y`.

    Raises
    ------
    InputError
        When a column is not there or not of numbers, or `minimise` is not a pair.
    """
    if isinstance(minimise, bool) or len(minimise) != 2:
        raise InputError(f"minimise={minimise!r} is no pair; expected one truth value for x and one for y")
    check_numbers(frame, x, y)
    rows, note = with_values(frame, [x, y])
    on_it = pareto_front(frame, {x: "min" if minimise[0] else "max", y: "min" if minimise[1] else "max"})
    front = frame[on_it].sort_values([x, y])
    many = len(rows) > _MANY
    ax = one_panel(ax, width=7.6)
    ax.scatter(
        rows[x],
        rows[y],
        s=5 if many else 18,
        color="0.55",
        alpha=0.35 if many else 0.7,
        linewidths=0,
        rasterized=many,
    )
    ax.scatter([], [], s=18, color="0.55", label=f"{len(rows):,} variants")
    shown = look(3)
    ax.step(
        front[x],
        front[y],
        where="post" if minimise[0] else "pre",
        color=shown.colour,
        marker="o",
        markersize=4,
        label=f"front: {len(front):,} variants",
    )
    better = ["less is better" if less else "more is better" for less in minimise]
    ax.set(xlabel=f"{axis_label(frame, x)}, {better[0]}", ylabel=f"{axis_label(frame, y)}, {better[1]}")
    say(ax, note)
    beside(ax)
    if not len(rows):
        say_empty(ax, y if frame[x].notna().any() else x)
    _number(ax, front[x].to_numpy(dtype=float), front[y].to_numpy(dtype=float), list(front.index), minimise)
    return ax


def _number(
    ax: Axes, x: NDArray[np.float64], y: NDArray[np.float64], names: list[Any], minimise: tuple[bool, bool]
) -> None:
    """Write the variants beside the points of the front, on its better side, where no other variant can be.

    The ends come first; a number that would meet one that stands already is left out.
    """
    if not names:
        return
    figure = ax.figure.figure
    figure.draw_without_rendering()
    left, below = minimise
    offset = (-4 if left else 4, -4 if below else 4)
    ends = list(dict.fromkeys([0, len(names) - 1]))
    taken: list[Bbox] = []
    for place in [*ends, *(one for one in range(len(names)) if one not in ends)]:
        text = ax.annotate(
            str(names[place]),
            (x[place], y[place]),
            offset,
            textcoords="offset points",
            ha="right" if left else "left",
            va="top" if below else "bottom",
            fontsize="x-small",
        )
        box = text.get_window_extent()
        if any(box.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(box)
