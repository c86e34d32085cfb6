"""The living side of a study: the pool that runs it, asked without starting one, followed until the study ends."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from epstudy.core.errors import InputError, StudyNotFoundError
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Progress, State
from epstudy.settings import Settings
from epstudy.store import Store

if TYPE_CHECKING:
    from epstudy.workers.pool import Pool

_SWEEP_EVERY_S = 2.0


class Live:
    """What a notebook holds of the pool: nothing before it is needed, and a new connection when the old one breaks."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._pool: Pool | None = None

    @property
    def private(self) -> bool:
        """Whether variants run in the user's own pool on this machine."""
        return self._settings.broker_url() is None

    def open(self) -> Pool:
        """Return the pool; a private one is started.

        Raises
        ------
        PoolError
            When it does not start, or no Redis answers.
        """
        if self._pool is None:
            from epstudy.workers.pool import Pool

            self._pool = Pool(self._settings, self._store)
        return self._pool

    def peek(self) -> Pool | None:
        """Return the pool if there is one; none is started for a look."""
        if self._pool is None:
            from epstudy.workers.pool import peek

            self._pool = peek(self._settings, self._store)
        return self._pool

    def progress(self, manifest: Manifest) -> Progress | None:
        """Return what the ledger counts, when it follows this very manifest."""
        pool = self.peek()
        if pool is None:
            return None
        from epstudy.workers.pool import AWAY

        try:
            return pool.progress(manifest)
        except AWAY:
            return None

    def states(self, manifest: Manifest) -> list[str]:
        """Return the state of each variant where a ledger says it; a study can be read without one: then empty."""
        pool = self.peek()
        states: list[str] = []
        if pool is not None:
            from epstudy.workers.pool import AWAY

            with contextlib.suppress(*AWAY):
                states = pool.states(manifest)
        if not states and self._store.is_cancelled(manifest.study):
            return [State.CANCELLED.value] * len(manifest)
        return states

    def follow(self, manifest: Manifest) -> Iterator[Progress | None]:
        """Yield progress again and again until the study is complete; sweep, and mend what broke meanwhile.

        None while the pool is away.
        """
        from epstudy.workers.pool import AWAY

        self.refuse_another_grid(manifest)
        next_sweep = time.monotonic()
        while True:
            progress = None
            try:
                pool = self.open()
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + _SWEEP_EVERY_S
                    pool.sweep(manifest.study)
                progress = pool.progress(manifest)
                if progress is None:
                    self.refuse_another_grid(manifest)
            except AWAY:
                self._pool = None  # gone, or started anew: the next round connects again
            yield progress
            if progress is not None and progress.complete:
                return

    def forget(self, study: str) -> None:
        """Have the pool forget a study, if there is one."""
        pool = self.peek()
        if pool is not None:
            pool.forget(study)

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

    def findings(self, needs: str, code: bool) -> tuple[list[str], list[str]]:
        """Return problems and warnings: whether a group's pool has workers that can run a study with these needs.

        `code` says whether the study brings code of its own that workers would execute.
        """
        pool = None if self.private else self.peek()
        if pool is None:
            return [], []
        workers = pool.workers()
        if not workers:
            return [], ["no worker answers in this pool (yet); the study waits for one"]
        able = [worker for worker in workers if needs in worker.get("abilities", [])]
        if not able:
            there = sorted({ability for worker in workers for ability in worker.get("abilities", [])})
            return [f"no worker of this pool has {needs}; they have {', '.join(there) or 'nothing of the kind'}"], []
        if code and not any(worker.get("allow_code") for worker in able):
            return [
                "the workers of this pool execute no code from notebooks; give a measure as "
                '"package.module:name" of a package that they have, or have them set EPSTUDY_ALLOW_CODE=1'
            ], []
        return [], []


def slots_of(pool: Pool | None, settings: Settings) -> int:
    """Return how many simulations run at once in this pool; before there is one, how many will."""
    workers = [] if pool is None else pool.workers()
    from epstudy.workers.processes import default_slots

    return sum(int(worker["slots"]) for worker in workers) or settings.workers or default_slots()
