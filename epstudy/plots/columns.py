"""What a figure needs of its table: columns that are there, numbers where it draws numbers, and who has no value."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from epstudy.core.errors import InputError
from epstudy.core.text import did_you_mean, near_names
from epstudy.results.rows import STATUS


def check_columns(frame: pd.DataFrame, *names: str) -> None:
    """Refuse a table without rows, or without one of these columns, and columns of what cannot be a level."""
    if not len(frame):
        raise InputError("the table has no rows; look at how they were selected")
    missing = [name for name in dict.fromkeys(names) if name not in frame.columns]
    if not missing:
        _check_levels(frame, names)
        return
    known = [str(column) for column in frame.columns]
    listed = " and ".join(f'"{name}"' for name in missing)
    raise InputError(f"the table has no column {listed}; {_nearest(missing, known) or 'it has ' + ', '.join(known)}")


def _check_levels(frame: pd.DataFrame, names: Iterable[str]) -> None:
    for name in dict.fromkeys(names):
        values = frame[name]
        if values.ndim > 1:
            raise InputError(f'the table has {values.shape[1]} columns "{name}"; give them different names')
        if values.dtype == object and not all(isinstance(value, Hashable) for value in values):
            found = next(value for value in values if not isinstance(value, Hashable))
            raise InputError(f'"{name}" holds {found!r}; a figure needs numbers or texts: choose another column')
        if is_number(values) and (values.notna() & ~has_value(values)).any() and not is_result(frame, name):
            raise InputError(f'"{name}" has infinite levels, which have no place on an axis: select the other rows')


def check_numbers(frame: pd.DataFrame, *names: str) -> None:
    """Refuse columns that are not there, and columns of anything but numbers."""
    check_columns(frame, *names)
    for name in names:
        if not is_number(frame[name]):
            found = next(iter(frame[name].dropna()), None)
            raise InputError(f'"{name}" holds {found!r}, not numbers; choose a column of numbers')


def is_number(values: pd.Series) -> bool:
    """Tell numbers from categories: texts, truth values and mixtures are categories."""
    return is_numeric_dtype(values) and not is_bool_dtype(values)


def levels_of(values: pd.Series, table: pd.Series) -> tuple[NDArray[np.intp], list[Any]]:
    """Return the place of each value among the levels, and the levels in the order of the table.

    `table` is the column that `values` are selected from: a level whose variants all failed keeps its place. Categories
    of pandas, such as those of `pd.cut`, come in their own order.
    """
    ordered = [table.astype(object), values.astype(object)]
    if isinstance(table.dtype, pd.CategoricalDtype):
        ordered.insert(0, pd.Series(table.dtype.categories, dtype=object))
    codes, levels = pd.factorize(pd.concat(ordered), use_na_sentinel=False)
    return codes[len(codes) - len(values) :], list(levels)


def parameter_columns(frame: pd.DataFrame) -> list[str]:
    """Return the parameters of what `study.results()` returned: it names them, and they stand before "status"."""
    if "parameters" in frame.attrs:
        return [name for name in frame.attrs["parameters"] if name in frame.columns]
    if STATUS not in frame.columns:
        raise InputError(
            f'the table has no column "{STATUS}", before which the parameters stand; give what study.results() returned'
        )
    names = list(frame.columns)
    return names[: names.index(STATUS)]


def is_result(frame: pd.DataFrame, name: str) -> bool:
    """Whether NaN in this column is a variant without a value. In a parameter it is a level: as in the model."""
    if STATUS in frame.columns or "parameters" in frame.attrs:
        return name not in parameter_columns(frame)
    return name in frame.attrs.get("units", {}) or is_number(frame[name])


def has_value(values: pd.Series) -> NDArray[np.bool_]:
    """Tell where there is a value: NaN, None and infinite numbers are none."""
    known = values.notna().to_numpy(dtype=bool)
    return known & np.isfinite(values.to_numpy(dtype=float, na_value=np.nan)) if is_number(values) else known


def with_values(frame: pd.DataFrame, names: Iterable[str]) -> tuple[pd.DataFrame, str]:
    """Return the rows that have a value in each of these columns, and in words how many have none."""
    known = np.ones(len(frame), dtype=bool)
    for name in dict.fromkeys(names):
        known &= has_value(frame[name])
    rows = frame[known]
    return rows, missing_note(len(frame) - len(rows), len(frame))


def missing_note(missing: int, total: int, what: str = "variants") -> str:
    """Return "3 of 512 variants have no value", or nothing where none is missing."""
    if not missing:
        return ""
    return f"{missing:,} of {total:,} {what} {'has' if missing == 1 else 'have'} no value"


def _nearest(wanted: Sequence[str], known: Sequence[str]) -> str:
    return did_you_mean(match for name in wanted for match in near_names(str(name), known, count=2))
