"""The DataFrame of results: what is known of a column by its name goes along when the column is renamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

#: Attributes that map a column to what is known of it, and one that lists columns.
_BY_COLUMN, _COLUMNS = ("units", "parameter_units", "labels", "levels"), "parameters"


class ResultsFrame(pd.DataFrame):
    """A DataFrame whose `attrs` follow its columns under other names: units, labels, levels, the list of parameters.

    By `rename(columns=...)`, by `set_axis` and by `frame.columns = [...]`, which names by place.

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
        before, attrs = list(self.columns), self.attrs
        renamed = super().rename(*args, **options)
        changed = self if renamed is None else renamed  # None: in place
        changed.attrs = _renamed(attrs, before, list(changed.columns))
        return renamed

    def __setattr__(self, name: str, value: Any) -> None:
        """Set as pandas does; pandas sets the columns so itself, also where it renames."""
        before = list(self.columns) if name == "columns" else []
        super().__setattr__(name, value)
        if before:
            self.attrs = _renamed(self.attrs, before, list(self.columns))


def _renamed(attrs: Mapping[Any, Any], before: Sequence[Any], after: Sequence[Any]) -> dict[Any, Any]:
    """The attributes of a table whose columns have new names, those that were `before` and are `after`, by place."""
    names = {old: new for old, new in zip(before, after, strict=True) if old != new}
    if not names:
        return dict(attrs)
    known: dict[Any, Any] = {}
    for key in _BY_COLUMN:
        if key in attrs:
            known[key] = {names.get(name, name): value for name, value in attrs[key].items()}
    if _COLUMNS in attrs:
        known[_COLUMNS] = [names.get(name, name) for name in attrs[_COLUMNS]]
    return {**attrs, **known}
