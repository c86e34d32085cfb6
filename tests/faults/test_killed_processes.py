"""Any process of the private pool may be killed at any moment: the study ends right."""

from __future__ import annotations

import os
import signal

import epstudy as ep
from epstudy.pool import private_pool
from epstudy.store import Store
from tests.faults.pools import is_redis
from tests.support.offices import LPD, alive, processes_of, quick, until, whole


def runtime(store: str) -> private_pool.Runtime:
    return private_pool.runtime_for(store)


def test_a_killed_keeper_takes_everything_with_it_and_another_one_goes_on(own_store: str) -> None:
    study = ep.Study("keeper", whole(), {"lpd": ep.Field(LPD, [6.0, 7.0])}).run()
    until(lambda: study.progress().running == 2)
    pool = processes_of(own_store)
    keeper = runtime(own_store).keeper()
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    until(lambda: alive(pool) == [], 5)
    assert study.wait().progress().done == 2


def test_a_killed_simulator_is_started_again(own_store: str) -> None:
    study = ep.Study("simulator", whole(), {"lpd": ep.Field(LPD, [6.0])}).run()
    until(lambda: list(runtime(own_store).folder.glob("scratch-*/runs/*/eplusout.err")))  # EnergyPlus is at it
    simulators = [one for one in processes_of(own_store) if "energyplus.run.process" in " ".join(one.cmdline())]
    for simulator in simulators:
        simulator.kill()
    results = study.wait().results(strict=True)
    outcome = next(iter(Store(own_store).outcomes(Store(own_store).manifest("simulator").keys).values()))
    assert len(results) == 1
    assert outcome.attempts == 2


def test_a_killed_celery_child_is_no_loss(own_store: str) -> None:
    study = ep.Study("child", whole(), {"lpd": ep.Field(LPD, [6.0])}).run()
    before = until(lambda: {path.name for path in runtime(own_store).folder.glob("scratch-*/runs/*")})
    main = next(
        one
        for one in processes_of(own_store)
        if "worker.serve" in " ".join(one.cmdline()) and one.ppid() == runtime(own_store).keeper()
    )
    simulators = [one for child in main.children() for one in child.children()]
    runs = next(runtime(own_store).folder.glob("scratch-*")) / "runs"
    for child in main.children():
        child.kill()
    until(lambda: alive(simulators) == [], 5)
    assert study.wait().progress().done == 1
    until(lambda: not before & {path.name for path in runs.iterdir()}, 10)  # what the killed child left is gone too


def test_a_redis_that_was_killed_is_no_loss(own_store: str) -> None:
    study = ep.Study("redis", quick(), {"lpd": ep.Field(LPD, [5 + step / 16 for step in range(12)])}).run()
    until(lambda: study.progress().done >= 2)
    redis = next(one for one in processes_of(own_store) if is_redis(one))
    redis.kill()
    results = study.wait().results(strict=True)
    assert len(results) == 12
