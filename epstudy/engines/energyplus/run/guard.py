"""While the user's code runs: it reads nothing that the key does not see, and what it prints has an end.

A watch against mistakes, not against malice: what C code opens by itself is not seen.
Other threads are never disturbed.
"""

from __future__ import annotations

import functools
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from epstudy.core.errors import InputError

_PRINTED_MOST = 1_000_000  # characters a call: more would be the disk of the worker, or the browser

_NOT_IN_KEY = "which is not in the key: the same key would give another result once it changes"
_IMPORT = (
    'Import the function itself where the measure is defined, "from ... import ...": then its source is in the key'
)
_INSTEAD = "Read it before, in the notebook, and give what is needed of it by the levels, or as a list or a dict"

#: Audit events of Python that ask somebody else, and what they are to the user.
#: https://docs.python.org/3/library/audit_events.html
_ASKS = {
    "socket.connect": "opens a connection",
    "socket.getaddrinfo": "opens a connection",
    "socket.gethostbyname": "opens a connection",
    "urllib.Request": "opens a connection",
    "subprocess.Popen": "starts another program",
    "os.system": "starts another program",
    "os.exec": "starts another program",
    "os.posix_spawn": "starts another program",
    "os.startfile": "starts another program",
    "os.fork": "starts another process",
    "os.forkpty": "starts another process",
    "os.kill": "sends a signal",
}
_READS = ("open", "sqlite3.connect")

#: What belongs to the machine, as the time zones do; no place for anybody's data.
_MACHINE = ("/dev", "/etc", "/lib", "/lib64", "/proc", "/sys", "/usr/lib", "/usr/lib64", "/usr/share")
_OF_PREFIX = ("DLLs", "Lib", "lib", "lib64", "etc", "share")
_CODE = (".py", ".pyc", ".so", ".pyd")
_CALLER = str(Path(__file__).with_name("measures.py"))  # what called it is no import of its own


@dataclass(slots=True)
class Sealed:
    """One call of the user's code: the first thing that it must not do, as a text that goes on from its name."""

    refused: str = ""
    made: set[str] = field(default_factory=set)
    printed: int = 0
    paused: bool = False


class _Here(threading.local):
    now: Sealed | None = None


_here = _Here()
_lock = threading.Lock()
_streams: list[tuple[str, Any, Any]] = []
_calls = 0


@contextmanager
def sealed() -> Iterator[Sealed]:
    """Watch what this thread does: what it must not do raises InputError there, and is in `refused` afterwards."""
    _watch_this_process()
    before, now = _here.now, Sealed()
    with _capped_streams():
        try:
            _here.now = now
            yield now
        finally:
            _here.now = before


@functools.cache
def _watch_this_process() -> None:
    """Once, and for good: Python takes no audit hook off. It does nothing for a thread that is not sealed."""
    here = _here

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        now = here.now
        if now is None or now.paused:
            return
        now.paused = True
        try:
            refused = _refusal(now, event, arguments)
        finally:
            now.paused = False
        if refused:
            now.refused = now.refused or refused
            raise InputError(f"it {refused}")

    sys.addaudithook(hook)


def _refusal(now: Sealed, event: str, arguments: tuple[Any, ...]) -> str:
    """Why the event must not be, for "the measure ..."; nothing when it may."""
    if event in _ASKS:
        return "" if _is_imports() else f"{_ASKS[event]}; what comes of that is not in the key. {_INSTEAD}"
    if event not in _READS or not isinstance(arguments[0], str | bytes | os.PathLike):
        return ""  # a number: a file that is open already
    said = os.fsdecode(arguments[0])
    path = os.path.realpath(said)
    if event == "open" and _is_made(*arguments[1:3]):
        now.made.add(path)
        return ""
    if said == ":memory:" or path in now.made or _is_installed(said) or _is_installed(path) or Path(path).is_dir():
        return ""
    if _is_imports():
        return f"imports {said}, a file of no installed package. {_IMPORT}" if path.endswith(_CODE) else ""
    return f"reads {said}, {_NOT_IN_KEY}. {_INSTEAD}"


def _is_made(mode: str | None, flags: int) -> bool:
    """Whether an open can tell nothing of what was in the file before."""
    if not flags and mode:
        return mode[0] in "wx" or (mode.startswith("a") and "+" not in mode)
    only_writes = flags & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR) == os.O_WRONLY
    return only_writes or bool(flags & (os.O_TRUNC | os.O_EXCL))


def _is_imports() -> bool:
    """Whether the import of a module does this: what installed packages do by themselves is pinned by their versions.

    Nor is it the user's code that looks up the lines of a warning, or opens a folder to remove what is in it.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename != _CALLER:
        code, module = frame.f_code, frame.f_globals.get("__name__")
        if code.co_filename.startswith("<frozen importlib") or module in ("linecache", "importlib.metadata"):
            return True
        if module == "shutil" and code.co_name.startswith("_rmtree"):
            return True
        frame = frame.f_back
    return False


def _is_installed(path: str) -> bool:
    return os.path.abspath(path).startswith(_installed())  # noqa: PTH100 text against text


@functools.cache
def _installed() -> tuple[str, ...]:
    """The folders of Python, of its packages and of the machine, each with a separator at its end."""
    import idfkit

    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    places = {f"{prefix}/{name}" for prefix in prefixes for name in _OF_PREFIX}
    places |= {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    places |= {*site.getsitepackages(), site.getusersitepackages(), sys.pycache_prefix or "/dev", *_MACHINE}
    places |= {str(Path(str(idfkit.__file__)).parent), str(Path(__file__).parents[3])}
    both = {*map(os.path.abspath, places), *map(os.path.realpath, places)}
    return tuple(sorted(place + os.sep for place in both))


@contextmanager
def _capped_streams() -> Iterator[None]:
    global _calls
    with _lock:
        _calls += 1
        if _calls == 1:
            for name in ("stdout", "stderr"):
                stream = getattr(sys, name)
                if stream is not None:
                    _streams.append((name, stream, _Capped(stream)))
                    setattr(sys, name, _streams[-1][2])
    try:
        yield
    finally:
        with _lock:
            _calls -= 1
            while _calls == 0 and _streams:
                name, stream, capped = _streams.pop()
                if getattr(sys, name) is capped:
                    setattr(sys, name, stream)


class _Capped:
    """A stream that takes so much of a sealed thread, and everything of any other."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        now = _here.now
        if now is None or now.paused:
            written: int = self._stream.write(text)
            return written
        room, now.printed = _PRINTED_MOST - now.printed, now.printed + len(text)
        now.paused = True  # what the stream does to show it is no business of the watch
        try:
            if room > 0:
                self._stream.write(text[:room])
            if 0 <= room < len(text):
                self._stream.write(f"\n[more than {_PRINTED_MOST} characters printed; the rest is left out]\n")
        finally:
            now.paused = False
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)
