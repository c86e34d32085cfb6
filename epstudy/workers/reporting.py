"""Queued reports: a supervisor executes them beside its slots, one at a time, each in a process of its own.

A report mostly waits for its variants. In a slot it would hold up what it waits for.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from epstudy.core.errors import InputError
from epstudy.core.outcome import Attempt, Cause
from epstudy.core.retrying import epitaph, given_up, pause_s
from epstudy.store import ReportEnd, ReportRequest, Store
from epstudy.workers.ledger import LEASE_S, Ledger

log = logging.getLogger(__name__)

#: The exit code of a report's process that could not write to the store.
NOT_STORED = 75

_SURE_S = 5.0  # whoever executes a report that Redis forgot says so within this time
_END_S = 10.0  # how long a kernel may take to end
_RETRIES = 2
_LAST_LINES = 3


@dataclass
class _Running:
    """The report that is being executed: its process, and since when it is asked to end."""

    request: ReportRequest
    token: str
    process: subprocess.Popen[bytes]
    folder: Path
    cancelled_at: float | None = None


class Reporter:
    """Executes the queued reports of one pool, one at a time.

    `environment` are the settings that the process of a report has besides this one's; `name` is the supervisor's.
    """

    def __init__(
        self, store: Store, pool: str, name: str, folder: Path, environment: Mapping[str, str], allowed: bool
    ) -> None:
        self._store = store
        self._pool = pool
        self._name = name
        self._folder = folder
        self._environment = environment
        self._allowed = allowed
        self._running: _Running | None = None
        self._waiting = False
        self._unheld: dict[str, float] = {}  # since when nobody seems to execute a report that was begun

    def is_needed(self) -> bool:
        """Say whether a report is being executed or waits for that, by the last look."""
        return self._running is not None or self._waiting

    def look(self, ledger: Ledger) -> None:
        """Look after the report that is being executed; when there is none, begin with the next one."""
        if self._running is not None:
            self._look_after(self._running, ledger)
        asked = self._store.reports.asked(self._pool) if self._allowed else []
        self._waiting = bool(asked)
        for identity in asked:
            if self._running is None:
                self._begin_or_end(identity, ledger)

    def renew(self, ledger: Ledger) -> bool:
        """Renew the lease of the report that is being executed; False when another supervisor has it now."""
        if self._running is None:
            return True
        return ledger.hold(_held(self._running.request.identity), self._running.token, LEASE_S)

    def stop(self, ledger: Ledger | None) -> None:
        """End the report that is being executed; another supervisor begins it anew, and this one begins no more."""
        self._allowed = False
        if self._running is None:
            return
        running, self._running = self._running, None
        _kill(running.process)
        shutil.rmtree(running.folder, ignore_errors=True)
        self._store.undo_attempt(running.request.key, running.token)  # stopped on purpose: it does not count
        if ledger is not None:
            ledger.let_go(_held(running.request.identity), running.token)

    def _begin_or_end(self, identity: str, ledger: Ledger) -> None:
        """Begin with a report, unless somebody has; end it when it is not wanted, or was tried often enough."""
        try:
            request = self._store.reports.request(identity)
        except InputError as error:
            log.warning("%s", error)
            self._store.reports.unask(identity)
            return
        if ledger.is_held(_held(identity)):
            self._unheld.pop(identity, None)
            return
        attempts = self._store.attempts(request.key)
        if any(not attempt.ended for attempt in attempts) and not self._is_unheld_for_long(identity):
            return
        if attempts and time.time() < datetime.fromisoformat(attempts[-1].started).timestamp() + pause_s(attempts):
            return
        token = uuid.uuid4().hex
        if not ledger.hold(_held(identity), token, LEASE_S):
            return
        self._unheld.pop(identity, None)
        if self._store.reports.end(identity) is not None:  # whoever executed it died since
            self._end(request, None, token, ledger)
            return
        if self._store.reports.is_cancelled(identity):
            self._end(request, ReportEnd("cancelled"), token, ledger)
            return
        cause = given_up(attempts, _RETRIES)
        if cause is not None:
            trouble = epitaph(attempts, cause).replace("; retry() tries it again", "; queue it again")
            self._end(request, ReportEnd("ended", troubles=(trouble,)), token, ledger)
            return
        self._begin(request, token)

    def _is_unheld_for_long(self, identity: str) -> bool:
        since = self._unheld.setdefault(identity, time.monotonic())
        return time.monotonic() - since >= _SURE_S

    def _begin(self, request: ReportRequest, token: str) -> None:
        self._store.begin_attempt(request.key, Attempt(self._name, _now(), token=token))
        folder = self._folder / token
        folder.mkdir(mode=0o700, parents=True)
        with (folder / "log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "epstudy.report.queued", str(os.getpid()), request.identity, str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env={**os.environ, **self._environment, "EPSTUDY_USER": request.user},
                start_new_session=True,
            )
        log.info("report %s (%s) is executed by process %s", request.identity, request.notebook, process.pid)
        self._running = _Running(request, token, process, folder)

    def _look_after(self, running: _Running, ledger: Ledger) -> None:
        if running.process.poll() is not None:
            self._take_note_of_end(running, ledger)
        elif not self.renew(ledger):
            log.warning("report %s is executed by another worker, too; it is ended here", running.request.identity)
            self._running = None
            _kill(running.process)
            shutil.rmtree(running.folder, ignore_errors=True)
        elif self._store.reports.is_cancelled(running.request.identity):
            self._cancel(running)

    def _cancel(self, running: _Running) -> None:
        """Ask the process to end its kernel; make it, when it takes too long."""
        if running.cancelled_at is None:
            running.cancelled_at = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
        elif time.monotonic() - running.cancelled_at > _END_S:
            _kill(running.process)

    def _take_note_of_end(self, running: _Running, ledger: Ledger) -> None:
        """A process that wrote no end crashed, was cancelled, or could not write: what crashed is tried again."""
        request, code = running.request, running.process.returncode
        if self._store.reports.end(request.identity) is not None:
            self._end(request, None, running.token, ledger)
        elif self._store.reports.is_cancelled(request.identity):
            self._end(request, ReportEnd("cancelled"), running.token, ledger)
        else:
            cause = Cause.INFRASTRUCTURE if code == NOT_STORED else Cause.CRASH
            log.warning(
                "report %s: its process ended with code %s: %s", request.identity, code, _last_words(running.folder)
            )
            self._store.end_attempt(request.key, cause, running.token)
            ledger.let_go(_held(request.identity), running.token)
        self._running = None
        shutil.rmtree(running.folder, ignore_errors=True)

    def _end(self, request: ReportRequest, end: ReportEnd | None, token: str, ledger: Ledger) -> None:
        """Note what came of a report, unless that is there, and forget its tries."""
        if end is not None:
            self._store.reports.put_end(request.identity, replace(end, ended_at=_now()))
        self._store.forget_attempts([request.key])
        self._store.reports.unask(request.identity)
        ledger.let_go(_held(request.identity), token)


def is_executed(ledger: Ledger, identity: str) -> bool:
    """Say whether somebody executes a report now."""
    return ledger.is_held(_held(identity))


def _held(identity: str) -> str:
    return f"report:{identity}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _last_words(folder: Path) -> str:
    try:
        lines = (folder / "log").read_text(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return " / ".join(lines[-_LAST_LINES:]) or "it says nothing"


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the process of a report, its kernel, and what that started."""
    with contextlib.suppress(psutil.NoSuchProcess):
        main = psutil.Process(process.pid)
        for one in [main, *main.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
    process.wait()
