"""The supervisor: keeps one Celery worker alive, says that it lives, and reconciles.

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
import uuid
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import psutil
from kombu.exceptions import KombuError

from epstudy.core.errors import EpstudyError, PoolError, StoreError
from epstudy.core.extras import has_extra
from epstudy.core.manifest import MANIFEST_FORMAT, Manifest
from epstudy.core.version import VERSION
from epstudy.engines import abilities, installed
from epstudy.pool.broker.app import QUEUE, make_app, publish, queue_keys, queue_of
from epstudy.pool.broker.connection import ANSWER_S, RedisError, connect, set_aside, warn_of_foreign
from epstudy.pool.folders import Locked, make_folder, make_scratch
from epstudy.pool.ledger.ledger import Ledger, Mark, Running
from epstudy.pool.supervisor.chores import Chores
from epstudy.pool.supervisor.reconcile import RECONCILE_S, Reconciler, pool_name
from epstudy.pool.supervisor.reporter import Reporter
from epstudy.pool.worker.resize import forget_slots, write_slots
from epstudy.processes import default_slots, is_running, kill_group, worker_name
from epstudy.settings import Settings, mask
from epstudy.store import Store

log = logging.getLogger(__name__)

_TICK_S = 0.25
_TOO_SHORT_S = 5.0
_FIRST_ANSWER_S = 60.0  # of a Redis that is there; where none is, that is known at once
DRAIN_S = 3600.0  # what runs may finish in this time; docker-compose.yml gives a container a little more
_PATIENCE = 5  # first starts in a row that ended at once: it will never be well
_LONGEST_PAUSE_S = 5.0  # between two starts of a Celery worker that ends at once, as when Redis is full
_SCRATCH = f"epstudy-worker-{socket.gethostname()}-"
_LOOK_S = 0.5  # how often the private Redis is asked for another number of slots
_CLEAR_S = 30.0  # how often what killed processes left in the store is removed


class Supervisor:
    """One Celery worker with its children, on one Redis and one store."""

    def __init__(self, settings: Settings, redis_url: str, scratch: Path, log_file: Path | None = None) -> None:
        self.slots = settings.workers or default_slots()
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._settings = settings
        self._url = redis_url
        self._scratch = scratch
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._lived = False
        self._short_lives = 0
        self._next_look = 0.0
        self._next_reconciliation = 0.0
        self._next_word = 0.0
        self._next_clearing = 0.0
        self._told = ""
        self._files_ahead_s: float | None = None
        self._store = Store(settings.store)
        self._identity = ""  # of the store, once it was seen: children that are started later know it, too
        self._chores = Chores(settings, self._store, self.ledger, log_file)
        self._private = settings.broker_url() is None  # then whoever runs a study is whoever owns the worker
        self._allow_code = self._private if settings.allow_code is None else settings.allow_code
        self._executes_reports = self._allow_code and has_extra("report")
        self._abilities = abilities()
        self._engines = installed()
        self._queue_keys = [key for queue in (QUEUE, *map(queue_of, self._abilities)) for key in queue_keys(queue)]
        self._ledger: Ledger | None = None
        self.reporter = Reporter(
            self._store,
            pool_name(private=self._private),
            self.name,
            scratch / "reports",
            self._environment(),
            allowed=self._executes_reports,
        )
        self._reconciler: Reconciler | None = None
        self._locked = Locked()

    def start(self) -> None:
        """Start the Celery worker."""
        self._seen_store()
        self._make_folders()
        forget_slots(self._scratch)
        environment = {
            **os.environ,
            **self._environment(),
            "EPSTUDY_REDIS_URL": self._settings.redis_url or self._url,
            "EPSTUDY_WORKERS": str(self.slots),
            "EPSTUDY_SCRATCH": str(self._scratch),
            "EPSTUDY_ALLOW_CODE": "1" if self._allow_code else "0",
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(self._scratch / "tmp"),  # what killed children leave goes with the pool
        }
        output = None if self._log_file is None else self._log_file.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "epstudy.pool.worker.serve", str(os.getpid()), self.name, self._identity],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
        self._started = time.monotonic()
        if output is not None:
            output.close()

    def _make_folders(self) -> None:
        """Make the folders that simulations need, also when somebody cleaned them away, and keep systemd from that."""
        self._locked.hold(make_scratch(self._scratch))
        if self._log_file is not None:
            make_folder(self._log_file.parent)

    def _environment(self) -> dict[str, str]:
        """The settings of this worker for its processes, wherever they run; a password in a file stays there."""
        return {
            "EPSTUDY_REDIS_URL": self._settings.redis_url or "",
            "EPSTUDY_REDIS_PASSWORD_FILE": _absolute(self._settings.redis_password_file),
            "EPSTUDY_STORE": self._settings.store,
            "EPSTUDY_ENERGYPLUS_DIR": _absolute(self._settings.energyplus_dir),
            **self._settings.limits_in_environment(),
        }

    def tick(self) -> None:
        """Do what is due. Redis may be away: then this worker waits for it.

        Raises
        ------
        PoolError
            When the Celery worker ends at once, again and again.
        """
        try:
            self._make_folders()
        except OSError as error:
            log.warning("the folder of simulations cannot be made again: %s", error)
        self._restart_if_dead()
        self._change_slots_if_due()
        self._reconcile_if_due()
        self._chores.tick()

    def _change_slots_if_due(self) -> None:
        """Have the Celery worker of a private pool follow what was asked of it; nothing asked changes nothing."""
        if not self._private or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_S
        try:
            ledger = self.ledger()
            wanted = ledger.slots()
            if wanted is None or wanted == self.slots:
                return
            write_slots(self._scratch, wanted)
            log.info("%s slots from now on, instead of %s", wanted, self.slots)
            self.slots = wanted
            ledger.announce(self.name, self._about())
        except (RedisError, EpstudyError, OSError) as error:
            log.warning("the number of slots stays at %s: %s", self.slots, error)

    def _reconcile_if_due(self) -> None:
        if time.monotonic() < self._next_reconciliation:
            return
        self._next_reconciliation = time.monotonic() + RECONCILE_S
        self._tidy()
        try:
            ledger = self.ledger()
            self._announce(ledger)
            warn_of_foreign(set_aside(ledger.redis, self._queue_keys))  # a Celery that starts would end of it
            self._reconcile(ledger)
            self._look_at_reports(ledger)
            self._told = ""
        except (RedisError, EpstudyError, OSError) as error:
            self._warn(f"no reconciliation: {error}")

    def _warn(self, text: str) -> None:
        """Log what is wrong, once for as long as it stays so."""
        if text != self._told:
            log.warning("%s", text)
        self._told = text

    def _tidy(self) -> None:
        try:
            self.reporter.heed()
            self._clear()
        except (EpstudyError, OSError) as error:
            log.debug("nothing was tidied up: %s", error)  # the reconciliation tells why the store cannot be read

    def _look_at_reports(self, ledger: Ledger) -> None:
        try:
            self.reporter.look(ledger)
        except (RedisError, EpstudyError, OSError) as error:
            log.warning("reports are not looked after: %s", error)
        except Exception:  # whatever is wrong with a report, variants go on
            log.exception("reports are not looked after")

    def _announce(self, ledger: Ledger) -> None:
        """Say that this worker and its report live, unless it just did: also in the middle of a long reconciliation."""
        if time.monotonic() >= self._next_word:
            self._next_word = time.monotonic() + RECONCILE_S / 2
            ledger.announce(self.name, self._about())
            self.reporter.renew(ledger)

    def _clear(self) -> None:
        """Remove what killed processes left: run folders, and now and then unfinished files in the store."""
        for folder in (self._scratch / "runs").glob("*"):
            owner = folder.name.partition("-")[0]
            if owner.isdigit() and not is_running(int(owner)):
                shutil.rmtree(folder, ignore_errors=True)
        if time.monotonic() >= self._next_clearing:
            self._next_clearing = time.monotonic() + _CLEAR_S
            self._store.clear_parts()
            self._files_ahead_s = self._store.clock_ahead_s() if self._seen_store() else None

    def ledger(self) -> Ledger:
        """Return the ledger, connected."""
        if self._ledger is None:
            self._ledger = Ledger(connect(self._url))
        return self._ledger

    def stop(self, wait_s: float, hurry: Callable[[], bool] = lambda: False) -> None:
        """End the worker: it finishes what it runs, if that takes no longer than `wait_s` and nobody is in a hurry.

        What it does not finish is put back: another worker begins it anew, and it does not count as an attempt.
        """
        self._stop_report()
        self._locked.close()
        if self._process is not None and wait_s > 0:
            self._drain(wait_s, hurry)
        self._chores.stop()
        children = self._children()
        if self._process is not None:
            kill_group(self._process, 0)
        try:
            self._store.undo_attempts_of(children)  # first: Redis may be away, and this must not count all the same
            if self._ledger is not None:
                self._put_back(self._ledger)
                self._ledger.retire(self.name)
        except (RedisError, EpstudyError) as error:
            log.warning("the ledger was not told: %s", error)

    def _stop_report(self) -> None:
        """End the report that is being executed: it waits for variants, and this worker takes no more."""
        try:
            self.reporter.stop(self._ledger)
        except (RedisError, EpstudyError) as error:
            log.warning("the report that was being executed counts as lost: %s", error)

    def _children(self) -> set[str]:
        """The slots, by the names that they have in the store."""
        if self._process is None:
            return set()
        try:
            children = psutil.Process(self._process.pid).children()
        except psutil.NoSuchProcess:
            return set()
        return {worker_name(child.pid) for child in children}

    def _drain(self, wait_s: float, hurry: Callable[[], bool]) -> None:
        """Have Celery take no more and finish what it runs: SIGTERM to its main process alone, not to its children."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + wait_s
        while self._process.poll() is None and time.monotonic() < deadline and not hurry():
            self._reconcile_if_due()
            time.sleep(_TICK_S)

    def _put_back(self, ledger: Ledger) -> None:
        """Give back what the killed children were running."""
        for study in ledger.active():
            for one in ledger.running(study):
                digest = ledger.digest(study)
                if one.supervisor == self.name and digest is not None and ledger.expire(study, one):
                    self._store.undo_attempt(one.key, one.token)
                    ledger.move(study, digest, [Mark.RUNNING], Mark.PENDING, [one.index])

    def _restart_if_dead(self) -> None:
        """Another Celery worker for one that ended; one that ends at once is given time, as Redis may be full."""
        assert self._process is not None
        code = self._process.poll()
        lasted = time.monotonic() - self._started
        if code is None:
            self._lived = self._lived or bool(psutil.Process(self._process.pid).children())  # it had slots
            return
        if lasted < min(self._short_lives, _LONGEST_PAUSE_S):
            return
        self._short_lives = self._short_lives + 1 if lasted < _TOO_SHORT_S else 0
        if self._short_lives >= _PATIENCE and not self._lived:
            raise PoolError(
                f"the Celery worker ended {_PATIENCE} times in a row as soon as it was started (code {code})"
            )
        log.warning("the Celery worker ended with code %s; another one is started", code)
        self.start()

    def _is_dead(self, one: Running) -> bool:
        """Whether a child of this very worker was killed: then nobody waits for its lease."""
        return one.supervisor == self.name and not is_running(int(one.worker.rpartition(":")[2]))

    def _reconcile(self, ledger: Ledger) -> None:
        if self._reconciler is None:
            app = make_app(self._url, answer_s=ANSWER_S)

            def send(manifest: Manifest, indices: list[int]) -> None:
                try:
                    publish(app, manifest, indices)
                except KombuError as error:
                    raise PoolError(f"Redis took no messages: {error}") from error

            name = pool_name(private=self._private)
            self._reconciler = Reconciler(
                ledger, self._store, send, name, self._is_dead, alive=lambda: self._announce(ledger)
            )
        self._reconciler.reconcile_all()

    def _seen_store(self) -> str:
        """What tells the store from a copy; empty while it is not there, or another one is. Its identity is kept."""
        try:
            self._identity = self._store.identity()
            return self._store.where()
        except StoreError:
            return ""

    def _about(self) -> dict[str, object]:
        where = self._seen_store()
        return {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "slots": self.slots,
            "epstudy": VERSION,
            "manifest": MANIFEST_FORMAT,
            "store": self._identity,  # also while it is gone: then nobody begins another one in its place
            "where": where,
            "path": self._store.url,
            "clock": time.time(),
            "files_ahead": self._files_ahead_s,
            "free": shutil.disk_usage(self._scratch).free if self._scratch.is_dir() else None,
            "engines": self._engines,
            "abilities": self._abilities,
            "allow_code": self._allow_code,
            "reports": self._executes_reports,
        }


