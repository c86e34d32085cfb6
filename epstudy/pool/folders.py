"""Folders under the temporary folder: made again when somebody cleans there, and locked so that systemd does not."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterable
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder, and those around it, for this user alone, as far as they are not there."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)


def make_private(folder: Path) -> None:
    """Make a folder that only this user can enter, unless it is there.

    Raises
    ------
    OSError
        When it cannot be made, or what is there is another user's or may be entered by others.
    """
    make_folder(folder)
    seen = folder.lstat()
    if seen.st_uid != os.getuid() or stat.S_IMODE(seen.st_mode) & 0o077 or not stat.S_ISDIR(seen.st_mode):
        raise OSError(f"{folder} is not a folder of yours alone (owner and mode 0700 expected); remove it")


def make_scratch(scratch: Path) -> tuple[Path, ...]:
    """Make the folders in which a worker's simulations run, as far as they are not there; return them.

    Raises
    ------
    OSError
        When one cannot be made, or is another user's.
    """
    folders = (scratch, scratch / "runs", scratch / "tmp")
    for folder in folders:
        make_folder(folder)
        if folder.lstat().st_uid != os.getuid() or not stat.S_ISDIR(folder.lstat().st_mode):
            raise OSError(f"{folder} is another user's; remove it, or set EPSTUDY_SCRATCH to another folder")
        if stat.S_IMODE(folder.lstat().st_mode) != 0o700:
            folder.chmod(0o700)
    return folders


class Locked:
    """Folders that are locked: systemd-tmpfiles leaves such alone, and what is below them (tmpfiles.d(5), flock)."""

    def __init__(self) -> None:
        self._held: dict[Path, int] = {}

    def hold(self, folders: Iterable[Path]) -> None:
        """Lock these folders, also one that was made again; nothing where that cannot be."""
        for folder in folders:
            if not self._is_held(folder):
                self._let_go(folder)
                with contextlib.suppress(OSError):
                    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                    self._held[folder] = descriptor
                    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def close(self) -> None:
        """Let all of them go."""
        for folder in list(self._held):
            self._let_go(folder)

    def _is_held(self, folder: Path) -> bool:
        try:
            return folder in self._held and os.path.samestat(os.fstat(self._held[folder]), folder.stat())
        except OSError:
            return False

    def _let_go(self, folder: Path) -> None:
        descriptor = self._held.pop(folder, None)
        if descriptor is not None:
            os.close(descriptor)
