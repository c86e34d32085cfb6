"""What a panel computes of numbers: colours, points, the best, and when a study will be ready."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from epstudy.core.glance import Mark
from epstudy.core.pace import Pace
from epstudy.notebook import view as views
from tests.unit.notebook.conftest import manifest_of

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def test_the_six_parts_add_up_to_all_variants() -> None:
    marks = {mark: 10 + place for place, mark in enumerate(Mark)}
    assert sum(views.counts(marks).values()) == sum(marks.values())


@pytest.mark.parametrize("highest", [False, True])
@pytest.mark.parametrize("count", [0, 1, 5, 6, 7, 500])
def test_the_best_are_those_that_sorting_gives(count: int, highest: bool) -> None:
    values = np.random.default_rng(count).integers(0, 50, size=count).astype(float)
    values[::7] = np.nan
    known = [index for index in range(count) if np.isfinite(values[index])]
    expected = sorted(known, key=lambda index: (-values[index] if highest else values[index], index))[: views.ROWS]
    found = views.best(values, highest=highest)
    assert [values[index] for index in found] == [values[index] for index in expected]
    assert len(set(found)) == len(found)


def test_colours_go_from_the_lowest_to_the_highest_and_what_is_unknown_has_none() -> None:
    colours, low, high = views.colours(np.array([3.0, np.nan, 1.0, 2.0]))
    assert list(colours) == [254, views.NO_VALUE, 0, 127]
    assert (low, high) == (1.0, 3.0)


@pytest.mark.parametrize("values", [[np.nan, np.nan], [np.inf, np.nan]])
def test_without_a_value_there_is_no_colour(values: list[float]) -> None:
    assert views.colours(np.array(values)) == (bytes([views.NO_VALUE] * 2), None, None)


def test_equal_values_have_one_colour() -> None:
    assert set(views.colours(np.array([5.0, 5.0, 5.0]))[0]) == {0}


def test_few_points_are_all_there_with_their_variant() -> None:
    raw, binned = views.points(np.array([1.0, 2.0, np.nan]), np.array([10.0, np.nan, 30.0]))
    assert not binned
    assert np.frombuffer(raw, "<f4").tolist() == [1.0, 10.0, 0.0]


def test_many_points_are_binned_and_none_is_left_out() -> None:
    chance = np.random.default_rng(1)
    x, y = chance.normal(size=100_000), chance.normal(size=100_000)
    x[0] = 100.0  # one far away
    raw, binned = views.points(x, y)
    triples = np.frombuffer(raw, "<f4").reshape(-1, 3)
    assert binned
    assert triples[:, 2].sum() == 100_000
    assert triples[:, 0].max() > 99.0
    assert len(triples) <= 2400


def test_points_on_a_line_are_binned() -> None:
    raw, _ = views.points(np.full(5000, 2.0), np.arange(5000.0))
    assert np.frombuffer(raw, "<f4").reshape(-1, 3)[:, 2].sum() == 5000


@pytest.mark.parametrize(
    ("soonest", "latest", "said"),
    [
        (300.0, 900.0, "ready at 12:05 to 12:15, in 5 min to 15 min"),
        (10.0, 20.0, "ready at 12:00, in 10 s to 20 s"),
        (600.0, 620.0, "ready at 12:10, in 10 min"),
        (40_000.0, 60_000.0, "ready at Fri 23:06 to Sat 04:40, in 11.1 h to 16.7 h"),
        (None, None, ""),
    ],
)
def test_when_it_is_ready_is_a_range_with_times_of_day(soonest: float | None, latest: float | None, said: str) -> None:
    assert views.when_ready(views.pace_fields(Pace(soonest_s=soonest, latest_s=latest)), NOON) == said


def test_a_number_that_json_cannot_say_is_none() -> None:
    assert views.number(float("nan")) is None
    assert views.number(float("inf")) is None
    assert views.number(1 / 3) == 0.333333


def test_a_line_of_a_list_has_the_levels_of_what_varies() -> None:
    manifest = manifest_of({"lpd": (6.0, 8.0), "fixed": ("north",), "u_value": (1.2, 2.0)})
    varying = views.varying(np.array(manifest.rows, dtype=np.int32))
    assert varying == [0, 2]
    assert views.row(manifest, varying, 3, 104.5) == {"index": 3, "levels": ["8", "2"], "value": 104.5}
    alone = manifest_of({"lpd": (6.0,)})
    assert views.varying(np.array(alone.rows, dtype=np.int32)) == [0], "of one variant all are named"
