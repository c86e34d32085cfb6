"""What has stopped being true while a study runs, and what to do about it: texts for the panel and `epstudy doctor`."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from epstudy.core.errors import StoreError
from epstudy.core.glance import Glance
from epstudy.core.manifest import MANIFEST_FORMAT, Manifest
from epstudy.core.outcome import Progress, size_text
from epstudy.core.version import VERSION
from epstudy.pool.client import Live
from epstudy.store import Store

_APART_S = 10.0  # by so much two clocks may differ
_LITTLE_BYTES = 500_000_000  # left on a disk
_NAMED = 10
_LOOK_S = 5.0  # how often files are looked at, and a pool for the sake of what is wrong
_INPUTS = 50  # input files that are looked at so often
_NEXT_WORD_S = 2.0  # within that a worker says anew what it sees
_ALONE_S = 15.0  # a pool that was just started has its workers say so within that
_FIGURES = re.compile(r"\d[\d.,]* (?:s|min|h|[kMGT]?B)\b")
_INPUT = re.compile(r"[0-9a-f]{64}\.[\w.]+")


def study_troubles(store: Store, manifest: Manifest, live: Live) -> list[str]:
    """Return all that is wrong with a study now, each text once. That somebody has paused it is not wrong."""
    progress, glance = live.progress(manifest), live.glance(manifest)
    of_store = store_troubles(store)
    found = [*of_store, *([] if of_store else input_troubles(store, manifest))]
    if progress is not None and not progress.complete and glance is not None:
        found += [
            *worker_troubles(manifest, glance.workers, private=live.private, opened_s=glance.opened_s),
            *clock_troubles(glance.workers, glance.at_s),
            *([] if of_store else _halts(progress, store.why_paused(manifest.study))),
        ]
    return list(dict.fromkeys([*found, *filter(None, [live.trouble])]))


class Watch:
    """Looks again and again at what may stop being true of a study that is under way; at files every five seconds."""

    def __init__(self, store: Store, manifest: Manifest, *, private: bool) -> None:
        self._store = store
        self._manifest = manifest
        self._private = private
        self._next_look = 0.0
        self._of_files: list[str] = []
        self._alone_since: float | None = None

    def troubles(self, glance: Glance | None, gone: Sequence[int] = ()) -> list[str]:
        """Return what is wrong, each text with what to do. `glance` is what the pool says, None when there is none.

        `gone` are the variants that are done and whose results cannot be read.
        """
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + _LOOK_S
            self._of_files = [*store_troubles(self._store), *input_troubles(self._store, self._manifest, _INPUTS)]
        found = [*self._of_files, *result_troubles(gone)]
        if glance is None:
            return found
        if glance.halt:  # which says what is wrong with the store, or a disk
            return [*result_troubles(gone), *clock_troubles(glance.workers, glance.at_s)]
        if glance.workers:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = time.monotonic()
        workers = glance.workers
        if workers or time.monotonic() - (self._alone_since or 0.0) > _ALONE_S:
            found += worker_troubles(self._manifest, workers, private=self._private, opened_s=glance.opened_s)
        return [*found, *clock_troubles(workers, glance.at_s)]


class News:
    """What to tell whoever waits for a study: each trouble once, and not what `progress` says itself."""

    def __init__(self, live: Live, store: Store, manifest: Manifest) -> None:
        self._live = live
        self._manifest = manifest
        self._watch = Watch(store, manifest, private=live.private)
        self._next_look = time.monotonic() + _LOOK_S
        self._told: set[str] = set()

    def look(self, progress: Progress) -> list[str]:
        """Return the troubles that were not told yet; asked more often than every five seconds, nothing."""
        if time.monotonic() < self._next_look or progress.complete:
            return []
        self._next_look = time.monotonic() + _LOOK_S
        found = self._watch.troubles(self._live.glance(self._manifest))
        if progress.paused:
            found = [text for text in found if progress.paused not in text]
        fresh = {kind_of(text): text for text in found}
        fresh = {kind: text for kind, text in fresh.items() if kind not in self._told}
        self._told |= set(fresh)
        return list(fresh.values())


def store_troubles(store: Store) -> list[str]:
    """Return what is wrong with the store: it is gone, another one, or its disk is nearly full."""
    try:
        store.confirm()
    except StoreError as error:
        return [f"{error}; the study goes on by itself then"]
    if "://" in store.url:
        return []
    try:
        free = shutil.disk_usage(Path(store.url)).free
    except OSError:
        return []  # it went away just now, and the next look says so
    return [_little(free, f"the disk of the store {store.url}", "EPSTUDY_STORE")] if free < _LITTLE_BYTES else []


def input_troubles(store: Store, manifest: Manifest, most: int | None = None) -> list[str]:
    """Return which input files of a study are damaged or gone since it was queued; at most `most` are looked at."""
    if "://" in store.url:
        return []  # each look would fetch the whole file
    found = []
    edits = (edit for axis in manifest.axes for level in axis.edits for edit in level)
    for name in list(dict.fromkeys(_inputs_in([manifest.recipe, *edits])))[:most]:
        try:
            store.input_path(name)
        except StoreError as error:
            found.append(str(error))
    return found


def result_troubles(gone: Sequence[int]) -> list[str]:
    """Return what to tell of variants that are done, and whose results cannot be read."""
    if not gone:
        return []
    more = f" and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
    named = ", ".join(map(str, sorted(gone)[:_NAMED]))
    return [f"the result of variant {named}{more} is damaged or gone; run() makes it again"]


def worker_troubles(
    manifest: Manifest, workers: Sequence[Mapping[str, Any]], *, private: bool, opened_s: float = 0.0
) -> list[str]:
    """Return what is wrong with those who are to simulate: none lives, none can, or a disk of theirs is nearly full.

    `opened_s` is since when the pool follows the study: who looked before that cannot have seen a store made for it.
    """
    if not workers:
        remedy = "epstudy pool stop, then run() again" if private else "start some with `epstudy worker`"
        return [f"no worker answers; {remedy}"]
    return [*_unable(manifest, workers), *_lost_stores(workers, opened_s), *_full_disks(workers)]


def clock_troubles(
    workers: Iterable[Mapping[str, Any]], redis_s: float | None, now_s: float | None = None
) -> list[str]:
    """Return whose clock is apart from that of Redis: this machine's, a worker's, or that of the file server.

    `redis_s` is the clock of Redis now, None when nobody asked it; times are seconds since 1970.
    """
    apart: dict[str, float] = {}
    if redis_s is not None:
        apart["this machine"] = (time.time() if now_s is None else now_s) - redis_s
    for worker in workers:
        if "clock" not in worker or "seen" not in worker:
            continue  # of an earlier version
        ahead = float(worker["clock"]) - float(worker["seen"]) / 1000
        apart[f"the worker on {worker['host']}"] = ahead
        if worker.get("files_ahead") is not None:
            apart["the file server of the store"] = ahead + float(worker["files_ahead"])
    return [
        f"the clock of {who} is {_span(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} that of Redis; set it "
        "by NTP: results are right, times that are shown are not, and `clean` may remove too early"
        for who, ahead in apart.items()
        if abs(ahead) > _APART_S
    ]


def kind_of(text: str) -> str:
    """Return what stays of a trouble's text while its seconds and bytes change."""
    return _FIGURES.sub("", text)


