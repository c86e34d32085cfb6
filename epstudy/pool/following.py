"""How far a study is: by the pool that follows it, else by the store; again and again until it has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Progress
from epstudy.pool.client import Live
from epstudy.pool.progress import ProgressLines
from epstudy.pool.troubles import News
from epstudy.results.states import is_stored, stored_progress
from epstudy.store import Store

POLL_S = 0.1
_STORED_S = 2.0  # how often the store is read through for progress while the pool is away


def progress_of(store: Store, live: Live, manifest: Manifest) -> Progress:
    """Return how far a study is; of one that no pool follows, what the store holds of it already."""
    followed = live.progress(manifest)
    if followed is not None:
        return followed
    away = live.lost_store()
    if away:
        total = len(manifest)
        return Progress(total, pending=total, running=0, done=0, failed=0, cancelled=0, cached=0, paused=away)
    stored = stored_progress(store, manifest)
    return stored if not stored.pending else replace(stored, paused=_why_paused(store, live, manifest))


def _why_paused(store: Store, live: Live, manifest: Manifest) -> str:
    """Why nothing more is begun, as far as the store or the silence of the pool says it; empty when it goes on."""
    why = store.why_paused(manifest.study)
    return live.trouble or (why if why and is_stored(store, manifest) else "")


def follow(store: Store, live: Live, manifest: Manifest) -> Iterator[Progress]:
    """Yield progress, again and again, until the study is complete."""
    stored: Progress | None = None
    read = 0.0
    live.refuse_to_wait(manifest)
    if live.is_away() and not live.lost_store() and manifest.study not in store.wanted():
        stored = progress_of(store, live, manifest)
        if stored.complete:
            yield stored  # no pool is started for that
            return
    for progress in live.follow(manifest):
        if progress is None and (stored is None or time.monotonic() - read > _STORED_S):
            stored, read = progress_of(store, live, manifest), time.monotonic()
        shown = progress or stored
        assert shown is not None
        yield shown


def follow_and_show(store: Store, live: Live, manifest: Manifest, lines: ProgressLines) -> Iterator[Progress]:
    """Yield as `follow`, at a reader's pace: `lines` say how far it is, and once what has stopped being true."""
    news = News(live, store, manifest)
    for progress in follow(store, live, manifest):
        lines.show(progress)
        for text in news.look(progress):
            lines.warn(text)
        yield progress
        if progress.complete:
            return
        time.sleep(POLL_S)
