"""`ep.Table`, one name for two things: rows that are the variants of a study, and a table that EnergyPlus writes."""

from __future__ import annotations

from typing import Any

from epstudy.core.sampling.grid import Rows
from epstudy.engines.energyplus.outputs import requests


class Table:
    """A table of variants, or a table of EnergyPlus.

    `Table(dataframe)` is a sampling: each row is a variant, each column a parameter; see
    `epstudy.core.sampling.grid.Rows`.
    `Table("report", "table")` is an output: a summary table; see `epstudy.engines.energyplus.outputs.requests.Table`.

    Raises
    ------
    InputError
        As these do.
    """

    def __new__(cls, rows: Any, table: Any = None) -> Any:
        """Return the sampling or the output."""
        return Rows(rows) if table is None and not isinstance(rows, str) else requests.Table(rows, table)