def _absolute(path: str | None) -> str:
    return str(Path(path).expanduser().absolute()) if path else ""


def run_worker(settings: Settings) -> None:
    """Be a worker of the group's pool until it is told to end.

    SIGTERM and Ctrl-C: what runs is finished first. SIGQUIT, or a second one: what runs is put back at once.
    """
    url = settings.broker_url()
    if url is None:
        raise PoolError(
            "a worker needs the group's Redis: set EPSTUDY_REDIS_URL (and EPSTUDY_STORE). "
            "Without it `study.run()` starts a private pool by itself"
        )
    connect(url, answer_s=_FIRST_ANSWER_S)
    _check_store(settings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with (
        tempfile.TemporaryDirectory(prefix=f"{_SCRATCH}{os.getpid()}-", dir=_cleared_scratch(settings)) as scratch,
        StopSignals() as stop,
    ):
        supervisor = Supervisor(settings, url, Path(scratch))
        log.info(
            "worker %s: %s slots, Redis %s, store %s", supervisor.name, supervisor.slots, mask(url), settings.store
        )
        supervisor.start()
        try:
            while not stop.came:
                supervisor.tick()
                time.sleep(_TICK_S)
        finally:
            supervisor.stop(wait_s=0 if stop.hurry else DRAIN_S, hurry=lambda: stop.hurry)


def _cleared_scratch(settings: Settings) -> str | None:
    """Where workers make their folders, without those of workers of this user and host that were killed."""
    for folder in Path(settings.scratch or tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        owner = folder.name.removeprefix(_SCRATCH).partition("-")[0]
        if owner.isdigit() and not is_running(int(owner)):  # another worker may clear at the same moment
            shutil.rmtree(folder, ignore_errors=True)  # another user's stays: it is not ours to remove
    return settings.scratch


def _check_store(settings: Settings) -> None:
    """A worker that cannot write its store would take every variant and keep none."""
    store = Store(settings.store)
    try:
        if not store.identity():
            store.check_place()
            log.warning("there is no store in %s yet: is it mounted? Else the first run() makes one", store.url)
    except StoreError as error:
        who = f"user id {os.getuid()}" if hasattr(os, "getuid") else "this user"
        raise StoreError(f"{error}; it must be a folder that {who} may write") from error


class StopSignals:
    """While inside, SIGTERM, SIGINT and SIGQUIT are noted and not obeyed.

    `came` says whether one did, `hurry` whether what runs is not to be waited for: SIGQUIT, or a second signal.
    """

    def __enter__(self) -> StopSignals:
        self.came = self.hurry = False
        numbers = [signal.SIGTERM, signal.SIGINT, *([signal.SIGQUIT] if hasattr(signal, "SIGQUIT") else [])]
        self._before = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.hurry = self.came or number == getattr(signal, "SIGQUIT", None)
        self.came = True
