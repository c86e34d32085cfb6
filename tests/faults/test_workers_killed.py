"""Slots, workers, all workers and simulations are killed, frozen and restarted: the study ends right."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from epstudy.processes import is_running
from tests.faults.checker import examine, read_ends
from tests.faults.machine import slowness
from tests.faults.notebook import looking_at
from tests.faults.pools import GroupPool, thaw
from tests.faults.recorder import Fault
from tests.faults.starts import Start, executions, read_starts, restarts
from tests.faults.studies import good, mixed
from tests.support.offices import alive, until

Begin = Callable[[str, str], Fault]
MakeGroup = Callable[..., GroupPool]
AGAIN_S = 20.0  # within this, on a quiet machine, what was lost with its worker is started again


def test_slots_are_killed_at_random(group: GroupPool, fault: Begin) -> None:
    f1 = fault("F1", "a Celery child is killed (SIGKILL)")
    study = good(group, "slots", 50, 0.3, retries=20).run()
    until(lambda: study.progress().done >= 5)
    killed = []
    while study.progress().done < 35:
        child = f1.chance.choice(until(group.children))
        group.kill_child(child)
        killed.append((child.pid, time.monotonic()))
        f1.happened()
        time.sleep(f1.chance.uniform(0.3, 1))
    study.wait()
    starts = read_starts(group.log)
    f1.recovered(*(seconds for pid, at in killed for seconds in restarts(starts, [pid], at).values()))
    f1.ended(examine(study, group))
    assert max(f1.recovered_s) <= AGAIN_S * slowness()


def test_workers_are_killed_and_started_again(group: GroupPool, fault: Begin) -> None:
    f2 = fault("F2", "a whole worker is killed (SIGKILL) and started again")
    study = good(group, "workers", 60, 0.3, retries=20).run()
    until(lambda: study.progress().done >= 5)
    killed = []
    with looking_at("workers"):
        while study.progress().done < 40:
            worker = f2.chance.choice(group.workers)
            pids = [child.pid for child in until(lambda worker=worker: group.children_of(worker))]  # type: ignore[misc]
            group.kill_worker(worker)
            killed.append((pids, time.monotonic()))
            f2.happened()
            worker.start()
            time.sleep(f2.chance.uniform(1, 3))
        study.wait()
    starts = read_starts(group.log)
    f2.recovered(*(seconds for pids, at in killed for seconds in restarts(starts, pids, at).values()))
    f2.ended(examine(study, group))
    assert max(f2.recovered_s) <= AGAIN_S * slowness()


def test_slots_that_were_just_forked_end_with_their_celery(make_group: MakeGroup, fault: Begin) -> None:
    """Two of them lived on for twenty minutes, each with a warm EnergyPlus: they kept each other's pipes open."""
    f2 = fault("F2", "a whole worker is killed (SIGKILL) while it forks its slots")
    group = make_group(workers=1)
    worker = group.workers[0]
    worker.kill()
    worker.start()
    main = until(lambda: next(iter(group.mains()), None))
    young = _stopped_when_just_forked(main.pid, 2)
    children = [psutil.Process(pid) for pid in young]
    worker.signal(signal.SIGKILL)
    worker.ended(5)
    f2.happened()
    until(lambda: not alive([main]))
    for child in children:
        child.resume()
    until(lambda: not alive(children), 5)
    worker.start()
    group.known(1)
    study = good(group, "afterwards", 4, 0.1).run().wait()
    f2.ended(examine(study, group))


def _stopped_when_just_forked(parent: int, count: int) -> set[int]:
    """So many processes that were forked one after the other, stopped before they have done anything."""
    known: set[int] = set()
    stopped: dict[int, float] = {}
    deadline = time.monotonic() + 30
    while len(stopped) < count:
        assert time.monotonic() < deadline
        gone = {pid for pid in stopped if not is_running(pid)}  # a program that had ended already
        known |= gone
        for pid in gone:
            del stopped[pid]
        if stopped and time.monotonic() - max(stopped.values()) > 2:  # it was a program that its parent waits for
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
            known |= set(stopped)
            stopped.clear()
        for pid in _children(parent) - known - set(stopped):
            os.kill(pid, signal.SIGSTOP)
            stopped[pid] = time.monotonic()
        if len(stopped) == count:
            time.sleep(0.1)  # in which one that was at its end already ends
            stopped = {pid: at for pid, at in stopped.items() if is_running(pid)}
    return set(stopped)


