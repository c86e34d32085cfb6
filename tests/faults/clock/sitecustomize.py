"""A clock that is wrong: with this folder on PYTHONPATH, `time.time` of a process is off by `WRONG_CLOCK_S` seconds.

Python imports it before anything else, so that also `from time import time` gets the wrong one.
"""

import os
import time

_true = time.time
_off_s = float(os.environ.get("WRONG_CLOCK_S", "0"))
time.time = lambda: _true() + _off_s
