"""The thread that moves the panels."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import threading, time
from epstudy.notebook.ticker import TICKER

class Slow:
    def step(self):
        begun.set()
        time.sleep(0.5)
        print("stepped", flush=True)
        return 0.0

begun = threading.Event()
TICKER.wake(Slow())
begun.wait()
"""


def test_a_process_that_ends_waits_for_the_step_that_is_under_way() -> None:
    """Killed within a read of an Arrow file, its thread kept the process of a script from ending."""
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert ran.stdout == "stepped\n"