def _children(pid: int) -> set[int]:
    """The children of a process, as quickly as the system says."""
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except OSError:
        return set()


def test_all_workers_are_killed_and_come_back_later(group: GroupPool, fault: Begin) -> None:
    f3 = fault("F3", "all workers are killed, and come back when all leases ran out")
    study = good(group, "nobody", 40, 0.3).run()
    until(lambda: study.progress().done >= 10)
    with looking_at("nobody"):
        for worker in group.workers:
            group.kill_worker(worker)
            f3.happened()
        until(lambda: not group.redis().keys("ep:lease:*"), 20)
        back = time.monotonic()
        for worker in group.workers:
            worker.start()
        until(lambda: [start for start in read_starts(group.log) if start.at > back], 20)
        f3.recovered(_next(group.log, back).at - back)
        study.wait()
    f3.ended(examine(study, group))


def test_a_frozen_worker_comes_back_and_changes_nothing(group: GroupPool, fault: Begin) -> None:
    f10 = fault("F10", "a worker is frozen (SIGSTOP) until others did its work, then goes on")
    study = good(group, "zombie", 8, 1.5).run()
    zombie = group.workers[0]
    until(lambda: len(read_starts(group.log)) == 4)
    pids = [child.pid for child in group.children_of(zombie)]
    frozen = zombie.freeze()
    at = time.monotonic()
    group.exposed += group.slots
    f10.happened()
    study.wait()
    before = _contents(group.store / "results")
    assert len(before) >= 8
    thaw(frozen)
    until(lambda: not group.simulations())
    f10.ended(examine(study, group))
    f10.recovered(*restarts(read_starts(group.log), pids, at).values())
    assert len(f10.recovered_s) == 2, "what the frozen worker had begun was begun elsewhere"
    assert max(f10.recovered_s) <= AGAIN_S * slowness()
    assert _contents(group.store / "results") == before


def test_what_was_frozen_is_not_out_of_time(group: GroupPool, fault: Begin) -> None:
    """A chaos run said of good variants "still running after 2 s": so long their worker had stood still."""
    f10 = fault("F10", "a worker is frozen (SIGSTOP) for longer than a variant may take, and goes on")
    study = good(group, "not-late", 4, 1.0, timeout=2.0).run()
    until(lambda: len(read_starts(group.log)) == 4)
    frozen = [worker.freeze() for worker in group.workers]
    f10.happened()
    time.sleep(4)  # less than a lease, more than the time limit
    for one in frozen:
        thaw(one)
    study.wait()
    f10.ended(examine(study, group))


def test_a_frozen_worker_comes_back_while_another_one_is_at_its_variants(group: GroupPool, fault: Begin) -> None:
    f10 = fault("F10", "a worker is frozen (SIGSTOP) and goes on while others are at what it had begun")
    study = good(group, "superseded", 6, 5.0).run()
    zombie = group.workers[0]
    until(lambda: len(read_starts(group.log)) == 4)
    pids = [child.pid for child in group.children_of(zombie)]
    begun = {start.name for start in read_starts(group.log) if start.pid in pids}
    simulations = [one for one in group.simulations() if one.ppid() in pids]
    logged = zombie.log.stat().st_size
    frozen = zombie.freeze()
    at = time.monotonic()
    group.exposed += group.slots
    f10.happened()
    until(lambda: [executions(group.log)[name] for name in begun] == [2, 2], 40)
    f10.recovered(*restarts(read_starts(group.log), pids, at).values())
    thaw(simulations)
    until(lambda: not alive(simulations), 5)  # what it ran has ended well, and it holds no lease for it
    thaw(frozen)

    def discarded() -> int:
        return zombie.log.read_text()[logged:].count("is somebody else's by now: what it gave here is discarded")

    until(lambda: discarded() == len(begun) == 2, 5)
    study.wait()
    f10.ended(examine(study, group))
    workers = {end["worker"].rpartition(":")[2] for end in read_ends(study, group) if end["attempts"] == 2}
    assert workers, "what was begun twice was tried twice"
    assert not workers & set(map(str, pids)), "the results are those of the others"


