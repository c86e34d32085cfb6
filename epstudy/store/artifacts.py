"""What stands beside results and failures, each file with its digest on record."""

from __future__ import annotations

import warnings
from pathlib import Path

from epstudy.core.canonical import content_digest
from epstudy.core.shape import check_items, check_shape
from epstudy.store.checksummed import Compared, DamagedFileWarning, seal, unseal
from epstudy.store.files import Files, reading
from epstudy.store.results import shard

#: What a file that holds digests is called, behind the key.
RECORD, RECORD_OF_FAILURE = "files.json", "failed.files.json"

_TAKEN = ("json", RECORD)


def artifact_file(key: str, name: str, *, failed: bool = False) -> str:
    """Return the name of a file beside a result, or beside a failure."""
    return f"{shard(key)}/{key}.{'failed.' if failed else ''}{name}"


def record_file(key: str, *, failed: bool = False) -> str:
    """Return the name of the file that holds the digests of what stands beside a result, or beside a failure."""
    return f"{shard(key)}/{key}.{RECORD_OF_FAILURE if failed else RECORD}"


def artifact_names(key: str, held: list[str]) -> list[tuple[str, bool]]:
    """Return what stands beside a result and a failure, sorted, and of each whether it is the failure's."""
    own = ("json", RECORD, "failed.json", RECORD_OF_FAILURE)
    names = sorted(name.removeprefix(f"{key}.") for name in held)
    return [(name.removeprefix("failed."), name.startswith("failed.")) for name in names if name not in own]


class Beside:
    """The files beside the results and failures of one store.

    A digest is on record before its file is there, and those that were there before stay on record: a process may die
    between the two, and then what stands there is the file before. The other order would have a new file look damaged
    to whoever reads it before its digest is written, for ever if that never happens. So whoever reads takes the file
    first and the record after it. What has no digest, as in older stores, is taken as it is.
    """

    def __init__(self, files: Files, compared: Compared) -> None:
        self._files = files
        self._compared = compared

    def put(self, key: str, name: str, content: bytes, *, failed: bool) -> None:
        """Keep a file and its digest."""
        if name in _TAKEN or name.startswith("failed."):
            raise ValueError(f'no file beside a result can be called "{name}": the store has its own of that name')
        digests = self._digests(key, failed=failed) or {}
        digest = content_digest(content)
        if digest not in digests.get(name, []):
            digests[name] = [digest, *digests.get(name, [])]
            self._files.replace(record_file(key, failed=failed), seal({"files": digests}, sort=True))
        self._files.replace(artifact_file(key, name, failed=failed), content)

    def path(self, key: str, name: str, *, failed: bool) -> Path | None:
        """Return a local path of a file; None when it is not there, or was damaged and is removed, with a warning."""
        path, whole = self._take(key, name, failed=failed)
        if not whole:
            self.discard(key, name, failed=failed)
            warn_of_removal(self._files, artifact_file(key, name, failed=failed))
        return path if whole else None

    def path_of_anything(self, key: str, name: str) -> Path | None:
        """Return a local path of a file beside a result, damaged or not; None when it is not there."""
        try:
            return self._files.fetch(artifact_file(key, name))
        except FileNotFoundError:
            return None

    def discard(self, key: str, name: str, *, failed: bool) -> None:
        """Remove a file, and after it its digests: then what an older epstudy puts there is no damage."""
        self._files.remove(artifact_file(key, name, failed=failed))
        digests = self._digests(key, failed=failed)
        if digests and digests.pop(name, None) is not None:
            record = record_file(key, failed=failed)
            if digests:
                self._files.replace(record, seal({"files": digests}, sort=True))
            else:
                self._files.remove(record)

    def on_record(self, key: str) -> list[tuple[str, bool]]:
        """Return what has a digest on record under a key, and of each whether it stands beside the failure."""
        return [(name, failed) for failed in (False, True) for name in self._digests(key, failed=failed) or {}]

    def discard_if_damaged(self, key: str, name: str, *, failed: bool) -> bool:
        """Compare a file with its digest, whatever was seen of it before; say whether it was damaged and is removed."""
        _, whole = self._take(key, name, failed=failed, again=True)
        if not whole:
            self.discard(key, name, failed=failed)
        return not whole

    def discard_damaged_record(self, key: str, *, failed: bool) -> bool:
        """Remove digests that are damaged themselves; say whether they were. Their files are taken as they are."""
        if self._digests(key, failed=failed) is not None:
            return False
        self._files.remove(record_file(key, failed=failed))
        return True

    def _take(self, key: str, name: str, *, failed: bool, again: bool = False) -> tuple[Path | None, bool]:
        """A local path of a file, None when it is not there, and whether nothing is wrong with it."""
        file = artifact_file(key, name, failed=failed)

        def on_record(digest: str) -> bool:
            digests = self._digests(key, failed=failed)
            if digests is None:
                record = record_file(key, failed=failed)
                self._files.remove(record)
                text = (
                    f"{self._files.shown(record)} is damaged and was removed; what it has digests of is taken as it is"
                )
                warnings.warn(text, DamagedFileWarning, stacklevel=6)
                return True
            return digest in digests.get(name, [digest])

        try:
            path = self._files.fetch(file)
            with reading(self._files.url):
                return path, self._compared.is_whole(path, on_record, again=again)
        except FileNotFoundError:
            return None, True

    def _digests(self, key: str, *, failed: bool) -> dict[str, list[str]] | None:
        """The digests on record by name, the newest first; None when the record is damaged."""
        try:
            said = unseal(self._files.read(record_file(key, failed=failed)))
        except FileNotFoundError:
            return {}
        try:
            check_shape(said, {"files": dict})
            files = {} if said is None else said["files"]
            check_items(files, list, "files")
        except ValueError:
            return None
        return {name: list(digests) for name, digests in files.items()}


def warn_of_removal(files: Files, file: str) -> None:
    """Warn that a file beside a result was damaged."""
    text = f"{files.shown(file)} is damaged and was removed; run() makes it again"
    warnings.warn(text, DamagedFileWarning, stacklevel=4)