def _halts(progress: Progress, asked: str) -> list[str]:
    """Return why a study does not go on, unless that is what was asked for."""
    return [f"paused: {progress.paused}"] if progress.paused and progress.paused != asked else []


def _unable(manifest: Manifest, workers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    others = sorted({str(worker["epstudy"]) for worker in workers if worker.get("manifest", 1) != MANIFEST_FORMAT})
    if others:
        yield (
            f"workers have epstudy {', '.join(others)}, which cannot read studies of this version ({VERSION}); "
            "update them"
        )
    if manifest.needs and not any(manifest.needs in worker.get("abilities", ()) for worker in workers):
        there = sorted({ability for worker in workers for ability in worker.get("abilities", ())})
        have = ", ".join(there) or "nothing of the kind"
        yield f"no worker has {manifest.needs}; they have {have}: start one that has it"


def _lost_stores(workers: Sequence[Mapping[str, Any]], opened_s: float) -> Iterator[str]:
    for worker in workers:
        if worker.get("where") == "" and worker.get("seen", 0) / 1000 > opened_s + _NEXT_WORD_S:
            yield f"the worker on {worker['host']} does not see its store {worker.get('path', '')}; mount it there"


def _full_disks(workers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for worker in workers:
        free = worker.get("free")
        if isinstance(free, int) and free < _LITTLE_BYTES:
            yield _little(free, f"the disk on {worker['host']} where simulations run", "EPSTUDY_SCRATCH")


def _little(free: int, where: str, setting: str) -> str:
    return f"only {size_text(free)} are left on {where}; free some, or set {setting} to another disk"


def _inputs_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if _INPUT.fullmatch(value):
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _inputs_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _inputs_in(item)


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
