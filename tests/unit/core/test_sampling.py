"""The grid is the product of the levels."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from epstudy.core.errors import InputError
from epstudy.core.parameter import Field
from epstudy.core.sampling import Grid, Labels, select, with_baseline


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


def test_where_keeps_what_it_says_yes_to_by_label() -> None:
    parameters = {"a": field(1, 2, 3), "b": field(1, 2)}
    points = select(Grid().points(parameters), list(parameters), lambda v: v.a > v["b"])
    assert [[level.label for level in point] for point in points] == [[2, 1], [3, 1], [3, 2]]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        (lambda v: v.c > 1, 'no parameter "c"; there are a, b'),
        (lambda v: v.a / 0, "ZeroDivisionError"),
        (lambda v: False, "where= drops all 2 combinations"),
    ],
)
def test_a_where_that_fails_or_drops_everything_is_told(where: Callable[[Labels], object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        select(Grid().points({"a": field(1, 2), "b": field(1)}), ["a", "b"], where)


def test_the_baseline_comes_first_unless_it_is_there() -> None:
    points, index = with_baseline(Grid().points({"a": field(1, 2), "b": field(3)}), 2)
    assert index == 0
    assert len(points) == 3
    assert [level.value for level in points[0]] == [None, None]
    points, index = with_baseline(Grid().points({"a": field(1, None), "b": field(None, 3)}), 2)
    assert (index, len(points)) == (2, 4)
