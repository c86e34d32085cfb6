"""The folders under the temporary folder are cleaned away while a pool lives, as systemd-tmpfiles does."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import epstudy as ep
from epstudy.pool import private_pool
from epstudy.settings import Settings
from epstudy.store import Store
from tests.faults.checker import examine
from tests.faults.pools import GroupPool, PrivatePool
from tests.faults.starts import read_starts
from tests.faults.studies import good
from tests.support.offices import alive, until


def remove(folder: Path) -> None:
    """Remove a folder in which others write meanwhile, as often as it takes."""
    until(lambda: shutil.rmtree(folder, ignore_errors=True) or not folder.exists())


def attempts(store: Path, study: ep.Study) -> list[int]:
    """At which attempt each variant was done."""
    keys = study._own_manifest().keys
    outcomes = Store(str(store)).outcomes(keys)
    return [outcomes[key].attempts for key in keys]


@pytest.fixture
def temporary() -> Iterator[str]:
    """A temporary folder with a short path, as a socket's must be."""
    with tempfile.TemporaryDirectory(prefix="t-", ignore_cleanup_errors=True) as folder:
        yield folder


@pytest.fixture
def usual(temporary: str, private: PrivatePool, monkeypatch: pytest.MonkeyPatch) -> PrivatePool:
    """A private pool whose simulations run in its own folder, as they do when nobody says another one."""
    monkeypatch.setattr(tempfile, "tempdir", temporary)
    monkeypatch.setenv("TMPDIR", temporary)
    monkeypatch.delenv("EPSTUDY_SCRATCH")
    monkeypatch.setenv("EPSTUDY_IDLE_S", "60")
    private.begin()
    return private


def test_a_pool_whose_folder_is_cleaned_away_goes_on(usual: PrivatePool) -> None:
    """34 of 40 variants failed as `infrastructure`, and no other notebook found the pool."""
    study = good(usual, "cleaned", 40, 0.2).run()
    runtime = private_pool.runtime_for(str(usual.store))
    keeper = usual.keeper()
    assert keeper is not None
    for done in (4, 16):
        until(lambda done=done: study.progress().done >= done)  # type: ignore[misc]
        remove(runtime.folder.parent)
        until(lambda: runtime.socket.exists())
    assert ep.Study.open("cleaned").wait().progress().done == 40
    assert attempts(usual.store, study) == [1] * 40
    assert usual.keeper() == keeper
    private_pool.stop(Settings.load())
    assert not runtime.folder.parent.exists()


def test_a_simulation_whose_folder_is_cleaned_away_while_it_runs_is_begun_again(usual: PrivatePool) -> None:
    study = good(usual, "kept", 2, 4.0, keep=("trace",)).run()
    until(lambda: len(read_starts(usual.log)) == 2)  # what is leased has its folder only when it has started
    remove(next(private_pool.runtime_for(str(usual.store)).folder.glob("scratch-*")))
    assert study.wait().progress().done == 2
    assert attempts(usual.store, study) == [1, 1]
    assert len(read_starts(usual.log)) == 4
    assert examine(study, usual, extra=2).problems == []


def test_a_groups_worker_whose_folder_is_cleaned_away_loses_no_variant(make_group: Callable[..., GroupPool]) -> None:
    """Each user's 20 variants failed, while the worker "was well"."""
    group = make_group(workers=1)
    study = good(group, "group", 40, 0.2).run()
    until(lambda: study.progress().done >= 4)
    for folder in group.scratch.iterdir():
        remove(folder)
    assert study.wait().progress().done == 40
    assert attempts(group.store, study) == [1] * 40
    group.kill_main(group.mains()[0])
    assert good(group, "after", 4, 0.05, first=100).run().wait().progress().done == 4


def test_folders_in_use_are_locked_so_that_systemd_leaves_them(usual: PrivatePool) -> None:
    """systemd-tmpfiles passes over a folder that it cannot lock for itself, and all that is in it."""
    private_pool.start(Settings.load())
    folder = private_pool.runtime_for(str(usual.store)).folder
    scratch = next(iter(until(lambda: list(folder.glob("scratch-*")))))
    for one in (folder.parent, folder, scratch):
        until(lambda one=one: is_locked(one))  # type: ignore[misc]
    private_pool.stop(Settings.load())
    until(lambda: not alive(usual.owned()))


def is_locked(folder: Path) -> bool:
    """Whether another process has locked a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
