"""The sweep: what Redis lost, what nobody runs and what was not asked yet is asked (again). By whoever is alive."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from epstudy.core.errors import EpstudyError, StudyNotFoundError
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.store import Store
from epstudy.workers.app import message_id, queue_of
from epstudy.workers.ledger import BEAT_S, Ledger, Lost, Mark

log = logging.getLogger(__name__)

WINDOW = 500  # messages of one study in the broker at once
SWEEP_S = 2.0
_GONE = 3

Publish = Callable[[Manifest, list[int]], None]


def marks(store: Store, manifest: Manifest, only: str | None = None) -> str:
    """Return one mark a variant from what the store holds: held, failed, pending, or set aside as cancelled.

    Pending is what the store does not settle. With `only="failed"` it is what has failed, for any cause, and what
    has no outcome is set aside; with `only="missing"` it is what has no outcome.
    """
    outcomes = store.outcomes(manifest.keys, manifest.artifacts)

    def mark(key: str) -> Mark:
        outcome = outcomes.get(key)
        if outcome is None:
            return Mark.CANCELLED if only == "failed" else Mark.PENDING
        if outcome.state is State.DONE:
            return Mark.HELD
        if only == "failed":
            return Mark.PENDING
        return Mark.FAILED if only == "missing" or outcome.settles(manifest.timeout_s) else Mark.PENDING

    return "".join(mark(key) for key in manifest.keys)


class Sweeper:
    """Sweeps the studies of one pool. Several at once do no harm: every step is one transition in the ledger."""

    def __init__(self, ledger: Ledger, store: Store, publish: Publish) -> None:
        self._ledger = ledger
        self._store = store
        self._publish = publish
        self._manifests: dict[str, tuple[str, Manifest]] = {}
        self._absent: dict[str, set[int]] = {}  # queued variants that the broker did not have at the last sweep
        self._known: set[str] = set()
        self._missing: dict[str, int] = {}  # sweeps in a row that found no manifest
        self._disagreeing: dict[str, int] = {}  # sweeps in a row that found another one than the ledger's

    def sweep_all(self) -> None:
        """Sweep every study that is not finished, also those that a Redis emptied since would have forgotten."""
        self._known |= set(self._ledger.active())
        for study in sorted(self._known):
            if self._ledger.lock(f"sweep:{study}", SWEEP_S * 0.9):
                self._sweep_or_drop(study)
        self._known &= set(self._ledger.active())

    def _sweep_or_drop(self, study: str) -> None:
        """One study's trouble is not the others'; one whose manifest is gone for good is no study any more."""
        try:
            self.sweep(study)
        except StudyNotFoundError as error:
            self._missing[study] = self._missing.get(study, 0) + 1
            log.warning("%s", error)
            if self._missing[study] >= _GONE:
                self._ledger.drop(study)
        except EpstudyError as error:
            log.warning("no sweep of %s: %s", study, error)
        else:
            self._missing.pop(study, None)

    def sweep(self, study: str) -> None:
        """Bring one study a step forward."""
        manifest = self._manifest(study)
        digest = self._ledger.digest(study)
        if digest is not None and digest != manifest.digest:
            self._disagree(study, manifest)
            return
        self._disagreeing.pop(study, None)
        if digest is None:
            self._ledger.open(study, manifest.digest, self._reopened(manifest), quiet_s=3 * BEAT_S)
        for lost in self._ledger.lost(study):
            self._recover(manifest, lost)
        self._ask_again(manifest)
        self.top_up(manifest)

    def _disagree(self, study: str, manifest: Manifest) -> None:
        """The ledger follows another grid than the name stands for.

        Mostly a notebook is just between writing its manifest and opening it. When it stays so, two notebooks ran two
        grids under one name at the same moment: the store decides, and whoever waits for the other one is told.
        """
        self._disagreeing[study] = self._disagreeing.get(study, 0) + 1
        if self._disagreeing[study] >= _GONE:
            log.warning("study %s is another grid in the store than in the ledger; the store's is followed", study)
            self._ledger.open(study, manifest.digest, self._reopened(manifest))

    def top_up(self, manifest: Manifest, window: int = WINDOW) -> int:
        """Publish pending variants until `window` messages wait in the broker; return how many were published."""
        indices = self._ledger.take(manifest.study, window)
        if indices:
            self._publish(manifest, indices)
        return len(indices)

    def _reopened(self, manifest: Manifest) -> str:
        found = marks(self._store, manifest)
        if self._store.is_cancelled(manifest.study):
            return found.replace(Mark.PENDING, Mark.CANCELLED)
        return found

    def _recover(self, manifest: Manifest, lost: Lost) -> None:
        """A variant whose lease ran out: its outcome may be in the store, else it is asked again, a few times."""
        study = manifest.study
        held = self._store.outcome(lost.key, manifest.artifacts)
        if held is not None and held.settles(manifest.timeout_s):
            mark = Mark.DONE if held.state is State.DONE else Mark.FAILED
            self._ledger.move(study, [Mark.RUNNING], mark, [lost.index])
        elif lost.tries > manifest.retries:
            log.error("variant %s of %s was lost %s times", lost.index, study, lost.tries)
            self._store.put_outcome(lost.key, _lost_outcome(lost))
            self._ledger.move(study, [Mark.RUNNING], Mark.FAILED, [lost.index])
        else:
            log.warning("variant %s of %s was lost with %s; it is asked again", lost.index, study, lost.worker)
            self._ledger.move(study, [Mark.RUNNING], Mark.PENDING, [lost.index])

    def _ask_again(self, manifest: Manifest) -> None:
        """Celery on Redis loses messages: a variant that is queued and not in the broker, twice in a row, was lost."""
        study = manifest.study
        queued = [index for index, mark in enumerate(self._ledger.states(study)) if mark == Mark.QUEUED]
        if not queued:
            self._absent.pop(study, None)
            return
        there = self._ledger.queued_messages(queue_of(manifest.needs))
        absent = {index for index in queued if message_id(study, index) not in there}
        again = absent & self._absent.get(study, set())
        self._absent[study] = absent - again
        if again:
            log.warning("%s messages of %s were lost; they are sent again", len(again), study)
            self._ledger.move(study, [Mark.QUEUED], Mark.PENDING, sorted(again))

    def _manifest(self, study: str) -> Manifest:
        """What the name stands for now; read again only when it was stored anew, or is gone."""
        mark = self._store.manifest_mark(study)
        kept = self._manifests.get(study)
        if kept is None or not mark or kept[0] != mark:
            kept = self._manifests[study] = (mark, self._store.manifest(study))
        return kept[1]


def _lost_outcome(lost: Lost) -> Outcome:
    return Outcome(
        State.FAILED,
        Cause.LOST,
        f"its worker died under it {lost.tries} times, the last one was {lost.worker}",
        worker=lost.worker,
        attempts=lost.tries,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )
