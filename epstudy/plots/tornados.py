"""The tornado: how far a result moves when one parameter alone is changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from epstudy.core.errors import InputError
from epstudy.plots.columns import check_columns, check_numbers, has_value, missing_note, parameter_columns
from epstudy.plots.labels import axis_label, level_text, number_text, say, wrapped
from epstudy.plots.panels import one_panel
from epstudy.plots.styles import look

_MOST = 30
_LETTERS = 20
_DOTTED = 24
_ROOM = 0.27


def tornado(frame: pd.DataFrame, value: str, *, baseline: Any = None, ax: Axes | None = None) -> Axes:
    """Draw, for each parameter, how far `value` moves from the baseline when that parameter alone is changed.

    Only variants that differ from the baseline in exactly one parameter count. A bar reaches from the lowest to the
    highest of them, with the levels at its ends and a dot for each; the widest bar is on top. On the right stand
    the levels that the baseline has.

    Parameters
    ----------
    frame
        What `study.results()` returned: the columns before "status" are the parameters.
    value
        Column of numbers. Variants without a value are left out and counted.
    baseline
        Index of the variant to compare with. Without it, the one that `results(relative_to=...)` compared with, the
        baseline of the study, or the variant in which every parameter is as in the model.

    Raises
    ------
    InputError
        When a column is not there, there is no such baseline or it has no value, or no variant differs from it in one
        parameter only.
    """
    parameters = parameter_columns(frame)
    check_columns(frame, *parameters)
    check_numbers(frame, value)
    chosen = _baseline(frame, parameters, baseline)
    reference = float(frame[value].iloc[chosen])
    if not np.isfinite(reference):
        raise InputError(
            f'variant {frame.index[chosen]}, the baseline, has no "{value}"; choose another with baseline='
        )
    differs = _differences(frame[parameters], chosen)
    alone = differs.sum(axis=1) == 1
    if not alone.any():
        raise InputError(
            f"no variant differs from variant {frame.index[chosen]} in one parameter only; choose a baseline= that has "
            "such neighbours, or make the study with ep.Study(..., baseline=True, "
            "where=lambda v: sum(level is not None for level in v.values()) == 1)"
        )
    known = alone & has_value(frame[value])
    changed = {name: frame[known & differs[:, place]] for place, name in enumerate(parameters)}
    order = sorted(
        (name for name in parameters if len(changed[name])), key=lambda name: _reach(changed[name][value], reference)
    )
    shown = order[-_MOST:]
    ax = one_panel(ax, width=7.6, height=1.5 + 0.38 * len(shown))
    for place, name in enumerate(shown):
        _draw_bar(ax, place, changed[name][name], changed[name][value].to_numpy(dtype=float), reference)
    ends = [reference, *(edge for name in shown for edge in (changed[name][value].min(), changed[name][value].max()))]
    room = _ROOM * (max(ends) - min(ends) or abs(reference) or 1.0)
    ax.axvline(reference, color="black", linewidth=1)
    ax.set_yticks(range(len(shown)), [wrapped(axis_label(frame, name)) for name in shown])
    ax.set(xlabel=axis_label(frame, value), ylim=(-0.7, len(shown) - 0.3))
    _name_baseline(ax, [level_text(frame[name].iloc[chosen]) for name in shown])
    ax.set_xlim(min(ends) - room, max(ends) + room)
    base = f"baseline: variant {frame.index[chosen]}, {number_text(reference, 4)}"
    left = f"the widest {_MOST} of {len(order)} parameters" if len(order) > _MOST else ""
    say(ax, base, left, missing_note(int((alone & ~known).sum()), int(alone.sum())))
    return ax


def _name_baseline(ax: Axes, levels: list[str]) -> None:
    """Write at the right end of each row which level the baseline has."""
    right = ax.twinx()
    right.set_yticks(range(len(levels)), [wrapped(level, _LETTERS) for level in levels], fontsize="small")
    right.tick_params(length=0, pad=12)
    right.set(ylabel="level of the baseline", ylim=ax.get_ylim())


def _baseline(frame: pd.DataFrame, parameters: list[str], baseline: Any) -> int:
    """The position of the row to compare with."""
    if baseline is not None and baseline not in frame.index:
        raise InputError(f"baseline={baseline!r} is no variant of this table; it has {_span(frame.index)}")
    for variant in (baseline, frame.attrs.get("relative_to"), frame.attrs.get("baseline")):
        if variant is not None and variant in frame.index:
            return int(np.flatnonzero(frame.index == variant)[0])
    untouched = np.flatnonzero(frame[parameters].isna().all(axis=1))
    if not untouched.size:
        raise InputError(
            "in no variant is every parameter as in the model; say which variant to compare with, baseline=0, or make "
            "the study with ep.Study(..., baseline=True)"
        )
    return int(untouched[0])


def _span(index: pd.Index[Any]) -> str:
    return f"{index[0]} to {index[-1]}" if len(index) else "no rows"


def _differences(levels: pd.DataFrame, row: int) -> NDArray[np.bool_]:
    """Where each row differs from one of them; None equals None."""
    columns = []
    for name in levels:
        codes = pd.factorize(levels[name], use_na_sentinel=False)[0]
        columns.append(codes != codes[row])
    return np.column_stack(columns) if columns else np.zeros((len(levels), 0), dtype=bool)


def _reach(values: pd.Series, reference: float) -> float:
    return max(float(values.max()), reference) - min(float(values.min()), reference)


def _draw_bar(ax: Axes, place: int, levels: pd.Series, values: NDArray[np.float64], reference: float) -> None:
    """Draw the reach of one parameter, its levels as dots, and the names of the outermost at the ends."""
    lowest, highest = int(values.argmin()), int(values.argmax())
    low, high = min(float(values[lowest]), reference), max(float(values[highest]), reference)
    less, more = look(0), look(1)
    ax.barh(place, reference - low, left=low, height=0.7, color=less.colour, hatch=more.hatch, edgecolor="white")
    ax.barh(place, high - reference, left=reference, height=0.7, color=more.colour)
    if len(values) <= _DOTTED:
        ax.plot(values, np.full(len(values), place), "o", color="black", markersize=3)
    for row, end, align in ((lowest, low, "right"), (highest, high, "left")):
        if values[row] == end != reference:
            text = wrapped(level_text(levels.iloc[row]), _LETTERS)
            offset = (-5 if align == "right" else 5, 0)
            ax.annotate(text, (end, place), offset, textcoords="offset points", ha=align, va="center", fontsize="small")
