"""The Store, the truth of a study: input files by content, results by key, manifests by study name.

What is written is there whole or not at all, and the first result under a key stays. Everything in Redis may vanish;
what is here is enough to go on.

    store.json                           the identity of this store
    inputs/ab/abcdef….idf                an input file under the digest of its content
    results/ab/abcdef….json              a result under its key; never changed
    results/ab/abcdef….<artifact>        what stands beside a result: a requested output, a kept file
    results/ab/abcdef….failed.json       the last failure under that key, until a result replaces it
    results/ab/abcdef….failed.<artifact> what stands beside a failure
    studies/<name>/manifest.json         the study as it was last run
    studies/<name>/cancelled             there while the study is cancelled
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import uuid
import warnings
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from epstudy.core.canonical import content_digest
from epstudy.core.contracts import Held
from epstudy.core.errors import StoreError, StudyNotFoundError
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Outcome, State
from epstudy.core.variant import check_study_name


class DamagedFileWarning(UserWarning):
    """A file of the store is not what was written; it is treated as absent and computed again."""


class Store:
    """A folder, or any fsspec URL, that holds studies and results. Opening one creates nothing.

    Parameters
    ----------
    url
        A path, or an fsspec URL such as `memory://studies`.
    cache
        Where `input_path` keeps copies when the store is not a local folder.
    """

    def __init__(self, url: str, cache: Path | None = None) -> None:
        import fsspec

        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise StoreError(f'the store "{url}" cannot be opened: {error}') from error
        self.url = url
        self._local = "file" in _protocols(self._fs)
        self._cache = cache
        self._intact: set[tuple[str, int, int]] = set()  # input files whose content was compared with their name

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    # inputs -----------------------------------------------------------------------------------------------------

    def put_input(self, content: bytes, suffix: str) -> str:
        """Keep an input file; return its name, which is the digest of its content and its suffix (".idf").

        Raises
        ------
        StoreError
            When the store cannot be written.
        """
        name = content_digest(content) + suffix
        path = self._path("inputs", name[:2], name)
        if not self._create(path, content) and self._read(path) != content:
            self._replace(path, content)  # somebody's damaged file
        return name

    def input_path(self, name: str) -> Path:
        """Return a local path of the input file `name`; a store that is no folder is read once, into the cache.

        Raises
        ------
        StoreError
            When the file is not there, or is not what its name says.
        """
        path = self._path("inputs", name[:2], name)
        if self._local:
            local = Path(path)
        elif self._cache is None:
            raise StoreError(f"{self} is not a local folder and no cache was given for its input files")
        else:
            local = self._cache / name
            if not local.exists():
                self._cache.mkdir(parents=True, exist_ok=True)
                self._copy_input(path, local)
        self._verify_input(local, name)
        return local

    # results ----------------------------------------------------------------------------------------------------

    def put_outcome(self, key: str, outcome: Outcome) -> bool:
        """Keep what became of the variant with this key; say whether it was the first result.

        A result (done) is never replaced, a failure is. Anything but done or failed is refused.
        """
        text = json.dumps({"key": key, **outcome.to_json()}, sort_keys=True, ensure_ascii=False, allow_nan=False)
        content = f"{content_digest(text.encode())}\n{text}\n".encode()
        if outcome.state is State.FAILED:
            self._replace(self._failure(key), content)
            return True
        if outcome.state is not State.DONE:
            raise ValueError(f"a variant that is {outcome.state} has no outcome to keep")
        path = self._result(key)
        first = self._create(path, content)
        if outcome.attempts > 1 or self._exists(self._failure(key)):
            self.forget_failures([key])  # a failure that stands beside a result is younger than it
        if first:
            return True
        if self._read_outcome(path, key) is None:  # somebody's damaged file
            self._replace(path, content)
            return True
        return False

    def outcome(self, key: str, artifacts: Iterable[str] = ()) -> Outcome | None:
        """Return the result under `key`, else its last failure, else None.

        A result counts only when all `artifacts` stand beside it.
        """
        found = self._read_outcome(self._result(key), key)
        if found is not None and all(self._exists(self._artifact(key, name)) for name in artifacts):
            return found
        return self._read_outcome(self._failure(key), key)

    def outcomes(self, keys: Iterable[str], artifacts: Iterable[str] = ()) -> dict[str, Outcome]:
        """Return the outcomes that the store holds for `keys`, as `outcome` does; a key without one is left out."""
        wanted = list(dict.fromkeys(keys))
        names = [f".{name}" for name in artifacts]
        held = self._held_names(wanted)
        there = [key for key in wanted if f"{key}.json" in held or f"{key}.failed.json" in held]

        def read(key: str) -> Outcome | None:
            whole = f"{key}.json" in held and all(key + name in held for name in names)
            found = self._read_outcome(self._result(key), key) if whole else None
            if found is None and f"{key}.failed.json" in held:
                return self._read_outcome(self._failure(key), key)
            return found

        if self._local:
            found = [read(key) for key in there]  # threads only get in each other's way
        else:
            with ThreadPoolExecutor(max_workers=16) as threads:
                found = list(threads.map(read, there))
        return {key: outcome for key, outcome in zip(there, found, strict=True) if outcome is not None}

    def forget_failures(self, keys: Iterable[str]) -> None:
        """Remove the failures under these keys, and what failed attempts left; results stay."""
        for name in self.held(keys):
            if ".failed." in name:
                with contextlib.suppress(FileNotFoundError):  # somebody was quicker
                    self._fs.rm_file(self._path("results", name[:2], name))

    # what stands beside a result ----------------------------------------------------------------------------------

    def put_artifact(self, key: str, name: str, content: bytes, *, failed: bool = False) -> None:
        """Keep a file beside the result under `key`, or beside its failure, in the place of an older one."""
        self._replace(self._artifact(key, f"failed.{name}" if failed else name), content)

    def discard_artifact(self, key: str, name: str) -> None:
        """Remove a damaged file beside a result: the next run makes it again."""
        warnings.warn(
            f"{self._artifact(key, name)} is damaged and was removed; run() makes it again",
            DamagedFileWarning,
            stacklevel=3,
        )
        with contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._artifact(key, name))

    def held_beside(self, key: str) -> Held:
        """Return the files that stand beside the result under `key`."""
        start = f"{key}."
        names = sorted(name.removeprefix(start) for name in self._held_names([key]) if name.startswith(start))
        there = [name for name in names if name != "json" and not name.startswith("failed.")]
        return Held(tuple(there), lambda name: self.artifact(key, name))

    def artifact(self, key: str, name: str, *, failed: bool = False) -> Path | None:
        """Return a local path of the file beside a result, or beside a failure; None when there is none.

        A store that is no folder is read into the cache.
        """
        path = self._artifact(key, f"failed.{name}" if failed else name)
        if self._local:
            return Path(path) if self._exists(path) else None
        try:
            content = self._read(path)
        except FileNotFoundError:
            return None
        local = self._cache_folder() / key[:2] / path.rsplit("/", 1)[-1]
        local.parent.mkdir(parents=True, exist_ok=True)
        part = local.with_name(f".{local.name}.{uuid.uuid4().hex}")
        part.write_bytes(content)
        return part.replace(local)

    def held(self, keys: Iterable[str]) -> set[str]:
        """Return the names of all files under these keys: `<key>.json`, `<key>.<artifact>`."""
        wanted = set(keys)
        return {name for name in self._held_names(list(wanted)) if name.partition(".")[0] in wanted}

    def sizes(self, keys: Iterable[str]) -> list[int]:
        """Return for each key how many bytes its files take."""
        wanted = list(keys)
        sizes = dict.fromkeys(wanted, 0)
        for shard in {key[:2] for key in wanted}:
            try:
                listed = self._fs.ls(self._path("results", shard), detail=True)
            except FileNotFoundError:
                continue  # nothing is held there
            for about in listed:
                key = str(about["name"]).replace("\\", "/").rsplit("/", 1)[-1].partition(".")[0]
                if key in sizes:
                    sizes[key] += int(about["size"] or 0)
        return list(sizes.values())

    # studies ----------------------------------------------------------------------------------------------------

    def put_manifest(self, manifest: Manifest) -> None:
        """Keep `manifest` as what its study name stands for now."""
        self.identity()
        text = json.dumps(manifest.to_json(), ensure_ascii=False, allow_nan=False)
        content = f"{content_digest(text.encode())}\n{text}\n".encode()
        self._replace(self._path("studies", manifest.study, "manifest.json"), content)

    def manifest(self, study: str) -> Manifest:
        """Return the manifest of the study called `study`.

        Raises
        ------
        StudyNotFoundError
            When there is none; the message lists those that are there.
        StoreError
            When the file is damaged.
        """
        check_study_name(study)
        try:
            content = self._read(self._path("studies", study, "manifest.json"))
        except FileNotFoundError:
            names = self.studies()
            known = f"it holds {', '.join(names[:20])}" if names else "it holds none yet"
            raise StudyNotFoundError(f'no study "{study}" in the store {self.url}; {known}') from None
        said = _verified(content)
        if said is None:
            raise StoreError(f'the manifest of study "{study}" in {self.url} is damaged; run the study again')
        return Manifest.from_json(said)

    def manifest_mark(self, study: str) -> str:
        """Return what changes when another manifest is stored under this name; empty when there is none."""
        try:
            about = self._fs.info(self._path("studies", check_study_name(study), "manifest.json"))
        except FileNotFoundError:
            return ""
        parts = ("size", "mtime", "ino", "ETag", "etag", "LastModified", "updated", "created")
        return repr([about.get(part) for part in parts])

    def studies(self) -> list[str]:
        """Return the names of the studies in the store, sorted."""
        try:
            found = self._fs.glob(self._path("studies", "*", "manifest.json"))
        except FileNotFoundError:
            return []
        return sorted(str(path).replace("\\", "/").split("/")[-2] for path in found)

    def remove_study(self, study: str) -> None:
        """Forget what the name `study` stands for; results stay."""
        for name in ("manifest.json", "cancelled"):
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(self._path("studies", check_study_name(study), name))
        if self._local:
            with contextlib.suppress(OSError):
                Path(self._path("studies", study)).rmdir()

    def set_cancelled(self, study: str, cancelled: bool, why: str = "") -> None:
        """Note that the study is cancelled, and why, or that it is not any more."""
        path = self._path("studies", study, "cancelled")
        if cancelled:
            self._replace(path, why.encode())
        elif self._exists(path):
            self._fs.rm_file(path)

    def is_cancelled(self, study: str) -> bool:
        """Say whether the study is cancelled."""
        return self._exists(self._path("studies", study, "cancelled"))

    def why_cancelled(self, study: str) -> str:
        """Return why the study was cancelled; empty when it was not, or nobody said."""
        try:
            return self._read(self._path("studies", study, "cancelled")).decode()
        except FileNotFoundError:
            return ""

    def identity(self) -> str:
        """Return the identity of this store, making it on first use: two paths to one store have the same one."""
        path = self._path("store.json")
        if not self._exists(path):
            self._create(path, json.dumps({"format": 1, "id": uuid.uuid4().hex}).encode())
        try:
            return str(json.loads(self._read(path))["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{path} is damaged; remove it, a new one is made") from error

    # files ------------------------------------------------------------------------------------------------------

    def _path(self, *parts: str) -> str:
        return "/".join([self._root.rstrip("/"), *parts])

    def _result(self, key: str) -> str:
        return self._path("results", key[:2], f"{key}.json")

    def _failure(self, key: str) -> str:
        return self._path("results", key[:2], f"{key}.failed.json")

    def _artifact(self, key: str, name: str) -> str:
        return self._path("results", key[:2], f"{key}.{name}")

    def _cache_folder(self) -> Path:
        if self._cache is not None:
            return self._cache
        import platformdirs

        return Path(platformdirs.user_cache_dir("epstudy", appauthor=False))

    def _copy_input(self, path: str, local: Path) -> None:
        part = local.with_name(f".{local.name}.{uuid.uuid4().hex}")
        try:
            part.write_bytes(self._read(path))
        except OSError as error:
            raise StoreError(f"the input file {local.name} cannot be read from {self.url}: {error}") from error
        part.replace(local)

    def _verify_input(self, path: Path, name: str) -> None:
        try:
            seen = path.stat()
            mark = (name, seen.st_mtime_ns, seen.st_size)
            if mark not in self._intact and content_digest(path.read_bytes()) != name.partition(".")[0]:
                raise StoreError(f"{path} is not the file that was stored; run the study again to store it anew")
        except OSError as error:
            raise StoreError(f"the input file {name} cannot be read from {self.url}: {error}") from error
        self._intact.add(mark)

    def _exists(self, path: str) -> bool:
        return bool(self._fs.exists(path))

    def _read(self, path: str) -> bytes:
        if self._local:
            return Path(path).read_bytes()
        return bytes(self._fs.cat_file(path))

    def _read_outcome(self, path: str, key: str) -> Outcome | None:
        try:
            said = _verified(self._read(path))
        except FileNotFoundError:
            return None
        if said is None or said.pop("key", None) != key:
            warnings.warn(f"{path} is damaged; it counts as absent", DamagedFileWarning, stacklevel=3)
            return None
        return Outcome.from_json(said)

    def _held_names(self, keys: list[str]) -> set[str]:
        """The names of the files in the shards of `keys`: one listing a shard, not one look a key."""
        names: set[str] = set()
        for shard in {key[:2] for key in keys}:
            try:
                listed = self._fs.ls(self._path("results", shard), detail=False)
            except FileNotFoundError:
                continue
            names.update(str(path).replace("\\", "/").rsplit("/", 1)[-1] for path in listed)
        return names

    def _create(self, path: str, content: bytes) -> bool:
        """Write a whole new file; False when there is one already."""
        if not self._local:
            if self._exists(path):
                return False
            self._fs.pipe_file(path, content)  # an object store shows an object whole or not at all
            return True
        part = self._write_part(path, content)
        try:
            os.link(part, path)  # fails when the name is taken: atomic, unlike a look before a rename
        except FileExistsError:
            return False
        except OSError:  # a file system without hard links
            if self._exists(path):
                return False
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return True

    def _replace(self, path: str, content: bytes) -> None:
        """Write a whole file in the place of whatever is there."""
        if self._local:
            self._write_part(path, content).replace(path)
        else:
            self._fs.pipe_file(path, content)

    def _write_part(self, path: str, content: bytes) -> Path:
        target = Path(path)
        part = target.with_name(f".{target.name[:20]}.{os.getpid()}.{threading.get_ident()}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            raise StoreError(f"the store {self.url} cannot be written: {error}") from error
        return part


def _protocols(fs: Any) -> tuple[str, ...]:
    protocol = fs.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _verified(content: bytes) -> dict[str, Any] | None:
    """The JSON behind the digest in the first line; None when the two do not agree."""
    stated, _, text = content.partition(b"\n")
    text = text.removesuffix(b"\n")
    if stated.decode("ascii", "replace") != content_digest(text):
        return None
    said: dict[str, Any] = json.loads(text)
    return said
