"""What a request, one `run()` or `retry()`, asks for: by the store alone.

So whoever hears it late, or once more because Redis forgot it, does the same as whoever heard it first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Outcome
from epstudy.pool.ledger.ledger import Ledger, Mark
from epstudy.pool.origins import note_origin
from epstudy.store import Store, Wanted


@dataclass(frozen=True, slots=True)
class Asked:
    """One mark a variant, and how many failed by each cause since the request began."""

    marks: str
    causes: Mapping[str, int]

    @property
    def pending(self) -> list[int]:
        """The variants that are still to be simulated."""
        return [index for index, mark in enumerate(self.marks) if mark == Mark.PENDING]


def asked(
    store: Store, manifest: Manifest, wanted: Wanted | None = None, alive: Callable[[], object] = lambda: None
) -> Asked:
    """Return what is still to be done of what was asked; without `wanted`, of what a `run()` would ask now.

    What failed since the request began is its own end of a variant. That is so by the store's clock, not by the
    workers': the request's file is compared with the failure's. `alive` is called now and then, as much may be read.
    """
    if wanted is not None and wanted.grid not in ("", manifest.digest):
        wanted = Wanted(wanted.pool, wanted.request, since=wanted.since)  # asked of yesterday's grid
    ends = store.ends(manifest.keys, manifest.artifacts, alive=alive)
    chosen = None if wanted is None or wanted.variants is None else frozenset(wanted.variants)
    only = None if wanted is None else wanted.only

    def is_new(at: float) -> bool:
        return wanted is not None and at > wanted.since

    def is_failed(outcome: Outcome, at: float) -> bool:
        if chosen is not None or only == "missing" or is_new(at):
            return True  # what was chosen and had failed was forgotten then
        return only != "failed" and outcome.settles(manifest.timeout_s)

    def mark(index: int, key: str) -> Mark:
        if key in ends.done:
            return Mark.HELD
        if key in ends.failed:
            return Mark.FAILED if is_failed(*ends.failed[key]) else Mark.PENDING
        is_asked = only != "failed" if chosen is None else index in chosen
        return Mark.PENDING if is_asked else Mark.CANCELLED

    found = "".join(mark(index, key) for index, key in enumerate(manifest.keys))
    causes = Counter(outcome.cause.value for outcome, at in ends.failed.values() if outcome.cause and is_new(at))
    return Asked(found, causes)


def under_way(store: Store, manifest: Manifest) -> Wanted | None:
    """Return what was asked of this very study before and has not come to its end; None when nothing was."""
    before = store.wanted_of(manifest.study)
    if before is None or before.grid != manifest.digest or store.is_cancelled(manifest.study):
        return None
    return before if asked(store, manifest, before).pending else None


def joined(before: Wanted | None, wanted: Wanted) -> Wanted:
    """Return what is asked when `wanted` comes while `before` is under way: what either asks for."""
    if before is None:
        return wanted
    variants, only = None, None
    if before.variants is not None and wanted.variants is not None:
        variants = tuple(sorted({*before.variants, *wanted.variants}))
    elif before.variants is None and wanted.variants is None:
        only = before.only if before.only == wanted.only else None
    else:
        only = before.only if before.variants is None else wanted.only
    return replace(wanted, variants=variants, only=only, since=before.since)


def begin(ledger: Ledger, store: Store, manifest: Manifest, wanted: Wanted, asks: Asked) -> None:
    """Have the ledger do what is asked; a study that is under way goes on, with what it did not do until now."""
    study, digest = manifest.study, manifest.digest
    states = ledger.states(study) if _is_under_way(ledger, manifest) else ""
    again = [index for index in asks.pending if not states or states[index] in (Mark.FAILED, Mark.CANCELLED)]
    keys = [manifest.keys[index] for index in again]
    store.forget_attempts(keys)
    if wanted.only == "failed":
        store.forget_failures(keys)
    if not ledger.open(study, digest, asks.marks, request=wanted.request, causes=asks.causes):
        ledger.move(study, digest, [Mark.FAILED, Mark.CANCELLED], Mark.PENDING, again)
    note_origin(ledger, store, study)


def _is_under_way(ledger: Ledger, manifest: Manifest) -> bool:
    if ledger.digest(manifest.study) != manifest.digest or ledger.halt(manifest.study).cancelled:
        return False
    return manifest.study in ledger.active()
