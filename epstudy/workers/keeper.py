"""The keeper's process: `python -m epstudy.workers.keeper FOLDER`, started by `local.start`.

First the private Redis, then the workers; both die with the keeper. It ends by SIGTERM, or when it was idle: no client
for `idle_s` seconds and no unfinished study.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from epstudy.core.errors import EpstudyError
from epstudy.settings import Settings
from epstudy.workers.connection import RedisError
from epstudy.workers.local import Runtime, forget, try_locked
from epstudy.workers.processes import die_with_parent, identity_of_this_process, kill_group, redis_server
from epstudy.workers.supervisor import StopSignals, Supervisor

log = logging.getLogger(__name__)

_TICK_S = 0.25


def main() -> None:
    """Keep a private pool until it is idle or told to end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    runtime = Runtime(Path(sys.argv[1]))
    with StopSignals() as stop:  # first of all: whoever reads the process id may send one
        runtime.pid_file.write_text(json.dumps(identity_of_this_process()))
        keeper = Keeper(runtime, Settings.load())
        try:
            keeper.keep(lambda: stop.came)
        except EpstudyError as error:
            raise SystemExit(str(error)) from error
        finally:
            keeper.end()


class Keeper:
    """A private Redis and the worker on it."""

    def __init__(self, runtime: Runtime, settings: Settings) -> None:
        self._runtime = runtime
        self._idle_s = settings.idle_s
        self._redis = start_redis(runtime)
        self._scratch = Path(settings.scratch or runtime.folder) / f"scratch-{runtime.folder.name}"
        self._supervisor = Supervisor(settings, runtime.url, self._scratch, runtime.worker_log)
        self._supervisor.start()
        self._ended = False

    def keep(self, stopped: Callable[[], bool]) -> None:
        """Look after both until told to stop, or nobody needs them."""
        needed = time.monotonic()
        while not stopped():
            self._supervisor.tick()
            if self._redis.poll() is not None:
                log.warning("the private Redis ended with code %s; another one is started", self._redis.returncode)
                self._redis = start_redis(self._runtime)
            if self._is_needed():
                needed = time.monotonic()
            elif time.monotonic() - needed > 1.0:
                with try_locked(self._runtime) as alone:  # no client is just coming in
                    if alone and not self._is_needed():
                        self.end()  # under the lock: who comes in meanwhile waits, and starts another pool
                        return
            time.sleep(_TICK_S)

    def end(self) -> None:
        """End everything and remove the folder, once: it may be that of another pool then."""
        if self._ended:
            return
        self._ended = True
        self._supervisor.stop(wait_s=0)
        kill_group(self._redis, wait_s=2)
        shutil.rmtree(self._scratch, ignore_errors=True)
        forget(self._runtime)

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
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=partial(die_with_parent, os.getpid()),  # safe: the keeper has one thread
    )


if __name__ == "__main__":
    main()
