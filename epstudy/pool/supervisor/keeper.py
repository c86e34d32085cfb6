"""The keeper's process: `python -m epstudy.pool.supervisor.keeper FOLDER RECORD DESCRIPTOR`; `start` begins it.

First the private Redis, then the workers; both die with the keeper. It ends by SIGTERM, or when it was idle: no client
for `idle_s` seconds and no unfinished study. The record of the pool, which it got locked, says whether Redis answers.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from epstudy.core.errors import EpstudyError, PoolError
from epstudy.pool.broker.connection import RedisError, connect
from epstudy.pool.folders import Locked, make_private
from epstudy.pool.ledger.ledger import Ledger
from epstudy.pool.private_pool import Runtime, forget
from epstudy.pool.record import Lock, Noted, lock_again
from epstudy.pool.supervisor.supervisor import StopSignals, Supervisor
from epstudy.processes import die_with_parent, identity_of_this_process, kill_group, redis_server
from epstudy.settings import Settings

log = logging.getLogger(__name__)

_TICK_S = 0.25
_LOOK_S = 0.02  # while Redis starts
_DEATHS = 5  # of a Redis that ended each time before it answered: it will never be well


def main() -> None:
    """Keep a private pool until it is idle or told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with StopSignals() as stop:  # first of all: whoever reads the process id may send one
        settings = Settings.load()
        lock = Lock(int(sys.argv[3]), Path(sys.argv[2]))
        keeper = Keeper(Runtime(Path(sys.argv[1]), settings.store), settings, lock)
        try:
            keeper.keep(lambda: stop.came)
        except (EpstudyError, OSError) as error:
            raise SystemExit(str(error)) from error
        finally:
            keeper.end()


class Keeper:
    """A private Redis and the worker on it."""

    def __init__(self, runtime: Runtime, settings: Settings, lock: Lock) -> None:
        self._runtime = runtime
        self._idle_s = settings.idle_s
        self._lock = lock
        self._redis: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._deaths = 0
        self._scratch = Path(settings.scratch or runtime.folder) / f"scratch-{runtime.folder.name}"
        self._supervisor = Supervisor(settings, runtime.url, self._scratch, runtime.worker_log)
        self._locked = Locked()
        self._me = identity_of_this_process()
        self._store_said = b""
        self._ended = False

    def keep(self, stopped: Callable[[], bool]) -> None:
        """Look after both until told to stop, or nobody needs them.

        Raises
        ------
        PoolError
            When Redis or the Celery worker end at once, again and again.
        OSError
            When the folder cannot be made again that somebody removed.
        """
        self._note(ready=False)
        self._redis = start_redis(self._runtime)
        self._supervisor.start()
        while not stopped() and not self._ready:
            self._look_after_redis()
            time.sleep(_LOOK_S)
        needed = time.monotonic()
        while not stopped():
            self._look_after_folder()
            self._look_after_redis()
            self._supervisor.tick()
            self._keep_record()
            if self._is_needed():
                needed = time.monotonic()
            elif time.monotonic() - needed > 1.0 and self._ends_idle():
                return
            time.sleep(_TICK_S)

    def end(self) -> None:
        """End everything and remove the folder; the record last, which tells this end from a death."""
        if self._ended:
            return
        self._ended = True
        self._note(ready=False)
        self._supervisor.stop(wait_s=0)
        if self._redis is not None:
            kill_group(self._redis, wait_s=2)
        self._locked.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        forget(self._runtime)
        self._lock.remove()

    def _note(self, *, ready: bool) -> None:
        self._ready = ready
        self._lock.write(Noted(int(self._me["pid"]), self._me["started"], self._runtime.folder, ready))

    def _ends_idle(self) -> bool:
        """End, unless a client came just now: the record is withdrawn first, and who came before that has attached."""
        self._note(ready=False)
        if self._is_needed():
            self._note(ready=True)
            return False
        self.end()
        return True

    def _look_after_redis(self) -> None:
        """Start another Redis for one that ended, and say in the record whether it answers."""
        assert self._redis is not None
        if self._redis.poll() is not None:
            self._deaths = 0 if self._ready else self._deaths + 1
            if self._deaths >= _DEATHS:
                code = self._redis.returncode
                raise PoolError(f"the private Redis ended with code {code} as often as it was started")
            log.warning("the private Redis ended with code %s; another one is started", self._redis.returncode)
            self._note(ready=False)
            self._redis = start_redis(self._runtime)
        if not self._ready and self._runtime.socket.exists():
            try:
                Ledger(connect(self._runtime.url)).attach(self._idle_s)  # for who started it, and may be slow to look
            except (RedisError, EpstudyError):
                return
            self._note(ready=True)

    def _look_after_folder(self) -> None:
        """Make the folder again when somebody removed it, or the socket in it, and start another Redis there."""
        if self._ready and not self._runtime.socket.exists() and self._redis is not None:
            log.warning("%s was cleaned away; it is made again", self._runtime.folder)
            self._note(ready=False)
            kill_group(self._redis, wait_s=2)
            self._redis = start_redis(self._runtime)
        self._locked.hold([self._runtime.folder.parent, self._runtime.folder])

    def _keep_record(self) -> None:
        """Write the record again when somebody removed it from the store; another store, or none, gets none."""
        is_there = self._lock.is_in_place()
        if is_there and self._store_said:
            return
        try:
            said = (self._lock.path.parent.parent / "store.json").read_bytes()
        except OSError:
            return
        if is_there:
            self._store_said = said
        elif said == self._store_said:
            again = lock_again(self._lock)
            if again is None:
                raise PoolError(f"another keeper has {self._lock.path}")
            self._lock = again
            self._note(ready=self._ready)

    def _is_needed(self) -> bool:
        """A client was here within the idle time, or a study or report is not finished.

        A study that is paused waits in the store.
        """
        try:
            ledger = self._supervisor.ledger()
            if self._supervisor.reporter.is_needed() or any(
                not ledger.halt(study).paused or ledger.running(study) for study in ledger.active()
            ):
                ledger.attach(self._idle_s)
            return ledger.attached()
        except (RedisError, EpstudyError):
            return True  # a Redis that was just started anew


def start_redis(runtime: Runtime) -> subprocess.Popen[bytes]:
    """Start a Redis on the runtime's socket: no port, no persistence (the store has what matters)."""
    path, version = redis_server()
    log.info("Redis %s: %s", version, path)
    make_private(runtime.folder.parent)
    make_private(runtime.folder)
    runtime.socket.unlink(missing_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(runtime.socket),
        "unixsocketperm": "700",
        "dir": str(runtime.folder),
        "save": "",
        "appendonly": "no",
        "maxmemory": "512mb",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "warning",
    }
    arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
    return subprocess.Popen(
        [path, *arguments],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=partial(die_with_parent, os.getpid()),  # safe: the keeper has one thread
    )


if __name__ == "__main__":
    main()
