"""What was asked for is done, and nothing else: also when Redis forgets it, or did not hear it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from shortengine import name_of

import epstudy as ep
from epstudy.store import Store
from tests.faults.checker import examine, said_of
from tests.faults.pools import GroupPool
from tests.faults.recorder import Fault
from tests.faults.starts import executions
from tests.faults.studies import mixed
from tests.support.offices import until

Begin = Callable[[str, str], Fault]


def by_behaviour(study: ep.Study, counted: Counter[str]) -> Counter[str]:
    """How many simulations of each behaviour these executions are."""
    manifest = study._own_manifest()
    found: Counter[str] = Counter()
    for index in range(len(manifest)):
        found[said_of(manifest, index)["behaviour"]] += counted[name_of(manifest.edits(index))]
    return +found


def test_what_failed_is_run_again_and_nothing_else_when_redis_forgets_it(group: GroupPool, fault: Begin) -> None:
    """After a FLUSHALL `run(only="failed")` ran the rest as well."""
    f6 = fault("F6", 'Redis is emptied during run(only="failed")')
    study = mixed(group, "only-failed", {"wrong": 10, "good": 30}, 0.5).run()
    until(lambda: study.progress().failed == 10)
    cancelled = study.cancel().wait().progress().cancelled
    before = executions(group.log)
    study.run(only="failed")
    until(lambda: (executions(group.log) - before).total() >= 3)
    group.redis().flushall()
    f6.happened()
    ended = study.wait().progress()
    assert (ended.failed, ended.cancelled) == (10, cancelled)
    assert by_behaviour(study, executions(group.log) - before) == {"wrong": 10}


def test_what_was_given_up_is_not_tried_again_when_redis_forgets_it(group: GroupPool, fault: Begin) -> None:
    """After a FLUSHALL variants that had been given up as lost in this very run were tried again."""
    f6 = fault("F6", "Redis is emptied when variants were given up")
    study = mixed(group, "given-up", {"kill-slot": 2, "hang": 2, "good": 60}, 0.5, retries=0, timeout=1.0).run()
    until(lambda: study.progress().failed == 4, 40)
    group.redis().flushall()
    f6.happened()
    study.wait()
    assert by_behaviour(study, executions(group.log)) == {"kill-slot": 2, "hang": 2, "good": 60}
    f6.ended(examine(study, group))


def test_what_had_failed_before_a_loss_counts_for_stop_after(group: GroupPool, fault: Begin) -> None:
    """After a FLUSHALL `stop_after` counted from 0 again."""
    f6 = fault("F6", "Redis is emptied when a study had failed nearly as often as it may")
    study = mixed(group, "nearly-stopped", {"wrong": 40}, 0.5, stop_after=16).run()
    until(lambda: study.progress().failed >= 12)
    group.redis().flushall()
    f6.happened()
    ended = study.wait().progress()
    assert 16 <= ended.failed <= 24, "four slots, at one more each"
    assert ended.cancelled == 40 - ended.failed
    assert Store(str(group.store)).why_cancelled("nearly-stopped").startswith("stopped after")


@pytest.mark.parametrize(
    ("ask", "again"),
    [
        (lambda study: study.retry(cause="timeout"), {"hang": 3}),
        (lambda study: study.retry(variants=[0, 3]), {"hang": 1, "wrong": 1}),
        (lambda study: study.run(only="failed"), {"hang": 3, "wrong": 2}),
    ],
    ids=["cause", "variants", "failed"],
)
def test_what_redis_did_not_hear_is_done_later_and_nothing_else(
    group: GroupPool, fault: Begin, ask: Callable[[ep.Study], object], again: dict[str, int]
) -> None:
    """A `retry(cause=)` in a frozen Redis ran what was cancelled as well."""
    f7 = fault("F7", "some variants of a cancelled study are asked for while Redis is frozen")
    study = mixed(group, f"unheard-{sum(again.values())}", {"hang": 3, "wrong": 2, "good": 40}, 0.5, timeout=1.0).run()
    until(lambda: study.progress().failed == 5)
    cancelled = study.cancel().wait().progress().cancelled
    before = executions(group.log)
    group.redis_process.suspend()
    ask(study)
    f7.happened()
    group.redis_process.resume()
    until(lambda: (executions(group.log) - before).total() == sum(again.values()), 40)
    until(lambda: study.progress().failed == 5 and study.progress().complete)
    assert study.progress().cancelled == cancelled
    until(lambda: Store(str(group.store)).wanted() == {})
    assert by_behaviour(study, executions(group.log) - before) == again


def test_what_is_retried_in_a_study_under_way_takes_nothing_from_it(group: GroupPool, fault: Begin) -> None:
    f6 = fault("F6", "Redis is emptied just after some variants of a study under way were retried")
    study = mixed(group, "both", {"wrong": 4, "good": 40}, 0.5).run()
    until(lambda: study.progress().failed == 4)
    study.retry(variants=[1, 2])
    group.redis().flushall()
    f6.happened()
    study.wait()
    assert by_behaviour(study, executions(group.log)) == {"wrong": 6, "good": 40}
    f6.ended(examine(study, group, extra=2))
