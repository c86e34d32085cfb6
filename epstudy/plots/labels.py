"""The words of a figure: columns with their units, levels, and what is said in small letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
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
#: Digits of a number as a rule, and those that tell any two apart.
_DIGITS, _EXACT = 6, 17
#: What `results(relative_to=...)` puts behind the name of a scalar.
_SAVINGS = ("_saving_percent", "_saving")
_ABBREVIATIONS = {"eui": "EUI", "hvac": "HVAC"}
_SMALL = {"fontsize": "small", "color": "0.35"}


def axis_label(frame: pd.DataFrame, column: str) -> str:
    """Return what an axis calls a column: its label and unit, such as `Site EUI [kWh/m2]` for `site_eui_kwh_m2`.

    A parameter's label is the `label=` that it was given, else its name. A label that ends in a unit of its own,
    "Lighting [W/ft2]", gets no other.
    """
    known = {**frame.attrs.get("parameter_units", {}), **frame.attrs.get("units", {})}
    label, unit = column_label(frame, column), known.get(column, "1")
    return label if unit in ("1", "") or label.endswith("]") else plain(f"{label} [{unit}]")


def column_label(frame: pd.DataFrame, column: str) -> str:
    """Return what a figure calls a column, without its unit."""
    label = frame.attrs.get("labels", {}).get(column)
    return plain(str(label) if label else _without_unit(str(column), frame.attrs.get("units", {})))


def _without_unit(name: str, units: Mapping[str, str]) -> str:
    """The name of a scalar in words: "Heating" for `heating_kwh`. Any other name stays as it is."""
    for ending in _SAVINGS:
        if name.endswith(ending):
            metric = name.removesuffix(ending)
            words = _without_unit(metric, units)
            return name if words == metric else f"{words} saving"
    ending = "_" + re.sub(r"[^0-9a-z]+", "_", units.get(name, "").casefold())
    stem = name.removesuffix(ending)
    if ending == "_" or stem in (name, ""):
        return name
    words = " ".join(_ABBREVIATIONS.get(word, word) for word in stem.split("_"))
    return words[:1].upper() + words[1:]


def plain(text: str) -> str:
    """Return a text in which "$" is a dollar, not the beginning of a formula of matplotlib."""
    return re.sub(r"(?<!\\)\$", r"\\$", text)


def level_text(level: Any, digits: int = _DIGITS) -> str:
    """Return a level as a figure shows it: numbers short, None as "as in the model"."""
    if level is None or level is pd.NA or level != level:
        return AS_IN_THE_MODEL
    if isinstance(level, bool | np.bool_) or not isinstance(level, Real):
        return str(level) or repr(level)
    return number_text(float(level), digits)


def level_texts(levels: Iterable[Any]) -> list[str]:
    """Return different levels as a figure shows them, numbers with more digits where they would read the same."""
    distinct = list(levels)
    tried = ([level_text(level, digits) for level in distinct] for digits in range(_DIGITS, _EXACT + 1))
    return max(tried, key=lambda texts: len(set(texts)))


def legend_text(text: str) -> str:
    """Return a text wrapped for a legend; one that begins with "_" is set off, as matplotlib would leave it out."""
    return " " * text.startswith("_") + wrapped(text)


def legend_texts(levels: Iterable[Any]) -> list[str]:
    """Return different levels as a legend shows them."""
    return [legend_text(text) for text in level_texts(levels)]


def wrapped(text: str, width: int = _WIDE) -> str:
    """Return a text in up to three lines of `width` letters, broken at spaces, "_" and ":", the rest an ellipsis."""
    lines = [""]
    for piece in re.findall(rf"[^\s_:]{{1,{width}}}[_:]*\s*|[_:]+\s*", text.replace(r"\$", "$")):
        if lines[-1] and len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    kept = [line.rstrip() for line in lines[:_LINES]]
    return plain("\n".join(kept) + (" …" if len(lines) > _LINES else ""))


def number_text(number: float, digits: int = _DIGITS) -> str:
    """Return a number with so many digits, large ones whole and with thousands apart."""
    if not 1e4 <= abs(number) < 1e9:
        return f"{number:.{digits}g}"
    return f"{number:,.0f}" if digits <= _DIGITS else f"{number:,.{digits}g}"


def say(ax: Axes, *notes: str) -> None:
    """Write what is to be known of a panel above its right end, in small letters; empty notes say nothing."""
    said = plain("\n".join(note for note in notes if note))
    if said:
        ax.set_title(said, loc="right", **_SMALL)  # type: ignore[arg-type]


def say_below(figure: Figure | SubFigure, *notes: str) -> None:
    """Write what is to be known of a figure of several panels below them, in small letters."""
    said = plain("; ".join(note for note in notes if note))
    if said:
        figure.supxlabel(said, x=0.99, ha="right", **_SMALL)


def say_empty(ax: Axes, value: str) -> None:
    """Write into the middle of a panel that there is nothing to draw."""
    text = plain(wrapped(f'no variant has a value of "{value}"', 40))
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="0.35")
