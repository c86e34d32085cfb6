"""What a panel reads from the store: little by little, each outcome once, and again what is asked for anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from epstudy.core.errors import StoreError
from epstudy.core.outcome import Cause, Outcome
from epstudy.notebook.readings import ALL_OF, Readings
from tests.unit.notebook.conftest import Axes, Told, done, failed, manifest_of

Make = Callable[[Axes], Told]
GRID = {"lpd": (6.0, 8.0), "schedule": ("usual", "none")}


def marks(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def test_results_become_a_column_and_the_rest_is_nan(make: Make) -> None:
    source = make(GRID)
    source.put(0, done(100.0))
    source.put(3, done(90.0))
    readings = Readings(source.manifest, source.outcome)
    readings.follow(marks("drph"))
    assert readings.read(1.0)
    assert np.array_equal(readings.column("site_eui_kwh_m2"), [100.0, np.nan, np.nan, 90.0], equal_nan=True)
    assert readings.results_read == 2
    assert readings.unread == 0


def test_an_outcome_is_read_once(make: Make) -> None:
    source = make(GRID)
    source.put(0, done(100.0))
    asked: list[int] = []

    def outcome(index: int) -> object:
        asked.append(index)
        return source.outcome(index)

    readings = Readings(source.manifest, outcome)  # type: ignore[arg-type]
    for text in ("dppp", "dppp", "drpp"):
        readings.follow(marks(text))
        readings.read(1.0, first=[0])
    assert asked == [0]


def test_failures_are_told_by_group_with_the_levels_that_they_share(make: Make) -> None:
    source = make(GRID)
    for index, zone in ((1, "A"), (3, "B")):
        source.put(index, failed(f"Lights = {zone}_LIGHTS Schedule Name = NOPE, item not found"))
    readings = Readings(source.manifest, source.outcome)
    readings.follow(marks("dfdf"))
    readings.read(1.0)
    [group] = readings.failures()
    assert (group.count, group.example, group.cause) == (2, 1, "simulation")
    assert "NOPE" in group.text
    assert "A_LIGHTS" not in group.text
    assert group.levels == "schedule = none"
    assert readings.variants_of(group.cause, group.text) == [1, 3]


def test_what_is_tried_again_leaves_its_group_and_may_fail_otherwise(make: Make) -> None:
    source = make(GRID)
    source.put(1, failed("the first trouble"))
    source.put(3, failed("the first trouble"))
    readings = Readings(source.manifest, source.outcome)
    readings.follow(marks("dfdf"))
    readings.read(1.0)
    readings.follow(marks("drdf"))
    assert [group.count for group in readings.failures()] == [1]
    source.put(1, failed("another trouble", Cause.TIMEOUT))
    readings.follow(marks("dfdf"))
    readings.read(1.0)
    assert sorted((group.cause, group.count) for group in readings.failures()) == [("simulation", 1), ("timeout", 1)]


def test_a_result_after_a_failure_is_no_failure_any_more(make: Make) -> None:
    source = make(GRID)
    source.put(1, failed("trouble"))
    readings = Readings(source.manifest, source.outcome)
    readings.follow(marks("pfpp"))
    readings.read(1.0)
    source.put(1, done(80.0))
    readings.follow(marks("pdpp"))
    readings.read(1.0)
    assert readings.failures() == ()
    assert readings.column("site_eui_kwh_m2")[1] == 80.0


def test_of_a_large_study_only_what_is_asked_for_is_read() -> None:
    count = ALL_OF + 1
    manifest = manifest_of({"n": tuple(range(count))})
    readings = Readings(manifest, lambda index: done(float(index)))
    readings.follow(marks("d" * count))
    readings.read(0.0, first=[7])
    assert (readings.results_read, readings.unread) == (1, 0)
    readings.want()
    assert readings.unread == ALL_OF
    while readings.unread:
        readings.read(0.05)
    assert np.array_equal(readings.column("site_eui_kwh_m2"), np.arange(count, dtype=float))


def test_reading_takes_no_longer_than_it_may() -> None:
    manifest = manifest_of({"n": tuple(range(1000))})
    readings = Readings(manifest, lambda index: done(float(index)))
    readings.follow(marks("d" * 1000))
    readings.read(0.0)
    assert readings.unread == 1000


def test_a_store_that_cannot_be_read_now_loses_no_outcome() -> None:
    manifest = manifest_of(GRID)
    broken = True

    def outcome(index: int) -> Outcome:
        if broken:
            raise StoreError("not now")
        return done(float(index))

    readings = Readings(manifest, outcome)
    readings.follow(marks("dddd"))
    with pytest.raises(StoreError):
        readings.read(1.0)
    broken = False
    readings.read(1.0)
    assert readings.results_read == 4
    assert readings.unread == 0


def test_an_outcome_that_is_gone_is_no_trouble(make: Make) -> None:
    source = make(GRID)
    readings = Readings(source.manifest, source.outcome)
    readings.follow(marks("dfpp"))
    readings.read(1.0)
    assert readings.failures() == ()
    assert np.isnan(readings.column("site_eui_kwh_m2")).all()


@pytest.mark.parametrize("name", ["nothing_of_the_kind", "site_eui_kwh_m2"])
def test_a_column_that_nobody_has_is_nan(make: Make, name: str) -> None:
    assert np.isnan(Readings(make(GRID).manifest, lambda _: None).column(name)).all()
