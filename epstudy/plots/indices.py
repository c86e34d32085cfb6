"""Sensitivity indices with their intervals, and how they settle while a sample grows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from epstudy.core.errors import InputError
from epstudy.plots.columns import check_columns, check_numbers, has_value, missing_note, with_values
from epstudy.plots.labels import column_label, legend_text, plain, say, say_below, wrapped
from epstudy.plots.panels import label_outer, one_panel, several_panels
from epstudy.plots.styles import DISTINCT, PALE, Look, beside, look

_MOST = 30
_NOTE = 60
_SIZES = 8
_ROOM = 0.05
#: How far apart the intervals of one sample stand, as a power of 2 of its size.
_SPREAD = 0.07


@dataclass(frozen=True, slots=True)
class _Method:
    """What is drawn of a method: the index that orders the bars, all of them, and what they are measured in."""

    first: str
    bars: dict[str, str]
    label: str
    in_units: bool = False


_METHODS = {
    "sobol": _Method("total", {"total": "total", "first_order": "first order"}, "share of the variance of {of}"),
    "morris": _Method("mu_star", {"mu_star": "mean of the absolute effects, μ*"}, "effect on {of}", in_units=True),
    "regression": _Method(
        "importance",
        {"importance": "permutation importance, drop in R²", "coefficient": "standardised coefficient"},
        "importance for {of}",
    ),
}


def sensitivity(indices: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how much each parameter matters, as bars with their intervals; what matters most is on top.

    Of Sobol's method the total and the first-order indices, of Morris' the mean absolute effect with its standard
    deviation as a mark, of a regression permutation importance and standardised coefficient.

    Parameters
    ----------
    indices
        What `ep.analysis.sensitivity()` returned. A parameter without an index is left out and counted.

    Raises
    ------
    InputError
        When the table has the indices of no method.
    """
    method = _method(indices)
    known = indices.replace([np.inf, -np.inf], np.nan)
    rows = known.dropna(subset=[method.first]).sort_values(method.first)
    note = missing_note(len(indices) - len(rows), len(indices), "parameters")
    notes = [wrapped(text, _NOTE) for text in (*indices.attrs.get("notes", ()), note)]
    if "r2" in indices.attrs:
        notes.insert(0, f"cross-validated R² = {indices.attrs['r2']:.2f}")
    if len(rows) > _MOST:
        notes.insert(0, f"the first {_MOST} of {len(rows)} parameters")
    rows = rows.tail(_MOST)
    ax = one_panel(ax, width=7.6, height=1.5 + 0.2 * (1 + len(method.bars)) * max(len(rows), 1))
    thick = 0.8 / len(method.bars)
    for place, (column, name) in enumerate(method.bars.items()):
        at = np.arange(len(rows)) + 0.4 - thick * (place + 0.5)
        shown = look(place)
        bars = ax.barh(at, rows[column], height=thick, xerr=rows[f"{column}_interval"], label=name, capsize=2)
        for bar in bars:
            bar.set(facecolor=shown.colour, hatch=shown.hatch, edgecolor="white")
    if "sigma" in rows:
        ax.plot(rows["sigma"], np.arange(len(rows)), "D", color="black", label="standard deviation, σ")
    ax.axvline(0.0, color="black", linewidth=0.8)
    ax.set_yticks(range(len(rows)), [wrapped(column_label(indices, name)) for name in rows.index])
    ax.set(xlabel=_label(indices, method), ylim=(-0.6, len(rows) - 0.4))
    say(ax, *notes)
    beside(ax, title=_intervals(indices))
    return ax


def convergence(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes | list[Axes]:
    """Draw indices against the size of the sample, a line with its interval for each parameter.

    The seven parameters that end highest are named, the others grey. Intervals are thin bars, side by side, behind the
    lines; those of small samples may reach beyond the axis.

    Parameters
    ----------
    frame
        One row an index: `size`, `parameter`, `index` (its name, such as "total"), `value`, `interval`. Rows without a
        value are left out and counted.

    Returns
    -------
    Axes, or where there are several indices a list of them

    Raises
    ------
    InputError
        When a column is not there, no row has a value, or `ax` is given where there are several indices.
    """
    check_columns(frame, "parameter", "index")
    check_numbers(frame, "size", "value", "interval")
    rows, _ = with_values(
        frame.assign(interval=frame["interval"].where(has_value(frame["interval"]))), ["size", "value"]
    )
    if not len(rows):
        raise InputError("no index of this table has a value; look at what ep.analysis.convergence() was given")
    names = list(rows["index"].unique())
    axes = several_panels([str(name) for name in names], ax, 4.2, 3.6) if len(names) > 1 else [one_panel(ax, 7.6)]
    last = rows[rows["size"] == rows["size"].max()].set_index("parameter")["value"].abs()
    named = list(last.groupby(level=0).max().sort_values(ascending=False).index[:DISTINCT])
    for panel, name in zip(axes, names, strict=True):
        _draw_convergence(panel, rows[rows["index"] == name], named)
        label = "index" if len(names) > 1 else str(name)
        panel.set(xlabel="variants in the sample", ylabel=_of(frame, label), ylim=_limits(rows))
    if len(names) > 1:
        label_outer(axes)
    others = rows["parameter"].nunique() - len(named)
    notes = (
        f"grey: {others} more parameters" if others > 0 else "",
        missing_note(len(frame) - len(rows), len(frame), "indices"),
    )
    say(axes[0], *notes) if len(names) == 1 else say_below(axes[0].figure, *notes)
    beside(axes, title=_intervals(frame))
    return axes if len(names) > 1 else axes[0]


def _intervals(frame: pd.DataFrame) -> str:
    if "confidence" not in frame.attrs:
        return "with intervals"
    return f"with {100 * frame.attrs['confidence']:g} % intervals"


def _of(frame: pd.DataFrame, index: str) -> str:
    return plain(f"{index} of {column_label(frame, frame.attrs['of'])}" if "of" in frame.attrs else index)


def _method(indices: pd.DataFrame) -> _Method:
    """The method of a table, by the columns that it has."""
    for method in _METHODS.values():
        needed = [column for name in method.bars for column in (name, f"{name}_interval")]
        if set(needed) <= set(indices.columns):
            return method
    raise InputError(
        f"the table has the columns {', '.join(map(str, indices.columns))}; expected what ep.analysis.sensitivity() "
        "returned, with columns such as total and total_interval"
    )


def _label(indices: pd.DataFrame, method: _Method) -> str:
    of = indices.attrs.get("of", "the result")
    units = indices.attrs.get("units", {})
    unit = units.get(method.first, units.get(of, "1"))
    return plain(
        method.label.format(of=column_label(indices, of)) + (f" [{unit}]" if method.in_units and unit != "1" else "")
    )


def _limits(frame: pd.DataFrame) -> tuple[float, float]:
    """The scale of the lines, and of the intervals of the larger half of the samples: those of small ones are wild."""
    large = frame[frame["size"] >= frame["size"].median()]
    half = large["interval"].fillna(0.0)
    ends = pd.concat([frame["value"], large["value"] - half, large["value"] + half]).dropna()
    low, high = (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)
    room = _ROOM * ((high - low) or 1.0)
    return low - room, high + room


def _draw_convergence(ax: Axes, rows: pd.DataFrame, named: list[str]) -> None:
    grey = Look(PALE, "-", "", "")
    others = [parameter for parameter in rows["parameter"].unique() if parameter not in named]
    names = {parameter: column_label(rows, parameter) for parameter in named}
    spread = np.linspace(-_SPREAD, _SPREAD, len(named)) if len(named) > 1 else np.zeros(1)
    for parameter in [*named, *others]:
        of_it = rows[rows["parameter"] == parameter].sort_values("size")
        shown = look(named.index(parameter)) if parameter in named else grey
        label = legend_text(names[parameter]) if parameter in named else None
        order = 3 if parameter in named else 1
        ax.plot(
            of_it["size"],
            of_it["value"],
            color=shown.colour,
            linestyle=shown.dashes,
            marker=shown.marker,
            markersize=4,
            label=label,
            zorder=order,
        )
        if parameter in named:
            low, high = of_it["value"] - of_it["interval"], of_it["value"] + of_it["interval"]
            beside_others = of_it["size"] * 2 ** spread[named.index(parameter)]
            ax.vlines(beside_others, low, high, color=shown.colour, alpha=0.6, linewidth=1, zorder=2)
    sizes = np.unique(rows["size"])
    if 1 < len(sizes) <= _SIZES and sizes[0] > 0:
        ax.set_xscale("log", base=2)
        ax.set_xticks(sizes, [f"{size:,.0f}" for size in sizes], minor=False)
