"""A study is cancelled, paused, resumed and retried: what is said takes effect at once, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
import pytest

import epstudy as ep
from epstudy.core.outcome import State
from epstudy.store import Store
from tests.faults.checker import examine
from tests.faults.pools import GroupPool
from tests.faults.recorder import Fault
from tests.faults.starts import executions, read_starts
from tests.faults.studies import good, mixed
from tests.support.offices import LPD, alive, until, whole

Begin = Callable[[str, str], Fault]
MakeGroup = Callable[..., GroupPool]


def test_a_study_of_energyplus_is_cancelled_and_goes_on_later(make_group: MakeGroup, fault: Begin) -> None:
    f12 = fault("F12", "a study is cancelled with 1,000 variants queued and EnergyPlus running in every slot")
    group = make_group(slots=1)
    levels = [5 + step / 128 for step in range(1000)]
    study = ep.Study("office", whole(), {"lpd": ep.Field(LPD, levels)}).run()
    simulating = until(lambda: _simulating(group, 2), 60)
    at = time.monotonic()
    study.cancel()
    f12.happened()
    until(lambda: study.progress().pending == 0, 1)
    until(lambda: not alive(simulating), 3 - (time.monotonic() - at))
    f12.recovered(time.monotonic() - at)
    until(lambda: study.progress().complete, 5)
    cancelled = study.progress().cancelled
    assert cancelled >= 990
    assert not Store(str(group.store)).outcomes(Store(str(group.store)).manifest("office").keys[50:]), (
        "none began later"
    )

    study.run()
    until(lambda: study.progress().done > 1000 - cancelled, 90)
    study.cancel()
    until(lambda: study.progress().complete, 10)
    assert study.verify().problems == ()
    assert study.progress().failed == 0
    f12.variants += 1000


def _simulating(group: GroupPool, count: int) -> list[psutil.Process]:
    """The processes in which EnergyPlus runs, when there are so many."""
    if len(list(group.scratch.glob("*/runs/*/eplusout.err"))) < count:
        return []
    return [one for child in group.children() for one in child.children()]


def test_thousands_of_queued_variants_are_gone_within_a_second(group: GroupPool, fault: Begin) -> None:
    f12 = fault("F12", "a study is cancelled with 5,000 variants queued")
    study = good(group, "thousands", 5000, 0.5).run()
    until(lambda: len(executions(group.log)) >= 8, 30)
    study.cancel()
    at = time.monotonic()
    f12.happened()
    until(lambda: study.progress().pending == 0, 1)
    until(lambda: study.progress().complete and not group.simulations(), 3 - (time.monotonic() - at))
    f12.recovered(time.monotonic() - at)
    begun = sum(executions(group.log).values())
    until(lambda: group.redis().llen(group.queue) == 0, 20)
    assert sum(executions(group.log).values()) == begun, "nothing began after that"
    f12.ended(examine(study, group, cancelled=True))


def test_a_cancelled_study_is_run_to_its_end_later(group: GroupPool, fault: Begin) -> None:
    f12 = fault("F12", "a study is cancelled and run again, three times")
    study = good(group, "again", 60, 0.3).run()
    for done in (5, 20, 35):
        until(lambda done=done: study.progress().done >= done)  # type: ignore[misc]
        until(group.simulations)
        study.cancel()
        until(lambda: study.progress().complete, 5)
        group.exposed += 2 * group.slots  # what was stopped begins anew
        f12.happened()
        study.run()
    study.wait()
    f12.ended(examine(study, group))
    assert set(study.results()["status"]) == {State.DONE}


def test_a_paused_study_finishes_what_runs_and_begins_nothing(group: GroupPool, fault: Begin) -> None:
    f12 = fault("F12", "a study is paused and resumed")
    study = good(group, "pause", 40, 0.3).run()
    until(lambda: study.progress().done >= 8)
    study.pause()
    f12.happened()
    until(lambda: not group.simulations(), 5)
    until(lambda: study.progress().running == 0, 5)
    begun = len(read_starts(group.log))
    paused = study.progress()
    assert paused.paused
    assert study.troubles() == [], "that it was paused is no trouble"
    assert paused.cancelled == 0
    assert paused.done == begun, "what ran was finished"
    at = time.monotonic()
    until(lambda: time.monotonic() - at > 5 or len(read_starts(group.log)) > begun, 10)
    assert len(read_starts(group.log)) == begun, "two reconciliations later nothing has begun"
    study.resume()
    at = time.monotonic()
    until(lambda: len(read_starts(group.log)) > begun, 10)
    f12.recovered(time.monotonic() - at)
    study.wait()
    f12.ended(examine(study, group))


def test_only_what_failed_by_a_cause_is_retried(group: GroupPool, fault: Begin) -> None:
    f12 = fault("F12", "variants that failed by one cause are retried")
    study = mixed(group, "retry", {"good": 10, "hang": 2, "segfault": 2, "wrong": 2}, 0.1, timeout=1.0)
    study.run().wait()
    before = executions(group.log)
    study.retry(cause="timeout").wait()
    f12.happened()
    again = executions(group.log) - before
    assert sum(again.values()) == 2
    study.retry(cause=["crash", "simulation"]).wait()
    assert sum((executions(group.log) - before - again).values()) == 2 * 2 + 2
    f12.ended(examine(study, group, extra=8))


def test_of_many_failures_only_the_variants_that_were_named_are_retried(group: GroupPool) -> None:
    """Whoever had mended what one row stands on had to simulate all that had failed."""
    study = mixed(group, "named", {"good": 3, "hang": 2, "wrong": 3}, 0.1, timeout=1.0).run().wait()
    before = executions(group.log)
    study.retry(variants=[0, 4, 6]).wait()
    assert sum((executions(group.log) - before).values()) == 2, "variant 0 is done"
    before = executions(group.log)
    study.retry("timeout", variants=range(4, 8)).wait()
    assert sum((executions(group.log) - before).values()) == 1, "variant 4 alone ran out of time"
    for none in ([8], ["3"], [True]):
        with pytest.raises(ep.InputError, match="there is no variant"):
            study.retry(variants=none)  # type: ignore[arg-type]
