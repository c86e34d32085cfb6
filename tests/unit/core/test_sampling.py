"""The grid is the product of the levels."""

from __future__ import annotations

import math

import pytest

from epstudy.core.errors import InputError
from epstudy.core.parameter import Field
from epstudy.core.sampling import Grid


def field(*levels: float | None) -> Field:
    return Field("Lights/*/watts_per_floor_area", list(levels))


@pytest.mark.parametrize("sizes", [(1,), (3, 2), (2, 3, 4)])
def test_the_size_is_the_product_of_the_levels(sizes: tuple[int, ...]) -> None:
    parameters = {f"p{place}": field(*range(size)) for place, size in enumerate(sizes)}
    points = Grid().points(parameters)
    assert len(points) == math.prod(sizes)
    assert len(set(points)) == len(points)


def test_the_last_parameter_changes_fastest() -> None:
    points = Grid().points({"a": field(1, 2), "b": field(3, 4)})
    assert [[level.value for level in point] for point in points] == [[1, 3], [1, 4], [2, 3], [2, 4]]


@pytest.mark.parametrize("parameters", [{}, {"a": field()}, {"a": field(1), "b": field()}])
def test_an_empty_grid_is_refused(parameters: dict[str, Field]) -> None:
    with pytest.raises(InputError, match="the grid is empty"):
        Grid().points(parameters)
