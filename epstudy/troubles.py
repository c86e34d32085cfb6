"""What has stopped being true while a study runs, and what to do about it: texts for the panel and `epstudy doctor`."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from epstudy.core.errors import StoreError
from epstudy.core.manifest import MANIFEST_FORMAT, Manifest
from epstudy.core.outcome import Progress, size_text
from epstudy.core.version import VERSION
from epstudy.live import Live
from epstudy.store import Store

_APART_S = 10.0  # by so much two clocks may differ
_LITTLE_BYTES = 500_000_000  # left on a disk
_NAMED = 10
_INPUT = re.compile(r"[0-9a-f]{64}\.[\w.]+")


def study_troubles(store: Store, manifest: Manifest, live: Live) -> list[str]:
    """Return all that is wrong with a study now, each text once. That somebody has paused it is not wrong."""
    progress, glance = live.progress(manifest), live.glance(manifest)
    of_store = store_troubles(store)
    found = [*of_store, *([] if of_store else input_troubles(store, manifest))]
    if progress is not None and not progress.complete and glance is not None:
        found += [
            *worker_troubles(manifest, glance.workers, private=live.private),
            *clock_troubles(glance.workers, glance.at_s),
            *([] if of_store else _halts(progress, store.why_paused(manifest.study))),
        ]
    return list(dict.fromkeys([*found, *filter(None, [live.trouble])]))


def store_troubles(store: Store) -> list[str]:
    """Return what is wrong with the store: it is gone, another one, or its disk is nearly full."""
    try:
        store.confirm()
    except StoreError as error:
        return [f"{error}; the study goes on by itself then"]
    if "://" in store.url:
        return []
    free = shutil.disk_usage(Path(store.url)).free
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


def worker_troubles(manifest: Manifest, workers: Sequence[Mapping[str, Any]], *, private: bool) -> list[str]:
    """Return what is wrong with those who are to simulate: none lives, none can, or a disk of theirs is nearly full."""
    if not workers:
        remedy = "epstudy pool stop, then run() again" if private else "start some with `epstudy worker`"
        return [f"no worker answers; {remedy}"]
    return [*_unable(manifest, workers), *_lost_stores(workers), *_full_disks(workers)]


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


def _lost_stores(workers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for worker in workers:
        if worker.get("where") == "":
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
