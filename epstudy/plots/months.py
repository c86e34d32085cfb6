"""Monthly end uses: what a variant uses in each month, and for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from epstudy.core.errors import InputError
from epstudy.plots.columns import is_number, missing_note
from epstudy.plots.labels import legend_text, say
from epstudy.plots.panels import one_panel
from epstudy.plots.steps import (
    COUNTED,
    Steps,
    as_frame,
    check_whole_months,
    column_of,
    column_text,
    months_in_part,
    only_period,
)
from epstudy.plots.styles import PALE, beside, look
from epstudy.plots.ticks import Places, mark_x
from epstudy.results.parquet import TIME

_NAMED = 9
_OTHERS = "others"
_YEAR = 12
_ROOM = 1.05


def monthly_end_uses(
    uses: Mapping[str, pd.DataFrame | pd.Series] | pd.DataFrame, variant: Any = None, *, ax: Axes | None = None
) -> Axes:
    """Draw what a variant uses in each month, end uses on top of one another; the largest is lowest.

    Of more than nine end uses the smallest are drawn together, as others. Months without a value are counted, and those
    of which the series have a part are said.

    Parameters
    ----------
    uses
        `{label: what study.timeseries() returned}`, such as
        `{use: study.timeseries(f"{use}:Electricity") for use in ("Cooling", "Fans", "InteriorLights")}`; the meters may
        be hourly or monthly. Or a table with one row a month, named as it is to be shown, and one column an end use.
        Where there are several years, each month of each year is a bar.
    variant
        Which variant of the series; not needed where there is one. One that has no values of an end use, but of
        another, has none of it: zeros.

    Raises
    ------
    InputError
        When there is nothing to draw, a series is no energy, has another unit or other months than the first, stamps
        of months are not those of EnergyPlus, or there is no such variant.
    """
    table, unit, notes = _given(uses) if isinstance(uses, pd.DataFrame) else _from_series(uses, variant)
    table = table.replace([np.inf, -np.inf], np.nan)
    notes.append(missing_note(int(table.isna().sum().sum()), table.size, "bars"))
    table = _with_others(table.fillna(0.0).loc[:, (table != 0).any()])
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
            label=legend_text(str(use)),
        )
        above, below = above + np.maximum(values, 0), below + np.minimum(values, 0)
    ax.axhline(0.0, color="black", linewidth=0.8)
    mark_x(
        ax,
        Places(np.arange(len(table), dtype=float), [str(month) for month in table.index]),
        upright=len(table) > _YEAR,
    )
    ax.set_ylim(_ROOM * below.min(initial=0.0), _ROOM * above.max(initial=0.0) or 1.0)
    ax.set(ylabel=f"energy [{unit}]" if unit else "energy")
    say(ax, *notes)
    beside(ax, handles=ax.get_legend_handles_labels()[0][::-1])
    return ax


def _given(table: pd.DataFrame) -> tuple[pd.DataFrame, str, list[str]]:
    """The months of a table with one column an end use, their unit, and what is to be said of them."""
    other = [str(name) for name in table.columns if not is_number(table[name])]
    if not len(table) or not len(table.columns) or other:
        found = f"{other[0]!r} is not of numbers" if other else "it is empty"
        raise InputError(f"a table of monthly end uses has a row a month and a column of numbers an end use; {found}")
    stamps = table.index.get_level_values(-1)
    if not isinstance(stamps, pd.DatetimeIndex):
        return table.copy(), _unit(table), []
    if stamps.name != TIME:
        raise InputError(
            f"this table has stamps that are not those of study.timeseries(), from {stamps[0]} on, and may mean the "
            'beginning or the end of a month; name the months: table.index = table.index.strftime("%b")'
        )
    steps = only_period(table, "monthly end uses")
    return _named(_summed(steps)), _unit(table), [months_in_part(steps)]


def _from_series(uses: Mapping[str, Any], variant: Any) -> tuple[pd.DataFrame, str, list[str]]:
    """The months of one variant from the series of each end use, their unit, and what is to be said of them."""
    if not uses:
        raise InputError('monthly end uses need series, such as {"fans": study.timeseries("Fans:Electricity")}')
    frames = {label: as_frame(series) for label, series in uses.items()}
    unit = _one_unit({label: _unit(frame) for label, frame in frames.items()})
    columns = {label: frame.iloc[:, [column_of(frame, variant)]] for label, frame in frames.items()}
    name = column_text(next(iter(columns.values())).columns[0])
    if not any(column.notna().to_numpy().any() for column in columns.values()):
        raise InputError(f"{name or 'the column'} has no values in any of these series; look at study.failures()")
    for label, column in columns.items():
        if column.isna().to_numpy().all() and frames[label].notna().to_numpy().any():
            columns[label] = column.fillna(0.0)
    steps = {label: only_period(column, "monthly end uses") for label, column in columns.items()}
    months = {label: _summed(found).iloc[:, 0] for label, found in steps.items()}
    _check_same_months(months)
    parts = dict.fromkeys(months_in_part(found) for found in steps.values())
    return _named(pd.DataFrame(months)), unit, [name, *parts]


def _one_unit(units: Mapping[str, str]) -> str:
    """The unit of all series, or say which cannot be stacked."""
    wrong = {label: unit for label, unit in units.items() if unit and unit not in COUNTED}
    if wrong:
        label, unit = next(iter(wrong.items()))
        raise InputError(f'"{label}" is in {unit}: only what is counted can be stacked, such as energies in kWh')
    if len(set(units.values())) > 1:
        listed = ", ".join(f'"{label}" in {unit}' for label, unit in units.items())
        raise InputError(f"end uses of one figure have one unit; found {listed}")
    return next(iter(units.values()))


def _check_same_months(months: Mapping[str, pd.Series]) -> None:
    first, *others = months
    for label in others:
        if not months[label].index.equals(months[first].index):
            listed = ", ".join(
                f'"{one}" from {months[one].index[0]} to {months[one].index[-1]}' for one in (first, label)
            )
            raise InputError(f"end uses of one figure have the same months; found {listed}: select the same of each")


def _summed(steps: Steps) -> pd.DataFrame:
    """Sums of each month of each year; an interval counts where it begins. NaN where a step has no value."""
    check_whole_months(steps)
    months = steps.begins.to_period("M")
    sums = steps.values.groupby(months).sum()
    return sums.mask(steps.values.isna().groupby(months).any())


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """The months by their names, with the year where there are several."""
    months = pd.PeriodIndex(table.index)
    return table.set_axis(months.strftime("%b %Y" if months.year.nunique() > 1 else "%b"))


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
