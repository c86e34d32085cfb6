"""The heartbeat: renews a lease from a thread of its own: neither long reading nor a silent Redis holds it up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from epstudy.core.contracts import Stop
from epstudy.pool.ledger.ledger import BEAT_S


class Heartbeat:
    """While inside, calls `beat` with the progress every second; `stop` is what it said last, if that was to stop.

    `beat` raises nothing. A process that is stopped or dead has no thread either, so its lease runs out.
    """

    def __init__(self, beat: Callable[[float | None], Stop | None]) -> None:
        self.progress: float | None = None
        self.stop: Stop | None = None
        self._beat = beat
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, daemon=True)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()  # a beat after the lease was given back would take it again

    def watch(self, progress: float | None) -> Stop | None:
        """Take note of the progress; return why to stop, if so."""
        self.progress = progress
        return self.stop

    def now(self) -> Stop | None:
        """Beat at once, for a decision that must not rest on what was said a second ago."""
        self.stop = self._beat(self.progress) or self.stop
        return self.stop

    def _go_on(self) -> None:
        while not self._ended.wait(BEAT_S):
            self.stop = self._beat(self.progress) or self.stop
