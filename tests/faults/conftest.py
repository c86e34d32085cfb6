"""Fixtures of the fault suite: the short engine, pools to break, and a record of what was broken."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from epstudy.settings import Settings
from tests.faults import SHORT
from tests.faults.pools import GroupPool, PrivatePool, running_group
from tests.faults.recorder import Fault, new_fault, record

_PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Leave with the test whether it passed, for the record."""
    report = yield
    if call.when == "call":
        item.stash[_PASSED] = call.excinfo is None
    return report


@pytest.fixture
def fault(request: pytest.FixtureRequest) -> Iterator[Callable[[str, str], Fault]]:
    """Begin a fault by its code and in words; at the end of the test each must have happened, and is recorded."""
    begun: list[Fault] = []

    def begin(code: str, what: str) -> Fault:
        begun.append(new_fault(code, what))
        return begun[-1]

    yield begin
    passed = request.node.stash.get(_PASSED, False)
    record(begun, passed=passed)
    if passed:
        assert [one.code for one in begun if not one.injected] == [], "these faults never happened"


@pytest.fixture
def small_store(tmp_path: Path) -> Iterator[Path]:
    """The store's folder as a file system of its own of four megabytes."""
    store = tmp_path / "store"
    store.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "epstudy-faults", str(store)], check=True)
    yield store
    subprocess.run(["umount", "--lazy", str(store)], check=True)


@pytest.fixture(scope="module")
def _short_workers() -> Iterator[None]:
    """Workers that are started in these tests find the short engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [SHORT, os.environ.get("PYTHONPATH")])))
        yield


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _short_workers: None) -> Iterator[PrivatePool]:
    """A private pool of the test's own, with two slots; it starts with the first study."""
    from epstudy.pool import private_pool

    pool = PrivatePool(tmp_path)
    for name, value in {**pool.environment(), "EPSTUDY_WORKERS": "2"}.items():
        monkeypatch.setenv(name, value)
    yield pool
    private_pool.stop(Settings.load())


@pytest.fixture
def make_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _short_workers: None
) -> Iterator[Callable[..., GroupPool]]:
    """Start a group's pool with these options, and be a notebook of it; it ends with the test."""
    with ExitStack() as stack:

        def make(**options: Any) -> GroupPool:
            pool = GroupPool(tmp_path, **options)
            _be_its_notebook(pool, monkeypatch)
            return stack.enter_context(running_group(pool))

        yield make


@pytest.fixture(scope="module")
def _groups(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[GroupPool]]:
    groups: list[GroupPool] = []
    yield groups
    for pool in groups:
        pool.end()


@pytest.fixture
def group(
    request: pytest.FixtureRequest,
    _short_workers: None,
    _groups: list[GroupPool],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[GroupPool]:
    """A group's pool: two workers with two slots each, a Redis without persistence.

    The tests of a module share one, and heal it, until one of them fails: the next gets another one.
    """
    if not _groups:
        _groups.append(GroupPool(tmp_path_factory.mktemp("group")))
    pool = _groups[0]
    _be_its_notebook(pool, monkeypatch)
    pool.begin()
    pool.heal()
    yield pool
    if not request.node.stash.get(_PASSED, False):
        _groups.pop().end()


def _be_its_notebook(pool: GroupPool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in pool.environment().items():
        monkeypatch.setenv(name, value)
