"""Queued reports: a supervisor executes them beside its slots, one at a time, each in a process of its own.

A report mostly waits for its variants. In a slot it would hold up what it waits for.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from epstudy.core.errors import EpstudyError, InputError, StoreError
from epstudy.core.outcome import Attempt, Cause
from epstudy.core.retrying import epitaph, given_up, pause_s
from epstudy.pool.ledger.ledger import LEASE_S, Ledger
from epstudy.pool.supervisor.report_process import NOT_EXECUTED, ReportProcess
from epstudy.store import ReportEnd, ReportRequest, Store

log = logging.getLogger(__name__)

_SURE_S = 5.0  # whoever executes a report that Redis forgot says so within this time
_UNWELL_S = 5.0  # how long nothing is begun when no process could be started
_RETRIES = 2


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
        self._running: ReportProcess | None = None
        self._waiting = False
        self._unheld: dict[str, float] = {}  # since when nobody seems to execute a report that was begun
        self._not_before: dict[str, float] = {}
        self._last_words: dict[str, str] = {}
        self._unread: set[str] = set()

    def is_needed(self) -> bool:
        """Say whether a report is being executed or waits for that, by the last look."""
        return self._running is not None or self._waiting

    def heed(self) -> None:
        """Ask the report that is being executed to end, if it is not wanted any more: whether Redis is there or not."""
        running = self._running
        if running is not None and running.code() is None and self._is_unwanted(running.request.identity):
            running.ask_to_end()

    def look(self, ledger: Ledger) -> None:
        """Look after the report that is being executed; when there is none, begin with the next one."""
        if self._running is not None:
            self._unheld.clear()
            self._look_after(self._running, ledger)
        asked = self._store.reports.asked(self._pool) if self._allowed else []
        attended = [self._attend(identity, ledger) for identity in asked]
        self._waiting = any(attended)

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
        running.end()
        self._store.undo_attempt(running.request.key, running.token)  # stopped on purpose: it does not count
        if ledger is not None:
            ledger.let_go(_held(running.request.identity), running.token)

    def _attend(self, identity: str, ledger: Ledger) -> bool:
        """Do what is due for a report, whose trouble is not the others'; False when it cannot be read."""
        try:
            request = self._request(identity)
            if request is not None:
                self._begin_or_end(request, ledger)
        except EpstudyError as error:
            log.warning("report %s is left alone for now: %s", identity, error)
            return True
        return request is not None

    def _is_unwanted(self, identity: str) -> bool:
        return self._store.reports.is_cancelled(identity) or not self._store.reports.is_there(identity)

    def _is_settled(self, identity: str) -> bool:
        """Whether there is nothing to execute: it has ended, or is not wanted."""
        return self._store.reports.is_cancelled(identity) or self._store.reports.end(identity) is not None

    def _request(self, identity: str) -> ReportRequest | None:
        """What is asked for; None for what cannot be read here. What is damaged or gone nobody can execute."""
        try:
            return self._store.reports.request(identity)
        except InputError as error:
            log.warning("%s", error)
            self._store.reports.unask(identity)
        except StoreError as error:
            if identity not in self._unread:
                log.warning("%s", error)
                self._unread.add(identity)
        return None

    def _begin_or_end(self, request: ReportRequest, ledger: Ledger) -> None:
        """Begin with a report, unless somebody has; end it when it is not wanted, or was tried often enough."""
        identity = request.identity
        if ledger.is_held(_held(identity)):
            self._unheld.pop(identity, None)
            return
        if time.monotonic() < self._not_before.get(identity, 0.0) or (self._running and not self._is_settled(identity)):
            return
        begun = any(not attempt.ended for attempt in self._store.attempts(request.key))
        if begun and not self._is_unheld_for_long(identity):
            return
        token = uuid.uuid4().hex
        if not ledger.hold(_held(identity), token, LEASE_S):
            return
        try:
            self._decide(request, token)
        finally:
            if self._running is None or self._running.token != token:
                ledger.let_go(_held(identity), token)

    def _decide(self, request: ReportRequest, token: str) -> None:
        """What to do with a report that nobody executes; the lease is ours."""
        identity = request.identity
        attempts = self._store.attempts(request.key)
        cause = given_up(attempts, _RETRIES)
        if self._store.reports.end(identity) is not None:  # whoever executed it died since
            self._end(request, None)
        elif self._store.reports.is_cancelled(identity):
            self._end(request, ReportEnd("cancelled"))
        elif cause is not None:
            said = epitaph(attempts, cause).replace("; retry() tries it again", "; queue it again")
            words = self._last_words.get(identity)
            self._end(request, ReportEnd("ended", troubles=(f"{said}; its last words: {words}" if words else said,)))
        elif self._running is None:
            self._begin(request, token)

    def _is_unheld_for_long(self, identity: str) -> bool:
        since = self._unheld.setdefault(identity, time.monotonic())
        return time.monotonic() - since >= _SURE_S

    def _begin(self, request: ReportRequest, token: str) -> None:
        """Begin with a report. Where no process can be started that is no try of it."""
        self._unheld.pop(request.identity, None)
        self._store.begin_attempt(request.key, Attempt(self._name, _now(), token=token))
        try:
            self._running = ReportProcess(request, token, self._folder, self._environment)
        except OSError as error:
            self._store.undo_attempt(request.key, token)
            self._not_before[request.identity] = time.monotonic() + _UNWELL_S
            log.warning("report %s: %s", request.identity, error)
            return
        log.info("report %s (%s): process %s", request.identity, request.notebook, self._running.pid)

    def _look_after(self, running: ReportProcess, ledger: Ledger) -> None:
        if running.code() is not None:
            self._take_note_of_end(running)
            self._running = None
            running.end()
            ledger.let_go(_held(running.request.identity), running.token)
        elif not self.renew(ledger):
            log.warning("report %s is executed by another worker, too; it is ended here", running.request.identity)
            self._running = None
            running.end()

    def _take_note_of_end(self, running: ReportProcess) -> None:
        """A process that wrote no end crashed, was cancelled, or could not be: what was wanted is tried again."""
        request, identity = running.request, running.request.identity
        if not self._store.reports.is_there(identity):
            self._store.forget_attempts([request.key])
        elif self._store.reports.end(identity) is not None:
            self._end(request, None)
        elif self._store.reports.is_cancelled(identity):
            self._end(request, ReportEnd("cancelled"))
        elif running.was_cleaned_away():
            log.warning("report %s: its folder was cleaned away while it ran; it is begun again", identity)
            self._store.undo_attempt(request.key, running.token)
            self._not_before[identity] = time.monotonic() + _UNWELL_S
        else:
            words = self._last_words[identity] = running.last_words()
            log.warning("report %s: its process ended with code %s: %s", identity, running.code(), words)
            cause = Cause.INFRASTRUCTURE if running.code() == NOT_EXECUTED else Cause.CRASH
            self._store.end_attempt(request.key, cause, running.token)
            self._not_before[identity] = time.monotonic() + pause_s(self._store.attempts(request.key))

    def _end(self, request: ReportRequest, end: ReportEnd | None) -> None:
        """Note what came of a report, unless that is there, and forget its tries."""
        if end is not None:
            self._store.reports.put_end(request.identity, end)
        self._store.forget_attempts([request.key])
        self._store.reports.unask(request.identity)
        self._last_words.pop(request.identity, None)
        self._not_before.pop(request.identity, None)


def is_executed(ledger: Ledger, identity: str) -> bool:
    """Say whether somebody executes a report now."""
    return ledger.is_held(_held(identity))


def _held(identity: str) -> str:
    return f"report:{identity}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
