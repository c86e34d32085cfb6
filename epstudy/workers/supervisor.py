"""The supervisor: keeps one Celery worker alive, says that it lives, and sweeps.

`epstudy worker` is one, and the keeper of a private pool has one.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import psutil
from kombu.exceptions import KombuError

from epstudy.core.errors import EpstudyError, PoolError, StoreError
from epstudy.core.manifest import MANIFEST_FORMAT, Manifest
from epstudy.core.version import VERSION
from epstudy.engines import abilities
from epstudy.settings import Settings, mask
from epstudy.store import Store
from epstudy.workers.app import make_app, publish
from epstudy.workers.connection import RedisError, connect
from epstudy.workers.ledger import Ledger
from epstudy.workers.processes import default_slots, kill_group
from epstudy.workers.sweep import SWEEP_S, Sweeper

log = logging.getLogger(__name__)

_TICK_S = 0.25
_TOO_SHORT_S = 5.0
DRAIN_S = 3600.0  # what runs may finish in this time; docker-compose.yml gives a container a little more
_PATIENCE = 5  # starts in a row that ended at once


class Supervisor:
    """One Celery worker with its children, on one Redis and one store."""

    def __init__(self, settings: Settings, redis_url: str, scratch: Path, log_file: Path | None = None) -> None:
        self.slots = settings.workers or default_slots()
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self._settings = settings
        self._url = redis_url
        self._scratch = scratch
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._short_lives = 0
        self._next_sweep = 0.0
        self._store = Store(settings.store)
        private = settings.broker_url() is None  # then whoever runs a study is whoever owns the worker
        self._allow_code = private if settings.allow_code is None else settings.allow_code
        self._abilities = abilities()
        self._ledger: Ledger | None = None
        self._sweeper: Sweeper | None = None

    def start(self) -> None:
        """Start the Celery worker."""
        for name in ("runs", "tmp"):
            (self._scratch / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        environment = {
            **os.environ,
            # as it was set, so that a password in a file stays there
            "EPSTUDY_REDIS_URL": self._settings.redis_url or self._url,
            "EPSTUDY_REDIS_PASSWORD_FILE": self._settings.redis_password_file or "",
            "EPSTUDY_STORE": self._settings.store,
            "EPSTUDY_WORKERS": str(self.slots),
            "EPSTUDY_SCRATCH": str(self._scratch),
            "EPSTUDY_ALLOW_CODE": "1" if self._allow_code else "0",
            "EPSTUDY_ENERGYPLUS_DIR": self._settings.energyplus_dir or "",
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(self._scratch / "tmp"),  # what killed children leave goes with the pool
        }
        output = None if self._log_file is None else self._log_file.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "epstudy.workers.serve", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
        self._started = time.monotonic()
        if output is not None:
            output.close()

    def tick(self) -> None:
        """Do what is due. Redis may be away: then this worker waits for it.

        Raises
        ------
        PoolError
            When the Celery worker ends at once, again and again.
        """
        self._restart_if_dead()
        self._sweep_if_due()

    def _sweep_if_due(self) -> None:
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + SWEEP_S
        try:
            ledger = self.ledger()
            self._clear_runs()
            ledger.announce(self.name, self._about())
            self._sweep(ledger)
        except (RedisError, EpstudyError, OSError) as error:
            log.warning("no sweep: %s", error)

    def _clear_runs(self) -> None:
        """Remove the run folders of children that were killed; the others remove their own."""
        for folder in (self._scratch / "runs").glob("*"):
            owner = folder.name.partition("-")[0]
            if owner.isdigit() and not psutil.pid_exists(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)

    def ledger(self) -> Ledger:
        """Return the ledger, connected."""
        if self._ledger is None:
            self._ledger = Ledger(connect(self._url))
        return self._ledger

    def stop(self, wait_s: float) -> None:
        """End the worker: it finishes what it runs, if that takes no longer than `wait_s`."""
        if self._process is not None and wait_s > 0:
            self._drain(wait_s)
        if self._process is not None:
            kill_group(self._process, 0)
        try:
            if self._ledger is not None:
                self._ledger.retire(self.name)
        except RedisError as error:
            log.warning("the ledger was not told: %s", error)

    def _drain(self, wait_s: float) -> None:
        """Have Celery take no more and finish what it runs: SIGTERM to its main process alone, not to its children."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + wait_s
        while self._process.poll() is None and time.monotonic() < deadline:
            self._sweep_if_due()
            time.sleep(_TICK_S)

    def _restart_if_dead(self) -> None:
        assert self._process is not None
        code = self._process.poll()
        if code is None:
            return
        self._short_lives = self._short_lives + 1 if time.monotonic() - self._started < _TOO_SHORT_S else 0
        if self._short_lives >= _PATIENCE:
            raise PoolError(
                f"the Celery worker ended {_PATIENCE} times in a row as soon as it was started (code {code})"
            )
        log.warning("the Celery worker ended with code %s; another one is started", code)
        self.start()

    def _sweep(self, ledger: Ledger) -> None:
        if self._sweeper is None:
            app = make_app(self._url)

            def send(manifest: Manifest, indices: list[int]) -> None:
                try:
                    publish(app, manifest, indices)
                except KombuError as error:
                    raise PoolError(f"Redis took no messages: {error}") from error

            self._sweeper = Sweeper(ledger, self._store, send)
        self._sweeper.sweep_all()

    def _about(self) -> dict[str, object]:
        return {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "slots": self.slots,
            "epstudy": VERSION,
            "manifest": MANIFEST_FORMAT,
            "store": self._store.identity(),
            "abilities": self._abilities,
            "allow_code": self._allow_code,
        }


def run_worker(settings: Settings) -> None:
    """Be a worker of the group's pool until SIGTERM or Ctrl-C; running variants are finished first."""
    url = settings.broker_url()
    if url is None:
        raise PoolError(
            "a worker needs the group's Redis: set EPSTUDY_REDIS_URL (and EPSTUDY_STORE). "
            "Without it `study.run()` starts a private pool by itself"
        )
    connect(url)
    _check_store(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with (
        tempfile.TemporaryDirectory(prefix="epstudy-worker-", dir=settings.scratch) as scratch,
        stop_signals() as stopped,
    ):
        supervisor = Supervisor(settings, url, Path(scratch))
        log.info(
            "worker %s: %s slots, Redis %s, store %s", supervisor.name, supervisor.slots, mask(url), settings.store
        )
        supervisor.start()
        try:
            while not stopped():
                supervisor.tick()
                time.sleep(_TICK_S)
        finally:
            supervisor.stop(wait_s=DRAIN_S)


def _check_store(settings: Settings) -> None:
    """A worker that cannot write its store would take every variant and keep none."""
    try:
        Store(settings.store).identity()
    except StoreError as error:
        who = f"user id {os.getuid()}" if hasattr(os, "getuid") else "this user"
        raise StoreError(f"{error}; it must be a folder that {who} may write") from error


class stop_signals:  # noqa: N801 - a context manager reads as a word
    """While inside, SIGTERM and SIGINT are noted and not obeyed; the value inside tells whether one came."""

    def __enter__(self) -> Callable[[], bool]:
        self._came = False
        self._before = {number: signal.signal(number, self._note) for number in (signal.SIGTERM, signal.SIGINT)}
        return lambda: self._came

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True
