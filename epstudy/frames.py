"""The DataFrame of results: what is known of a column by its name goes along when the column is renamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

#: Attributes that map a column to what is known of it, and one that lists columns.
_BY_COLUMN, _COLUMNS = ("units", "parameter_units", "labels", "levels"), "parameters"


class ResultsFrame(pd.DataFrame):
    """A DataFrame whose `attrs` follow `rename(columns=...)`: units, labels, levels and the list of parameters.

    Everything else is pandas' own: see "Subclassing pandas data structures" in its documentation.

    Examples
    --------
    >>> frame = ResultsFrame({"site_eui_kwh_m2": [112.4]})
    >>> frame.attrs["units"] = {"site_eui_kwh_m2": "kWh/m2"}
    >>> frame.rename(columns={"site_eui_kwh_m2": "EUI"}).attrs["units"]["EUI"]
    'kWh/m2'
    """

    @property
    def _constructor(self) -> Callable[..., ResultsFrame]:
        return ResultsFrame

    def rename(self, *args: Any, **options: Any) -> Any:
        """Rename as `pandas.DataFrame.rename` does."""
        before = list(self.columns)
        renamed = super().rename(*args, **options)
        changed = self if renamed is None else renamed  # None: in place
        names = {old: new for old, new in zip(before, changed.columns, strict=True) if old != new}
        if names:
            changed.attrs = _renamed(changed.attrs, names)
        return renamed


def _renamed(attrs: Mapping[Any, Any], names: Mapping[Any, Any]) -> dict[Any, Any]:
    """The attributes of a table whose columns have new names."""
    known: dict[Any, Any] = {}
    for key in _BY_COLUMN:
        if key in attrs:
            known[key] = {names.get(name, name): value for name, value in attrs[key].items()}
    if _COLUMNS in attrs:
        known[_COLUMNS] = [names.get(name, name) for name in attrs[_COLUMNS]]
    return {**attrs, **known}
