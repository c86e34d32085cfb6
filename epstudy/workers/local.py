"""The private pool: a keeper process with a Redis on a unix socket and workers; one a user and store.

The keeper survives interrupt, restart and death of the kernel that started it, and ends itself, its Redis and its
workers when for a while no client came and nothing was left to do. Its folder goes with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from epstudy.core.errors import PoolError
from epstudy.settings import Settings
from epstudy.workers.connection import RedisError, connect, socket_url
from epstudy.workers.ledger import Ledger
from epstudy.workers.processes import is_alive

log = logging.getLogger(__name__)

_START_S = 20.0
_ANSWER_S = 2.0
_LONGEST = 80  # a socket's path holds 107 bytes, on macOS 103; ours adds 23


@dataclass(frozen=True, slots=True)
class Runtime:
    """The folder of one private pool, 0700, and what is in it."""

    folder: Path

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        return socket_url(str(self.socket))

    @property
    def pid_file(self) -> Path:
        return self.folder / "keeper.json"

    @property
    def keeper_log(self) -> Path:
        return self.folder / "keeper.log"

    @property
    def worker_log(self) -> Path:
        return self.folder / "worker.log"

    @property
    def lock_file(self) -> Path:
        return self.folder.with_suffix(".lock")

    def keeper(self) -> int | None:
        """Return the keeper's process id, if it lives."""
        try:
            said = json.loads(self.pid_file.read_text())
            pid, started = int(said["pid"]), float(said["started"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return pid if is_alive(pid, started) else None


def runtime_for(store: str) -> Runtime:
    """Return the runtime of the pool for this store, in a folder that only this user can enter.

    Raises
    ------
    PoolError
        When somebody else owns that folder, or may enter it.
    """
    session = os.environ.get("XDG_RUNTIME_DIR")
    parent = Path(session) / "epstudy" if session and Path(session).is_dir() else None
    parent = parent or Path(tempfile.gettempdir()) / f"epstudy-{os.getuid()}"
    parent.mkdir(mode=0o700, exist_ok=True)
    seen = parent.lstat()
    if seen.st_uid != os.getuid() or stat.S_IMODE(seen.st_mode) & 0o077 or not stat.S_ISDIR(seen.st_mode):
        raise PoolError(f"{parent} is not a folder of yours alone (owner and mode 0700 expected); remove it")
    if len(str(parent)) > _LONGEST:
        raise PoolError(f"{parent} is too long for the path of a unix socket; set TMPDIR to a shorter folder")
    return Runtime(parent / hashlib.sha256(store.encode()).hexdigest()[:12])


def start(settings: Settings) -> str:
    """Start the private pool of this store, if it is not there; return the URL of its Redis.

    Raises
    ------
    PoolError
        When it does not come up; the message has the end of its log.
    """
    runtime = runtime_for(settings.store)
    with _locked(runtime):
        keeper = runtime.keeper()
        if keeper is None:
            _clear(runtime)
            _await_start(runtime, settings, _spawn(runtime, settings))
        else:
            _await_redis(runtime, settings, keeper)
    return runtime.url


def stop(settings: Settings, wait_s: float = 15.0) -> bool:
    """End the private pool of this store, running simulations included; False when there was none."""
    runtime = runtime_for(settings.store)
    pid = runtime.keeper()
    if pid is None:
        forget(runtime)
        return False
    started = psutil.Process(pid).create_time()
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + wait_s
    while is_alive(pid, started):
        if time.monotonic() > deadline:
            raise PoolError(f"the keeper (process {pid}) did not end within {wait_s:g} s; see {runtime.keeper_log}")
        time.sleep(0.05)
    return True


def was_killed(settings: Settings) -> bool:
    """Say whether the keeper of this store's pool is dead and did not end by itself: then its folder is still there."""
    runtime = runtime_for(settings.store)
    return runtime.pid_file.exists() and runtime.keeper() is None


def _await_start(runtime: Runtime, settings: Settings, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_S
    while not _answers(runtime, settings):
        if process.poll() is not None or time.monotonic() > deadline:
            raise PoolError(f"the private pool did not start: {_last_words(runtime)}")
        time.sleep(0.01)


def _await_redis(runtime: Runtime, settings: Settings, keeper: int) -> None:
    """A living keeper starts a Redis that died again; its folder is its own, whatever state it is in."""
    deadline = time.monotonic() + _ANSWER_S
    while not _answers(runtime, settings):
        if runtime.keeper() is None or time.monotonic() > deadline:
            raise PoolError(
                f"the Redis of the private pool (keeper: process {keeper}) does not answer; "
                "if it stays so: epstudy pool stop"
            )
        time.sleep(0.05)


def _spawn(runtime: Runtime, settings: Settings) -> subprocess.Popen[bytes]:
    runtime.folder.mkdir(mode=0o700)
    dropped = ("EPSTUDY_REDIS_URL", "EPSTUDY_REDIS_PASSWORD_FILE", "MPLBACKEND")
    environment = {
        **{name: value for name, value in os.environ.items() if name not in dropped},
        "EPSTUDY_STORE": settings.store,
        "EPSTUDY_IDLE_S": str(settings.idle_s),
        **({"EPSTUDY_WORKERS": str(settings.workers)} if settings.workers else {}),
        **({"EPSTUDY_SCRATCH": settings.scratch} if settings.scratch else {}),
        **settings.limits_in_environment(),
        **settings.chores_in_environment(),
    }
    with runtime.keeper_log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "epstudy.workers.keeper", str(runtime.folder)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=runtime.folder,
            env=environment,
            start_new_session=True,  # an interrupt of the kernel's process group does not reach it
        )
    # Whoever started the keeper takes its end note, or it stays in the process table until the kernel ends.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def _answers(runtime: Runtime, settings: Settings) -> bool:
    if not runtime.socket.exists():
        return False
    try:
        Ledger(connect(runtime.url)).attach(settings.idle_s)
    except (PoolError, RedisError):
        return False
    return True


def _last_words(runtime: Runtime) -> str:
    try:
        lines = runtime.keeper_log.read_text(errors="replace").strip().splitlines()
    except FileNotFoundError:
        lines = []
    return " / ".join(lines[-3:]) or "it left no log"


def _clear(runtime: Runtime) -> None:
    """Remove what a keeper left that was killed; its processes died with it."""
    shutil.rmtree(runtime.folder, ignore_errors=True)


def forget(runtime: Runtime) -> None:
    """Remove the folder, its lock and, when it was the last one, the folder around it; not those of a living keeper."""
    if runtime.keeper() not in (None, os.getpid()):
        return
    _clear(runtime)
    runtime.lock_file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        runtime.folder.parent.rmdir()


@contextlib.contextmanager
def _locked(runtime: Runtime) -> Iterator[None]:
    """Hold the lock of a runtime. The file may be removed by an ending keeper, so look whether it is still the one."""
    while True:
        runtime.lock_file.parent.mkdir(mode=0o700, exist_ok=True)
        with runtime.lock_file.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_at(file.fileno(), runtime.lock_file):
                yield
                return


@contextlib.contextmanager
def try_locked(runtime: Runtime) -> Iterator[bool]:
    """Hold the lock if nobody else does; the value inside tells."""
    runtime.lock_file.parent.mkdir(mode=0o700, exist_ok=True)
    with runtime.lock_file.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield _is_at(file.fileno(), runtime.lock_file)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return path.stat().st_ino == os.fstat(descriptor).st_ino
    except FileNotFoundError:
        return False