def test_variants_that_kill_are_given_up_and_the_others_are_done(group: GroupPool, fault: Begin) -> None:
    f11 = fault("F11", "variants that crash, hang, are wrong or kill their Celery child")
    behaviours = {"good": 20, "segfault": 3, "kill-slot": 2, "hang": 3, "wrong": 3}
    study = mixed(group, "poison", behaviours, 0.2, timeout=1.5).run()
    with looking_at("poison"):
        study.wait()
    f11.happened(sum(count for behaviour, count in behaviours.items() if behaviour != "good"))
    f11.ended(examine(study, group))
    failures = study.failures()
    attempts = failures.groupby("cause")["attempts"].unique().map(list).to_dict()
    assert attempts == {"crash": [2], "lost": [3], "simulation": [1], "timeout": [1]}


def test_a_variant_that_shares_a_worker_with_one_that_kills_it_is_done(make_group: MakeGroup, fault: Begin) -> None:
    f11 = fault("F11", "a variant kills its worker's Celery again and again under its neighbour")
    group = make_group(workers=1)
    study = mixed(group, "neighbours", {"kill-worker": 1, "good": 1}, 1.0).run().wait()
    f11.happened(executions(group.log).total() - 1)
    f11.ended(examine(study, group))


def test_a_variant_that_finds_its_machine_unwell_is_tried_again_later(group: GroupPool, fault: Begin) -> None:
    f11 = fault("F11", "variants find their machine unwell, twice each")
    study = mixed(group, "unwell", {"good": 10, "unwell": 3}, 0.1).run().wait()
    f11.happened(2 * 3)
    f11.ended(examine(study, group))


def test_workers_are_restarted_one_after_the_other(group: GroupPool, fault: Begin) -> None:
    f13 = fault("F13", "a worker is told to end (SIGTERM: it finishes; SIGQUIT: it puts back) and is started again")
    study = good(group, "rolling", 60, 0.3).run()
    until(lambda: study.progress().done >= 5)
    put_back = []
    for _ in range(2):
        for worker, gently in zip(group.workers, f13.chance.sample([True, False], 2), strict=True):
            until(lambda worker=worker: len(group.children_of(worker)) == group.slots)  # type: ignore[misc]
            pids = [child.pid for child in group.children_of(worker)]
            at = time.monotonic()
            worker.signal(signal.SIGTERM if gently else signal.SIGQUIT)
            assert worker.ended(60) == 0
            assert not set(pids) & {one.pid for one in group.owned()}
            f13.happened()
            worker.start()
            if not gently:
                group.exposed += group.slots
                put_back.append((pids, at))
    study.wait()
    starts = read_starts(group.log)
    f13.recovered(*(seconds for pids, at in put_back for seconds in restarts(starts, pids, at).values()))
    f13.ended(examine(study, group))
    assert max(f13.recovered_s, default=0) <= AGAIN_S * slowness()
    attempts = {end["attempts"] for end in read_ends(study, group)}
    assert attempts == {1}, "a worker that was told to end is no reason to count an attempt"


def test_what_a_worker_puts_back_while_redis_is_away_does_not_count(group: GroupPool, fault: Begin) -> None:
    """It counted as lost with its worker, as nobody could tell Redis."""
    f13 = fault("F13", "a worker is told to put back what it runs (SIGQUIT) while Redis is frozen")
    study = good(group, "put-back-alone", 8, 4.0, retries=0).run()
    until(lambda: len(read_starts(group.log)) == 4)
    group.redis_process.suspend()
    pids = [child.pid for child in group.children_of(group.workers[0])]
    group.workers[0].signal(signal.SIGQUIT)
    at = time.monotonic()
    assert group.workers[0].ended(20) == 0
    f13.happened()
    group.exposed += group.slots
    group.redis_process.resume()
    group.workers[0].start()
    study.wait()
    f13.recovered(*restarts(read_starts(group.log), pids, at).values())
    assert len(f13.recovered_s) == group.slots, "what it ran was begun again, though nothing may be lost"
    f13.ended(examine(study, group))
    assert {end["attempts"] for end in read_ends(study, group)} == {1}


def _next(log: Path, at: float) -> Start:
    return next(start for start in read_starts(log) if start.at > at)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("**/*") if path.is_file()}
