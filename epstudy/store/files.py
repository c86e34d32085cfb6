"""Whole-or-nothing files by name: what a folder and an object store promise alike."""

from __future__ import annotations

import contextlib
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from epstudy.core.errors import StoreError

#: The folder of files that are being written.
PARTS = "parts"

_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class About:
    """A file without its content: bytes, when it was written (seconds since 1970, 0 when unknown), and its mark.

    The mark is another one when other content is stored under the name.
    """

    size: int
    modified: float
    mark: str


class Files(Protocol):
    """Files under names such as `results/ab/abc.json`. Whoever looks finds a file whole, or not at all.

    Every method raises StoreError where the files cannot be read or written; a file that is not there is no such error.
    """

    url: str
    remote: bool  # whether every look waits for a network, so that several at once are quicker
    confirm: Callable[[], bool]  # asked before anything is put into its place; False: no store is there yet

    def shown(self, name: str) -> str:
        """Return the full path of a file, for messages."""
        ...

    def read(self, name: str) -> bytes:
        """Return the content of a file; raise FileNotFoundError when there is none."""
        ...

    def create(self, name: str, content: bytes) -> bool:
        """Write a new file; False when there is one already."""
        ...

    def replace(self, name: str, content: bytes) -> None:
        """Write a file in the place of whatever is there."""
        ...

    def settle(self, name: str) -> None:
        """Have a file that was written survive a power cut; too slow for what could be computed again."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...

    def remove_folder(self, folder: str) -> None:
        """Remove a folder, if it is empty."""
        ...

    def about(self, name: str) -> About | None:
        """Return what is known of a file without its content; None when there is none."""
        ...

    def names(self, folder: str) -> list[str]:
        """Return the names of what is in a folder, in one look; none when there is no such folder."""
        ...

    def listing(self, folder: str) -> dict[str, About]:
        """Return the files in a folder by name; none when there is no such folder."""
        ...

    def folders_with(self, folder: str, name: str) -> list[str]:
        """Return the names of the folders in `folder` that hold a file called `name`, sorted."""
        ...

    def local_path(self, name: str) -> Path:
        """Return where a file is on this machine, or where `fetch` copies it to, whether it is there or not."""
        ...

    def fetch(self, name: str) -> Path:
        """Return a local path of a file, copied now if need be; raise FileNotFoundError when there is none."""
        ...

    def write_part(self, content: bytes) -> str:
        """Write a file that is not there for anybody yet; return its name."""
        ...

    def place(self, name: str) -> str:
        """Return what tells a file from a copy of it, from wherever it is looked at; empty when there is none."""
        ...


@contextlib.contextmanager
def reading(url: str, file: Path | None = None) -> Iterator[None]:
    """Have a failed read tell why the store cannot be read; a file that is not there stays FileNotFoundError."""
    try:
        yield
    except FileNotFoundError:
        raise
    except IsADirectoryError as error:
        raise StoreError(_in_the_way(url, "read", file or error.filename)) from error
    except PermissionError as error:
        of = f" (of {file})" if file else ""
        raise StoreError(f"the store {url} cannot be read: {reason(error)}{of}") from error
    except OSError as error:
        raise StoreError(f"the store {url} cannot be read: {reason(error)}") from error


@contextlib.contextmanager
def writing(url: str, file: Path | None = None) -> Iterator[None]:
    """Have a failed write tell why the store cannot be written."""
    try:
        yield
    except IsADirectoryError as error:
        raise StoreError(_in_the_way(url, "written", file or error.filename)) from error
    except OSError as error:
        raise StoreError(f"the store {url} cannot be written: {reason(error)}") from error


def _in_the_way(url: str, verb: str, path: object) -> str:
    return f"the store {url} cannot be {verb}: {path} is a folder, where a file of the store should be; move it away"


def reason(error: OSError) -> str:
    """Return what the system says of an error, without the paths: the message names the store already."""
    return error.strerror or " ".join([type(error).__name__, *map(str, error.args[:1])])


# parts ------------------------------------------------------------------------------------------------------------


def part_name() -> str:
    """Return a new name for a file that this process writes."""
    return f"{PARTS}/{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex}.part"


def clear_parts(files: Files) -> int:
    """Remove what processes left that died while they wrote; return how many files that were."""
    left = [name for name, about in files.listing(PARTS).items() if _is_left(name, about.modified)]
    for name in left:
        files.remove(f"{PARTS}/{name}")
    return len(left)


def _is_left(name: str, modified: float) -> bool:
    """Whether nobody writes this part any more: its process is gone, or it is a day old, as another host's."""
    import psutil

    host, pid, _ = name.rsplit("-", 2) if name.count("-") >= 2 else (name, "", "")
    if host == socket.gethostname() and pid.isdigit() and not psutil.pid_exists(int(pid)):
        return True
    return 0 < modified < time.time() - _DAY_S  # a process of today may have the number of one that died
