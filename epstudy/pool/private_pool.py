"""The private pool: a keeper process with a Redis on a unix socket and workers; one a user, host and store.

The keeper survives interrupt, restart and death of the kernel that started it, and ends itself, its Redis and its
workers when for a while no client came and nothing was left to do. Its folder goes with it. Who may start one, and
where it is found, is for `record.py` to say.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import psutil

from epstudy.core.errors import PoolError
from epstudy.pool.broker.connection import RedisError, connect, socket_url
from epstudy.pool.folders import make_private
from epstudy.pool.ledger.ledger import Ledger
from epstudy.pool.record import Lock, Noted, find, find_killed, find_left, record_paths, take_lock
from epstudy.processes import is_alive
from epstudy.settings import Settings

log = logging.getLogger(__name__)

_ANSWER_S = 2.0  # a Redis that did answer, and does not: the notebook goes on, and the reconciliation finds its study
_TOLD_S = 4.0  # a start that takes longer is told of
_STOP_S = 30.0  # a keeper that takes longer to end is killed, and what it started with it
_LONGEST = 80  # a socket's path holds 107 bytes, on macOS 103; ours adds 23

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Runtime:
    """The folder of one private pool, 0700, and what is in it."""

    folder: Path
    store: str

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        return socket_url(str(self.socket))

    @property
    def keeper_log(self) -> Path:
        return self.folder / "keeper.log"

    @property
    def worker_log(self) -> Path:
        return self.folder / "worker.log"

    @property
    def record(self) -> Path:
        """The file that says where the pool is."""
        return record_paths(self.store)[0]

    def keeper(self) -> int | None:
        """Return the keeper's process id, if it lives."""
        noted = find(self.store)
        return None if noted is None else noted.pid


def runtime_for(store: str) -> Runtime:
    """Return the runtime of the pool for this store; of none yet, in a folder that only this user can enter.

    Raises
    ------
    PoolError
        When somebody else owns that folder, or may enter it.
    """
    noted = find(store)
    return _new_runtime(store) if noted is None else Runtime(noted.folder, store)


def _new_runtime(store: str) -> Runtime:
    """Not under XDG_RUNTIME_DIR: that is in memory, and goes when its user logs out."""
    parent = Path(tempfile.gettempdir()) / f"epstudy-{os.getuid()}"
    try:
        make_private(parent)
    except OSError as error:
        raise PoolError(str(error)) from error
    if len(str(parent)) > _LONGEST:
        raise PoolError(f"{parent} is too long for the path of a unix socket; set TMPDIR to a shorter folder")
    return Runtime(parent / hashlib.sha256(str(record_paths(store)[0]).encode()).hexdigest()[:12], store)


def start(settings: Settings, say: Say = lambda _: None) -> str:
    """Start the private pool of this store, if it is not there; return the URL of its Redis.

    A start may take as long as it lasts, and is told of by `say` when that is long. An interrupt ends the waiting and
    not the start: the next call finds it.

    Raises
    ------
    PoolError
        When it does not come up; the message has the end of its log. When its Redis, which answered before, does not.
    """
    starting = Start(settings, say)
    while True:
        url = starting.look()
        if url:
            return url
        time.sleep(0.02)


class Start:
    """The start of the private pool of a store, by this process or another one, looked at again and again."""

    def __init__(self, settings: Settings, say: Say = lambda _: None) -> None:
        self._settings = settings
        self._say = say
        self._begun = time.monotonic()
        self._silent_since: float | None = None
        self._told = False
        self._process: subprocess.Popen[bytes] | None = None
        self._log: BinaryIO | None = None
        self._left: tuple[int, float] | None = None

    def look(self) -> str:
        """Return the URL of the pool's Redis once it answers; until then begin what is to be begun. Waits 1 s at most.

        Raises
        ------
        PoolError
            As `start`.
        """
        noted = find(self._settings.store)
        if noted is not None and noted.ready:
            return self._attached(noted)
        self._silent_since = None
        if noted is None and (self._process is None or self._ended()):
            self._begin()
        self._tell(noted)
        return ""

    def _attached(self, noted: Noted) -> str:
        """The URL of a pool that takes note of this client. One that is just ending says so in its record first."""
        url = url_of(noted)
        try:
            Ledger(connect(url)).attach(self._settings.idle_s)
        except (PoolError, RedisError) as error:
            now = time.monotonic()
            self._silent_since = self._silent_since or now
            if now - self._silent_since < _ANSWER_S:
                return ""
            raise PoolError(
                f"the Redis of the private pool (keeper: process {noted.pid}, {noted.folder}) does not answer; "
                "if it stays so: epstudy pool stop"
            ) from error
        return url if find(self._settings.store) == noted else ""

    def _ended(self) -> bool:
        """Whether the keeper that was started here has ended in order; one that failed is an error."""
        assert self._process is not None
        code = self._process.poll()
        if code:
            assert self._log is not None
            raise PoolError(f"the private pool did not start: {_last_words(self._log, code)}")
        return code is not None

    def _begin(self) -> None:
        """Start a keeper, unless another process is just doing so."""
        lock = take_lock(self._settings.store)
        if lock is None:
            self._end_left()
            return
        try:
            if find(self._settings.store) is not None:
                return
            older = _older_keeper(self._settings.store)
            if older is not None:
                lock.write(older)
                return
            runtime = _new_runtime(self._settings.store)
            _clear(runtime.folder, self._settings.store)
            runtime.folder.mkdir(mode=0o700)
            self._log = runtime.keeper_log.open("a+b")  # it is read also when the keeper has removed its folder
            self._process = _spawn(runtime, self._settings, lock, self._log)
        except OSError as error:
            raise PoolError(f"the private pool cannot be started: {error}") from error
        finally:
            lock.close()  # the keeper has it, too

    def _end_left(self) -> None:
        """End the pool that waits where the store was before it was renamed: it holds the lock, and does nothing."""
        left = find_left(self._settings.store)
        if left is None or left.path is None:
            return
        number = None
        if self._left is None or self._left[0] != left.pid:
            self._left = (left.pid, time.monotonic())
            self._say(f"the store was renamed; the pool that waits for it in {left.path.parent.parent} is ended")
            number = signal.SIGTERM
        elif time.monotonic() - self._left[1] > _STOP_S:
            number = signal.SIGKILL
        if number is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(left.pid, number)

    def _tell(self, noted: Noted | None) -> None:
        if not self._told and time.monotonic() - self._begun > _TOLD_S:
            self._told = True
            who = f" (process {noted.pid}, log {noted.folder / 'keeper.log'})" if noted else ""
            self._say(f"the private pool is starting{who}; a busy machine takes its time")


