"""A study of which everything failed, and a selection of nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.plots.tables import results

FIGURES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "line": lambda table: plots.line(table, "lpd", "eui", by="weather"),
    "parallel_coordinates": lambda table: plots.parallel_coordinates(table, ["lpd", "glazing", "eui"], colour="eui"),
    "scatter_matrix": lambda table: plots.scatter_matrix(table, ["lpd", "weather", "eui"], colour="weather"),
    "pareto": lambda table: plots.pareto(table, "eui", "cost"),
}


@pytest.mark.parametrize("name", FIGURES)
def test_when_all_failed_the_figure_is_empty_and_says_so(name: str) -> None:
    first = np.atleast_1d(np.asarray(FIGURES[name](results(5, failed=5)), dtype=object)).flat[0]
    first.figure.canvas.draw()
    said = first.get_title(loc="right") or first.figure.get_supxlabel()
    assert said == "5 of 5 variants have no value"


@pytest.mark.parametrize("name", FIGURES)
def test_one_variant_is_enough(name: str) -> None:
    np.atleast_1d(np.asarray(FIGURES[name](results(1)), dtype=object)).flat[0].figure.canvas.draw()


@pytest.mark.parametrize("name", FIGURES)
def test_a_table_without_rows_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="the table has no rows"):
        FIGURES[name](results(5).query("eui < 0"))
