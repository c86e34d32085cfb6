"""Parallel coordinates give each column a scale of its own, and bring out a selection."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.plots.tables import results

COLUMNS = ["lpd", "weather", "glazing", "eui"]


def lines(ax: plt.Axes) -> list[np.ndarray]:
    """The variants in the order in which they are drawn: first those that are not highlighted."""
    return [segment for collection in ax.collections for segment in collection.get_segments()]


def test_each_column_reaches_from_its_lowest_to_its_highest() -> None:
    heights = np.array(lines(plots.parallel_coordinates(results(200), COLUMNS)))[:, :, 1]
    assert heights.min(axis=0).tolist() == [0, 0, 0, 0]
    assert heights.max(axis=0).tolist() == [1, 1, 1, 1]


def test_categories_stand_evenly_and_columns_have_their_units() -> None:
    ax = plots.parallel_coordinates(results(200), COLUMNS)
    assert sorted({round(line[1][1], 6) for line in lines(ax)}) == [0.0, 0.5, 1.0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["lpd", "weather", "glazing", "eui\n[kWh/m2]"]
    assert "as in the model" in {text.get_text().replace("\n", " ") for text in ax.texts}


@pytest.mark.parametrize("kind", ["query", "mask", "series", "list"])
def test_a_selection_is_brought_out_and_counted(kind: str) -> None:
    table = results(200, failed=10)
    mask = table["eui"] < 60
    highlight = {"query": "eui < 60", "mask": mask.to_numpy(), "series": mask, "list": mask.tolist()}[kind]
    ax = plots.parallel_coordinates(table, COLUMNS, highlight=highlight)
    rest, chosen = ax.collections
    assert (len(rest.get_segments()), len(chosen.get_segments())) == (190 - mask.sum(), mask.sum())
    assert ax.get_title(loc="right").splitlines() == [
        f"{mask.sum()} of 190 variants are highlighted",
        "10 of 200 variants have no value",
    ]


def test_a_mask_is_matched_by_variant() -> None:
    table = results(20)
    mask = (table["eui"] < 60).iloc[::-1]
    ax = plots.parallel_coordinates(table, COLUMNS, highlight=mask)
    assert len(ax.collections[-1].get_segments()) == mask.sum()


@pytest.mark.parametrize(
    ("highlight", "message"),
    [
        ("eu < 60", 'highlight="eu < 60" is no query of this table'),
        ("eui + 1", "array of float64 .* expected one truth value"),
        ([True, False], "expected one truth value for each of the 3 rows"),
        (pd.Series([True], index=[99]), "no truth value for some rows"),
    ],
)
def test_what_is_no_selection_is_refused(highlight: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plots.parallel_coordinates(results(3), COLUMNS, highlight=highlight)


def test_highlighted_lines_all_looked_the_same() -> None:
    table = results(200)
    few = table["eui"].rank() <= 5
    ax = plots.parallel_coordinates(table, COLUMNS, highlight=few)
    assert len({tuple(colour) for colour in ax.collections[-1].get_colors()}) == 5
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == [f"variant {variant}" for variant in table.index[few]]
    many = table["eui"].rank() <= 50
    ax = plots.parallel_coordinates(table, COLUMNS, highlight=many)
    assert ax.figure.axes[1].get_ylabel() == "eui [kWh/m2]"
    assert len({tuple(colour) for colour in ax.collections[-1].get_colors()}) > 40


def test_colours_tell_the_highlighted_lines_apart_not_the_rest() -> None:
    table = results(200)
    chosen = table["eui"].rank() <= 20
    scale = plots.parallel_coordinates(table, COLUMNS, colour="eui", highlight=chosen).figure.axes[1]
    assert scale.get_ylim() == (table.loc[chosen, "eui"].min(), table.loc[chosen, "eui"].max())


def test_colours_are_explained() -> None:
    assert plots.parallel_coordinates(results(50), COLUMNS, colour="eui").figure.axes[1].get_ylabel() == "eui [kWh/m2]"
    ax = plots.parallel_coordinates(results(50), COLUMNS, colour="weather")
    assert len(ax.get_legend().get_texts()) == 3


def test_more_categories_than_colours_are_refused() -> None:
    table = results(50).assign(weather=[f"town {place}" for place in range(50)])
    with pytest.raises(InputError, match='"weather" has 50 categories; colours tell 7 apart'):
        plots.parallel_coordinates(table, COLUMNS, colour="weather")


def test_three_and_ten_thousand_variants() -> None:
    plots.parallel_coordinates(results(3), COLUMNS).figure.canvas.draw()
    ax = plots.parallel_coordinates(results(10_000, failed=3), COLUMNS, highlight="eui < 50")
    assert all(collection.get_rasterized() for collection in ax.collections if len(collection.get_segments()) > 500)


def test_one_column_is_too_few() -> None:
    with pytest.raises(InputError, match="two columns or more"):
        plots.parallel_coordinates(results(3), "lpd")
