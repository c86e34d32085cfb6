"""The scatter matrix has every pair of columns once, and shows many variants by their density."""

from __future__ import annotations

import pytest
from matplotlib.collections import PathCollection, PolyCollection

from epstudy import plots
from epstudy.core.errors import InputError
from tests.unit.plots.tables import results

COLUMNS = ["lpd", "glazing", "weather", "eui"]


def test_every_pair_is_there_once() -> None:
    axes = plots.scatter_matrix(results(30, failed=2), COLUMNS)
    assert axes.shape == (4, 4)
    assert [[ax.get_visible() for ax in row].count(True) for row in axes] == [1, 2, 3, 4]
    assert [ax.get_xlabel() for ax in axes[-1]] == ["lpd", "glazing", "weather", "eui\n[kWh/m2]"]
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["lpd", "glazing", "weather", "eui\n[kWh/m2]"]
    assert len(axes[3, 0].collections[0].get_offsets()) == 28
    assert axes[0, 0].figure.get_supxlabel() == "2 of 30 variants have no value"


def test_categories_have_markers_of_their_own() -> None:
    axes = plots.scatter_matrix(results(100), ["lpd", "eui"], colour="weather")
    shapes = {tuple(points.get_paths()[0].vertices.ravel().round(3)) for points in axes[1, 0].collections}
    assert len(shapes) == 3
    assert len(axes[0, 0].figure.legends) == 1


def test_ten_thousand_variants_are_hexagons() -> None:
    axes = plots.scatter_matrix(results(10_000), ["lpd", "weather", "eui"])
    assert isinstance(axes[2, 0].collections[0], PolyCollection)
    assert axes[0, 0].figure.get_supxlabel() == "darker: more variants"
    axes[0, 0].figure.canvas.draw()


def test_ten_thousand_variants_with_colours_are_pixels() -> None:
    points = plots.scatter_matrix(results(10_000), ["lpd", "eui"], colour="u_value")[1, 0].collections[0]
    assert isinstance(points, PathCollection)
    assert points.get_rasterized()


@pytest.mark.parametrize("columns", [["lpd"], ["lpd"] * 11])
def test_too_few_or_too_many_columns_are_refused(columns: list[str]) -> None:
    with pytest.raises(InputError, match=f"from 2 to 10 columns; found {len(columns)}"):
        plots.scatter_matrix(results(3), columns)


def test_three_variants_are_enough() -> None:
    plots.scatter_matrix(results(3, failed=1), COLUMNS, colour="eui")[0, 0].figure.canvas.draw()
