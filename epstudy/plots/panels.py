"""The paper under a figure: one panel, on the Axes given or on new ones, or several that share their scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from epstudy.core.errors import InputError
from epstudy.plots.labels import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Dots an inch of a new figure: sharp on paper and on a screen of many pixels.
DPI = 150
#: More small multiples than this cannot be read on a page.
MOST = 36


def one_panel(ax: Axes | None, width: float = 6.4, height: float = 4.2) -> Axes:
    """Return the Axes to draw on; the size is in inches, of a new figure."""
    if ax is None:
        return plt.subplots(figsize=(width, height), dpi=DPI, layout="constrained")[1]
    return ax


def several_panels(
    titles: Sequence[str], ax: Axes | None, width: float, height: float, *, same_x: bool = True
) -> list[Axes]:
    """Return new Axes that share their scales, one a title; the size is in inches, of one panel.

    Raises
    ------
    InputError
        When an Axes was given, which has room for one, or there are too many.
    """
    if ax is not None:
        raise InputError(f"this figure has {len(titles)} panels, and ax= has room for one; leave it out")
    if len(titles) > MOST:
        raise InputError(f"this figure would have {len(titles)} panels; at most {MOST} can be read: select some rows")
    columns = min(len(titles), 3 if len(titles) in (3, 5, 6, 9) else 4)
    rows = -(-len(titles) // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(columns * width, rows * height),
        dpi=DPI,
        sharex=same_x,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    axes: list[Any] = list(grid.flat)
    for spare in axes[len(titles) :]:
        figure.delaxes(spare)
    for panel, title in zip(axes, titles, strict=False):
        panel.set_title(plain(title), fontsize="medium")
    return axes[: len(titles)]


def label_outer(axes: Sequence[Axes]) -> None:
    """Leave labels and tick labels at the left and below; also where the place below a panel is empty."""
    where = axes[0].get_subplotspec()
    width = where.get_gridspec().ncols if where else 1
    for place, ax in enumerate(axes):
        if place % width:
            ax.set_ylabel("")
            ax.tick_params(labelleft=False)
        lowest = place + width >= len(axes)
        ax.tick_params(labelbottom=lowest)
        if not lowest:
            ax.set_xlabel("")
