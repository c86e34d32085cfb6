"""The living side of a study: the pool that runs it, asked without starting one, followed until the study ends."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from epstudy.core.errors import InputError, RefusedError, StoreError, StudyNotFoundError
from epstudy.core.glance import Glance
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Progress, State
from epstudy.pool.progress import tell
from epstudy.results.states import is_cancelled
from epstudy.settings import Settings
from epstudy.store import Store, Wanted

if TYPE_CHECKING:
    from epstudy.pool.pool import Pool

log = logging.getLogger(__name__)

_RECONCILE_EVERY_S = 2.0
_STARTS = 3  # of a private pool that ends while it is told what to do
_SILENCE_S = 2.0  # a pool that did not answer is not asked again for so long: each question costs seconds
_T = TypeVar("_T")


class Live:
    """What a notebook holds of the pool: nothing before it is needed, and a new connection when the old one breaks.

    A pool that does not answer is no error: the store has what matters, and what was said to the store the pool obeys
    when it is back. `trouble` says why it does not answer; empty while it does. `say` gets what is worth a line, such
    as that a private pool takes long to start.
    """

    def __init__(self, settings: Settings, store: Store, say: Callable[[str], None] = tell) -> None:
        self._settings = settings
        self._store = store
        self._say = say
        self._starting: Callable[[], bool] | None = None
        self._pool: Pool | None = None
        self._seen: Pool | None = None  # one that was only looked at
        self._silent_until = 0.0
        self._was_there = False
        self.trouble = ""

    @property
    def private(self) -> bool:
        """Whether variants run in the user's own pool on this machine."""
        return self._settings.broker_url() is None

    def open(self) -> Pool:
        """Return the pool; a private one is started, however long that takes.

        Raises
        ------
        PoolError
            When it does not start, or no Redis answers.
        """
        if self._pool is None:
            from epstudy.pool.pool import Pool

            self._pool = Pool(self._settings, self._store, self._say)
        return self._pool

    def peek(self) -> Pool | None:
        """Return the pool if there is one that answers; none is started for a look."""
        return self._ask(lambda pool: pool, None)

    def say(self, what: Callable[[Pool], object]) -> bool:
        """Tell a pool that is there something that stands in the store as well; False when it could not be told."""
        return self._ask(lambda pool: (what(pool), True)[1], False)

    def under_way(self, manifest: Manifest) -> Wanted | None:
        """Return what was asked of this study before and has not come to its end, by the store; None when nothing."""
        from epstudy.pool.request import under_way

        return under_way(self._store, manifest)

    def want(
        self, manifest: Manifest, before: Wanted | None, only: str | None, variants: Sequence[int] | None
    ) -> Wanted:
        """Note in the store what this pool is to do: what is asked now, and what was asked `before`; return it."""
        from epstudy.pool.request import joined
        from epstudy.pool.supervisor.reconcile import pool_name

        chosen = None if variants is None else tuple(variants)
        wanted = Wanted(pool_name(private=self.private), uuid.uuid4().hex, only, chosen, manifest.digest)
        return self._store.want(manifest.study, joined(before, wanted))

    def begin(self, what: Callable[[Pool], object]) -> None:
        """Start the pool, if it is a private one, and have it begin with what is in the store.

        One that answered before, or whose keeper lives, begins when it answers again: its reconciliation finds the
        study in the store.

        Raises
        ------
        PoolError
            When it never answered, or its workers cannot run the study.
        StoreError
            When the store is away: the record of a private pool would be made in a folder behind the mount.
        """
        from epstudy.pool.pool import AWAY, is_running

        if self.private:
            self._store.identity()
        if time.monotonic() < self._silent_until and self._was_there:
            return
        for chances in reversed(range(_STARTS)):
            try:
                if self.private and not is_running(self._settings):
                    self._pool = self._seen = None  # it ended meanwhile
                pool = self.open()
                self._was_there, self.trouble = True, ""
                what(pool)
                return
            except RefusedError:
                raise
            except AWAY as error:
                there = self.private and is_running(self._settings)
                if not self._was_there and not there:
                    raise
                if self.private and not there and chances:
                    continue  # it had been idle, and ended while it was told: nobody else would start it again
                self._fall_silent(error)
                return

    def progress(self, manifest: Manifest) -> Progress | None:
        """Return what the ledger counts, when it follows this very manifest."""
        return self._with_trouble(self._ask(lambda pool: pool.progress(manifest), None))

    def glance(self, manifest: Manifest, known: str = "", *, stay: bool = False) -> Glance | None:
        """Return what a panel shows of the study; None when no pool says it. See `Glance.known` and `Pool.glance`."""
        return self._ask(lambda pool: pool.glance(manifest, known, stay=stay), None)

    def mend(self) -> None:
        """Start a private pool that was killed while it worked again, without waiting; one that ended stays so.

        Its reconciliation finds in the store what is to be done.

        Raises
        ------
        PoolError
            When it does not start.
        """
        from epstudy.pool.pool import AWAY, was_killed

        if self.private and (self._starting is not None or was_killed(self._settings)):
            self._pool = self._seen = None
            try:
                self._has_started()
            except AWAY:
                self._starting = None
                raise

    def states(self, manifest: Manifest) -> list[str]:
        """Return the state of each variant where a ledger says it; a study can be read without one: then empty."""
        states: list[str] = self._ask(lambda pool: pool.states(manifest), [])
        if not states and is_cancelled(self._store, manifest):
            return [State.CANCELLED.value] * len(manifest)
        return states

    def follow(self, manifest: Manifest) -> Iterator[Progress | None]:
        """Yield progress again and again until the study is complete; reconcile, and mend what broke meanwhile.

        None while the pool is away.
        """
        from epstudy.pool.pool import AWAY

        self.refuse_to_wait(manifest)
        next_reconciliation = time.monotonic()
        while True:
            progress = None
            try:
                if time.monotonic() >= self._silent_until and self._has_started():
                    pool = self.open()
                    if time.monotonic() >= next_reconciliation:
                        next_reconciliation = time.monotonic() + _RECONCILE_EVERY_S
                        self._reconcile(pool, manifest)
                    pool.stay()
                    progress = self._with_trouble(pool.progress(manifest))
                    self._was_there, self.trouble = True, ""
                    if progress is None:
                        self.refuse_to_wait(manifest)
            except AWAY as error:
                self._fall_silent(error)  # gone, or started anew: a later round connects again
            yield progress
            if progress is not None and progress.complete:
                return

    def is_away(self) -> bool:
        """Say whether this is a private pool that is not there, or is just starting: then the store says how it is."""
        from epstudy.pool.pool import is_ready

        return self.private and not is_ready(self._settings)

    def _has_started(self) -> bool:
        """Whether the pool is there to be opened; a private one that is not is started, and not waited for.

        None is started while the store is away: its record would be made in a folder behind the mount.
        """
        if self._pool is None and self.private:
            if self.lost_store():
                return False
            from epstudy.pool.pool import begin_private

            self._starting = self._starting or begin_private(self._settings, self._say)
            if not self._starting():
                return False
        self._starting = None
        return True

    def _reconcile(self, pool: Pool, manifest: Manifest) -> None:
        """Have the study brought a step forward, unless the store is away: then it is paused."""
        try:
            pool.reconcile(manifest.study)
        except StoreError as error:
            log.debug("no reconciliation of %s: %s", manifest.study, error)

    def _with_trouble(self, progress: Progress | None) -> Progress | None:
        """Progress that is paused while the store is away, whatever the workers know of that."""
        if progress is None or progress.complete or progress.paused:
            return progress
        return replace(progress, paused=self.lost_store())

    def lost_store(self) -> str:
        """Return why the store cannot be worked with: it is gone, or another one stands in its place; else empty."""
        try:
            self._store.identity()
        except StoreError as error:
            return str(error)
        return ""

    def workers(self) -> list[dict[str, Any]]:
        """Return what the living workers of a pool that is there say of themselves."""
        return self._ask(lambda pool: pool.workers(), [])

    def slots(self) -> int:
        """Return how many simulations run at once in this pool; before there is one, how many will."""
        from epstudy.processes import default_slots

        there = self._ask(lambda pool: sum(int(worker["slots"]) for worker in pool.workers()), 0)
        return there or self._settings.workers or default_slots()

    def set_slots(self, count: int) -> bool:
        """Have the private pool run this many simulations at once; False when there is none that could be told.

        Raises
        ------
        InputError
            See `Pool.set_slots`.
        """
        return self.say(lambda pool: pool.set_slots(count))

    def _ask(self, what: Callable[[Pool], _T], default: _T) -> _T:
        """What a pool says that is there; `default` when there is none, or it does not answer."""
        if time.monotonic() < self._silent_until:
            return default
        from epstudy.pool.pool import AWAY, peek

        try:
            pool = self._pool or self._seen or peek(self._settings, self._store)
            if pool is None:
                self.trouble = ""  # it ended, and does not answer for that
                return default
            if pool is not self._pool:
                self._seen = pool
            said = what(pool)
        except AWAY as error:
            if self.is_away():
                self._pool, self._seen, self.trouble = None, None, ""  # it has ended, and is no trouble
            else:
                self._fall_silent(error)
            return default
        self._was_there, self.trouble, self._starting = True, "", None
        return said

    def _fall_silent(self, error: Exception) -> None:
        self._pool = self._seen = self._starting = None
        self._silent_until = time.monotonic() + _SILENCE_S
        self.trouble = f"the pool does not answer ({error}); what runs goes on, and it is asked again"

    def refuse_another_grid(self, manifest: Manifest) -> None:
        """What was never run, or whose name stands for another grid now, cannot be waited for, cancelled or retried.

        Raises
        ------
        InputError
            When it is so.
        """
        try:
            stored = self._store.manifest(manifest.study)
        except StudyNotFoundError:
            raise InputError(f'study "{manifest.study}" was not run yet; call run() first') from None
        if stored.digest != manifest.digest:
            raise InputError(
                f'the name "{manifest.study}" stands for another grid in the store; call run() to run this one, '
                "or give it a name of its own"
            )

    def refuse_to_wait(self, manifest: Manifest) -> None:
        """As `refuse_another_grid`, unless the store is away: that it is back is waited for.

        Raises
        ------
        InputError
            When the study was never run, or its name stands for another grid now.
        StoreError
            When its manifest is damaged.
        """
        try:
            self.refuse_another_grid(manifest)
        except StoreError:
            if not self.lost_store():
                raise

    def findings(self, needs: str, code: bool) -> tuple[list[str], list[str]]:
        """Return problems and warnings: whether a group's pool has workers that can run a study with these needs.

        `code` says whether the study brings code of its own that workers would execute.
        """
        pool = None if self.private else self.peek()
        if pool is None:
            return [], []
        nobody: list[dict[str, Any]] = []
        workers = self._ask(lambda pool: pool.workers(), nobody)
        if not workers:
            return [], ["no worker answers in this pool (yet); the study waits for one"]
        able = [worker for worker in workers if not needs or needs in worker.get("abilities", [])]
        if not able:
            there = sorted({ability for worker in workers for ability in worker.get("abilities", [])})
            return [f"no worker of this pool has {needs}; they have {', '.join(there) or 'nothing of the kind'}"], []
        if code and not any(worker.get("allow_code") for worker in able):
            return [
                "the workers of this pool execute no code from notebooks; give a measure as "
                '"package.module:name" of a package that they have, or have them set EPSTUDY_ALLOW_CODE=1'
            ], []
        return [], []
