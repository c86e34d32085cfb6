"""How long a simulation has run, by somebody who looks at it again and again."""

from __future__ import annotations

import time
from collections.abc import Callable

_LONGEST_S = 1.0  # between two looks; a longer gap is a worker or machine that stood still, and the simulation with it


class Elapsed:
    """Seconds since it was made, without those in which nobody could look: what was frozen is not out of time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()
        self._seconds = 0.0

    def look(self) -> float:
        """Return the seconds so far; several looks a second are expected."""
        now = self._clock()
        self._seconds += min(now - self._last, _LONGEST_S)
        self._last = now
        return self._seconds
