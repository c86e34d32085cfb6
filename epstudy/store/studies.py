"""What is noted of a study besides its manifest: that it is cancelled or paused, and that it is under way."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

from epstudy.core.errors import InputError, StoreError
from epstudy.core.shape import NUMBER
from epstudy.core.variant import check_study_name
from epstudy.store.checksummed import DamagedFileWarning, seal, unseal
from epstudy.store.files import About, Files

CANCELLED, PAUSED = "cancelled", "paused"

_WANTED = "wanted"


def study_file(study: str, name: str) -> str:
    """Return the name of a file of a study; raise InputError when `study` is no name of one."""
    return f"studies/{check_study_name(study)}/{name}"


def set_note(files: Files, study: str, note: str, there: bool, why: str) -> None:
    """Note something of a study, and why, or that it is not so any more."""
    if there:
        files.replace(study_file(study, note), why.encode())
        files.settle(study_file(study, note))
    else:
        files.remove(study_file(study, note))


def has_note(files: Files, study: str, note: str) -> bool:
    """Say whether this is noted of a study."""
    return files.about(study_file(study, note)) is not None


def why_noted(files: Files, study: str, note: str) -> str:
    """Return why this was noted of a study; empty when it was not, or nobody said."""
    try:
        return files.read(study_file(study, note)).decode(errors="replace")
    except FileNotFoundError:
        return ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is to bring a study to its end, which `run()` or `retry()` asked for it, and for what.

    `only` is that of `run()`; `variants` are the very ones that are asked for, None when `only` says it. They are those
    of the `grid` with this digest. The request began at `since`, by the clock of the store: seconds since 1970.
    """

    pool: str
    request: str = ""
    only: str | None = None
    variants: tuple[int, ...] | None = None
    grid: str = ""
    since: float = field(default=0.0, compare=False)


class WantedStudies:
    """The studies that are under way, in a store where Redis and every worker may vanish. Reads what has changed."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._seen: dict[str, tuple[About, Wanted | None]] = {}

    def put(self, study: str, wanted: Wanted) -> Wanted:
        """Note that a study is under way; return what was noted, with when it began: now, unless `since` says it."""
        variants = None if wanted.variants is None else _shortened(wanted.variants)
        self._files.replace(_wanted_file(study), seal({**asdict(wanted), "variants": variants}))
        self._files.settle(_wanted_file(study))
        return _begun(wanted, self._files.about(_wanted_file(study)))

    def remove(self, study: str) -> None:
        """Note that a study is not under way any more."""
        self._files.remove(_wanted_file(study))

    def read(self) -> dict[str, Wanted]:
        """Return the studies that are under way, and the pool of each; a damaged entry is left out, with a warning."""
        there = {name: about for name, about in self._files.listing(_WANTED).items() if _is_study(name)}
        self._seen = {name: seen for name, seen in self._seen.items() if there.get(name) == seen[0]}
        found = {name: self._entry(name, about) for name, about in sorted(there.items())}
        return {name: wanted for name, wanted in found.items() if wanted is not None}

    def read_one(self, study: str) -> Wanted | None:
        """Return what is wanted of one study, whatever was seen before; None when nothing is, or it is damaged."""
        file = _wanted_file(study)
        try:
            wanted = _unseal_wanted(self._files.read(file))
        except FileNotFoundError:
            return None
        return None if wanted is None else _begun(wanted, self._files.about(file))

    def _entry(self, study: str, about: About) -> Wanted | None:
        if study in self._seen:
            return self._seen[study][1]
        try:
            said = _unseal_wanted(self._files.read(_wanted_file(study)))
            wanted = None if said is None else _begun(said, about)
        except FileNotFoundError:
            return None  # it ended just now
        except StoreError as error:
            warnings.warn(f'study "{study}" is not gone on with: {error}', DamagedFileWarning, stacklevel=5)
            return None
        self._seen[study] = (about, wanted)
        if wanted is None:
            file = self._files.shown(_wanted_file(study))
            warnings.warn(f"{file} is damaged; run() the study again", DamagedFileWarning, stacklevel=5)
        return wanted


def _wanted_file(study: str) -> str:
    return f"{_WANTED}/{check_study_name(study)}"


def _is_study(name: str) -> bool:
    """Whether a file is a study's, and not what a file system or an editor left beside them."""
    try:
        return check_study_name(name) == name
    except InputError:
        return False


def _unseal_wanted(content: bytes) -> Wanted | None:
    said = unseal(content) or {}
    pool, request, only, grid = said.get("pool"), said.get("request", ""), said.get("only"), said.get("grid", "")
    variants, since = said.get("variants"), said.get("since", 0.0)
    if not (isinstance(pool, str) and isinstance(request, str) and isinstance(grid, str)):
        return None
    if not (isinstance(only, str | None) and isinstance(variants, str | None)):
        return None
    if not isinstance(since, NUMBER):
        return None
    try:
        chosen = None if variants is None else _lengthened(variants)
    except ValueError:
        return None
    return Wanted(pool, request, only, chosen, grid, float(since))


def _begun(wanted: Wanted, about: About | None) -> Wanted:
    """What is wanted, with when it began: when its file was written, unless it goes on with an earlier request."""
    return wanted if wanted.since or about is None else replace(wanted, since=about.modified)


def _shortened(indices: Sequence[int]) -> str:
    """Ascending indices as a text, "0-4,7": most often a few characters for very many."""
    runs = []
    for _, run in itertools.groupby(enumerate(indices), key=lambda pair: pair[1] - pair[0]):
        members = [index for _, index in run]
        runs.append(f"{members[0]}-{members[-1]}" if len(members) > 1 else str(members[0]))
    return ",".join(runs)


def _lengthened(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for run in filter(None, text.split(",")):
        first, _, last = run.partition("-")
        found += range(int(first), int(last or first) + 1)
    return tuple(found)
