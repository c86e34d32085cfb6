"""A pool has its store cleaned once a day, in a process that ends with it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Outcome, State
from epstudy.pool import private_pool
from epstudy.pool.broker.connection import connect
from epstudy.pool.ledger.ledger import Ledger
from epstudy.pool.supervisor.chores import Chores
from epstudy.pool.supervisor.supervisor import Supervisor
from epstudy.settings import Settings
from epstudy.store import Store
from epstudy.store.checksummed import seal
from tests.support.offices import alive, processes_of, until

MINE, NOBODYS = "a" * 64, "b" * 64
DAY_S = 86400.0


@pytest.fixture
def store(own_store: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store that was cleaned two days ago, when a result was no study's for a month already."""
    monkeypatch.setenv("EPSTUDY_IDLE_S", "60")
    monkeypatch.setenv("EPSTUDY_WORKERS", "1")
    store = Store(own_store)
    for key in (MINE, NOBODYS):
        store.put_outcome(key, Outcome(State.DONE))
    store.put_manifest(Manifest("office", "energyplus", {}, (), ((),), (MINE,), {}))
    now = time.time()
    store._files.replace("clean.json", seal({NOBODYS: now - 31 * DAY_S}))
    for file in Path(own_store).rglob("*"):
        os.utime(file, (now - 2 * DAY_S, now - 2 * DAY_S))
    return store


@pytest.fixture
def hanging(store: Store) -> Store:
    """The same store, and a clean of it never ends: a manifest is a pipe into which nobody writes."""
    Path(store.url, "studies", "pipe").mkdir()
    os.mkfifo(Path(store.url, "studies", "pipe", "manifest.json"))
    return store


@pytest.fixture
def ledger(store: Store) -> Ledger:
    """That of a pool which has nothing cleaned."""
    return Ledger(connect(private_pool.start(Settings.load())))


@pytest.fixture
def chores_of(store: Store, tmp_path: Path, ledger: Ledger) -> Iterator[Callable[..., Chores]]:
    made = []

    def make(after_days: float | None) -> Chores:
        made.append(Chores(Settings.load(clean_after_days=after_days), store, lambda: ledger, tmp_path / "worker.log"))
        return made[-1]

    yield make
    for chores in made:
        chores.stop()


def cleaning(store: Store) -> list[psutil.Process]:
    """The cleans that run below the pool's keeper."""
    return [one for one in alive(processes_of(store.url)) if is_clean(one)]


def is_clean(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[1:4] == ["-m", "epstudy", "clean"]
    except psutil.Error:
        return False


def children() -> list[psutil.Process]:
    return [one for one in alive(psutil.Process().children()) if is_clean(one)]


def test_a_pool_cleans_its_store_once_a_day(store: Store) -> None:
    private_pool.start(Settings.load(clean_after_days=30))  # as from an epstudy.toml beside the notebook
    until(lambda: store.outcome(NOBODYS) is None)
    runtime = private_pool.runtime_for(store.url)
    until(lambda: "the store was cleaned" in runtime.keeper_log.read_text())
    assert store.outcome(MINE) is not None
    assert "1 result of no study (" in runtime.worker_log.read_text()
    cleaned = store.cleaned()
    assert cleaned is not None
    assert cleaned > time.time() - 60


def test_a_pool_that_is_not_asked_to_cleans_nothing(chores_of: Callable[..., Chores], store: Store) -> None:
    chores_of(None).tick()
    assert children() == []
    chores_of(30).tick()
    assert len(children()) == 1


def test_a_store_that_was_cleaned_today_is_left_alone(chores_of: Callable[..., Chores], store: Store) -> None:
    os.utime(Path(store.url, "clean.json"), (time.time() - 0.9 * DAY_S,) * 2)
    chores_of(30).tick()
    assert children() == []
    Path(store.url, "clean.json").unlink()
    chores_of(30).tick()
    assert len(children()) == 1, "one that never was is due"


def test_two_workers_clean_once_between_them(chores_of: Callable[..., Chores], hanging: Store) -> None:
    first, second = chores_of(30), chores_of(30)
    for _ in range(2):
        first.tick()
        second.tick()
    assert len(children()) == 1
    first.stop()
    assert children() == []


def test_a_clean_that_fails_is_told_in_one_line_and_the_pool_goes_on(store: Store) -> None:
    Path(store.url, "studies", "office", "manifest.json").write_bytes(b"not what was written")
    url = private_pool.start(Settings.load(clean_after_days=30))
    runtime = private_pool.runtime_for(store.url)
    until(lambda: "epstudy clean ended with code 1" in runtime.keeper_log.read_text())
    line = next(one for one in runtime.keeper_log.read_text().splitlines() if "epstudy clean" in one)
    assert line.endswith(f"epstudy clean ended with code 1 (see {runtime.worker_log})")
    assert "clean --forget office" in runtime.worker_log.read_text()
    assert store.outcome(NOBODYS) is not None
    until(Ledger(connect(url)).workers)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_clean_that_hangs_holds_nothing_up_and_ends_with_its_pool(hanging: Store, end: str) -> None:
    ledger = Ledger(connect(private_pool.start(Settings.load(clean_after_days=30))))
    (child,) = until(lambda: cleaning(hanging))
    keeper = private_pool.runtime_for(hanging.url).keeper()
    assert keeper is not None
    assert child.environ().get("TMPDIR") == psutil.Process(keeper).environ().get("TMPDIR")
    ledger.set_slots(2)
    until(lambda: [worker["slots"] for worker in ledger.workers()] == [2])
    if end == "stop":
        assert private_pool.stop(Settings.load())
    else:
        os.kill(keeper, signal.SIGKILL)
    until(lambda: alive([child]) == [], 10)


def test_a_clean_is_no_reason_for_a_pool_to_stay(hanging: Store) -> None:
    private_pool.start(Settings.load(clean_after_days=30, idle_s=2))
    (child,) = until(lambda: cleaning(hanging))
    until(lambda: private_pool.runtime_for(hanging.url).keeper() is None, 30)
    until(lambda: alive([child]) == [], 10)


def test_what_a_worker_starts_ends_with_it(hanging: Store, ledger: Ledger, tmp_path: Path) -> None:
    settings = Settings.load(clean_after_days=30)
    supervisor = Supervisor(
        settings, private_pool.runtime_for(hanging.url).url, tmp_path / "scratch", tmp_path / "worker.log"
    )
    supervisor.start()
    try:
        supervisor.tick()
        until(children)
    finally:
        supervisor.stop(wait_s=0)
    assert children() == []
