"""The grid is the product of the levels."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from epstudy.core.errors import InputError
from epstudy.core.parameter import Field, Level
from epstudy.core.sampling.grid import Grid, Labels, corners, select, with_baseline


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


def test_corners_are_the_ends_of_every_parameter() -> None:
    parameters = {"u": Field("Wall/*/u", [3.0, 1.0, None, 2.0]), "name": Field("Wall/*/n", ["a", "b", "c"])}
    found = corners(Grid().points(parameters))
    assert [tuple(level.value for level in point) for point in found] == [
        (3.0, "a"),
        (3.0, "c"),
        (1.0, "a"),
        (1.0, "c"),
    ]


def test_of_many_corners_those_nearest_to_all_at_one_end_are_taken() -> None:
    parameters = {name: Field("Wall/*/u", [1.0, 2.0, 3.0]) for name in "abcde"}
    found = [tuple(level.value for level in point) for point in corners(Grid().points(parameters))]
    assert len(found) == 8
    assert (1.0,) * 5 in found
    assert (3.0,) * 5 in found
    assert corners([]) == []


def test_where_a_corner_was_dropped_the_first_and_the_last_point_stand_for_it() -> None:
    points = [(Level(1, 1.0), Level(2, 2.0)), (Level(2, 2.0), Level(1, 1.0)), (Level(1.5, 1.5), Level(1.5, 1.5))]
    assert corners(points) == points[:2]
    middle = [(Level(1, 1.0), Level(2, 2.0)), (Level(2, 2.0), Level(3, 3.0)), (Level(3, 3.0), Level(2, 2.0))]
    assert corners(middle) == [middle[0], middle[2]]
