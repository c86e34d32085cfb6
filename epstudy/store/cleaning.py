"""The removal of what no study refers to: noted when it is first seen, removed when it stays so for a while.

A grid that is changed leaves its results behind. Changed back it simulates nothing as long as they are there, so they
are no rubbish yet; see docs/decisions/0013-cleaning.md.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Collection, Iterable, Iterator

from epstudy.core.errors import StoreError
from epstudy.core.manifest import MANIFEST_FORMAT
from epstudy.store.checksummed import DamagedFileWarning, seal, unseal
from epstudy.store.cleaned import Cleaned, Thing
from epstudy.store.files import About, Files

#: What was no study's when the store was last cleaned, and since when; written by every clean.
NOTE = "clean.json"

#: The folder of what came of trying out models.
TRIED = "tried"

#: A study that is being stored has its files here before its manifest: what is younger is nobody's business.
YOUNG_S = 3600.0

_REFERRING = (("studies", "manifest.json"), ("reports", "request.json"))
_LOOK_S = 5.0  # so long the studies that were read last are taken for those that are there
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SHARD = re.compile(r"[0-9a-f]{2}")
_DIGESTS = re.compile(rb"[0-9a-f]{64,}")


class Referred:
    """Every key and digest that a study of the store refers to, or a report that is queued.

    All that looks like one counts, wherever it stands in the text of a manifest, and what was seen once stays.
    """

    def __init__(self, files: Files) -> None:
        self.digests: set[str] = set()
        self.studies = 0
        self._files = files
        self._marks: dict[str, str] = {}

    def look(self, without: Collection[str] = ()) -> None:
        """Read what was stored since the last look; the studies `without` are left out.

        Raises
        ------
        StoreError
            When a manifest is damaged, or a later version of epstudy wrote it: nobody knows what it refers to.
        """
        for folder, name in _REFERRING:
            found = [one for one in self._files.folders_with(folder, name) if folder != "studies" or one not in without]
            self.studies = len(found) if folder == "studies" else self.studies
            for one in found:
                self._read(f"{folder}/{one}/{name}", one)

    def _read(self, file: str, who: str) -> None:
        about = self._files.about(file)
        if about is None or self._marks.get(file) == about.mark:
            return
        forget = (
            "forget it: epstudy clean --forget" if file.startswith("studies/") else "remove it: epstudy reports remove"
        )
        unknown = f"what {self._files.shown(file)} refers to is unknown, so nothing is removed"
        try:
            content = self._files.read(file)
        except FileNotFoundError:
            return  # it was forgotten just now
        except StoreError as error:
            raise StoreError(f"{unknown}: {error}") from error
        said = unseal(content)
        if said is None:
            raise StoreError(f"{unknown}: it is damaged; run it again, or {forget} {who}")
        written = said.get("manifest", 1)
        if not isinstance(written, int):
            raise StoreError(f"{unknown}: it has another shape; run it again, or {forget} {who}")
        if written > MANIFEST_FORMAT:
            raise StoreError(f"{unknown}: a later version of epstudy wrote it; update this one, or {forget} {who}")
        self.digests |= _digests_in(content)
        self._marks[file] = about.mark


def clean(files: Files, referred: Referred, *, after_s: float, now: float, dry: bool) -> Cleaned:
    """Remove what was no study's for `after_s` seconds, and note what is no study's now; with `dry` only say so.

    The note is written before the first removal, so that a clean that is interrupted forgets nothing. A study that was
    stored since `referred` looked keeps what it refers to. What came of trying out a model goes when it is so old.
    """
    found = list(_of_no_study(files, referred.digests))
    before = _read_note(files)
    note = {one.digest: before.get(one.digest, now) for one in found}
    due = {one: _due(one, note[one.digest], after_s, now) for one in found}
    if not dry:
        _write_note(files, note)
    ready = [*(one for one in found if due[one] <= now), *_old_verdicts(files, after_s, now)]
    removed = ready if dry else list(_remove(files, referred, ready))
    gone = {*removed}
    left = tuple(one for one in found if one not in gone and one.digest not in referred.digests)
    if removed and not dry:
        _write_note(files, {one.digest: note[one.digest] for one in left})
    return Cleaned(
        studies=referred.studies,
        forgotten=(),
        removed=tuple(removed),
        left=left,
        due=min((due[one] for one in left), default=None),
        after_s=after_s,
        dry=dry,
    )


def _remove(files: Files, referred: Referred, things: Iterable[Thing]) -> Iterator[Thing]:
    """Remove these things and yield each that is gone; what a study refers to by now, or was written anew, stays."""
    looked = float("-inf")
    for one in things:
        if time.monotonic() - looked > _LOOK_S:
            referred.look()
            looked = time.monotonic()
        about = files.about(one.files[0])
        is_referred = one.kind != "verdict" and one.digest in referred.digests
        if is_referred or about is None or about.modified > one.modified:
            continue
        for file in one.files:
            files.remove(file)
        yield one


def store_clock(files: Files) -> float:
    """Return the time by the clock of whoever keeps the files, in seconds since 1970: that of their own times."""
    part = files.write_part(b"")
    about = files.about(part)
    files.remove(part)
    return time.time() if about is None or not about.modified else about.modified


def _due(one: Thing, seen: float, after_s: float, now: float) -> float:
    """When a thing may go that was first seen as no study's at `seen`."""
    return max(seen + after_s, (one.modified or now) + YOUNG_S)