def stop(settings: Settings, wait_s: float = _STOP_S) -> bool:
    """End the private pool of this store, running simulations included; False when there was none.

    One that does not end in order within `wait_s` is killed; what it ran is begun again by the next one.
    """
    noted = find(settings.store) or find_left(settings.store)
    if noted is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(noted.pid, signal.SIGTERM)
            if not _gone(noted, wait_s):
                os.kill(noted.pid, signal.SIGKILL)
                _gone(noted, wait_s)
    _forget_killed(settings.store)
    return noted is not None


def is_ready(settings: Settings) -> bool:
    """Say whether the private pool of this store is there, and has started."""
    noted = find(settings.store)
    return noted is not None and noted.ready


def url_if_ready(settings: Settings) -> str:
    """Return the URL of the Redis of this store's private pool, for a look; empty when it is not there."""
    noted = find(settings.store)
    return url_of(noted) if noted is not None and noted.ready else ""


def was_killed(settings: Settings) -> bool:
    """Say whether the keeper of this store's pool is dead and did not end by itself: then its record is still there."""
    killed = find_killed(settings.store)
    return killed is not None and (not killed.older or (killed.folder / "keeper.json").exists())


def url_of(noted: Noted) -> str:
    """Return the URL of a pool's Redis as this process reaches it: some services have a /tmp of their own."""
    path = Runtime(noted.folder, "").socket
    if not path.exists():
        beyond = Path(f"/proc/{noted.pid}/root{path}")
        with contextlib.suppress(OSError):
            path = beyond if beyond.exists() else path
    return socket_url(str(path))


def forget(runtime: Runtime) -> None:
    """Remove the folder of a pool and, when it was the last one, the folder around it."""
    shutil.rmtree(runtime.folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        runtime.folder.parent.rmdir()


def _gone(noted: Noted, wait_s: float) -> bool:
    deadline = time.monotonic() + wait_s
    while noted.alive and time.monotonic() < deadline:
        time.sleep(0.05)
    return not noted.alive


def _forget_killed(store: str) -> None:
    """Remove what a keeper left that was killed."""
    if find_killed(store) is None:
        return
    lock = take_lock(store)
    if lock is None:
        return  # another one is starting
    try:
        if find(store) is None:
            _clear(None, store)
            lock.remove()
    finally:
        lock.close()


def _clear(folder: Path | None, store: str) -> None:
    """Remove what a keeper left that was killed; its processes died with it."""
    killed = find_killed(store)
    for left in {folder, killed.folder if killed else None} - {None}:
        assert left is not None
        shutil.rmtree(left, ignore_errors=True)


def _spawn(runtime: Runtime, settings: Settings, lock: Lock, output: BinaryIO) -> subprocess.Popen[bytes]:
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
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "epstudy.pool.supervisor.keeper", str(runtime.folder)),
            *(str(lock.path), str(lock.descriptor)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        env=environment,
        pass_fds=[lock.descriptor],
        start_new_session=True,  # an interrupt of the kernel's process group does not reach it
    )
    with contextlib.suppress(psutil.NoSuchProcess):  # it writes the same; but until then it could not be stopped
        lock.write(Noted(process.pid, psutil.Process(process.pid).create_time(), runtime.folder, ready=False))
    # Whoever started the keeper reaps it; else it is a zombie until the kernel ends.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def _older_keeper(store: str) -> Noted | None:
    """A living keeper of this store that an epstudy of before 0.12 started, which wrote no record."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.uids().real != os.getuid():
                continue
            words = process.cmdline()
            if words[-2:-1] == ["epstudy.workers.keeper"]:
                folder = Path(words[-1])
                if process.environ().get("EPSTUDY_STORE") == store and is_alive(process.pid, process.create_time()):
                    return Noted(process.pid, process.create_time(), folder, ready=True, older=True)
    return None


def _last_words(file: BinaryIO, code: int) -> str:
    file.seek(0)
    lines = file.read().decode(errors="replace").strip().splitlines()
    if lines:
        return " / ".join(lines[-3:])
    return f"its process was ended by {signal.Signals(-code).name}" if code < 0 else f"it ended with code {code}"
