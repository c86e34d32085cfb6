"""Steering: what run, cancel, pause, resume and retry tell the store and the pool.

The store hears it first: what stands there a pool obeys that is away now, or forgets what it was told.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import State
from epstudy.live import Live
from epstudy.results import NOBODY, status_of
from epstudy.store import Store

if TYPE_CHECKING:
    from epstudy.workers.pool import Pool

_PAUSED = "by pause(); resume() goes on"


def run(store: Store, live: Live, manifest: Manifest, only: str | None) -> None:
    """Have the pool begin with a study whose files and manifest are in the store."""
    _have_it_done(store, live, manifest, only, lambda pool, request: pool.open(manifest, only, request))


def cancel(store: Store, live: Live, manifest: Manifest) -> None:
    """Stop a study."""
    live.refuse_another_grid(manifest)
    try:
        store.set_cancelled(manifest.study, cancelled=True)
        store.set_paused(manifest.study, paused=False)
    finally:  # also when the store has no room for the note
        live.say(lambda pool: pool.cancel(manifest))


def pause(store: Store, live: Live, manifest: Manifest) -> None:
    """Have nothing more of a study begun."""
    live.refuse_another_grid(manifest)
    store.set_paused(manifest.study, paused=True, why=_PAUSED)
    live.say(lambda pool: pool.pause(manifest, _PAUSED))


def resume(store: Store, live: Live, manifest: Manifest) -> None:
    """Have a study that was paused go on."""
    live.refuse_another_grid(manifest)
    store.set_paused(manifest.study, paused=False)
    live.begin(lambda pool: pool.resume(manifest))


def retry(
    store: Store, live: Live, manifest: Manifest, causes: Sequence[str] = (), variants: Sequence[int] | None = None
) -> None:
    """Have simulated again what failed or was cancelled: by one of `causes`, if there are any, and of `variants`."""
    live.refuse_another_grid(manifest)
    again = _to_retry(store, live, manifest, causes, variants)
    keys = [manifest.keys[index] for index in again]
    store.forget_failures(keys)
    store.forget_attempts(keys)
    only = "missing" if causes or variants is not None else None
    _have_it_done(store, live, manifest, only, lambda pool, request: pool.retry(manifest, again, request))


def _to_retry(
    store: Store, live: Live, manifest: Manifest, causes: Sequence[str], variants: Sequence[int] | None
) -> list[int]:
    outcomes = store.outcomes(manifest.keys, manifest.artifacts)
    states = live.states(manifest) or [NOBODY] * len(manifest)
    chosen = range(len(manifest)) if variants is None else sorted(set(variants))

    def is_asked_for(index: int) -> bool:
        outcome = outcomes.get(manifest.keys[index])
        status = status_of(outcome, states[index], manifest.timeout_s)
        if causes:
            return status == State.FAILED and outcome is not None and outcome.cause in causes
        return status in (State.FAILED, State.CANCELLED)

    return [index for index in chosen if is_asked_for(index)]


def _have_it_done(
    store: Store, live: Live, manifest: Manifest, only: str | None, what: Callable[[Pool, str], None]
) -> None:
    """Have the pool begin. First, the store says that the study is wanted: there a pool that is away finds it."""
    store.set_cancelled(manifest.study, cancelled=False)
    store.set_paused(manifest.study, paused=False)
    request = uuid.uuid4().hex
    live.want(manifest.study, request, only)
    live.begin(lambda pool: what(pool, request))
