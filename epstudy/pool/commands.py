"""What run, cancel, pause, resume and retry tell the store and the pool.

The store hears it first: what stands there a pool obeys that is away now, or forgets what it was told.
"""

from __future__ import annotations

from collections.abc import Sequence

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import State
from epstudy.pool.client import Live
from epstudy.results.states import NOBODY, status_of
from epstudy.store import Store

_PAUSED = "by pause(); resume() goes on"


def run(store: Store, live: Live, manifest: Manifest, only: str | None) -> None:
    """Have the pool begin with a study whose files and manifest are in the store."""
    if only == "failed":
        failed = store.ends(manifest.keys, manifest.artifacts, compare=False).failed
        _have_it_done(store, live, manifest, variants=[i for i, key in enumerate(manifest.keys) if key in failed])
    else:
        _have_it_done(store, live, manifest, only=only)


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
    _have_it_done(store, live, manifest, variants=_to_retry(store, live, manifest, causes, variants))


def _to_retry(
    store: Store, live: Live, manifest: Manifest, causes: Sequence[str], variants: Sequence[int] | None
) -> list[int]:
    ends = store.ends(manifest.keys, manifest.artifacts, compare=False)
    states = live.states(manifest) or [NOBODY] * len(manifest)
    chosen = range(len(manifest)) if variants is None else sorted(set(variants))

    def is_asked_for(index: int) -> bool:
        key = manifest.keys[index]
        outcome = ends.failed[key][0] if key in ends.failed else None
        status = status_of(outcome, states[index], manifest.timeout_s)
        if key in ends.done or status not in (State.FAILED, State.CANCELLED):
            return False
        return not causes or (outcome is not None and status == State.FAILED and outcome.cause in causes)

    return [index for index in chosen if is_asked_for(index)]


def _have_it_done(
    store: Store, live: Live, manifest: Manifest, *, only: str | None = None, variants: Sequence[int] | None = None
) -> None:
    """Have the pool begin. First, the store says what is wanted: there a pool that is away finds it.

    What is asked of `variants` by themselves is begun anew, whatever became of them.
    """
    before = live.under_way(manifest)
    keys = [manifest.keys[index] for index in variants or ()]
    store.forget_failures(keys)
    store.forget_attempts(keys)
    store.set_cancelled(manifest.study, cancelled=False)
    store.set_paused(manifest.study, paused=False)
    wanted = live.want(manifest, before, only, variants)
    live.begin(lambda pool: pool.begin(manifest, wanted))
