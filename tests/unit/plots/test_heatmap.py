"""A heat map shows every variant in its cell, and says no to what it cannot show."""

from __future__ import annotations

import matplotlib as mpl
import pandas as pd
import pytest

from epstudy import plots
from epstudy.core.errors import InputError

mpl.use("agg")


def frame() -> pd.DataFrame:
    table = pd.DataFrame({"a": [1, 1, 2, 2], "b": ["x", None, "x", None], "eui": [1.0, 2.0, 3.0, float("nan")]})
    table.attrs["units"] = {"eui": "kWh/m2"}
    return table


def test_each_cell_holds_its_variant() -> None:
    ax = plots.heatmap(frame(), "a", "b", "eui")
    assert ax.images[0].get_array().filled(-1).tolist() == [[1.0, 3.0], [2.0, -1.0]]
    assert sorted(text.get_text() for text in ax.texts) == ["1.000", "2.000", "3.000"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["x", "as in the model"]
    assert ax.figure.axes[1].get_ylabel() == "eui [kWh/m2]"


def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match='no column "c"; it has a, b, eui'):
        plots.heatmap(frame(), "a", "c", "eui")


def test_two_variants_in_one_cell_are_refused() -> None:
    with pytest.raises(InputError, match="several variants have the same"):
        plots.heatmap(pd.concat([frame(), frame()]), "a", "b", "eui")


def test_all_failed_draws_an_empty_map() -> None:
    table = frame()
    table["eui"] = float("nan")
    assert len(plots.heatmap(table, "a", "b", "eui").texts) == 0
