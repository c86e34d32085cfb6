"""Outcomes travel unchanged, and settle a variant or not."""

from __future__ import annotations

import json
import math

import pytest

from epstudy.core.outcome import Cause, Outcome, Progress, State


def test_nan_survives_json_that_has_none() -> None:
    said = json.dumps(Outcome(State.DONE, metrics={"a": math.nan, "b": 1.5}).to_json(), allow_nan=False)
    back = Outcome.from_json(json.loads(said))
    assert math.isnan(back.metrics["a"])
    assert back.metrics["b"] == 1.5


@pytest.mark.parametrize("cause", [Cause.INPUT, Cause.SIMULATION, Cause.CRASH])
def test_a_failure_of_the_model_is_not_tried_again(cause: Cause) -> None:
    assert Outcome(State.FAILED, cause).settles(None)


@pytest.mark.parametrize("cause", [Cause.LOST, Cause.INFRASTRUCTURE])
def test_a_failure_of_the_machines_is_tried_again(cause: Cause) -> None:
    assert not Outcome(State.FAILED, cause).settles(None)


@pytest.mark.parametrize(("now", "settled"), [(5.0, True), (10.0, True), (10.1, False), (None, False)])
def test_a_run_out_of_time_is_tried_again_with_more_time_only(now: float | None, settled: bool) -> None:
    assert Outcome(State.FAILED, Cause.TIMEOUT, timeout_s=10.0).settles(now) is settled


def test_progress_reads_as_a_sentence() -> None:
    progress = Progress(9, 3, 2, 3, 1, 0, cached=2, per_second=0.5, eta_s=600.0, workers=2)
    assert str(progress) == "3 of 9 done (2 from the store), 2 running, 3 pending, 1 failed, about 10 min left"
    assert progress.finished == 4
    assert not progress.complete
