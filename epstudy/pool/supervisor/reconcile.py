"""Reconciles ledger, store and queue: what was lost, what nobody runs and what was never queued is queued (again)."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime

from epstudy.core.errors import EpstudyError, InputError, StoreError, StudyNotFoundError
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Outcome, State
from epstudy.core.retrying import epitaph, given_up, pause_s
from epstudy.pool.broker.app import message_id, queue_of
from epstudy.pool.broker.connection import ConnectionLost, RedisError, TimeLost
from epstudy.pool.ledger.ledger import BEAT_S, Ledger, Mark, Origin, Running
from epstudy.pool.origins import Origins, note_origin, shown
from epstudy.pool.request import asked, begin
from epstudy.store import Store, Wanted

log = logging.getLogger(__name__)

WINDOW = 500  # messages of one study in the broker at once
RECONCILE_S = 2.0
_GONE = 3
_FORGOTTEN = 30  # reconciliations after which the study of another store is forgotten
_SURE_S = 1.5  # what is only under way, between queue and worker or between two beats, is there again by then

Publish = Callable[[Manifest, list[int]], None]


def pool_name(*, private: bool) -> str:
    """Return what the store calls this pool: it keeps for each study which pool is to bring it to its end."""
    user = os.getuid() if hasattr(os, "getuid") else ""
    return f"private pool of user {user} on {socket.gethostname()}" if private else "group"


class Reconciler:
    """Reconciles the studies of one pool. Several at once do no harm: every step is one transition in the ledger.

    `is_dead` says of a worker that is surely dead so, before its lease runs out; who cannot know says False. `alive` is
    called now and then during what may take long.
    """

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        publish: Publish,
        pool: str,
        is_dead: Callable[[Running], bool],
        alive: Callable[[], object] = lambda: None,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._publish = publish
        self._pool = pool
        self._is_dead = is_dead
        self._alive = alive
        self._is_private = pool != pool_name(private=False)
        self._origins = Origins(store)
        self._manifests: dict[str, tuple[str, Manifest]] = {}
        self._halted: set[str] = set()  # for want of the store
        self._foreign: dict[str, int] = {}  # reconciliations in a row that found the study of another store
        self._missing: dict[str, int] = {}  # reconciliations in a row that found no manifest
        self._disagreeing: dict[str, int] = {}  # reconciliations in a row that found another one than the ledger's

    def reconcile_all(self) -> None:
        """Reconcile every study that is not finished: the ledger's, and the store's when Redis forgot them."""
        if not self._is_store_there():
            return
        wanted = {study for study, wanted in self._store.wanted().items() if wanted.pool == self._pool}
        for study in sorted(wanted | set(self._ledger.active())):
            self._alive()
            if self._ledger.lock(f"reconcile:{study}", RECONCILE_S * 0.9):
                self._reconcile_or_drop(study)

    def _is_store_there(self) -> bool:
        """Without the store nobody knows what is to be done: then the studies are halted, until it is back."""
        try:
            self._store.confirm()
        except StoreError as error:
            studies = self._ledger.active()
            if not studies:
                return False
            if not any(worker.get("where") for worker in self._ledger.workers()):  # nobody else sees it
                for study in studies:
                    self._halt(study, f"{error}{self._ran_elsewhere(study)}; it goes on by itself")
            raise
        while self._halted:
            self._ledger.unblock(self._halted.pop())
        return True

    def _ran_elsewhere(self, study: str) -> str:
        """Where a study was run, when that is another folder than this store's."""
        origin = self._ledger.origin(study)
        if origin is None or origin.shown in ("", shown(self._store)):
            return ""
        return f"; the study was run in {origin.shown}, which its workers need as EPSTUDY_STORE"

    def _halt(self, study: str, why: str) -> None:
        """Begin nothing more of a study. A private pool that halts for long may end, and begins anew when asked."""
        digest = self._ledger.digest(study)
        if digest is not None and self._is_private:
            self._ledger.pause(study, digest, why)
        elif digest is not None:
            self._ledger.block(study, digest, why)
        self._halted.add(study)

    def _reconcile_or_drop(self, study: str) -> None:
        """One study's trouble is not the others'; one whose manifest is gone for good is no study any more."""
        try:
            self.reconcile(study)
        except StudyNotFoundError as error:
            self._missing[study] = self._missing.get(study, 0) + 1
            log.warning("%s", error)
            if self._missing[study] >= _GONE:
                self._ledger.drop(study)
                self._store.unwant(study)
        except InputError:
            log.warning("%r is no name of a study", study)
            self._ledger.drop(study)
        except (ConnectionLost, TimeLost):
            raise  # nobody else's reconciliation would get through either
        except (EpstudyError, RedisError) as error:
            log.warning("no reconciliation of %s: %s", study, error)
        else:
            self._missing.pop(study, None)

    def reconcile(self, study: str) -> None:
        """Bring one study a step forward."""
        origin = self._ledger.origin(study)
        if origin is not None and not self._is_ours(study, origin):
            return
        manifest = self._manifest(study)
        digest = None if origin is None else origin.digest
        if digest is not None and digest != manifest.digest:
            self._disagree(study, manifest)
            return
        self._disagreeing.pop(study, None)
        if digest is None or self._ledger.size(study) != len(manifest):
            self._ledger.drop(study)
            self._reopen(manifest, quiet_s=3 * BEAT_S)
        self._obey(manifest)
        self._hear(manifest)
        left = self._ledger.recount(study)
        if not left:
            self._close(manifest)
            return
        self._want_again(study)
        states = self._ledger.states(study)
        self._recover(manifest, states)
        self._ask_again(manifest, states)
        self.top_up(manifest)

    def _is_ours(self, study: str, origin: Origin) -> bool:
        """Whether a study was run in this store. Another one's is left alone, and its user told when nobody has it."""
        try:
            self._origins.check(study, origin)
        except StoreError as error:
            if origin.where not in {worker.get("where") for worker in self._ledger.workers()}:
                self._ledger.block(study, origin.digest, str(error))
            self._foreign[study] = self._foreign.get(study, 0) + 1
            if self._foreign[study] >= _FORGOTTEN:
                self._foreign.pop(study)
                self._ledger.drop(study)  # whoever waits for it opens it again
            return False
        self._foreign.pop(study, None)
        return True

    def _obey(self, manifest: Manifest) -> None:
        """Cancelled or paused is what the store says: whoever said so may not have reached Redis."""
        study, halt = manifest.study, self._ledger.halt(manifest.study)
        if self._store.is_cancelled(study):
            self._ledger.cancel(study, manifest.digest)
        why = self._store.why_paused(study) if self._store.is_paused(study) else ""
        if why != halt.paused:
            self._ledger.pause(study, manifest.digest, why)

    def _hear(self, manifest: Manifest) -> None:
        """Begin (again) what a notebook asked for while Redis did not answer: it stands in the store."""
        wanted = self._store.wanted_of(manifest.study)
        if wanted is None or wanted.request in ("", self._ledger.request(manifest.study)):
            return
        if not self._store.is_cancelled(manifest.study):  # since
            begin(self._ledger, self._store, manifest, wanted, asked(self._store, manifest, wanted, self._alive))

    def _reopen(self, manifest: Manifest, quiet_s: float = 0.0) -> None:
        """Have the ledger know again what it forgot."""
        wanted = self._store.wanted_of(manifest.study)
        asks = asked(self._store, manifest, wanted, self._alive)
        cancelled = self._store.is_cancelled(manifest.study)
        marks = asks.marks.replace(Mark.PENDING, Mark.CANCELLED) if cancelled else asks.marks
        request = "" if wanted is None else wanted.request
        self._ledger.open(manifest.study, manifest.digest, marks, quiet_s=quiet_s, request=request, causes=asks.causes)
        note_origin(self._ledger, self._store, manifest.study)

    def _want_again(self, study: str) -> None:
        """What is not finished is to be known to the store, whoever took the note away meanwhile."""
        if self._store.wanted_of(study) is None and not self._store.is_cancelled(study):
            self._store.want(study, Wanted(self._pool, grid=self._ledger.digest(study) or ""))

    def _close(self, manifest: Manifest) -> None:
        """A study at its end needs nobody any more. Attempts that a killed child left beside an outcome go, too.

        What ended by the ledger and has no outcome in the store is begun again: its failure was forgotten by a notebook
        that did not reach Redis, or its result was removed.
        """
        wanted = self._store.wanted_of(manifest.study)
        if wanted is None:
            return
        held = self._store.held(manifest.keys, told=manifest.keys)
        without = [i for i, key in enumerate(manifest.keys) if not {f"{key}.json", f"{key}.failed.json"} & held]
        ended = [Mark.DONE, Mark.HELD, Mark.FAILED]
        if without and self._ledger.move(manifest.study, manifest.digest, ended, Mark.PENDING, without):
            return
        self._store.forget_attempts(manifest.keys)
        if self._store.wanted_of(manifest.study) == wanted:  # and nobody asks anew just now
            self._store.unwant(manifest.study)

    def _disagree(self, study: str, manifest: Manifest) -> None:
        """The ledger follows another grid than the name stands for.

        Mostly a notebook is just between writing its manifest and opening it. When it stays so, two notebooks ran two
        grids under one name at the same moment: the store decides, and whoever waits for the other one is told.
        """
        self._disagreeing[study] = self._disagreeing.get(study, 0) + 1
        if self._disagreeing[study] >= _GONE:
            log.warning("study %s is another grid in the store than in the ledger; the store's is followed", study)
            self._reopen(manifest)

    def top_up(self, manifest: Manifest, window: int = WINDOW) -> int:
        """Publish pending variants until `window` messages wait in the broker; return how many were published."""
        again, indices = self._ledger.take(manifest.study, window)
        if indices:
            self._publish(manifest, indices)
        if again:
            self._publish(manifest, again)
            self._ledger.advance(queue_of(manifest.needs), len(again))
        if again or indices:
            self._ledger.take_turns(queue_of(manifest.needs))
        return len(again) + len(indices)

    def _recover(self, manifest: Manifest, states: str) -> None:
        """Find the variants that nobody runs any more.

        Their worker is dead, or their lease has run out, and did not come back until now: a Redis that was frozen ends
        all leases at once, and the living say so within a second.
        """
        study = manifest.study
        running = {one.index: one for one in self._ledger.running(study)}
        dead = {index for index, one in running.items() if self._is_dead(one) and self._ledger.expire(study, one)}
        unknown = {index for index, mark in enumerate(states) if mark == Mark.RUNNING and index not in running}
        running |= {index: Running(index, manifest.keys[index], "", "nobody", "", 0.0, None) for index in unknown}
        silent = self._ledger.silent(study) & running.keys() | unknown
        for index in sorted(silent & dead | self._ledger.aged(study, "silent", silent, _SURE_S)):
            self._ask_or_give_up(manifest, running[index])

    def _ask_or_give_up(self, manifest: Manifest, lost: Running) -> None:
        """The outcome of a lost variant may be in the store; else it is asked again, a few times."""
        study, digest = manifest.study, manifest.digest
        held = self._store.outcome(lost.key, manifest.artifacts)
        if held is not None and held.settles(manifest.timeout_s):
            mark = Mark.DONE if held.state is State.DONE else Mark.FAILED
            self._ledger.move(study, digest, [Mark.RUNNING], mark, [lost.index])
            return
        attempts = self._store.attempts(lost.key)
        cause = given_up(attempts, manifest.retries)
        if cause is None:
            log.warning("variant %s of %s was lost with %s; it is asked again", lost.index, study, lost.worker)
            wait_s = pause_s(attempts)
            self._ledger.move(study, digest, [Mark.RUNNING], Mark.PENDING, [lost.index], wait_s=wait_s)
            return
        log.error("variant %s of %s: %s", lost.index, study, epitaph(attempts, cause))
        outcome = Outcome(State.FAILED, cause, epitaph(attempts, cause))
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        self._store.put_outcome(
            lost.key,
            outcome.stamped(
                worker=lost.worker, attempts=len(attempts), finished=finished, timeout_s=manifest.timeout_s
            ),
        )
        self._store.forget_attempts([lost.key])
        self._ledger.move(study, digest, [Mark.RUNNING], Mark.FAILED, [lost.index])

    def _ask_again(self, manifest: Manifest, states: str) -> None:
        """Celery on Redis loses messages: a variant that is queued, and for some time not in the broker, was lost."""
        study = manifest.study
        queued = [index for index, mark in enumerate(states) if mark == Mark.QUEUED]
        there = self._ledger.queued_messages(queue_of(manifest.needs)) if queued else set()
        absent = [index for index in queued if message_id(study, index) not in there]
        again = self._ledger.aged(study, "absent", absent, _SURE_S)
        if again:
            log.warning("%s messages of %s were lost; they are sent again", len(again), study)
            self._ledger.move(study, manifest.digest, [Mark.QUEUED], Mark.PENDING, sorted(again))

    def _manifest(self, study: str) -> Manifest:
        """What the name stands for now; read again only when it was stored anew, or is gone."""
        mark = self._store.manifest_mark(study)
        kept = self._manifests.get(study)
        if kept is None or not mark or kept[0] != mark:
            kept = self._manifests[study] = (mark, self._store.manifest(study))
        return kept[1]
