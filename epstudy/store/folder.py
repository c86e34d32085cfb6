"""Files in a local folder, or one that is mounted: each is written as a part, made durable, and put into its place."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable
from pathlib import Path

from epstudy.store.files import About, part_name, reading, writing

_TRIES = 5


class Folder:
    """The files below a folder, which is made when the first one is written."""

    remote = False

    def __init__(self, url: str, root: Path) -> None:
        self.url = url
        self.confirm: Callable[[], bool] = lambda: False
        self._root = str(root)
        self._left: set[Path] = set()  # parts that could not be put into their places

    def shown(self, name: str) -> str:
        """Return the full path of a file, for messages."""
        return str(self._path(name))

    def read(self, name: str) -> bytes:
        """Return the content of a file; raise FileNotFoundError when there is none."""
        path = self._path(name)
        with reading(self.url, path):
            return path.read_bytes()

    def create(self, name: str, content: bytes) -> bool:
        """Write a new file; False when there is one already."""
        with writing(self.url, self._path(name)):
            return self._place(name, content, _link)

    def replace(self, name: str, content: bytes) -> None:
        """Write a file in the place of whatever is there."""
        with writing(self.url, self._path(name)):
            self._place(name, content, _rename)

    def settle(self, name: str) -> None:
        """Have a file that was written survive a power cut: its content does already, its name not yet."""
        with contextlib.suppress(OSError):  # not every system can be told so of a folder
            descriptor = os.open(self._path(name).parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        path = self._path(name)
        with writing(self.url, path):
            path.unlink(missing_ok=True)

    def remove_folder(self, folder: str) -> None:
        """Remove a folder, if it is empty."""
        with contextlib.suppress(OSError):
            self._path(folder).rmdir()

    def about(self, name: str) -> About | None:
        """Return what is known of a file without its content; None when there is none."""
        try:
            with reading(self.url):
                return _about(self._path(name).stat())
        except FileNotFoundError:
            return None

    def names(self, folder: str) -> list[str]:
        """Return the names of what is in a folder, in one look; none when there is no such folder."""
        try:
            with reading(self.url):
                return os.listdir(self._path(folder))  # noqa: PTH208 - names are wanted, and many of them
        except FileNotFoundError:
            return []

    def listing(self, folder: str) -> dict[str, About]:
        """Return the files in a folder by name; none when there is no such folder."""
        found = {}
        try:
            with reading(self.url), os.scandir(self._path(folder)) as entries:
                for entry in entries:
                    with contextlib.suppress(FileNotFoundError):  # removed since
                        if entry.is_file():
                            found[entry.name] = _about(entry.stat())
        except FileNotFoundError:
            return {}
        return found

    def folders_with(self, folder: str, name: str) -> list[str]:
        """Return the names of the folders in `folder` that hold a file called `name`, sorted."""
        try:
            with reading(self.url), os.scandir(self._path(folder)) as entries:
                folders = [entry.name for entry in entries if entry.is_dir()]
        except FileNotFoundError:
            return []
        return sorted(one for one in folders if self.about(f"{folder}/{one}/{name}") is not None)

    def local_path(self, name: str) -> Path:
        """Return where a file is, whether it is there or not."""
        return self._path(name)

    def fetch(self, name: str) -> Path:
        """Return the path of a file; raise FileNotFoundError when there is none."""
        path = self._path(name)
        with reading(self.url):
            path.stat()
        return path

    def write_part(self, content: bytes) -> str:
        """Write a file that is not there for anybody yet; return its name."""
        name = part_name()
        with writing(self.url):
            self._write(self._path(name), content)
        return name

    def place(self, name: str) -> str:
        """Return what tells a file from a copy of it, from wherever it is looked at; empty when there is none."""
        try:
            with reading(self.url):
                seen = self._path(name).stat()
        except FileNotFoundError:
            return ""
        return f"{seen.st_ino}-{seen.st_ctime_ns}"  # of a mounted folder the server's, on every client

    def _path(self, name: str) -> Path:
        return Path(self._root, name)

    def _place(self, name: str, content: bytes, into: Callable[[Path, Path], bool]) -> bool:
        """Write a part and put it into its place by `into`, whose answer comes back.

        The store is looked at in between: then the part is in it, whatever is moved or unmounted meanwhile.
        """
        target, part = self._path(name), self._path(part_name())
        placed = False
        try:
            self._remove_left()
            for _ in range(_TRIES):
                if not part.exists():  # at first, and when somebody took it for a dead process's
                    self._write(part, content)
                with contextlib.suppress(FileNotFoundError, FileExistsError):  # somebody removes the folder just now
                    self.confirm()
                    self._make_folder(target.parent)
                    first = into(part, target)
                    placed = True
                    return first
            self.confirm()
            self._make_folder(target.parent)
            first = into(part, target)
            placed = True
            return first
        finally:
            with contextlib.suppress(NotADirectoryError):  # the whole store may be gone
                part.unlink(missing_ok=True)
            if not placed:
                self._left.add(part)  # it may lie in a store that was moved away, and is moved back

    def _remove_left(self) -> None:
        while self._left and self.confirm():
            self._left.pop().unlink(missing_ok=True)

    def _make_folder(self, folder: Path) -> None:
        """Make a folder of the store, which itself is not made again once it was there."""
        if folder.is_dir():
            return
        root = Path(self._root)
        if not self.confirm():
            try:
                root.mkdir(parents=True, exist_ok=True)
            except FileExistsError:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
        for missing in reversed([folder, *folder.parents]):
            if root in missing.parents:
                missing.mkdir(exist_ok=True)

    def _write(self, part: Path, content: bytes) -> None:
        self._make_folder(part.parent)
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise


def _link(part: Path, target: Path) -> bool:
    try:
        os.link(part, target)  # fails when the name is taken: atomic, unlike a look before a rename
    except FileExistsError:
        return False
    except FileNotFoundError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            return False
        part.replace(target)
    return True


def _rename(part: Path, target: Path) -> bool:
    part.replace(target)
    return True


def _about(seen: os.stat_result) -> About:
    return About(seen.st_size, seen.st_mtime, repr((seen.st_size, seen.st_mtime_ns, seen.st_ino)))
