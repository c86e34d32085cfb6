"""What a pool does besides its work, each in a process of its own: so far, the store is cleaned once a day."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from epstudy.core.errors import EpstudyError
from epstudy.pool.broker.connection import RedisError
from epstudy.pool.ledger.ledger import Ledger
from epstudy.processes import die_with_parent, kill_group
from epstudy.settings import Settings
from epstudy.store import Store

log = logging.getLogger(__name__)

_LOOK_S = 300.0
_DAY_S = 86400.0
_LOCK_S = 3600.0  # so long after a clean that failed it is tried again


class Chores:
    """The chores of one supervisor, which ticks. Nothing is done unless the settings ask for it.

    Several workers of one store agree by its `clean.json`, and by a lock in the ledger while that is being written.
    """

    def __init__(self, settings: Settings, store: Store, ledger: Callable[[], Ledger], log_file: Path | None) -> None:
        self._after_days = settings.clean_after_days
        self._store = store
        self._ledger = ledger
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None
        self._next_look = 0.0

    def tick(self) -> None:
        """Begin what is due, and take note of what has ended. Never waits."""
        self._note_end()
        if self._after_days is None or self._process is not None or time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_S
        try:
            if self._is_due() and self._ledger().lock("clean", _LOCK_S):
                self._process = self._start_clean(self._after_days)
        except (RedisError, EpstudyError, OSError) as error:
            log.warning("the store is not cleaned: %s", error)

    def stop(self) -> None:
        """End what is under way: whatever it did not do the next one does."""
        if self._process is not None:
            kill_group(self._process, wait_s=2)
            self._process = None

    def _is_due(self) -> bool:
        """Whether the last clean is a day ago. Where times are unknown nothing is ever old enough to be removed."""
        cleaned = self._store.cleaned()
        return cleaned is None or 0 < cleaned < time.time() - _DAY_S

    def _start_clean(self, after_days: float) -> subprocess.Popen[bytes]:
        output = None if self._log_file is None else self._log_file.open("ab")
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "epstudy", "clean", "--after", str(after_days)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "EPSTUDY_STORE": self._store.url},
                start_new_session=True,
                preexec_fn=partial(die_with_parent, os.getpid()),  # safe: a supervisor has one thread
            )
        finally:
            if output is not None:
                output.close()

    def _note_end(self) -> None:
        if self._process is None or self._process.poll() is None:
            return
        code, self._process = self._process.returncode, None
        if code:
            log.warning("epstudy clean ended with code %s (see %s)", code, self._log_file or "its own words above")
        else:
            log.info("the store was cleaned")
