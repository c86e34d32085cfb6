"""What became of each variant: by the store where it settles that, else by the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from epstudy.core.errors import StudyNotFoundError
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Outcome, Progress, State
from epstudy.store import Store

#: Instead of a state: there is no ledger that would know.
NOBODY = ""


def status_of(outcome: Outcome | None, live: str, timeout_s: float | None) -> str:
    """The store's word where it settles the variant, or where nobody is at it; else the ledger's."""
    if outcome is not None and (outcome.settles(timeout_s) or live == NOBODY):
        return outcome.state.value
    if live in (State.DONE, NOBODY):
        return State.PENDING.value  # the ledger may say done where the store has nothing: then the result is gone
    return live


def told_keys(store: Store, manifest: Manifest, states: Sequence[str]) -> list[str]:
    """Return the keys of the variants that have ended by the ledger's `states`; by the store where there are none.

    There a study that was run and is not under way any more has ended.
    """
    if not states:
        study = manifest.study
        return list(manifest.keys) if store.manifest_mark(study) and store.wanted_of(study) is None else []
    ended = (State.DONE, State.FAILED)
    return [key for key, state in zip(manifest.keys, states, strict=True) if state in ended]


def stored_states(store: Store, manifest: Manifest) -> list[str]:
    """Return the state of each variant by the names of the store's files: quick, and enough to count."""
    held = store.held(manifest.keys, manifest.artifacts, told=told_keys(store, manifest, ()))
    left = (State.CANCELLED if is_cancelled(store, manifest) else State.PENDING).value

    def state(key: str) -> str:
        if f"{key}.json" in held and all(f"{key}.{name}" in held for name in manifest.artifacts):
            return State.DONE.value
        return State.FAILED.value if f"{key}.failed.json" in held else left

    return [state(key) for key in manifest.keys]


def is_cancelled(store: Store, manifest: Manifest) -> bool:
    """Say whether this study was cancelled: not another one, which had its name before."""
    return store.is_cancelled(manifest.study) and is_stored(store, manifest)


def is_stored(store: Store, manifest: Manifest) -> bool:
    """Say whether the study's name stands for this very grid in the store: what is noted there of it concerns it."""
    try:
        return store.manifest(manifest.study).digest == manifest.digest
    except StudyNotFoundError:
        return False


def stored_progress(store: Store, manifest: Manifest) -> Progress:
    """Return how far a study is by the store alone: what is done there counts as found there."""
    states = stored_states(store, manifest)
    count = {state: states.count(state.value) for state in State}
    return Progress(
        total=len(states),
        pending=count[State.PENDING],
        running=count[State.RUNNING],
        done=count[State.DONE],
        failed=count[State.FAILED],
        cancelled=count[State.CANCELLED],
        cached=count[State.DONE],
    )
