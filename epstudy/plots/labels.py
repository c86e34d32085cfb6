"""The words of a figure: columns with their units, levels, and what is said in small letters."""

from __future__ import annotations

import re
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: What a level without a value stands for.
AS_IN_THE_MODEL = "as in the model"

_WIDE = 24
_LINES = 3
_SMALL = {"fontsize": "small", "color": "0.35"}


def axis_label(frame: pd.DataFrame, column: str) -> str:
    """Return the column with its unit, such as `site_eui_kwh_m2 [kWh/m2]`."""
    unit = frame.attrs.get("units", {}).get(column, "1")
    return str(column) if unit in ("1", "") else f"{column} [{unit}]"


def level_text(level: Any) -> str:
    """Return a level as a figure shows it: numbers short, None as "as in the model"."""
    if level is None or level is pd.NA or level != level:
        return AS_IN_THE_MODEL
    if isinstance(level, bool | np.bool_) or not isinstance(level, Real):
        return str(level) or repr(level)
    return number_text(float(level))


def wrapped(text: str, width: int = _WIDE) -> str:
    """Return a text in up to three lines of `width` letters, broken at spaces, "_" and ":", the rest an ellipsis."""
    lines = [""]
    for piece in re.findall(rf"[^\s_:]{{1,{width}}}[_:]*\s*|[_:]+\s*", text):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    kept = [line.rstrip() for line in lines[:_LINES]]
    return "\n".join(kept) + (" …" if len(lines) > _LINES else "")


def number_text(number: float, digits: int = 6) -> str:
    """Return a number with so many digits, thousands apart."""
    return f"{number:,.0f}" if 1e4 <= abs(number) < 1e9 else f"{number:.{digits}g}"


def say(ax: Axes, *notes: str) -> None:
    """Write what is to be known of a panel above its right end, in small letters; empty notes say nothing."""
    said = "\n".join(note for note in notes if note)
    if said:
        ax.set_title(said, loc="right", **_SMALL)  # type: ignore[arg-type]


def say_below(figure: Figure | SubFigure, *notes: str) -> None:
    """Write what is to be known of a figure of several panels below them, in small letters."""
    said = "; ".join(note for note in notes if note)
    if said:
        figure.supxlabel(said, x=0.99, ha="right", **_SMALL)
