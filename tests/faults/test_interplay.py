"""Faults that meet what the user does at the same moment: cancel after a kill, run and retry without Redis."""

from __future__ import annotations

from collections.abc import Callable

from epstudy.store import Store
from tests.faults.checker import examine
from tests.faults.pools import GroupPool
from tests.faults.recorder import Fault
from tests.faults.starts import executions
from tests.faults.studies import good, mixed
from tests.support.offices import until

Begin = Callable[[str, str], Fault]


def test_a_study_that_is_cancelled_just_after_a_loss_ends(group: GroupPool, fault: Begin) -> None:
    """The lost variant waited for ever in a cancelled study, and so did `wait()`."""
    f12 = fault("F12", "a study is cancelled in the moment in which a Celery child is killed")
    study = good(group, "cancelled-after-a-loss", 12, 2.0).run()
    until(lambda: study.progress().running == 4)
    group.kill_child(group.children()[0])
    study.cancel()
    f12.happened()
    assert study.wait().progress().cancelled >= 8
    until(lambda: Store(str(group.store)).wanted() == {}, 10)
    study.run().wait()
    f12.ended(examine(study, group, extra=4))


def test_a_run_that_redis_did_not_hear_is_done_when_it_is_back(group: GroupPool, fault: Begin) -> None:
    """`run()` after `cancel()` in a frozen Redis came to nothing: the study stayed cancelled."""
    f7 = fault("F7", "a cancelled study is run while Redis is frozen")
    study = good(group, "unheard", 12, 0.3).run()
    until(lambda: study.progress().done >= 1)
    study.cancel().wait()
    group.redis_process.suspend()
    study.run()
    f7.happened()
    group.redis_process.resume()
    until(lambda: study.progress().complete and study.progress().done == 12, 40)
    f7.ended(examine(study, group, extra=4))


def test_a_retry_of_one_cause_leaves_the_cancelled_and_the_others_alone(group: GroupPool, fault: Begin) -> None:
    """`retry(cause="timeout")` ran everything that was cancelled, too."""
    f12 = fault("F12", "a study with timeouts is cancelled, and one cause is retried")
    study = mixed(group, "one-cause", {"hang": 1, "good": 60}, 0.3, timeout=1.0).run()
    until(lambda: study.progress().failed == 1)
    study.cancel().wait()
    f12.happened()
    before = executions(group.log).total()
    cancelled = study.progress().cancelled
    assert cancelled >= 1
    study.retry(cause="timeout").wait()
    assert executions(group.log).total() == before + 1
    assert (study.progress().failed, study.progress().cancelled) == (1, cancelled)


def test_a_good_variant_among_many_that_kill_their_worker_is_done(
    make_group: Callable[..., GroupPool], fault: Begin
) -> None:
    """It was lost with its neighbours until it was given up as well; and the worker ended after five quick deaths."""
    f11 = fault("F11", "three variants in turn kill the Celery of the only worker, which has just started")
    group = make_group(workers=1)
    study = mixed(group, "many-killers", {"good": 1, "kill-worker": 3}, 1.5).run().wait()
    f11.happened(executions(group.log).total() - 4)
    f11.ended(examine(study, group))
