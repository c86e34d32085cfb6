"""Whether the disk of a run's folder is or was full: then how EnergyPlus ended says nothing about the model.

It does not stop at a write that fails. Seen with 25.2: a run on a full disk that got room again "completed
successfully", with a third of its SQL file.
"""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

#: Fewer free bytes than this are none: SQLite writes two million at once, and leaves what it could not place.
ROOM = 4_000_000

#: What an OSError says that means a full disk, or the user's share of it.
FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})

#: What SQLite says in `sqlite.err`, to which EnergyPlus does not listen.
_OF_A_DISK = (
    "database or disk is full",
    "disk I/O error",
    "database disk image is malformed",
    "unable to open database file",
)
_OF_MEMORY = ("out of memory",)
_LOOKED_AT = 2**16  # bytes of it: the first message is the telling one, and it may be followed by millions

_NOT_THE_MODELS = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR", "SQLITE_FULL", "SQLITE_CANTOPEN"})


class Room:
    """What is free on the disk of a run's folder while it runs; another one's files may come and go meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._was_full = False

    def look(self) -> None:
        """Look now, and remember a full disk."""
        self._was_full = self._was_full or is_full(self._folder)

    def trouble(self) -> str:
        """Return what a user reads of a disk that is full, was so at a look, or failed SQLite; "" when it did not."""
        self.look()
        if self._was_full:
            total = shutil.disk_usage(self._folder).total
            return disk_message(self._folder, f"less than {ROOM // 10**6} MB were free of {total / 1e6:.0f} MB")
        said = sqlite_says(self._folder, _OF_A_DISK)
        return disk_message(self._folder, f'SQLite says "{said}"', is_full="full" in said) if said else ""


def is_full(folder: Path) -> bool:
    """Say whether nothing to speak of is free; a file system that does not tell its size is not full."""
    usage = shutil.disk_usage(folder)
    return usage.total > 0 and usage.free < ROOM


def disk_message(folder: Path, why: str, *, is_full: bool = True) -> str:
    """Return what a user reads of the disk that a run's folder is on."""
    state = "is full" if is_full else "cannot be written"
    return f"the disk of the run folders (EPSTUDY_SCRATCH) {state}: {why} in {folder.parent}; make room there"


def sqlite_ran_out_of_memory(folder: Path) -> bool:
    """Say whether SQLite did, after which the SQL file lacks rows."""
    return bool(sqlite_says(folder, _OF_MEMORY))


def sqlite_says(folder: Path, texts: tuple[str, ...]) -> str:
    """Return the first of these of which EnergyPlus' SQLite complained, or ""."""
    try:
        with (folder / "sqlite.err").open("rb") as file:
            said = file.read(_LOOKED_AT).decode("latin-1")
    except FileNotFoundError:
        return ""
    return next((text for text in texts if text in said), "")


def is_no_fault_of_the_model(error: BaseException | None) -> bool:
    """Say whether SQLite could not read a file because of the file, and not because of what stands in it."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return isinstance(error, sqlite3.Error) and any(name.startswith(one) for one in _NOT_THE_MODELS)
