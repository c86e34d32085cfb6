"""A store by what it means: inputs, outcomes, what stands beside them, attempts and studies."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from epstudy.core.canonical import content_digest
from epstudy.core.contracts import Held
from epstudy.core.errors import InputError, StoreError, StudyNotFoundError
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Attempt, Cause, Outcome, State
from epstudy.core.variant import check_study_name, is_one_name
from epstudy.store import attempts as attempts_of
from epstudy.store.artifacts import RECORD, RECORD_OF_FAILURE, Beside, artifact_file, artifact_names, warn_of_removal
from epstudy.store.checksummed import Compared, seal, unseal
from epstudy.store.cleaned import Cleaned
from epstudy.store.cleaning import NOTE, TRIED, YOUNG_S, Referred, clean, store_clock
from epstudy.store.damage import damage
from epstudy.store.files import clear_parts, reading
from epstudy.store.opening import STORE_FILE, Guarded, open_files
from epstudy.store.reports import Reports
from epstudy.store.results import (
    Ends,
    discard_if_damaged,
    failure_file,
    names_under,
    read_outcome,
    result_file,
    seal_outcome,
    shard,
)
from epstudy.store.studies import (
    CANCELLED,
    PAUSED,
    Wanted,
    WantedStudies,
    has_note,
    set_note,
    study_file,
    why_noted,
)

_PROBE_BYTES = 256 * 1024
_LOOKED_INTO = 5000  # results that are read to know whether they are there; of more the names say it
_AT_ONCE = 1000  # looks into the store between two signs of life
_DAY_S = 86400.0
_MOST_DAYS = 1e6
_T = TypeVar("_T")


class Store:
    """A folder, or any fsspec URL, that holds studies and results. Opening one creates nothing.

    Whatever is asked of it raises StoreError when the store cannot be read or written: the message says which and why.

    Parameters
    ----------
    url
        A path, or an fsspec URL such as `memory://studies`.
    cache
        Where `input_path` and `artifact` keep copies when the store is not a local folder.
    identity
        What the store is known by. Another one in its place, or none, is a StoreError; empty: the first one that is
        seen is the one.
    """

    def __init__(self, url: str, cache: Path | None = None, identity: str = "") -> None:
        self.url = url
        self._files = Guarded(open_files(url, self._cache_folder), identity)
        self._cache = cache
        self._compared = Compared()
        self._beside = Beside(self._files, self._compared)
        self._wanted = WantedStudies(self._files)
        self.reports = Reports(self._files)

    def __repr__(self) -> str:
        return f"Store({self.url!r})"

    def create(self) -> str:
        """Make the store, unless it is there; return its identity. Only `run()` does."""
        self._files.found()
        return self._files.identity()

    def identity(self) -> str:
        """Return the identity of this store, to which every path has the same one; empty when there is no store.

        Raises
        ------
        StoreError
            When it is not the store any more that was seen here before, or cannot be read.
        """
        return self._files.identity()

    def where(self) -> str:
        """Return what tells this store from a copy of it, on every machine that sees it; empty when there is none."""
        return self._files.where()

    def confirm(self) -> None:
        """Raise StoreError unless the store is there, and is the one that was seen here before."""
        if not self._files.is_confirmed():
            raise StoreError(f"there is no store in {self.url}: is it mounted? A new one is made by the first run()")

    def check_place(self) -> None:
        """Raise StoreError when the store is a local folder that is not there, and that this user cannot make."""
        if self._files.remote:
            return
        folder = self._files.local_path(STORE_FILE).parent
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if not os.access(there, os.W_OK | os.X_OK):
            raise StoreError(f"the store {self.url} cannot be written: {there} is not writable")

    def clock_ahead_s(self) -> float:
        """Return by how many seconds the clock that dates the files is ahead of this machine's."""
        return store_clock(self._files) - time.time()

    def probe_write(self) -> None:
        """Write and remove a file of 256 kB; raise StoreError, which says why, when that cannot be."""
        self._files.remove(self._files.write_part(os.urandom(_PROBE_BYTES)))

    def clear_parts(self) -> int:
        """Remove the files that processes left which died while they wrote them; return how many those were.

        Of other hosts' processes nobody here knows whether they live, so theirs go when they are a day old.
        """
        return clear_parts(self._files)

    def clean(
        self,
        *,
        after_days: float,
        forget: Sequence[str] = (),
        forget_older_days: float | None = None,
        dry: bool = False,
    ) -> Cleaned:
        """Remove what no study refers to, once that is so for `after_days`; what is younger than an hour stays.

        First the studies `forget` are forgotten, and those that were last run more than `forget_older_days` ago and are
        not under way. With `dry` nothing is changed.

        Raises
        ------
        InputError
            When a study to forget is under way, or a number of days is none.
        StudyNotFoundError
            When there is no such study.
        StoreError
            When there is no store, or a manifest is damaged: then nothing is removed.
        """
        for days in (after_days, forget_older_days or 0):
            if not 0 <= days <= _MOST_DAYS:
                raise InputError(f"{days} is no number of days; expected one from 0 to {_MOST_DAYS:.0f}")
        if self._files.about(STORE_FILE) is None:
            raise StoreError(f"there is no store in {self.url}; set EPSTUDY_STORE to the one to clean")
        now = time.time() if dry else store_clock(self._files)
        forgotten = self._to_forget(forget, forget_older_days, now)
        referred = Referred(self._files)
        referred.look(without=forgotten)
        for study in () if dry else forgotten:
            self.remove_study(study)
        cleaned = clean(self._files, referred, after_s=after_days * _DAY_S, now=now, dry=dry)
        return replace(cleaned, forgotten=tuple(forgotten))

    def cleaned(self) -> float | None:
        """Return when the store was last cleaned, in seconds since 1970, 0 when unknown; None when it never was."""
        about = self._files.about(NOTE)
        return None if about is None else about.modified

    def _to_forget(self, names: Sequence[str], older_days: float | None, now: float) -> list[str]:
        under_way = {study for study in self.wanted() if not self.is_cancelled(study)}
        for name in names:
            if not self.manifest_mark(name) or self._in_its_place(name):
                self.manifest(name)  # says which ones there are
            if name in under_way:
                raise InputError(
                    f'study "{name}" is under way, or ended just now; wait, or epstudy cancel {name} first'
                )
        return sorted({*names, *self._older(older_days, now)} - under_way)

    def _older(self, days: float | None, now: float) -> list[str]:
        """The studies that were last run more than so many days ago; one of which that is unknown is young."""
        if days is None:
            return []
        found = {name: self._files.about(study_file(name, "manifest.json")) for name in self.studies()}
        return [name for name, about in found.items() if about and 0 < about.modified < now - days * _DAY_S]

    # inputs -----------------------------------------------------------------------------------------------------

    def put_input(self, content: bytes, suffix: str) -> str:
        """Keep an input file; return its name, which is the digest of its content and its suffix (".idf").

        One that is there for long is written anew: `clean` leaves alone what is young, until its study is stored, too.
        """
        name = content_digest(content) + suffix
        file = _input_file(name)
        if not self._files.create(file, content):
            about = self._files.about(file)
            is_young = about is not None and (about.modified or time.time()) > time.time() - YOUNG_S / 2
            if not is_young or self._files.read(file) != content:  # or somebody's damaged file
                self._files.replace(file, content)
        self._files.settle(file)
        return name

    def tried(self, content: str) -> Outcome | None:
        """Return what came of trying out the model with this digest; None when that is not known."""
        return read_outcome(self._files, _tried_file(content), content)

    def put_tried(self, content: str, outcome: Outcome) -> None:
        """Keep what came of trying out a model; where there is no store yet, nothing is kept."""
        if self._files.is_confirmed():
            self._files.replace(_tried_file(content), seal_outcome(content, outcome))

    def input_path(self, name: str) -> Path:
        """Return a local path of the input file `name`; a store that is no folder is read once, into the cache.

        Raises
        ------
        StoreError
            When the file is not there, or is not what its name says.
        """
        if self._files.remote and self._cache is None:
            raise StoreError(f"{self} is not a local folder and no cache was given for its input files")
        file = _input_file(name)
        path = self._files.local_path(file)
        if self._files.remote and path.exists() and self._is_input(path, name):
            return path
        try:
            path = self._files.fetch(file)
            if self._is_input(path, name):
                return path
        except FileNotFoundError as error:
            said = f"the input file {name} cannot be read from {self.url}: it is not there; run the study again"
            raise StoreError(said) from error
        raise StoreError(f"{path} is not the file that was stored; run the study again to store it anew")

    # results ----------------------------------------------------------------------------------------------------

    def put_outcome(self, key: str, outcome: Outcome) -> bool:
        """Keep what became of the variant with this key; say whether it was the first result.

        A result (done) is never replaced, a failure is; but metrics that an earlier version of epstudy did not read are
        added to it, and those that it has stay. Anything but done or failed is refused.
        """
        content = seal_outcome(key, outcome)
        if outcome.state is State.FAILED:
            self._files.replace(failure_file(key), content)
            return True
        if outcome.state is not State.DONE:
            raise ValueError(f"a variant that is {outcome.state} has no outcome to keep")
        file = result_file(key)
        first = self._files.create(file, content)
        if outcome.attempts > 1 or self._files.about(failure_file(key)) is not None:
            self.forget_failures([key])  # a failure that stands beside a result is younger than it
        if first:
            return True
        held = read_outcome(self._files, file, key)
        if held is None:  # somebody's damaged file
            self._files.replace(file, content)
            return True
        if outcome.metrics.keys() > held.metrics.keys():
            whole = replace(held, metrics={**outcome.metrics, **held.metrics})
            self._files.replace(file, seal_outcome(key, whole))
        return False

    def outcome(self, key: str, artifacts: Iterable[str] = ()) -> Outcome | None:
        """Return the result under `key`, else its last failure, else None.

        A result counts only when all `artifacts` stand beside it.
        """
        found = read_outcome(self._files, result_file(key), key)
        if found is not None and all(self._files.about(artifact_file(key, name)) is not None for name in artifacts):
            return found
        return read_outcome(self._files, failure_file(key), key)

    def outcomes(
        self, keys: Iterable[str], artifacts: Iterable[str] = (), *, told: Iterable[str] = ()
    ) -> dict[str, Outcome]:
        """Return the outcomes that the store holds for `keys`, as `outcome` does; a key without one is left out.

        Of so many keys that `ends` goes by names, a damaged result is removed: then it is known to be missing. Which
        are there is seen by listing folders, and a network file system may give out a listing of half a minute ago: of
        the keys that the caller was `told` have ended, each file that is not listed is looked for by its name.
        """
        artifacts = tuple(artifacts)
        names = [f".{name}" for name in artifacts]
        held = self._held_files(keys, artifacts, told)
        there = [key for key, of in held.items() if f"{key}.json" in of or f"{key}.failed.json" in of]

        def read(key: str) -> Outcome | None:
            whole = f"{key}.json" in held[key] and all(key + name in held[key] for name in names)
            found = read_outcome(self._files, result_file(key), key) if whole else None
            if whole and found is None and len(held) > _LOOKED_INTO:
                discard_if_damaged(self._files, result_file(key), key)
            if found is None and f"{key}.failed.json" in held[key]:
                return read_outcome(self._files, failure_file(key), key)
            return found

        return {key: outcome for key, outcome in self._each(read, there).items() if outcome is not None}

    def ends(
        self,
        keys: Iterable[str],
        artifacts: Iterable[str] = (),
        *,
        compare: bool | None = None,
        alive: Callable[[], object] = lambda: None,
    ) -> Ends:
        """Return which of `keys` have a whole result, and of the others the failures, as `outcome` finds them.

        With `compare=False`, and when there are more than 5,000 keys, a result is known by the names of its files: what
        is in them is not looked at. `alive` is called now and then meanwhile.
        """
        names = [f".{name}" for name in artifacts]
        held = names_under(self._files, keys)
        looks = len(held) <= _LOOKED_INTO if compare is None else compare

        def is_done(key: str) -> bool:
            if f"{key}.json" not in held[key] or any(key + name not in held[key] for name in names):
                return False
            return not looks or read_outcome(self._files, result_file(key), key) is not None

        def failure(key: str) -> tuple[Outcome, float] | None:
            outcome = read_outcome(self._files, failure_file(key), key)
            about = self._files.about(failure_file(key))
            return None if outcome is None or about is None else (outcome, about.modified)

        done = frozenset(key for key, so in self._each(is_done, held, alive).items() if so)
        left = [key for key, of in held.items() if key not in done and f"{key}.failed.json" in of]
        found = self._each(failure, left, alive)
        return Ends(done, {key: failed for key, failed in found.items() if failed is not None})

    def _each(
        self, look: Callable[[str], _T], keys: Iterable[str], alive: Callable[[], object] = lambda: None
    ) -> dict[str, _T]:
        """What a look at each key finds: several at once where a look waits for a network."""
        wanted = list(keys)
        found: dict[str, _T] = {}
        for first in range(0, len(wanted), _AT_ONCE):
            alive()
            some = wanted[first : first + _AT_ONCE]
            if self._files.remote:
                with ThreadPoolExecutor(max_workers=16) as threads:
                    found |= dict(zip(some, threads.map(look, some), strict=True))
            else:
                found |= {key: look(key) for key in some}  # threads only get in each other's way
        return found

    def forget_failures(self, keys: Iterable[str]) -> None:
        """Remove the failures under these keys, and what failed attempts left; results stay."""
        for key, names in names_under(self._files, keys).items():
            for name in names:
                if ".failed." in name:
                    self._files.remove(f"{shard(key)}/{name}")

    def damage(self, manifest: Manifest) -> list[str]:
        """Return a line for each file of this study that is there and damaged: results, failures, what is beside them.

        A damaged result or failure counts as absent anyway; what is damaged beside one is removed, as by `artifact`.
        Every file is read, whatever was read before.
        """
        return damage(self._files, self._beside, manifest)

    # what stands beside a result ----------------------------------------------------------------------------------

    def put_artifact(self, key: str, name: str, content: bytes, *, failed: bool = False) -> None:
        """Keep a file beside the result under `key`, or beside its failure, in the place of an older one."""
        self._beside.put(key, name, content, failed=failed)

    def discard_artifact(self, key: str, name: str) -> None:
        """Remove a damaged file beside a result: the next run makes it again."""
        warn_of_removal(self._files, artifact_file(key, name))
        self._beside.discard(key, name, failed=False)

    def held_beside(self, key: str, *, compare: bool = True) -> Held:
        """Return the files that stand beside the result under `key`; their paths are those of `artifact`.

        Without `compare` a path is given whatever is in the file: to see what large files are, before they are read.
        """
        names = self.names_beside(key)
        path = self.artifact if compare else self._beside.path_of_anything
        return Held(tuple(name for name, failed in names if not failed), lambda name: path(key, name))

    def artifact(self, key: str, name: str, *, failed: bool = False) -> Path | None:
        """Return a local path of the file beside a result, or beside a failure; None when there is none.

        A store that is no folder is read into the cache. The content is compared with its digest, once for as long as
        the file does not change: a damaged one is removed, with a warning, so that the next run makes it again.
        """
        return self._beside.path(key, name, failed=failed)

    def _held_files(self, keys: Iterable[str], artifacts: Sequence[str], told: Iterable[str]) -> dict[str, list[str]]:
        """For each key the names of its files as they are listed; of those that were told, what is not listed, too."""
        held = names_under(self._files, keys)
        whole = [".json", *(f".{name}" for name in artifacts)]
        lacking = [key for key in dict.fromkeys(told) if any(key + one not in held.get(key, ()) for one in whole)]

        def by_name(key: str) -> list[str]:
            names = {key + one for one in (*whole, ".failed.json")}.difference(held[key])
            return [name for name in sorted(names) if self._files.about(f"{shard(key)}/{name}") is not None]

        for key, found in self._each(by_name, [key for key in lacking if key in held]).items():
            held[key] = [*held[key], *found]
        return held

    def names_beside(self, key: str) -> list[tuple[str, bool]]:
        """Return what stands beside the result and the failure under a key, and of each whether it is the failure's.

        What has its digest on record is looked for by its name: it may not be listed yet.
        """
        names = artifact_names(key, names_under(self._files, [key])[key])
        others = [pair for pair in self._beside.on_record(key) if pair not in names]
        by_name = [
            pair for pair in others if self._files.about(artifact_file(key, pair[0], failed=pair[1])) is not None
        ]
        return sorted([*names, *by_name])

    def held(self, keys: Iterable[str], artifacts: Iterable[str] = (), *, told: Iterable[str] = ()) -> set[str]:
        """Return the names of all files under these keys: `<key>.json`, `<key>.<artifact>`; `told` as in `outcomes`."""
        own = (f".{RECORD}", f".{RECORD_OF_FAILURE}")
        found = self._held_files(keys, tuple(artifacts), told)
        return {name for key, names in found.items() for name in names if name.removeprefix(key) not in own}

    def sizes(self, keys: Iterable[str]) -> list[int]:
        """Return for each key how many bytes its files take."""
        wanted = list(keys)
        sizes = dict.fromkeys(wanted, 0)
        for folder in {shard(key) for key in wanted}:
            for name, about in self._files.listing(folder).items():
                key = name.partition(".")[0]
                if key in sizes:
                    sizes[key] += about.size
        return [sizes[key] for key in wanted]

    # attempts ---------------------------------------------------------------------------------------------------

    def attempts(self, key: str) -> list[Attempt]:
        """Return the tries of the variant with this key, the oldest first; none, with a warning, when damaged."""
        return attempts_of.read_attempts(self._files, key)

    def begin_attempt(self, key: str, attempt: Attempt) -> int:
        """Note a try before it is begun, so that it counts even when its worker dies; return how many there are."""
        noted = [*self.attempts(key), attempt]
        attempts_of.write_attempts(self._files, key, noted)
        self._files.settle(attempts_of.attempts_file(key))
        return len(noted)

    def end_attempt(self, key: str, cause: Cause, token: str = "") -> None:
        """Note how the try with this token ended; nothing when it was forgotten meanwhile."""
        noted = self.attempts(key)
        place = _place_of(token, noted)
        if place is not None:
            noted[place] = replace(noted[place], ended=cause.value)
            attempts_of.write_attempts(self._files, key, noted)

    def undo_attempt(self, key: str, token: str = "") -> None:
        """Remove the try with this token: it was stopped on purpose and does not count."""
        noted = self.attempts(key)
        place = _place_of(token, noted)
        if place is not None:
            del noted[place]
            attempts_of.write_attempts(self._files, key, noted)

    def undo_attempts_of(self, workers: Collection[str]) -> None:
        """Remove the tries that these workers had begun and not ended: they were stopped on purpose."""
        for key in attempts_of.keys_with_attempts(self._files) if workers else ():
            noted = self.attempts(key)
            left = [attempt for attempt in noted if attempt.ended or attempt.worker not in workers]
            if left != noted:
                attempts_of.write_attempts(self._files, key, left)

    def forget_attempts(self, keys: Iterable[str]) -> None:
        """Remove the tries of the variants with these keys."""
        attempts_of.forget_attempts(self._files, keys)

    # studies ----------------------------------------------------------------------------------------------------

    def put_manifest(self, manifest: Manifest) -> None:
        """Keep `manifest` as what its study name stands for now.

        Raises
        ------
        StoreError
            When the file system takes the name and that of another study as one, as macOS and Windows do with "Office"
            and "office".
        """
        self.create()
        other = self._in_its_place(manifest.study)
        if other:
            raise StoreError(
                f'the file system of {self.url} takes the names "{manifest.study}" and "{other}" as one, and there is '
                f'a study "{other}"; give this one another name'
            )
        file = study_file(manifest.study, "manifest.json")
        self._files.replace(file, seal(manifest.to_json()))
        self._files.settle(file)

    def manifest(self, study: str) -> Manifest:
        """Return the manifest of the study called `study`.

        Raises
        ------
        StudyNotFoundError
            When there is none; the message lists those that are there.
        StoreError
            When the file is damaged.
        """
        try:
            content = self._files.read(study_file(study, "manifest.json"))
        except FileNotFoundError:
            raise self._no_study(study) from None
        stored = unseal(content)
        if stored is None:
            raise StoreError(f'the manifest of study "{study}" in {self.url} is damaged; run the study again')
        try:
            manifest = Manifest.from_json(stored)
        except ValueError as error:
            file = self._files.shown(study_file(study, "manifest.json"))
            raise StoreError(
                f'{file} is no manifest of a study: {error}; run the study "{study}" again, or forget it: '
                f"epstudy clean --forget {study}"
            ) from error

        if manifest.study != study and is_one_name(manifest.study, study):
            raise self._no_study(study)
        return manifest

    def _no_study(self, study: str) -> StudyNotFoundError:
        names = self.studies()
        known = f"it holds {', '.join(names[:20])}" if names else "it holds none yet"
        if not names and not self._files.identity():
            known = "there is no store yet; is it mounted?"
        return StudyNotFoundError(f'no study "{study}" in the store {self.url}; {known}')

    def _in_its_place(self, study: str) -> str:
        """The name of another study that the file system finds under the name of this one; empty when there is none."""
        try:
            stored = unseal(self._files.read(study_file(study, "manifest.json"))) or {}
        except (FileNotFoundError, StoreError):
            return ""
        other = stored.get("study")
        return other if isinstance(other, str) and other != study and is_one_name(other, study) else ""

    def manifest_mark(self, study: str) -> str:
        """Return what changes when another manifest is stored under this name; empty when there is none."""
        about = self._files.about(study_file(study, "manifest.json"))
        return "" if about is None else about.mark

    def studies(self) -> list[str]:
        """Return the names of the studies in the store, sorted."""
        return self._files.folders_with("studies", "manifest.json")

    def remove_study(self, study: str) -> None:
        """Forget what the name `study` stands for; results stay."""
        if self._in_its_place(study):
            raise self._no_study(study)
        self.unwant(study)  # first, so that nobody goes on with what is not there any more
        for name in ("manifest.json", CANCELLED, PAUSED):
            self._files.remove(study_file(study, name))
        self._files.remove_folder(f"studies/{check_study_name(study)}")

    def set_cancelled(self, study: str, cancelled: bool, why: str = "") -> None:
        """Note that the study is cancelled, and why, or that it is not any more."""
        set_note(self._files, study, CANCELLED, cancelled, why)

    def is_cancelled(self, study: str) -> bool:
        """Say whether the study is cancelled."""
        return has_note(self._files, study, CANCELLED)

    def why_cancelled(self, study: str) -> str:
        """Return why the study was cancelled; empty when it was not, or nobody said."""
        return why_noted(self._files, study, CANCELLED)

    def set_paused(self, study: str, paused: bool, why: str = "") -> None:
        """Note that the study is paused, and why, or that it is not any more."""
        set_note(self._files, study, PAUSED, paused, why)

    def is_paused(self, study: str) -> bool:
        """Say whether the study is paused."""
        return has_note(self._files, study, PAUSED)

    def why_paused(self, study: str) -> str:
        """Return why the study was paused; empty when it was not, or nobody said."""
        return why_noted(self._files, study, PAUSED)

    def want(self, study: str, wanted: Wanted) -> Wanted:
        """Note that a study is under way: which pool is to bring it to its end, and which request asked for what.

        Returns what was noted: with when the request began, which is now unless `wanted.since` says another time.
        """
        return self._wanted.put(study, wanted)

    def unwant(self, study: str) -> None:
        """Note that a study is not under way any more."""
        self._wanted.remove(study)

    def wanted_of(self, study: str) -> Wanted | None:
        """Return what is wanted of a study, read by its name now; None when it is not under way."""
        return self._wanted.read_one(study)

    def wanted(self) -> dict[str, Wanted]:
        """Return the studies that are under way, and the pool of each; a damaged entry is left out, with a warning."""
        return self._wanted.read()

    def _is_input(self, path: Path, name: str) -> bool:
        with reading(self.url):
            return self._compared.is_whole(path, lambda digest: digest == name.partition(".")[0])

    def _cache_folder(self) -> Path:
        if self._cache is not None:
            return self._cache
        import platformdirs

        return Path(platformdirs.user_cache_dir("epstudy", appauthor=False))


def _place_of(token: str, attempts: list[Attempt]) -> int | None:
    places = [place for place, attempt in enumerate(attempts) if attempt.token == token]
    return places[-1] if places else None


def _input_file(name: str) -> str:
    return f"inputs/{name[:2]}/{name}"


def _tried_file(content: str) -> str:
    return f"{TRIED}/{content}.json"
