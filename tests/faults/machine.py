"""How busy the machine is on which the tests run."""

from __future__ import annotations

import time

_WORK_S = 0.2


def slowness() -> float:
    """Return how many times longer work takes now than with a processor of its own: 1 on a quiet machine."""
    began, used = time.perf_counter(), time.thread_time()
    while time.thread_time() - used < _WORK_S:
        pass
    return max(1.0, (time.perf_counter() - began) / _WORK_S)
