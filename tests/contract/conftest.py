"""Every kind of store that a promise is tested on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from epstudy.store import Store


@pytest.fixture(params=["folder", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Opens one and the same store, anew at each call."""
    url = str(tmp_path / "store") if request.param == "folder" else f"memory://{uuid.uuid4().hex}"
    return lambda: Store(url, cache=tmp_path / "cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a store may be made, for what only a folder can be tested for."""
    return tmp_path / "store"


@pytest.fixture
def damage_file() -> Callable[[Store, str], None]:
    """Changes one byte in the middle of a file of a store, as a bad disk does."""

    def change(store: Store, name: str) -> None:
        content = store._files.read(name)
        middle = len(content) // 2
        changed = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        if store._files.remote:
            store._files.replace(name, changed)
        else:
            store._files.local_path(name).write_bytes(changed)

    return change
