"""Fail points in a Celery child: where a token lies for it, the process kills itself or a call of the system fails.

`SHORT_FAULTS` names a folder with a file for each fault to come, `<point>.<number>`. Whoever comes by a point takes one
token, by moving it into the folder `taken`, and suffers the fault: so each happens once, and can be counted.

    torn            a file that was written half when the process dies
    before-fsync    written and not on the disk yet
    before-link     on the disk, and not under its name yet; also -replace
    after-link      under its name, and the part still there; also -replace
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

VARIABLE = "SHORT_FAULTS"
_armed = 0


def arm() -> None:
    """Put the fail points in place, once in a process; nothing without `SHORT_FAULTS`."""
    global _armed
    folder = os.environ.get(VARIABLE)
    if folder and _armed != os.getpid():
        _armed = os.getpid()
        _arm(Path(folder))


def _arm(folder: Path) -> None:
    fsync, link, replace = os.fsync, os.link, os.replace
    stat, truncate = os.fstat, os.ftruncate

    def torn_or_lost(descriptor: int) -> None:
        if _taken(folder, "torn"):
            truncate(descriptor, stat(descriptor).st_size // 2)
            _die()
        if _taken(folder, "before-fsync"):
            _die()
        fsync(descriptor)

    def around(name: str, call: Callable[..., None]) -> Callable[..., None]:
        def wrapped(*arguments: Any, **options: Any) -> None:
            if _taken(folder, f"before-{name}"):
                _die()
            call(*arguments, **options)
            if _taken(folder, f"after-{name}"):
                _die()

        return wrapped

    os.fsync = torn_or_lost
    os.link = around("link", link)
    os.replace = around("replace", replace)


def _taken(folder: Path, point: str) -> bool:
    """Whether there was a token for this point; it is taken now."""
    for token in sorted(folder.glob(f"{point}.*")):
        try:
            os.rename(token, folder / "taken" / token.name)  # noqa: PTH104 - one that no fail point stands around
        except FileNotFoundError:
            continue  # somebody was quicker
        return True
    return False


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
