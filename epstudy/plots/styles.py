"""How categories are told apart, also in grey and by the colour-blind: colour, dashes, marker and hatch together.

The colours are those of Okabe and Ito, "Color Universal Design" (2008), without yellow, which is lost on white paper.
matplotlib has them by name from 3.11 on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, to_rgba
from numpy.typing import NDArray

from epstudy.core.errors import InputError
from epstudy.plots.columns import is_number, is_result, levels_of
from epstudy.plots.labels import AS_IN_THE_MODEL, axis_label, legend_texts, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

#: For what is continuous: even in lightness, so it reads in grey, and for the colour-blind.
CONTINUOUS = "cividis"
#: What stands behind: the rest, when some are highlighted.
PALE = "0.8"

_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000")
_DASHES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (8, 3)), (0, (1, 3)))
_MARKERS = "osD^vPX*"
_HATCHES = ("", "///", "...", "\\\\\\", "xxx", "---", "ooo", "+++", "|||")

#: As many categories have each a colour of their own.
DISTINCT = len(_COLOURS)


@dataclass(frozen=True, slots=True)
class Look:
    """How one category looks."""

    colour: Any
    dashes: Any
    marker: str
    hatch: str


def look(place: int) -> Look:
    """Return the look of the category at this place; the pairs of colour and marker are 56."""
    return Look(
        _COLOURS[place % len(_COLOURS)],
        _DASHES[place % len(_DASHES)],
        _MARKERS[place % len(_MARKERS)],
        _HATCHES[place % len(_HATCHES)],
    )


@dataclass(frozen=True, slots=True)
class Colouring:
    """A column as colours, and what explains them: a colour bar for numbers, a legend for categories.

    `codes` are the places of the categories in `names`, all 0 where the column is of numbers.
    """

    label: str
    colours: NDArray[np.float64]
    codes: NDArray[np.intp]
    names: list[str]
    scale: ScalarMappable | None

    def explain(self, axes: Any, *, lines: bool) -> None:
        """Add the colour bar or the legend, of lines or of markers, beside the Axes, one or an array of them."""
        first: Axes = np.atleast_1d(axes).flat[0]
        figure = first.figure
        if self.scale is not None:
            figure.colorbar(self.scale, ax=axes, label=self.label)
            return
        for place, name in enumerate(self.names):
            shown = look(place)
            look_of = {"linestyle": shown.dashes} if lines else {"linestyle": "none", "marker": shown.marker}
            first.plot([], [], color=shown.colour, label=name, **look_of)
        if np.size(axes) > 1:
            figure.legend(loc="upper right", title=self.label, frameon=False)
        else:
            beside(first, title=self.label)


def colouring(rows: pd.DataFrame, column: str, frame: pd.DataFrame) -> Colouring:
    """Return the colours of some rows of a table: numbers on a scale, up to seven categories by their looks.

    Raises
    ------
    InputError
        When there are more categories than can be told apart.
    """
    values = rows[column]
    label = axis_label(frame, column)
    few = values.nunique(dropna=False) <= DISTINCT
    if is_number(values) and not (values.isna().any() and few and not is_result(frame, column)):
        known = values.dropna().to_numpy(dtype=float)
        limits = (known.min(), known.max()) if known.size else (0.0, 1.0)
        scale = ScalarMappable(Normalize(*limits), colormaps[CONTINUOUS].with_extremes(bad="0.6"))
        if values.isna().any():
            label += f" (grey: {AS_IN_THE_MODEL})"
        colours = scale.to_rgba(np.ma.masked_invalid(values.to_numpy(dtype=float)))
        return Colouring(label, np.asarray(colours), np.zeros(len(values), dtype=np.intp), [], scale)
    codes, levels = levels_of(values, frame[column])
    if len(levels) > DISTINCT:
        raise InputError(f'"{column}" has {len(levels)} categories; colours tell {DISTINCT} apart: select some rows')
    palette = np.array([to_rgba(look(place).colour) for place in range(len(levels))]).reshape(-1, 4)
    return Colouring(label, palette[codes], codes, legend_texts(levels), None)


def beside(axes: Axes | Sequence[Axes], **options: Any) -> None:
    """Put the legend to the right of a panel, or that of the first to the right of several, where it hides nothing."""
    panels: list[Any] = list(np.atleast_1d(np.asarray(axes, dtype=object)))
    handles = options.pop("handles", panels[0].get_legend_handles_labels()[0])
    if not handles:
        return
    if options.get("title"):
        options["title"] = plain(options["title"])
    if len(panels) == 1:
        options |= {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
        panels[0].legend(handles=handles, frameon=False, **options)
    else:
        panels[0].figure.legend(handles=handles, loc="outside right upper", frameon=False, **options)
