"""A slow machine: every process of a store's pool stands still for nine tenths of the time, as under a load of ten.

SIGSTOP and SIGCONT in turn, from a process of its own: so whoever looks is not slowed with them. What waits on a clock
that goes on finds that everything takes ten times longer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

_TURN_S = 0.2


@contextmanager
def slow_machine(store: str, share: float = 0.1) -> Iterator[None]:
    """Inside, what belongs to the pool of `store` runs for this share of the time."""
    command = [sys.executable, "-m", "tests.faults.slow", store, str(share)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        try:
            yield
        finally:
            assert process.stdin is not None
            process.stdin.close()  # it lets everything go on, and ends
            process.wait()


def _of(store: str) -> list[psutil.Process]:
    """What belongs to the pool of a store, but not this process, whose path may have the word, too."""
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        with suppress(psutil.Error, OSError):
            if process.environ().get("EPSTUDY_STORE") == store and "epstudy" in " ".join(process.cmdline()):
                found.append(process)
    return found


def _go_on(store: str, share: float) -> None:
    import select

    while True:
        stopped = _of(store)
        for one in stopped:
            with suppress(psutil.Error):
                one.suspend()
        ended, _, _ = select.select([sys.stdin], [], [], _TURN_S * (1 - share))
        for one in stopped:
            with suppress(psutil.Error):
                one.resume()
        if ended:
            return
        time.sleep(_TURN_S * share)


if __name__ == "__main__":
    _go_on(sys.argv[1], float(sys.argv[2]))
