"""Monthly end uses: what a variant uses in each month, and for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from epstudy.core.errors import InputError
from epstudy.plots.columns import is_number
from epstudy.plots.labels import say, wrapped
from epstudy.plots.looks import PALE, beside, look
from epstudy.plots.panels import one_panel
from epstudy.plots.steps import COUNTED, as_frame, chosen_column, column_text, only_period

_NAMED = 9
_OTHERS = "others"
_ROOM = 1.05


def monthly_end_uses(
    uses: Mapping[str, pd.DataFrame | pd.Series] | pd.DataFrame, variant: Any = None, *, ax: Axes | None = None
) -> Axes:
    """Draw what a variant uses in each month, end uses on top of one another; the largest is lowest.

    Of more than nine end uses the smallest are drawn together, as others.

    Parameters
    ----------
    uses
        `{label: what study.timeseries() returned}`, such as
        `{use: study.timeseries(f"{use}:Electricity") for use in ("Cooling", "Fans", "InteriorLights")}`; the meters may
        be hourly or monthly. Or a table with one row a month, named as it is to be shown, and one column an end use.
    variant
        Which variant of the series; not needed where there is one. One that does not have an end use has none of it.

    Raises
    ------
    InputError
        When there is nothing to draw, a series is no energy or has another unit than the first, or there is no such
        variant.
    """
    table, unit, name = _given(uses) if isinstance(uses, pd.DataFrame) else _from_series(uses, variant)
    table = _with_others(table.loc[:, (table != 0).any()])
    ax = one_panel(ax, 8.2, 4.2)
    above, below = np.zeros(len(table)), np.zeros(len(table))
    for place, use in enumerate(table.columns):
        values = table[use].to_numpy(dtype=float)
        shown = look(place)
        ax.bar(
            range(len(table)),
            values,
            bottom=np.where(values >= 0, above, below),
            color=PALE if use == _OTHERS else shown.colour,
            hatch=shown.hatch,
            edgecolor="white",
            linewidth=0.5,
            label=wrapped(str(use)),
        )
        above, below = above + np.maximum(values, 0), below + np.minimum(values, 0)
    ax.axhline(0.0, color="black", linewidth=0.8)
    ax.set_xticks(range(len(table)), [str(month) for month in table.index])
    ax.set_ylim(_ROOM * below.min(initial=0.0), _ROOM * above.max(initial=0.0) or 1.0)
    ax.set(ylabel=f"energy [{unit}]" if unit else "energy")
    say(ax, name)
    beside(ax, handles=ax.get_legend_handles_labels()[0][::-1])
    return ax


def _given(table: pd.DataFrame) -> tuple[pd.DataFrame, str, str]:
    """The months of a table with one column an end use, and their unit."""
    other = [str(name) for name in table.columns if not is_number(table[name])]
    if not len(table) or not len(table.columns) or other:
        found = f"{other[0]!r} is not of numbers" if other else "it is empty"
        raise InputError(f"a table of monthly end uses has a row a month and a column of numbers an end use; {found}")
    if isinstance(table.index, pd.DatetimeIndex):
        return _summed(table), _unit(table), ""
    return table.fillna(0.0), _unit(table), ""


def _from_series(uses: Mapping[str, Any], variant: Any) -> tuple[pd.DataFrame, str, str]:
    """The months of one variant from the series of each end use, their unit, and what the variant is called."""
    if not uses:
        raise InputError('monthly end uses need series, such as {"fans": study.timeseries("Fans:Electricity")}')
    months, units, names = {}, {}, []
    for label, series in uses.items():
        frame = as_frame(series)
        units[label] = _unit(frame)
        place = chosen_column(frame, variant)
        months[label] = _summed(frame.iloc[:, [place]]).iloc[:, 0]
        names.append(column_text(frame.columns[place]))
    wrong = {label: unit for label, unit in units.items() if unit and unit not in COUNTED}
    if wrong:
        label, unit = next(iter(wrong.items()))
        raise InputError(f'"{label}" is in {unit}: only what is counted can be stacked, such as energies in kWh')
    if len(set(units.values())) > 1:
        listed = ", ".join(f'"{label}" in {unit}' for label, unit in units.items())
        raise InputError(f"end uses of one figure have one unit; found {listed}")
    return pd.DataFrame(months).fillna(0.0), next(iter(units.values())), names[0]


def _summed(frame: pd.DataFrame) -> pd.DataFrame:
    """Sums of each month, in the order of the year that was simulated; an interval counts where it begins."""
    steps = only_period(frame, "monthly end uses")
    months = steps.begins.strftime("%b")
    return steps.values.groupby(np.asarray(months), sort=False).sum()


def _unit(frame: pd.DataFrame) -> str:
    units = set(frame.attrs.get("units", {}).values())
    return str(units.pop()) if len(units) == 1 else ""


def _with_others(table: pd.DataFrame) -> pd.DataFrame:
    """The end uses from the largest to the smallest, those that are too many as one."""
    order = table.abs().sum().sort_values(ascending=False, kind="stable").index
    table = table[order]
    if len(order) <= _NAMED:
        return table
    return table[order[: _NAMED - 1]].assign(**{_OTHERS: table[order[_NAMED - 1 :]].sum(axis=1)})