def _of_no_study(files: Files, referred: Collection[str]) -> Iterator[Thing]:
    """What is in no manifest. Names are listed once a shard, and sizes only where something is found."""
    for folder in ("results", "inputs", "attempts"):
        for shard in sorted(name for name in files.names(folder) if _SHARD.fullmatch(name)):
            found: dict[str, list[str]] = {}
            for name in files.names(f"{folder}/{shard}"):
                digest = name.partition(".")[0]
                if _DIGEST.fullmatch(digest) and digest.startswith(shard) and digest not in referred:
                    found.setdefault(digest, []).append(name)
            listing = files.listing(f"{folder}/{shard}") if found else {}
            for digest, names in sorted(found.items()):
                there = {name: listing[name] for name in names if name in listing}
                if there:
                    yield _thing(folder, digest, there)


def _old_verdicts(files: Files, after_s: float, now: float) -> Iterator[Thing]:
    """What came of trying out models that long ago. No study refers to it; without it the model is tried out again."""
    for name, about in sorted(files.listing(TRIED).items()):
        digest = name.partition(".")[0]
        if _DIGEST.fullmatch(digest) and about.modified and about.modified + max(after_s, YOUNG_S) <= now:
            yield Thing(digest, "verdict", (f"{TRIED}/{name}",), about.size, about.modified)


def _thing(folder: str, digest: str, there: dict[str, About]) -> Thing:
    """One thing; its own file comes first, so that no result is ever without what stands beside it."""
    result, failure = f"{digest}.json", f"{digest}.failed.json"
    kind = "input" if folder == "inputs" else "leftover"
    if folder == "results":
        kind = "result" if result in there else "failure" if failure in there else "leftover"
    names = sorted(there, key=lambda name: (name != result, name != failure, name))
    times = [about.modified for about in there.values()]
    return Thing(
        digest,
        kind,
        tuple(f"{folder}/{digest[:2]}/{name}" for name in names),
        sum(about.size for about in there.values()),
        max(times) if all(times) else 0.0,
    )


def _digests_in(content: bytes) -> set[str]:
    runs = (run.decode("ascii") for run in _DIGESTS.findall(content))
    return {run[first : first + 64] for run in runs for first in range(len(run) - 63)}


def _read_note(files: Files) -> dict[str, float]:
    """Since when each digest is known to be no study's; nothing, with a warning, when the note is damaged."""
    try:
        said = unseal(files.read(NOTE))
    except FileNotFoundError:
        return {}
    if said is None or not all(isinstance(seen, float | int) for seen in said.values()):
        text = f"{files.shown(NOTE)} is damaged; what is no study's is noted anew, and stays so much longer"
        warnings.warn(text, DamagedFileWarning, stacklevel=4)
        return {}
    return said


def _write_note(files: Files, note: dict[str, float]) -> None:
    files.replace(NOTE, seal(note, sort=True))
