"""Opens the files of one store, and of no other one that stands in its place meanwhile: its identity is looked at."""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from epstudy.core.errors import StoreError
from epstudy.store.files import About, Files
from epstudy.store.folder import Folder
from epstudy.store.objects import Objects

#: The file with the identity of a store, made by the first `run()`.
STORE_FILE = "store.json"

STORE_FORMAT = 1

_SURE_S = 1.0  # so long an identity that was fetched over a network holds


def open_files(url: str, cache: Callable[[], Path]) -> Files:
    """Return the files in a folder, or under an fsspec URL with copies in `cache()`. Nothing is created or read.

    Raises
    ------
    StoreError
        When fsspec does not know such a URL, or lacks what reads it.
    """
    import fsspec

    try:
        fs, root = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise StoreError(f'the store "{url}" cannot be opened: {error}') from error
    protocols = (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)
    return Folder(url, Path(root)) if "file" in protocols else Objects(url, fs, root, cache)


class Guarded:
    """Files that are read and written as long as they are those of the store that was seen first.

    A folder that is unmounted, moved or replaced while somebody works in it is not taken for a new store, or an empty
    one. The identity is looked at before each write, which for a local folder is one stat, and where something is not
    there. Where no store was seen yet, anything goes.

    Parameters
    ----------
    files
        Whatever keeps the files.
    identity
        The identity that the store must have; empty: that of the first one that is seen.
    """

    def __init__(self, files: Files, identity: str = "") -> None:
        self.url = files.url
        self.remote = files.remote
        self.confirm: Callable[[], bool] = self._holds
        self._files = files
        self._files.confirm = self._holds
        self._identity = identity
        self._mark = ""
        self._place = ""
        self._sure_until = 0.0

    # the identity -----------------------------------------------------------------------------------------------

    def is_confirmed(self) -> bool:
        """Say whether the store is the one that was seen; False when none was seen, and none is there.

        Raises
        ------
        StoreError
            When it is another one, or is gone, or cannot be read.
        """
        if time.monotonic() < self._sure_until:
            return True
        about = self._files.about(STORE_FILE)
        if about is None:
            if self._identity:
                raise StoreError(
                    f"the store {self.url} is not there any more: it was unmounted, moved or removed; "
                    "mount it or put it back, or set EPSTUDY_STORE to where it is now"
                )
            return False
        if about.mark != self._mark:
            self._take(_identity_in(self._files), about.mark)
        if self.remote:
            self._sure_until = time.monotonic() + _SURE_S
        return True

    def _take(self, identity: str, mark: str) -> None:
        if self._identity and identity != self._identity:
            raise StoreError(
                f"another store stands in the place of {self.url} (its identity is {identity[:8]}, that of the one "
                f"before was {self._identity[:8]}); put that one back, or start anew what still works on it: "
                "the kernel, and the workers (epstudy pool stop)"
            )
        self._identity, self._mark, self._place = identity, mark, self._files.place(STORE_FILE)

    def identity(self) -> str:
        """Return the identity of the store; empty when there is no store."""
        return self._identity if self.is_confirmed() else ""

    def where(self) -> str:
        """Return what tells this store from a copy of it, which has the same identity; empty when there is none."""
        return self._place if self.is_confirmed() else ""

    def found(self) -> None:
        """Make the store, unless it is there."""
        if not self.is_confirmed():
            self._files.create(STORE_FILE, json.dumps({"format": STORE_FORMAT, "id": uuid.uuid4().hex}).encode())
            self._files.settle(STORE_FILE)
            self.is_confirmed()

    def _holds(self) -> bool:
        """Whether the store that was seen is still there. What is wrong before one was seen, the next step tells."""
        if self._identity:
            return self.is_confirmed()
        with contextlib.suppress(StoreError):
            return self.is_confirmed()
        return False

    def _see(self) -> None:
        """Take note of the first store that is seen, also by whoever only reads."""
        if not self._identity:
            self._holds()

    # the files --------------------------------------------------------------------------------------------------

    def shown(self, name: str) -> str:
        """Return the full path of a file, for messages."""
        return self._files.shown(name)

    def read(self, name: str) -> bytes:
        """Return the content of a file; raise FileNotFoundError when there is none."""
        self._see()
        try:
            return self._files.read(name)
        except FileNotFoundError:
            self.is_confirmed()
            raise

    def create(self, name: str, content: bytes) -> bool:
        """Write a new file; False when there is one already."""
        self._holds()
        return self._files.create(name, content)

    def replace(self, name: str, content: bytes) -> None:
        """Write a file in the place of whatever is there."""
        self._holds()
        self._files.replace(name, content)

    def settle(self, name: str) -> None:
        """Have a file that was written survive a power cut; too slow for what could be computed again."""
        self._files.settle(name)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self._holds()
        self._files.remove(name)

    def remove_folder(self, folder: str) -> None:
        """Remove a folder, if it is empty."""
        self._holds()
        self._files.remove_folder(folder)

    def about(self, name: str) -> About | None:
        """Return what is known of a file without its content; None when there is none."""
        self._see()
        about = self._files.about(name)
        if about is None:
            self.is_confirmed()
        return about

    def names(self, folder: str) -> list[str]:
        """Return the names of what is in a folder, in one look; none when there is no such folder."""
        self._see()
        names = self._files.names(folder)
        if not names:
            self.is_confirmed()
        return names

    def listing(self, folder: str) -> dict[str, About]:
        """Return the files in a folder by name; none when there is no such folder."""
        self._see()
        listing = self._files.listing(folder)
        if not listing:
            self.is_confirmed()
        return listing

    def folders_with(self, folder: str, name: str) -> list[str]:
        """Return the names of the folders in `folder` that hold a file called `name`, sorted."""
        self._see()
        folders = self._files.folders_with(folder, name)
        if not folders:
            self.is_confirmed()
        return folders

    def local_path(self, name: str) -> Path:
        """Return where a file is on this machine, or where `fetch` copies it to, whether it is there or not."""
        return self._files.local_path(name)

    def fetch(self, name: str) -> Path:
        """Return a local path of a file, copied now if need be; raise FileNotFoundError when there is none."""
        self._see()
        try:
            return self._files.fetch(name)
        except FileNotFoundError:
            self.is_confirmed()
            raise

    def write_part(self, content: bytes) -> str:
        """Write a file that is not there for anybody yet; return its name."""
        self._holds()
        return self._files.write_part(content)

    def place(self, name: str) -> str:
        """Return what tells a file from a copy of it, from wherever it is looked at; empty when there is none."""
        return self._files.place(name)


def _identity_in(files: Files) -> str:
    """The identity of the store that is there."""
    file = files.shown(STORE_FILE)
    try:
        stored = json.loads(files.read(STORE_FILE))
    except FileNotFoundError as error:
        raise StoreError(f"{file} was removed just now; is the store still there?") from error
    except (ValueError, RecursionError):
        stored = None
    identity = stored.get("id") if isinstance(stored, dict) else None
    if not isinstance(identity, str) or not identity:
        raise StoreError(
            f"{file} is damaged: expected the identity of the store. Put it back from a backup; or remove it, then "
            "the next run() makes a new one, and start the kernel and the workers anew (epstudy pool stop)"
        )
    if stored.get("format", STORE_FORMAT) != STORE_FORMAT:
        raise StoreError(f"{file} was written by another version of epstudy, which reads this store; update this one")
    return identity
