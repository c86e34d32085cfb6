"""Samples are what their names promise, the same from the same seed, and say no with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy import stats

from epstudy.core.errors import InputError
from epstudy.core.parameter import Field, Scale
from epstudy.core.sampling.draws import LatinHypercube, Sobol
from epstudy.core.sampling.grid import Grid, Paired, Point, Rows, Sampling, with_drawn
from epstudy.core.sampling.sensitivity_samples import Morris, Saltelli

TARGET = "Lights/*/watts_per_floor_area"
UNIT = stats.uniform(0, 1)


def fields(**levels: Any) -> dict[str, Field]:
    return {name: Field(TARGET, one) for name, one in levels.items()}


def labels(points: list[Point]) -> list[list[Any]]:
    return [[level.label for level in point] for point in points]


def slices(points: list[Point], place: int, n: int) -> list[int]:
    return sorted(int(point[place].value * n) for point in points)


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_each_slice_of_a_latin_hypercube_has_one_point(n: int) -> None:
    points = LatinHypercube(n, seed=3).points(fields(a=UNIT, b=UNIT, c=UNIT))
    for place in range(3):
        assert slices(points, place, n) == list(range(n))


def test_an_extended_latin_hypercube_is_one_and_begins_with_the_old_points() -> None:
    parameters = fields(a=UNIT, b=UNIT)
    small = LatinHypercube(8, seed=1)
    large = small.extended(24).extended(48)
    assert labels(large.points(parameters))[:8] == labels(small.points(parameters))
    assert labels(large.points(parameters))[:24] == labels(small.extended(24).points(parameters))
    for place in range(2):
        assert slices(large.points(parameters), place, 48) == list(range(48))
    with pytest.raises(InputError, match=r"8 points cannot become one of 12.*take 16, 24"):
        small.extended(12)


@pytest.mark.parametrize(("small", "large"), [(Sobol(16, 1), Sobol(50, 1)), (Saltelli(4, 1), Saltelli(16, 1))])
def test_a_larger_sample_begins_with_the_smaller_one(small: Any, large: Any) -> None:
    parameters = fields(a=UNIT, b=[1, 2, 3])
    first = labels(small.points(parameters))
    assert labels(large.points(parameters))[: len(first)] == first
    assert labels(small.extended(large.n).points(parameters)) == labels(large.points(parameters))


@pytest.mark.parametrize("sampling", [LatinHypercube(400, 5), Sobol(512, 5), Saltelli(256, 5)])
@pytest.mark.parametrize(
    "distribution",
    [
        stats.uniform(4, 8),
        stats.norm(20, 2),
        stats.triang(0.3, 1, 2),
        stats.truncnorm(-1, 2),
        stats.Normal(mu=1, sigma=3),
    ],
)
def test_draws_follow_their_distribution(sampling: Sampling, distribution: Any) -> None:
    values = [point[0].value for point in sampling.points(fields(a=distribution, b=UNIT))]
    assert stats.kstest(values, distribution.cdf).pvalue > 0.05
    assert (
        stats.kstest(
            [value + distribution.std() if hasattr(distribution, "std") else value for value in values],
            stats.norm(0, 1).cdf,
        ).pvalue
        < 0.05
    ), "the test can fail"


def test_lists_are_drawn_evenly_and_mixed_with_distributions() -> None:
    points = LatinHypercube(30, seed=2).points(fields(a=["x", "y", "z"], b=UNIT, c=stats.randint(0, 5)))
    assert Counter(point[0].label for point in points) == {"x": 10, "y": 10, "z": 10}
    assert {point[2].value for point in points} == {0.0, 1.0, 2.0, 3.0, 4.0}


def test_a_seed_gives_the_same_variants_on_every_machine() -> None:
    """Pinned: another release of SciPy or SALib that draws others is told here."""
    parameters = fields(a=stats.uniform(4, 8), b=stats.norm(0, 1))
    bounded = fields(a=stats.uniform(4, 8), b=UNIT)
    assert labels(LatinHypercube(2, 1).points(parameters)) == PINNED["latin hypercube"]
    assert labels(LatinHypercube(1, 1).extended(2).points(parameters)) == PINNED["extended"]
    assert labels(Sobol(2, 1).points(parameters)) == PINNED["sobol"]
    assert labels(Saltelli(2, 1).points(parameters))[:3] == PINNED["saltelli"]
    assert labels(Morris(2, 1).points(bounded))[:3] == PINNED["morris"]
    assert labels(Sobol(2, 2).points(parameters)) != PINNED["sobol"]


PINNED: Mapping[str, list[list[float]]] = {
    "latin hypercube": [[9.20386181, -0.2202653828], [5.419525871, 0.9940420694]],
    "extended": [[6.407723621, 0.9371701478], [9.793660573, -0.7876832807]],
    "sobol": [[6.289353296, -0.9836846122], [8.65426679, 1.537905932]],
    "saltelli": [[6.289353296, -0.9836846122], [8.70687668, -0.9836846122], [6.289353296, -0.5626278022]],
    "morris": [[4.0, 0.3333333333], [4.0, 1.0], [9.333333333, 1.0]],
}


def test_morris_changes_one_parameter_after_the_other() -> None:
    parameters = fields(a=UNIT, b=["p", "q"], c=[1, 2, 3, 4, 5, 6, 7])
    points = labels(Morris(6, seed=4).points(parameters))
    assert len(points) == 6 * 4
    for start in range(0, len(points), 4):
        changes = [
            [place for place in range(3) if one[place] != other[place]]
            for one, other in zip(points[start : start + 3], points[start + 1 : start + 4], strict=True)
        ]
        assert sorted(changes) == [[0], [1], [2]]


def test_saltelli_swaps_one_parameter_at_a_time() -> None:
    first, *middle, last = labels(Saltelli(4, seed=4).points(fields(a=UNIT, b=UNIT, c=UNIT)))[:5]
    assert [[one == other for one, other in zip(row, first, strict=True)].count(False) for row in middle] == [1, 1, 1]
    assert [row[place] for place, row in enumerate(middle)] == last
    assert len(Saltelli(4, seed=4, second_order=True).points(fields(a=UNIT, b=UNIT, c=UNIT))) == 4 * 8


def test_a_drawn_parameter_has_the_levels_that_were_drawn() -> None:
    parameters = fields(a=UNIT, b=[1, 2])
    points = Sobol(4, 1).points(parameters)
    drawn = with_drawn(parameters, points)
    assert [level.value for level in drawn["a"].levels] == [point[0].value for point in points]
    assert drawn["b"] is parameters["b"]
    assert repr(drawn["a"]) == f"Field('{TARGET}', uniform(0, 1))"
    assert repr(Scale(TARGET, stats.norm(loc=1, scale=0.1))) == f"Scale('{TARGET}', norm(loc=1, scale=0.1))"


def test_paired_takes_levels_side_by_side() -> None:
    assert labels(Paired().points(fields(a=[1, 2], b=["x", None]))) == [[1, "x"], [2, None]]
    with pytest.raises(InputError, match='equally many levels of every parameter: "a" has 2, "b" has 3'):
        Paired().points(fields(a=[1, 2], b=[1, 2, 3]))


def test_a_table_is_its_rows() -> None:
    rows = Rows({"b": ["low", "high", None], "a": np.array([1.0, 2.5, np.nan])})
    parameters = fields(a=(), b={"low": 4.0, "high": 8.0})
    assert [[level.value for level in point] for point in rows.points(parameters)] == [[1, 4], [2.5, 8], [None, None]]
    with pytest.raises(InputError, match="row 1 of the table has 'medium' for \"b\"; its levels are low, high"):
        Rows({"b": ["low", "medium"], "a": [1, 2]}).points(parameters)
    with pytest.raises(InputError, match="has the columns b; the parameters are a, b"):
        Rows({"b": ["low"]}).points(parameters)
    with pytest.raises(InputError, match="no rows"):
        Rows({"b": []})
    with pytest.raises(InputError, match="a DataFrame or a dict of lists, not a int"):
        Rows(3)


@pytest.mark.parametrize(
    ("sampling", "levels", "said"),
    [
        (Grid(), UNIT, r"Grid\(\) combines levels, and \"a\" has the distribution uniform\(0, 1\): give a list"),
        (Paired(), UNIT, r"Paired\(\) takes levels, and"),
        (Morris(4, 1), [1], 'Morris cannot vary "a", which has one level; give two levels or more'),
        (Saltelli(4, 1), [1], 'Saltelli cannot vary "a", which has one level'),
        (Sobol(4, 1), [], "neither levels nor a distribution; give a list"),
        (Morris(4, 1), stats.norm(0, 1), r'"a": norm\(0, 1\) has no end.*truncnorm'),
    ],
)
def test_what_a_sampling_cannot_draw_from_is_told(sampling: Sampling, levels: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        sampling.points(fields(a=levels))


@pytest.mark.parametrize("kind", [LatinHypercube, Sobol, Morris, Saltelli])
def test_groups_and_correlation_are_refused_with_the_reason(kind: Any) -> None:
    with pytest.raises(InputError, match=r"groups of parameters are not supported: .*list of targets"):
        kind(8, 1, groups=["a", "b"])
    with pytest.raises(InputError, match=r"correlated parameters are not supported: .*ep.Table\(dataframe\)"):
        kind(8, 1, correlation=[[1, 0.5], [0.5, 1]])
    with pytest.raises(InputError, match="expected a whole number"):
        kind(1.5, 1)
    with pytest.raises(InputError, match="seed is None"):
        kind(8, None)
    with pytest.raises(InputError, match="nothing to draw"):
        kind(8, 1).points({})


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        (stats.norm, "norm is not frozen; call it"),
        (stats.multivariate_normal([0, 0]), "several correlated variables; a parameter is drawn by itself"),
        (stats.norm([1, 2]), "2 medians"),
        (stats.norm(0, -1), "no finite median"),
        ([stats.norm(0, 1), 2], r"norm\(0, 1\) cannot stand among levels: a distribution stands alone"),
        (stats.gaussian_kde([1, 2, 3]), "levels are a gaussian_kde; expected a frozen distribution"),
    ],
)
def test_a_distribution_that_cannot_be_drawn_from_is_told(levels: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Field(TARGET, levels)


def test_a_discrete_distribution_ends_at_its_least_value() -> None:
    """SciPy's quantile of a share of 0 is one below it."""
    points = Morris(20, 1).points(fields(a=stats.randint(1, 5), b=stats.bernoulli(0.5)))
    assert {point[0].value for point in points} <= {1.0, 2.0, 3.0, 4.0}
    assert {point[1].value for point in points} <= {0.0, 1.0}


def test_a_distribution_is_told_to_the_last_digit() -> None:
    assert repr(Field(TARGET, stats.uniform(1234567.8, 0.123456789)).distribution) == "uniform(1234567.8, 0.123456789)"


def test_tables_that_are_none() -> None:
    for table in ({"a": "12"}, {"a": 5}):
        with pytest.raises(InputError, match="expected a list of values"):
            Rows(table)
    with pytest.raises(InputError, match="at most 21,201 parameters; there are 21,202"):
        Sobol(2, 1).points({str(number): Field(TARGET, [1.0]) for number in range(21_202)})


def test_numbers_that_are_no_power_of_two_are_noted() -> None:
    assert Sobol(128, 1).notes == ()
    assert Sobol(100, 1).notes == ("Sobol: n is 100, no power of two; 64 or 128 points fill the space more evenly",)
    with pytest.raises(InputError, match="expected an even number"):
        Morris(4, 1, levels=5)
    with pytest.raises(InputError, match="expected at most 1,000,000"):
        Saltelli(2**19, 1).points(fields(a=UNIT, b=UNIT))
