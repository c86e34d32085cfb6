"""Whether the promise holds: every variant of a study has exactly one end, and what the store has of it is whole."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from epstudy.core.errors import EpstudyError
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Progress, State
from epstudy.results.states import NOBODY, status_of, told_keys
from epstudy.store import Store

_ENDS = (State.DONE, State.FAILED, State.CANCELLED)
_NAMED = 10  # variants that a finding names


@dataclass(frozen=True, slots=True)
class Verification:
    """What `Study.verify` found: `problems` break the promise, `notes` do not. `ok` is True without problems."""

    study: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found that breaks the promise."""
        return not self.problems

    def __str__(self) -> str:
        lines = [f"problem: {text}" for text in self.problems] + list(self.notes)
        return "\n".join(f"{self.study}: {line}" for line in lines)


class Followed(Protocol):
    """What a pool says of a study that it follows, and why it does not answer: `trouble`, empty when it does."""

    @property
    def trouble(self) -> str: ...

    def progress(self, manifest: Manifest) -> Progress | None: ...

    def states(self, manifest: Manifest) -> list[str]: ...


def verify(store: Store, manifest: Manifest, pool: Followed) -> Verification:
    """Return what the store and the ledger say of a study, compared with each other and with the promise.

    A study that is under way is no problem; one that nobody works on, with variants that have no end, is.
    """
    damaged = store.damage(manifest)  # first: what it removes does not count below
    progress = pool.progress(manifest)
    ledger = pool.states(manifest)
    outcomes = store.outcomes(manifest.keys, manifest.artifacts, told=told_keys(store, manifest, ledger))
    statuses = [
        status_of(outcomes.get(key), state, manifest.timeout_s)
        for key, state in zip(manifest.keys, ledger or [NOBODY] * len(manifest), strict=True)
    ]
    under_way = progress is not None and not progress.complete
    problems = [*_manifest_problems(store, manifest), *damaged]
    endless = [index for index, status in enumerate(statuses) if status not in _ENDS]
    halted = store.is_paused(manifest.study) or bool(pool.trouble)
    if endless and not under_way and not halted:
        problems.append(f"{_named(endless)} have no end, and nobody works on them; run() goes on")
    wrong = [index for index, (one, other) in enumerate(zip(ledger, statuses, strict=False)) if _differ(one, other)]
    if wrong and not under_way:
        first = wrong[0]
        problems.append(
            f"{_named(wrong)}: the ledger says {ledger[first]} and the store {statuses[first]}; run() mends it"
        )
    counts = Counter(statuses)
    notes = [", ".join(f"{counts[state]} {state}" for state in State if counts[state]) + f" of {len(manifest)}"]
    if under_way:
        notes.append(f"under way: {progress}")
    if halted:
        notes.append(pool.trouble or f"paused: {store.why_paused(manifest.study)}")
    return Verification(manifest.study, tuple(problems), tuple(notes))


def _manifest_problems(store: Store, manifest: Manifest) -> list[str]:
    try:
        stored = store.manifest(manifest.study)
    except EpstudyError as error:
        return [str(error)]
    return [] if stored.digest == manifest.digest else [f'the name "{manifest.study}" stands for another grid by now']


def _differ(ledger: str, status: str) -> bool:
    """Whether the ledger says another end than the store. What it set aside, the store need not know."""
    return ledger in (State.DONE, State.FAILED) and ledger != status


def _named(indices: list[int]) -> str:
    more = f" and {len(indices) - _NAMED} more" if len(indices) > _NAMED else ""
    return f"variant{'s' if len(indices) > 1 else ''} {', '.join(map(str, indices[:_NAMED]))}{more}"
