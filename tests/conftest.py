"""Fixtures that start real parts and leave nothing behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from epstudy.settings import Settings


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests see no EPSTUDY_* variable, no epstudy.toml and no data folder of whoever runs them."""
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("EPSTUDY_")]:
        patch.delenv(name)
    home = tmp_path_factory.mktemp("home")
    patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    patch.setenv("XDG_DATA_HOME", str(home / "data"))
    patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def session_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store, and at the end of the session the end of its private pool."""
    from epstudy.pool import private_pool

    store = str(tmp_path_factory.mktemp("session") / "store")
    yield store
    private_pool.stop(Settings.load(store=store))


@pytest.fixture
def store(session_store: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The session's store as EPSTUDY_STORE: one private pool serves many tests."""
    monkeypatch.setenv("EPSTUDY_STORE", session_store)
    return session_store


@pytest.fixture
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A store of the test's own, whose pool ends when idle for two seconds, or with the test."""
    from epstudy.pool import private_pool

    store = str(tmp_path / "store")
    monkeypatch.setenv("EPSTUDY_STORE", store)
    monkeypatch.setenv("EPSTUDY_IDLE_S", "2")
    yield store
    private_pool.stop(Settings.load())
