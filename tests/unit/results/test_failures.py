"""Failures are explained: row by row, by cause, and by the levels that fail most."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from epstudy.core.manifest import Axis, Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.results.failures import failing_levels_frame, failure_groups_frame, failures_frame

DETAILS = {"fatal": "Program terminates.", "last_severe": "The last", "severe_errors": 3, "warnings": 12}
COLUMNS = ["cause", "message", "attempts", "worker", "fatal", "last_severe", "severe_errors", "warnings", "group"]
DONE = Outcome(State.DONE, metrics={"heating_kwh": 1.0})


def missing(zone: str, schedule: str = "NOPE") -> Outcome:
    """What becomes of a model with a schedule that does not exist."""
    said = f"GetInternalHeatGains: Lights = {zone} Schedule Name = {schedule}, item not found."
    return Outcome(State.FAILED, Cause.CRASH, f"{said} (EnergyPlus crashed: SIGSEGV)", attempts=2, worker="w1")


LOST = Outcome(State.FAILED, Cause.LOST, "its workers died under it")
SLOW = Outcome(State.FAILED, Cause.TIMEOUT, "still running after 30 s, the limit of the study", timeout_s=30.0)

Study = tuple[Manifest, dict[str, Outcome], list[str]]


def study(axes: Mapping[str, tuple[Any, ...]], become: Callable[..., Outcome | None]) -> Study:
    """A grid over these labels, and what became of each variant by `become`, None for one that has not ended."""
    points = list(itertools.product(*(range(len(labels)) for labels in axes.values())))
    labels = [tuple(one[place] for one, place in zip(axes.values(), point, strict=True)) for point in points]
    keys = tuple(f"{index:064d}" for index in range(len(points)))
    found = {key: outcome for key, point in zip(keys, labels, strict=True) if (outcome := become(*point)) is not None}
    made = tuple(Axis(name, "field", ("x",), one, one, ((),) * len(one)) for name, one in axes.items())
    return Manifest("s", "energyplus", {}, made, tuple(points), keys, {"heating_kwh": "kWh"}, timeout_s=30.0), found, []


ONE_BAD_SCHEDULE = study(
    {"lpd": (6, 8, 10), "schedule": ("ALWAYS_ON", "NOPE")},
    lambda lpd, schedule: missing(f"ZONE_{lpd}_LIGHTS") if schedule == "NOPE" else DONE,
)
ALL_WELL = study({"lpd": (6, 8), "glass": ("double", None)}, lambda *_: DONE)
MANY = study(
    {"lpd": (6, 8, 10), "zone": tuple("ABCDE")},
    lambda lpd, zone: missing(f"{zone}_LIGHTS") if lpd == 6 else (SLOW if lpd == 8 and zone == "A" else DONE),
)


def test_failures_are_those_that_failed_and_say_why() -> None:
    manifest, outcomes, _ = study(
        {"lpd": (6, 8, 10, 12, 14)}, lambda lpd: {6: DONE, 8: missing("A"), 10: LOST}.get(lpd)
    )
    frame = failures_frame(manifest, outcomes, ["done", "failed", "failed", "failed", "pending"])
    assert list(frame.columns) == ["lpd", *COLUMNS]
    assert frame.index.name == "variant"
    assert list(frame.index) == [1, 2, 3]
    assert list(frame["lpd"]) == [8, 10, 12]
    assert list(frame["cause"]) == ["crash", "lost", "infrastructure"]
    assert list(frame["attempts"]) == [2, 1, 1]
    assert "Schedule Name = NOPE" in frame["message"].iloc[0]
    assert "the worker could not write its outcome" in frame["message"].iloc[2]


def test_a_variant_that_was_lost_stays_a_failed_row_when_the_pool_is_gone_and_is_tried_again_by_the_next() -> None:
    manifest, outcomes, _ = study({"lpd": (6, 8)}, lambda lpd: LOST if lpd == 6 else DONE)
    assert list(failures_frame(manifest, outcomes, [])["cause"]) == ["lost"]
    assert len(failures_frame(manifest, outcomes, ["pending", "done"])) == 0


def test_the_engines_own_messages_and_counts_are_told_where_it_left_any() -> None:
    said = Outcome(State.FAILED, Cause.SIMULATION, "The first", details=DETAILS)
    unsaid = Outcome(State.FAILED, Cause.SIMULATION, "No counts", details={"fatal": "Program terminates."})
    manifest, outcomes, _ = study({"lpd": (6, 8, 10)}, lambda lpd: {6: said, 8: unsaid, 10: SLOW}[lpd])
    frame = failures_frame(manifest, outcomes, [])
    assert list(frame["fatal"]) == ["Program terminates.", "Program terminates.", ""]
    assert list(frame["last_severe"]) == ["The last", "", ""]
    assert list(frame["severe_errors"][:2]) == [3.0, 0.0]
    assert list(frame["warnings"][:2]) == [12.0, 0.0]
    assert math.isnan(frame["warnings"].iloc[2]), "a run that was killed has not said"


def test_variants_with_one_cause_are_one_line_of_the_summary() -> None:
    frame = failures_frame(*MANY)
    assert len(frame) == 6
    assert frame.attrs["summary"] == [
        "5 variants: GetInternalHeatGains: Lights = … Schedule Name = NOPE, item not found",
        "1 variant: still running after … s, the limit of the study",
    ]
    assert frame["group"].nunique() == 2
    assert "SIGSEGV" in frame["message"].iloc[0], "the message itself is whole"


def test_a_failure_without_a_message_is_summed_up_by_its_cause_and_a_long_one_is_cut() -> None:
    silent, wordy = (Outcome(State.FAILED, Cause.SIMULATION, said) for said in ("", "very " * 500))
    manifest, outcomes, _ = study({"lpd": (6, 8)}, lambda lpd: silent if lpd == 6 else wordy)
    first, second = failures_frame(manifest, outcomes, []).attrs["summary"]
    assert first == "1 variant: simulation"
    assert len(second) < 250
    assert second.endswith("…")


def test_groups_are_counted_and_come_with_an_example() -> None:
    frame = failure_groups_frame(*MANY)
    assert list(frame.columns) == ["variants", "cause", "group", "example", "message"]
    assert list(frame["variants"]) == [5, 1]
    assert list(frame["cause"]) == ["crash", "timeout"]
    assert list(frame["example"]) == [0, 5]
    assert frame["message"].iloc[0] == missing("A_LIGHTS").message
    assert frame["variants"].sum() == len(failures_frame(*MANY))


def test_one_message_with_two_causes_is_two_groups() -> None:
    lost, crash = (Outcome(State.FAILED, cause, "gone") for cause in (Cause.LOST, Cause.CRASH))
    frame = failure_groups_frame(*study({"lpd": (6, 8)}, lambda lpd: lost if lpd == 6 else crash))
    assert list(frame["cause"]) == ["lost", "crash"]


def test_the_level_that_always_fails_is_on_top() -> None:
    frame = failing_levels_frame(*ONE_BAD_SCHEDULE)
    assert list(frame.columns) == ["parameter", "level", "failed", "of", "share"]
    assert frame.iloc[0].to_list() == ["schedule", "NOPE", 3, 3, 1.0]
    assert list(frame["parameter"][1:]) == ["lpd"] * 3
    assert list(frame["level"][1:]) == [6, 8, 10]
    assert list(frame["share"][1:]) == [0.5] * 3


def test_of_levels_that_always_fail_the_only_one_of_its_parameter_comes_first() -> None:
    """Every level of "a" fails with all it has ended: two say nothing, one of "b" says all."""
    manifest, outcomes, _ = study(
        {"a": (1, 2, 3), "b": ("good", "bad")},
        lambda a, b: (LOST if b == "bad" else DONE) if a == 1 or b == "bad" else None,
    )
    frame = failing_levels_frame(manifest, outcomes, [])
    assert list(frame["parameter"]) == ["b", "a", "a", "a"]
    assert list(frame["share"]) == [1.0, 1.0, 1.0, 0.5]
    assert list(frame["of"]) == [3, 1, 1, 2]


def test_where_everything_fails_no_level_is_more_suspicious_than_how_often_it_fails() -> None:
    frame = failing_levels_frame(*study({"one": ("x",), "lpd": (6, 8)}, lambda *_: LOST))
    assert list(frame["share"]) == [1.0] * 3
    assert list(frame["failed"]) == [2, 1, 1]


def test_the_failures_of_each_parameter_add_up() -> None:
    frame = failing_levels_frame(*MANY)
    assert set(frame.groupby("parameter")["failed"].sum()) == {len(failures_frame(*MANY))}
    assert frame["share"].is_monotonic_decreasing
    assert frame["share"].between(0, 1, inclusive="right").all()
    assert (frame["share"] == frame["failed"] / frame["of"]).all()


def test_variants_that_have_not_ended_say_nothing_against_or_for_a_level() -> None:
    manifest, outcomes, _ = study({"lpd": (6, 8), "n": (1, 2, 3)}, lambda lpd, n: LOST if n == 1 else None)
    frame = failing_levels_frame(manifest, outcomes, [])
    assert set(frame["of"][frame["parameter"] == "lpd"]) == {1}
    states = ["failed", "running", "pending", "failed", "cancelled", "pending"]
    assert failing_levels_frame(manifest, outcomes, states)["of"].to_list() == frame["of"].to_list()


def test_labels_of_any_kind_stay_what_they_are() -> None:
    labels = (None, "None", 1, 1.5, True, "ä, b")
    frame = failing_levels_frame(*study({"mixed": labels}, lambda _: LOST))
    assert [(type(one), one) for one in frame["level"]] == [(type(one), one) for one in labels]


def test_an_untouched_model_that_fails_is_a_level_none() -> None:
    """The baseline is a variant of its own, with the level None of every parameter."""
    axes = tuple(Axis(name, "field", ("x",), (1, 2, None), (1, 2, None), ((),) * 3) for name in "ab")
    rows = ((2, 2), (0, 0), (0, 1), (1, 0), (1, 1))
    keys = tuple(f"{index:064d}" for index in range(5))
    manifest = Manifest("s", "energyplus", {}, axes, rows, keys, {}, baseline=0)
    outcomes = dict.fromkeys(keys[1:], DONE) | {keys[0]: LOST}
    frame = failing_levels_frame(manifest, outcomes, [])
    assert frame.to_dict("list") == {
        "parameter": ["a", "b"],
        "level": [None, None],
        "failed": [1, 1],
        "of": [1, 1],
        "share": [1.0, 1.0],
    }
    assert list(failures_frame(manifest, outcomes, []).index) == [0]


@pytest.mark.parametrize("read", [failures_frame, failure_groups_frame, failing_levels_frame])
@pytest.mark.parametrize("outcomes", ["all well", "nothing ended"])
def test_without_a_failure_the_columns_and_their_types_are_there(read: Callable[..., Any], outcomes: str) -> None:
    manifest, done, _ = ALL_WELL
    empty = read(manifest, done if outcomes == "all well" else {}, [])
    assert len(empty) == 0
    some = read(*study({"lpd": (6, 8), "glass": ("double", None)}, lambda lpd, _: LOST if lpd == 6 else DONE))
    assert len(some) > 0
    assert list(empty.dtypes.items()) == list(some.dtypes.items())
    assert empty.index.name == some.index.name
    assert empty.attrs.get("summary", []) == []


def test_numbers_are_numbers_and_counts_are_whole() -> None:
    assert failures_frame(*MANY)[["attempts", "severe_errors", "warnings"]].dtypes.to_list() == [
        "int64",
        *["float64"] * 2,
    ]
    assert failure_groups_frame(*MANY)[["variants", "example"]].dtypes.to_list() == ["int64"] * 2
    assert failing_levels_frame(*MANY)[["failed", "of", "share"]].dtypes.to_list() == ["int64", "int64", "float64"]


def test_a_study_without_variants_left_over_by_any_filter_has_no_failures() -> None:
    manifest = Manifest("s", "energyplus", {}, (Axis("lpd", "field", ("x",), (6,), (6,), ((),)),), (), (), {})
    assert len(failures_frame(manifest, {}, [])) == 0
    assert len(failing_levels_frame(manifest, {}, [])) == 0
