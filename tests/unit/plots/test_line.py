"""A line follows the levels of a parameter; where there are several variants, it is their median with a band."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.plots.tables import grid, results


def legend(ax: plt.Axes) -> list[str]:
    found = ax.get_legend()
    return [text.get_text() for text in found.get_texts()] if found else []


def test_three_variants_are_one_line_without_legend() -> None:
    ax = plots.line(grid(3, 1), "lpd", "eui")
    assert ax.lines[0].get_xdata().tolist() == [0, 1, 2]
    assert (ax.get_xlabel(), ax.get_ylabel(), legend(ax)) == ("lpd", "eui [kWh/m2]", [])


def test_each_value_of_by_has_a_line_that_differs_also_in_grey() -> None:
    ax = plots.line(grid(3, 2), "lpd", "eui", by="u_value")
    assert legend(ax) == ["0", "1"]
    assert ax.get_legend().get_title().get_text() == "u_value"
    looks = {(line.get_linestyle(), line.get_marker()) for line in ax.lines if len(line.get_xdata())}
    assert len(looks) == 2


def test_several_variants_of_one_pair_are_a_median_with_a_band_and_the_legend_says_so() -> None:
    ax = plots.line(grid(3, 3), "lpd", "eui")
    assert ax.lines[0].get_ydata().tolist() == [10.0, 11.0, 12.0]
    band = ax.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (10.0, 14.0)
    assert "median, lowest to highest" in legend(ax)[0]


def test_categories_stand_evenly_in_the_order_of_the_study() -> None:
    table = grid(1, 1, panels=3).iloc[[2, 0, 1]]
    ax = plots.line(table, "weather", "eui")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["town 2", "town 0", "town 1"]
    assert ax.get_xticks().tolist() == [0, 1, 2]


def test_a_level_keeps_its_place_when_all_its_variants_failed() -> None:
    table = grid(1, 1, panels=3)
    table.loc[0, "eui"] = float("nan")
    ax = plots.line(table, "weather", "eui")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["town 0", "town 1", "town 2"]
    assert ax.get_title(loc="right") == "1 of 3 variants has no value"


def test_as_in_the_model_stands_apart_from_numbers() -> None:
    ax = plots.line(grid(4, 1).assign(lpd=[4.0, None, 8.0, 6.0]), "lpd", "eui")
    assert ax.lines[0].get_xdata().tolist() == [4.0, 6.0, 8.0]
    assert ax.lines[1].get_xdata()[0] < 4.0
    assert ax.get_xticklabels()[0].get_text().replace("\n", " ") == "as in the model"


def test_a_large_sample_is_taken_in_bins() -> None:
    ax = plots.line(results(10_000, failed=12), "lpd", "eui")
    assert len(ax.lines[0].get_xdata()) == 40
    assert legend(ax) == ["median, lowest to highest\nin 40 bins of lpd"]
    assert ax.get_title(loc="right") == "12 of 10,000 variants have no value"


def test_a_hundred_lines_have_a_colour_bar() -> None:
    ax = plots.line(grid(100, 100), "lpd", "eui", by="u_value")
    assert len(ax.lines) == 100
    assert ax.figure.axes[1].get_ylabel() == "u_value"


def test_more_lines_than_can_be_told_apart_are_refused_with_a_way_out() -> None:
    with pytest.raises(InputError, match=r'"u_value" has 1000 values; at most 200 .* pd\.qcut'):
        plots.line(results(1000), "lpd", "eui", by="u_value")


def test_classes_of_pandas_come_in_their_order() -> None:
    table = results(100)
    table["class"] = pd.cut(table["u_value"], [0, 1, 2, 4])
    assert legend(plots.line(table, "lpd", "eui", by="class"))[:3] == ["(0, 1]", "(1, 2]", "(2, 4]"]


def test_it_draws_where_it_is_told() -> None:
    ax = plt.subplots()[1]
    assert plots.line(grid(3, 1), "lpd", "eui", ax=ax) is ax


def test_levels_that_begin_with_a_line_were_not_in_the_legend() -> None:
    table = grid(3, 1, panels=2).replace({"weather": {"town 0": "_base", "town 1": "better"}})
    assert [text.strip() for text in legend(plots.line(table, "lpd", "eui", by="weather"))] == ["_base", "better"]
    matrix = plots.scatter_matrix(table, ["lpd", "eui"], colour="weather")
    found = matrix[0, 0].figure.legends[0].get_texts()
    assert [text.get_text().strip() for text in found] == ["_base", "better"]
