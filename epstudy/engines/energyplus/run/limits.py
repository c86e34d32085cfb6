"""What one simulation may take: the system's own limits inside its process, and a look at its memory from outside."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import psutil

from epstudy.core.contracts import Limits

_CHILDREN_EVERY_S = 2.0  # to look for children is to look at every process of the machine


def limit_this_process(memory_bytes: int | None, file_bytes: int | None) -> None:
    """Limit this process and what it starts from now on, until the next call; None: as much as the system allows.

    A longer file ends the process by SIGXFSZ. `memory_bytes` is how much it may ask for besides what it has: what it
    really takes is watched from outside (`Weight`), which misses what is asked for between two looks. It never leaves
    a core file. Where the system knows no such limits (Windows), nothing happens.
    """
    if sys.platform == "win32":
        return
    import resource

    # Python ignores this signal. Then the write fails instead, and EnergyPlus "completes successfully" on half a file.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    if sys.platform == "linux":
        _limit(resource.RLIMIT_AS, None if memory_bytes is None else _address_space() + memory_bytes)


class Weight:
    """The memory of a process and of what it started."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._children: list[psutil.Process] = []
        self._next_look = 0.0

    def cpu_s(self) -> float:
        """Return the seconds of the processor that the process itself has taken; 0 when it is gone."""
        try:
            times = self._process.cpu_times()
        except psutil.Error:
            return 0.0
        return float(times.user + times.system)

    def bytes(self) -> int:
        """Return what they have in memory now; 0 when they are gone."""
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + _CHILDREN_EVERY_S
            self._children = _children(self._process)
        return sum(map(_resident, (self._process, *self._children)))


def too_much_memory(limits: Limits) -> str:
    """Return what a user reads of a simulation that took more memory than it may."""
    if limits.memory_bytes is None:
        return "EnergyPlus asked for more memory than this machine gives"
    most = _amount(limits.memory_bytes)
    return f"EnergyPlus took more than {most} of memory, the limit (EPSTUDY_MEMORY_GB); raise it and retry()"


def too_long_a_file(limits: Limits, folder: Path) -> str:
    """Return what a user reads of a simulation that was ended in `folder` because of the length of a file."""
    files = [(path.lstat().st_size, path) for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    length, path = max(files, default=(0, folder))
    most = length if limits.file_bytes is None else limits.file_bytes
    name = path.relative_to(folder) if files and length >= most else "a file"  # or it is somewhere else, or gone
    return (
        f"EnergyPlus wrote more than {_amount(most)} into {name}, the limit (EPSTUDY_FILE_GB); "
        "ask for fewer outputs, or raise it, and retry()"
    )


def _limit(which: int, most: int | None) -> None:
    """Set what holds; what could be set at most stays, so that the next run may have another limit."""
    import resource

    _, hard = resource.getrlimit(which)
    wanted = hard if most is None else most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (wanted, hard))


def _address_space() -> int:
    import resource

    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _amount(count: int) -> str:
    """Bytes as a text for people: three digits at most, of 1000."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} bytes"
