"""Files under an fsspec URL, such as a bucket: an object is there whole or not at all by the store's own promise."""

from __future__ import annotations

import contextlib
import inspect
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from epstudy.core.errors import StoreError
from epstudy.store.files import About, part_name, reason

_MARKS = ("size", "mtime", "ino", "ETag", "etag", "LastModified", "updated", "created")
_WRITER = threading.Lock()
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")


class Objects:
    """The files under an fsspec URL. What fsspec remembers of earlier looks is not asked: others write too."""

    remote = True

    def __init__(self, url: str, fs: Any, root: str, cache: Callable[[], Path]) -> None:
        self.url = url
        self.confirm: Callable[[], bool] = lambda: False
        self._fs = fs
        self._root = root.rstrip("/")
        self._cache = cache
        # fsspec's memory:// takes it too, and looks and writes in two steps all the same.
        takes_mode = "mode" in inspect.signature(fs.pipe_file).parameters
        self._creates = takes_mode and "memory" not in fs.protocol

    def shown(self, name: str) -> str:
        """Return the full path of a file, for messages."""
        return f"{self._root}/{name}"

    def read(self, name: str) -> bytes:
        """Return the content of a file; raise FileNotFoundError when there is none."""
        with _asking(self.url, "read"):
            return bytes(self._fs.cat_file(self.shown(name)))

    def create(self, name: str, content: bytes) -> bool:
        """Write a new file; False when there is one already.

        Of two writers at the same moment one is told False where the file system takes `mode="create"`, as those of S3
        and Google do; on others both may be told True, unless they are threads of one process.
        """
        if self._creates:
            return self.about(name) is None and self._create(name, content)
        with _WRITER:
            if self.about(name) is not None:
                return False
            self.replace(name, content)
        return True

    def _create(self, name: str, content: bytes) -> bool:
        try:
            with _asking(self.url, "written"):
                self._fs.pipe_file(self.shown(name), content, mode="create")
        except StoreError:
            if self.about(name) is None:
                raise
            return False  # somebody was quicker; which error says so differs from file system to file system
        return True

    def replace(self, name: str, content: bytes) -> None:
        """Write a file in the place of whatever is there."""
        with _asking(self.url, "written"):
            self._fs.pipe_file(self.shown(name), content)

    def settle(self, name: str) -> None:
        """Do nothing: what an object store has taken it keeps."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with _asking(self.url, "written"), contextlib.suppress(FileNotFoundError):  # somebody was quicker
            self._fs.rm_file(self.shown(name))

    def remove_folder(self, folder: str) -> None:
        """Do nothing: a folder of an object store is there as long as something is in it."""

    def about(self, name: str) -> About | None:
        """Return what is known of a file without its content; None when there is none."""
        path = self.shown(name)
        self._fs.invalidate_cache(path)
        try:
            with _asking(self.url, "read"):
                said = self._fs.info(path)
        except FileNotFoundError:
            return None
        return _about(said) if said.get("type") == "file" else None

    def names(self, folder: str) -> list[str]:
        """Return the names of what is in a folder, in one look; none when there is no such folder."""
        return [_last(said["name"]) for said in self._look(folder)]

    def listing(self, folder: str) -> dict[str, About]:
        """Return the files in a folder by name; none when there is no such folder."""
        return {_last(said["name"]): _about(said) for said in self._look(folder) if said.get("type") == "file"}

    def folders_with(self, folder: str, name: str) -> list[str]:
        """Return the names of the folders in `folder` that hold a file called `name`, sorted."""
        path = self.shown(folder)
        self._fs.invalidate_cache(path)
        try:
            with _asking(self.url, "read"):
                found = self._fs.glob(f"{path}/*/{name}")
        except FileNotFoundError:
            return []
        return sorted(_last(one.rpartition("/")[0]) for one in found)

    def local_path(self, name: str) -> Path:
        """Return where `fetch` copies a file to, whether it is there or not."""
        return self._cache().joinpath(*name.split("/"))

    def fetch(self, name: str) -> Path:
        """Return the path to which a file was copied now; raise FileNotFoundError when there is none."""
        content = self.read(name)
        copy = self.local_path(name)
        part = copy.with_name(f".{copy.name}.{uuid.uuid4().hex}")
        try:
            copy.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(content)
            return part.replace(copy)
        except OSError as error:
            raise StoreError(f"the store {self.url} cannot be read into {copy.parent}: {reason(error)}") from error
        finally:
            with contextlib.suppress(OSError):
                part.unlink()

    def write_part(self, content: bytes) -> str:
        """Write a file that is not there for anybody yet; return its name."""
        name = part_name()
        self.replace(name, content)
        return name

    def place(self, name: str) -> str:
        """Return what tells a file from a copy of it, from wherever it is looked at; empty when there is none."""
        about = self.about(name)
        return "" if about is None else f"{self.shown(name)} {about.mark}"

    def _look(self, folder: str) -> list[Mapping[str, Any]]:
        path = self.shown(folder)
        self._fs.invalidate_cache(path)
        try:
            with _asking(self.url, "read"):
                return list(self._fs.ls(path, detail=True))
        except FileNotFoundError:
            return []


@contextlib.contextmanager
def _asking(url: str, verb: str) -> Iterator[None]:
    """Have whatever goes wrong tell why the store cannot be read, or written.

    What fsspec's file systems raise is not all of a kind: botocore's errors, for one, are no OSError. A file that is
    not there, when it is read, stays FileNotFoundError.
    """
    try:
        yield
    except Exception as error:
        if verb == "read" and isinstance(error, FileNotFoundError):
            raise
        said = reason(error) if isinstance(error, OSError) else " ".join(f"{type(error).__name__}: {error}".split())
        raise StoreError(f"the store {url} cannot be {verb}: {said}") from error


def _last(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


def _about(said: Mapping[str, Any]) -> About:
    return About(int(said["size"] or 0), _modified(said), repr([said.get(name) for name in _MARKS]))


def _modified(said: Mapping[str, Any]) -> float:
    """When a file was written, in seconds since 1970, by whichever name and kind its store has for it; else 0."""
    for name in _TIMES:
        value = said.get(name)
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if isinstance(value, datetime):
            return value.timestamp()
        if value:
            return float(value)
    return 0.0
