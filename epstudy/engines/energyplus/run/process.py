"""The warm process: EnergyPlus as a library, one run after the other, apart from everything else.

It is started with `python -m epstudy.engines.energyplus.run.process PARENT`, reads one JSON line a run from its
standard input (an order, see `staging.stage`) and answers with JSON lines: `{"ready": build}` once, `{"staged": true}`
when the model is made and EnergyPlus starts, `{"begun": true}` when its first time step is over, where the order has
`tell_begin`, `{"progress": 0.37}` while it runs, `{"code": 0}` at the end; `{"refused": why}` for a model that cannot
be made, `{"unable": why}` for a machine that cannot make it, and `{"lacks": "memory" or "disk", "why": why}` where
there was too little of it to make the model. It ends when its parent does, also when that was killed or when a
simulation is under way; what EnergyPlus prints goes into `console.txt` of the run's folder. It may crash at any time:
that is what it is for.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, TextIO

from epstudy.engines.energyplus.run.disk import FULL

_PR_SET_PDEATHSIG = 1
_PROGRESS_EVERY_S = 0.2


def main() -> None:
    """Serve runs until the standard input ends."""
    _die_with_parent()
    lines = os.fdopen(os.dup(0))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY)):  # neither pipe is for the user's own code
        os.dup2(os.open(os.devnull, mode), number)

    from pyenergyplus.api import EnergyPlusAPI

    from epstudy.engines.energyplus.installation import find_installation
    from epstudy.engines.energyplus.model import model

    api = EnergyPlusAPI()
    installation = find_installation()
    _say(answers, {"ready": installation.build})
    model.warm(installation.version)
    orders: queue.Queue[dict[str, Any]] = queue.Queue()
    threading.Thread(target=_listen, args=(lines, orders), daemon=True).start()
    while True:
        _simulate(api, orders.get(), answers)


def _simulate(api: Any, order: dict[str, Any], answers: TextIO) -> None:
    from epstudy.engines.energyplus.run.limits import limit_this_process

    folder = order["folder"]
    limit_this_process(**order["limits"])
    os.chdir(folder)  # relative names in a model are looked up here first
    console = os.open(f"{folder}/console.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(console, 1)
    os.dup2(console, 2)
    os.close(console)
    arguments = _stage(order, answers)
    if arguments is None:
        os.chdir("/")
        return
    _say(answers, {"staged": True})
    state = api.state_manager.new_state()
    try:
        api.runtime.callback_progress(state, _progress_sayer(answers))
        if order.get("tell_begin"):
            _tell_begin(api, state, answers)
        code = int(api.runtime.run_energyplus(state, arguments))
        _say(answers, {"code": code})  # its files are whole; they are read while the state is taken down
    finally:
        api.runtime.clear_callbacks()
        api.state_manager.delete_state(state)
        os.chdir("/")


def _stage(order: dict[str, Any], answers: TextIO) -> list[str] | None:
    """EnergyPlus' arguments for the staged order; None when it was answered already."""
    from epstudy.core.errors import EngineError, InputError
    from epstudy.engines.energyplus.run.staging import stage

    try:
        return stage(order)
    except KeyboardInterrupt:  # nobody else interrupts this process
        _say(answers, {"refused": "a measure raises KeyboardInterrupt"})
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is an outcome of this run
        lacks, is_input = _what_lacks(error), isinstance(error, InputError)
        said = str(error) if is_input or isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
        if not is_input:
            with contextlib.suppress(OSError, MemoryError):  # there may be none left for this either
                traceback.print_exc()  # into the run's console.txt
        _say(answers, {"lacks": lacks, "why": said} if lacks else {"refused" if is_input else "unable": said})
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()  # what a measure printed is of this run, not of the next one
    return None


def _what_lacks(error: BaseException | None) -> str:
    """ "memory" or "disk" when the want of it is behind this error, be it in the user's own code; else ""."""
    while error is not None:
        number = error.errno if isinstance(error, OSError) else None
        if isinstance(error, MemoryError) or number == errno.ENOMEM:
            return "memory"
        if number in FULL:
            return "disk"
        error = error.__cause__ or error.__context__
    return ""


def _progress_sayer(answers: TextIO) -> Callable[[int], None]:
    """A callback that passes on EnergyPlus' own progress, in percent, a few times a second at most."""
    next_time = 0.0

    def say(percent: int) -> None:
        nonlocal next_time
        if time.monotonic() >= next_time:
            next_time = time.monotonic() + _PROGRESS_EVERY_S
            _say(answers, {"progress": percent / 100})

    return say


def _tell_begin(api: Any, state: Any, answers: TextIO) -> None:
    """Have it said when input, sizing and the first time step of the first environment are behind EnergyPlus."""
    steps = 0

    def say(state: Any) -> None:
        nonlocal steps
        steps += bool(api.exchange.api_data_fully_ready(state))  # not before sizing is done
        if steps == 1:
            _say(answers, {"begun": True})

    api.runtime.callback_end_zone_timestep_after_zone_reporting(state, say)


def _listen(lines: TextIO, orders: queue.Queue[dict[str, Any]]) -> None:
    for line in lines:
        orders.put(json.loads(line))
    os._exit(0)  # the parent is gone; a simulation under way is nobody's


def _say(answers: TextIO, what: dict[str, Any]) -> None:
    answers.write(json.dumps(what) + "\n")
    answers.flush()


def _die_with_parent() -> None:
    """Linux ends this process with its parent even when that is killed; elsewhere the end of the input does."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(sys.argv[1]):
            os._exit(1)  # it died before we asked
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the parent


if __name__ == "__main__":
    main()
