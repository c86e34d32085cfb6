"""A study of which everything failed, and a selection of nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.cbook import is_math_text
from matplotlib.text import Text

from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.plots.tables import results

FIGURES: dict[str, Callable[[pd.DataFrame], Any]] = {
    "line": lambda table: plots.line(table, "lpd", "eui", by="weather"),
    "parallel_coordinates": lambda table: plots.parallel_coordinates(table, ["lpd", "glazing", "eui"], colour="eui"),
    "scatter_matrix": lambda table: plots.scatter_matrix(table, ["lpd", "weather", "eui"], colour="weather"),
    "pareto": lambda table: plots.pareto(table, "eui", "cost"),
}


US, TOWN, LPD, COST = "US$/m2 and US$", "$a$", "$l", "$c$"
DOLLARS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "line": lambda table: plots.line(table, LPD, US, by=TOWN),
    "parallel_coordinates": lambda table: plots.parallel_coordinates(table, [LPD, TOWN, US], colour=TOWN),
    "scatter_matrix": lambda table: plots.scatter_matrix(table, [LPD, TOWN, US], colour=TOWN),
    "pareto": lambda table: plots.pareto(table, US, COST),
}


def first_of(axes: Any) -> Axes:
    return np.atleast_1d(np.asarray(axes, dtype=object)).flat[0]


def said_of(first: Axes) -> str:
    return first.get_title(loc="right") or first.figure.get_supxlabel()


@pytest.mark.parametrize("name", FIGURES)
def test_when_all_failed_the_figure_is_empty_and_says_so(name: str) -> None:
    first = np.atleast_1d(np.asarray(FIGURES[name](results(5, failed=5)), dtype=object)).flat[0]
    first.figure.canvas.draw()
    assert said_of(first) == "5 of 5 variants have no value"


@pytest.mark.parametrize("name", FIGURES)
def test_infinite_values_were_errors_of_matplotlib(name: str) -> None:
    table = results(5)
    table.loc[3, "eui"] = np.inf
    first = first_of(FIGURES[name](table))
    first.figure.canvas.draw()
    assert said_of(first) == "1 of 5 variants has no value"


def test_an_infinite_level_has_no_place() -> None:
    table = results(5)
    table.loc[3, "lpd"] = np.inf
    for name in ("line", "parallel_coordinates", "scatter_matrix"):
        with pytest.raises(InputError, match='"lpd" has infinite levels'):
            FIGURES[name](table)


@pytest.mark.parametrize("name", FIGURES)
def test_dollars_were_formulas(name: str) -> None:
    text = r"$\frac{ and $x_1$"
    names = {"eui": "US$/m2 and US$", "weather": "$a$", "lpd": "$l", "cost": "$c$"}
    table = results(12).assign(weather=[text, "50 $ or 60 $", "$_{"] * 4)
    first = first_of(DOLLARS[name](table.rename(columns=names)))
    first.figure.canvas.draw()
    drawn = [found for found in first.figure.findobj(Text) if "$" in found.get_text()]
    assert drawn
    assert not [found.get_text() for found in drawn if is_math_text(found.get_text())]


@pytest.mark.parametrize("name", FIGURES)
def test_columns_of_lists_were_errors_of_pandas(name: str) -> None:
    table = results(3).assign(lpd=[[1], [2], [3]], cost=[[1], [2], [3]])
    with pytest.raises(InputError, match=r"holds \[1\]; a figure needs numbers or texts"):
        FIGURES[name](table)


@pytest.mark.parametrize("name", FIGURES)
def test_one_variant_is_enough(name: str) -> None:
    np.atleast_1d(np.asarray(FIGURES[name](results(1)), dtype=object)).flat[0].figure.canvas.draw()


@pytest.mark.parametrize("name", FIGURES)
def test_a_table_without_rows_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="the table has no rows"):
        FIGURES[name](results(5).query("eui < 0"))
