"""Savings: results against those of one variant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epstudy.core.errors import InputError
from epstudy.core.outcome import State
from epstudy.results.rows import STATUS

if TYPE_CHECKING:
    import pandas as pd

#: Units of what can be saved, and what has such a unit and is no expense.
_SAVABLE = ("kWh", "kWh/m2", "W")
_NO_EXPENSE = ("electricity_produced_kwh", "electricity_sold_kwh")


def with_savings(frame: pd.DataFrame, reference: int) -> pd.DataFrame:
    """Return results with `<name>_saving` and `<name>_saving_percent` behind each metric that can be saved.

    The saving is the reference's value minus the variant's, in the metric's unit; in percent it is of the reference's
    value, NaN where that is 0.
    """
    status = frame[STATUS].iloc[reference]
    if status in (State.FAILED, State.CANCELLED):
        raise InputError(f"variant {reference} is {status}: there is nothing to compare with; look at failures()")
    units = dict(frame.attrs["units"])
    columns: dict[str, Any] = {}
    for name in frame.columns:
        columns[name] = frame[name]
        unit = units.get(name)
        if unit in _SAVABLE and name not in _NO_EXPENSE:
            value = float(frame[name].iloc[reference])
            saving = value - frame[name]
            columns[f"{name}_saving"] = saving
            columns[f"{name}_saving_percent"] = 100 * saving / (value if value else float("nan"))
            units |= {f"{name}_saving": unit, f"{name}_saving_percent": "%"}
    compared = type(frame)(columns)
    compared.attrs = {**frame.attrs, "units": units, "relative_to": reference}
    return compared
