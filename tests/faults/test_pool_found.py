"""One private pool a user and store: however slow its start, whatever the environment, and by whatever path."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

import epstudy as ep
from epstudy.pool import pool, private_pool
from epstudy.pool.record import find, record_paths
from epstudy.settings import Settings
from tests.faults.checker import examine
from tests.faults.pools import PrivatePool
from tests.faults.slow import slow_machine
from tests.faults.starts import executions
from tests.faults.studies import good
from tests.support.offices import alive, until

START = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from epstudy.settings import Settings; "
    "from epstudy.pool import private_pool; private_pool.start(Settings.load(), print)"
)
WAIT = "import sys, epstudy as ep; print(ep.Study.open(sys.argv[1]).wait().progress().done)"


@pytest.fixture(autouse=True)
def _stays(monkeypatch: pytest.MonkeyPatch, private: PrivatePool) -> None:
    """A pool that is idle while a busy machine starts another shell stays."""
    monkeypatch.setenv("EPSTUDY_IDLE_S", "120")


def keepers(private: PrivatePool) -> list[psutil.Process]:
    """Every keeper of the test's store, found by its environment."""
    return [one for one in alive(private.owned()) if "epstudy.pool.supervisor.keeper" in " ".join(one.cmdline())]


def shell(code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Another shell or service of the same user, with other variables."""
    return subprocess.Popen(
        [sys.executable, "-uc", code, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def elsewhere(tmp_path: Path) -> Mapping[str, str]:
    """The folders of a shell that has others than this process."""
    folders = {name: tmp_path / name.lower() for name in ("HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_STATE_HOME")}
    for folder in folders.values():
        folder.mkdir(mode=0o700, exist_ok=True)
    return {name: str(folder) for name, folder in folders.items()}


def test_a_start_on_a_machine_ten_times_slower_ends_in_one_pool_and_all_variants(
    private: PrivatePool,
) -> None:
    """`run()` raised "the private pool did not start: it left no log" after 20 s, and each call started another one."""
    private.begin()
    seen: set[int] = set()
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            seen.update(one.pid for one in keepers(private))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        with slow_machine(str(private.store)):
            study = good(private, "slow", 4, 0.05).run()
            assert ep.Study.open("slow").wait().progress().done == 4
    finally:
        over.set()
        watcher.join()
    assert len(seen) == 1
    assert executions(private.log).total() == 4
    assert not examine(study, private).problems


def test_who_comes_while_a_pool_starts_waits_for_that_one_and_is_told(private: PrivatePool) -> None:
    """Three keepers at once, two of them left after a minute; an interrupt in the waiting leaves one pool, too."""
    first = shell(START)
    keeper = until(lambda: private.keeper())
    keeper.suspend()
    try:
        second = shell(START)
        assert second.stdout is not None
        assert "the private pool is starting" in second.stdout.readline()
        first.send_signal(signal.SIGINT)
        assert first.wait() != 0
        second.kill()
        second.wait()
        third = shell(START)
        assert third.stdout is not None
        assert f"process {keeper.pid}" in third.stdout.readline()
        assert [one.pid for one in keepers(private)] == [keeper.pid]
        assert not pool.is_ready(Settings.load())
        study = good(private, "meanwhile", 2, 0.05)
        assert study.progress().pending == 2, "whoever only looks does not wait"
    finally:
        keeper.resume()
    assert third.wait() == 0
    assert find(str(private.store)).pid == keeper.pid  # type: ignore[union-attr]
    assert good(private, "meanwhile", 2, 0.05).run().wait().progress().done == 2
    assert len(keepers(private)) == 1


def test_a_wait_with_a_limit_ends_in_time_while_the_pool_starts(private: PrivatePool) -> None:
    study = good(private, "limited", 2, 0.05).run().wait()
    private_pool.stop(Settings.load())
    assert study.wait().progress().done == 2
    assert not keepers(private), "for a study that is complete none is started"
    starting = shell(START)
    keeper = until(lambda: private.keeper())
    keeper.suspend()
    try:
        more = good(private, "unfinished", 2, 0.05, first=10)
        more._store.put_manifest(more._own_manifest())
        with pytest.raises(TimeoutError, match="0 of 2 done, 2 pending"):
            more.wait(timeout=0.5)
    finally:
        keeper.resume()
    assert starting.wait() == 0


def test_a_terminal_and_a_service_with_other_folders_use_one_pool(private: PrivatePool, tmp_path: Path) -> None:
    """219 simulations of 120 variants: a shell with XDG_RUNTIME_DIR and one without had a keeper each."""
    private.begin()
    study = good(private, "shared", 40, 0.05).run()
    other = shell(WAIT, "shared", **elsewhere(tmp_path))
    assert other.communicate()[0].split()[-1] == "40"
    assert study.wait().progress().done == 40
    assert executions(private.log).total() == 40
    assert len(keepers(private)) == 1


def test_one_store_by_several_paths_has_one_pool_and_a_copy_of_it_another(
    private: PrivatePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private_pool.start(Settings.load())
    link = tmp_path / "link"
    link.symlink_to(private.store)
    monkeypatch.chdir(tmp_path)
    for spelling in (f"{private.store}/", str(link), "store", f"file://{private.store}"):
        found = find(Settings.load(store=spelling).store)
        assert found is not None, spelling
        assert found.pid == private.keeper().pid  # type: ignore[union-attr]
    copy = tmp_path / "copy"
    shutil.copytree(private.store, copy)
    assert record_paths(str(copy))[0].exists()
    settings = Settings.load(store=str(copy))
    assert find(settings.store) is None
    assert not pool.was_killed(settings)
    try:
        private_pool.start(settings)
        assert find(settings.store) is not None
        assert find(settings.store) != find(str(private.store))
    finally:
        private_pool.stop(settings)


def test_a_keeper_that_is_killed_while_it_starts_leaves_the_next_one_free(private: PrivatePool) -> None:
    first = shell(START)
    keeper = until(lambda: private.keeper())
    keeper.kill()
    assert first.wait() != 0
    assert good(private, "after", 2, 0.05).run().wait().progress().done == 2


def test_the_record_that_somebody_removed_from_the_store_is_written_again(private: PrivatePool) -> None:
    good(private, "before", 2, 0.05).run().wait()
    keeper = private.keeper()
    assert keeper is not None
    shutil.rmtree(private.store / "pools")
    until(lambda: find(str(private.store)))
    assert good(private, "after", 2, 0.05, first=10).run().wait().progress().done == 2
    assert [one.pid for one in keepers(private)] == [keeper.pid]


def test_a_pool_that_does_not_end_when_it_is_asked_to_is_killed(private: PrivatePool) -> None:
    private_pool.start(Settings.load())
    keeper = private.keeper()
    assert keeper is not None
    owned = private.owned()
    keeper.suspend()
    assert private_pool.stop(Settings.load(), wait_s=0.5)
    until(lambda: not alive(owned))
    assert find(str(private.store)) is None
    assert not pool.was_killed(Settings.load())


def test_a_private_redis_that_cannot_start_is_told_with_its_own_words(
    private: PrivatePool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no limit on a start, but a Redis that ends each time is an end, too."""
    server = tmp_path / "bin" / "redis-server"
    server.parent.mkdir()
    server.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "v=99.0.0" && exit\necho "no such option" && exit 3\n')
    server.chmod(0o755)
    monkeypatch.setenv("PATH", f"{server.parent}:{os.environ['PATH']}")
    with pytest.raises(ep.PoolError, match=r"did not start: .*no such option.*ended with code 3"):
        private_pool.start(Settings.load())
    assert find(str(private.store)) is None
