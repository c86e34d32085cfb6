"""The number of simulations at once of a private pool is changed while it runs, and disturbs nothing that runs."""

from __future__ import annotations

import signal

import psutil
import pytest

import epstudy as ep
from epstudy.pool import private_pool
from epstudy.pool.broker.connection import connect
from epstudy.pool.client import Live
from epstudy.pool.ledger.ledger import Ledger
from epstudy.pool.pool import Pool
from epstudy.settings import Settings
from epstudy.store import Store
from tests.support.offices import LPD, alive, quick, until, whole


@pytest.fixture
def pool(own_store: str, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """A private pool that began with one slot."""
    monkeypatch.setenv("EPSTUDY_WORKERS", "1")
    monkeypatch.setenv("EPSTUDY_IDLE_S", "60")
    return Pool(Settings.load(), Store(own_store))


@pytest.fixture
def ledger(pool: Pool, own_store: str) -> Ledger:
    ledger = Ledger(connect(private_pool.runtime_for(own_store).url))
    until(ledger.workers)
    return ledger


def below_the_keeper(store: str, name: str) -> list[psutil.Process]:
    keeper = private_pool.runtime_for(store).keeper()
    assert keeper is not None
    return [one for one in alive(psutil.Process(keeper).children()) if name in " ".join(one.cmdline())]


def children(store: str) -> list[psutil.Process]:
    """Celery's children: the slots."""
    return [child for main in below_the_keeper(store, "worker.serve") for child in alive(main.children())]


def announced(ledger: Ledger) -> list[int]:
    return [worker["slots"] for worker in ledger.workers()]


def test_more_and_fewer_slots_while_a_study_runs(pool: Pool, ledger: Ledger, own_store: str) -> None:
    study = ep.Study("office", whole(), {"lpd": ep.Field(LPD, [6.0, 7.0, 8.0, 9.0])}).run()
    until(lambda: len(ledger.running("office")) == 1)
    assert announced(ledger) == [1]
    assert len(children(own_store)) == 1

    pool.set_slots(2)
    until(lambda: len(ledger.running("office")) == 2)
    assert announced(ledger) == [2]

    pool.set_slots(1)
    until(lambda: announced(ledger) == [1], 5)
    until(lambda: len(ledger.running("office")) < 2, 120)

    def is_complete() -> bool:
        assert len(ledger.running("office")) <= 1
        return study.progress().complete

    until(is_complete, 200)
    keys = Store(own_store).manifest("office").keys
    outcomes = Store(own_store).outcomes(keys)
    assert [outcomes[key].attempts for key in keys] == [1] * 4
    assert [outcomes[key].state for key in keys] == [ep.State.DONE] * 4
    until(lambda: len(children(own_store)) == 1)


def test_the_number_outlives_the_worker_and_the_redis(pool: Pool, ledger: Ledger, own_store: str) -> None:
    until(lambda: len(children(own_store)) == 1)
    pool.set_slots(3)
    until(lambda: len(children(own_store)) == 3)
    [main] = below_the_keeper(own_store, "worker.serve")
    main.send_signal(signal.SIGKILL)
    until(lambda: main not in below_the_keeper(own_store, "worker.serve") and len(children(own_store)) == 3)
    assert announced(ledger) == [3]

    [redis] = below_the_keeper(own_store, "redis.sock")
    redis.send_signal(signal.SIGKILL)
    study = ep.Study("after", quick(), {"lpd": ep.Field(LPD, [6.0, 7.0])}).run()
    assert study.wait().progress().workers == 3
    assert Ledger(connect(private_pool.runtime_for(own_store).url)).slots() is None, "this Redis began empty"
    assert len(children(own_store)) == 3


def test_a_pool_that_starts_again_has_the_number_of_its_settings(pool: Pool, ledger: Ledger, own_store: str) -> None:
    pool.set_slots(2)
    until(lambda: announced(ledger) == [2])
    private_pool.stop(Settings.load())
    private_pool.start(Settings.load())
    again = Ledger(connect(private_pool.runtime_for(own_store).url))
    assert until(lambda: announced(again)) == [1]


@pytest.mark.parametrize("count", [0, 1025, 1.5, True, "2"])
def test_what_is_no_number_of_slots_is_refused(pool: Pool, ledger: Ledger, count: int) -> None:
    with pytest.raises(ep.InputError, match="expected a whole number from 1 to 1024"):
        pool.set_slots(count)
    assert ledger.slots() is None


def test_a_notebook_changes_the_number_of_a_pool_that_is_there(own_store: str) -> None:
    settings, store = Settings.load(), Store(own_store)
    live = Live(settings, store)
    assert not live.set_slots(1)
    assert private_pool.runtime_for(own_store).keeper() is None, "none is started for it"
    Pool(settings, store)
    assert live.set_slots(3)
    until(lambda: live.slots() == 3)


def test_a_worker_says_which_engines_it_has(ledger: Ledger) -> None:
    [worker] = ledger.workers()
    assert "EnergyPlus 25.2.0" in worker["engines"]
