"""The one thread of a kernel that moves its panels: from a thread a panel moves also while a cell runs."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from typing import Protocol

log = logging.getLogger(__name__)

_END_S = 5.0  # how long the end of the process waits for a step that is under way


class Moves(Protocol):
    """What is moved: `step` does what is due and returns in how many seconds more is, None at the end."""

    def step(self) -> float | None:
        """Do what is due. Raises nothing."""
        ...


class Ticker:
    """Steps what was woken until it ends. The thread is there while there is something to step."""

    def __init__(self) -> None:
        self._due: dict[Moves, float] = {}
        self._woken = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_over = False

    def wake(self, what: Moves) -> None:
        """Have `what` stepped now, and on."""
        with self._woken:
            if self._is_over:
                return
            self._due[what] = 0.0
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._go_on, name="epstudy-panels", daemon=True)
                self._thread.start()
                atexit.unregister(self.end)
                atexit.register(self.end)
            self._woken.notify()

    def end(self) -> None:
        """Step nothing any more. A thread that reads Arrow files while the interpreter ends can hang the process."""
        with self._woken:
            self._is_over = True
            self._due.clear()
            self._woken.notify()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_END_S)

    def _go_on(self) -> None:
        while True:
            with self._woken:
                if not self._due:
                    self._thread = None
                    return
                what, due = min(self._due.items(), key=lambda one: one[1])
                wait_s = due - time.monotonic()
                if wait_s > 0:
                    self._woken.wait(wait_s)
                    continue
                del self._due[what]
            try:
                delay_s = what.step()
            except Exception:  # the others go on
                log.exception("%r is stepped no more", what)
                delay_s = None
            with self._woken:
                if delay_s is not None and not self._is_over:  # one that was woken meanwhile stays so
                    self._due.setdefault(what, time.monotonic() + delay_s)


TICKER = Ticker()
