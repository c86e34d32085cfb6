"""An execution: what becomes of a variant whose lease is in hand. Tries it by the rules, and has the outcome stored."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from epstudy.core.contracts import Run, Simulator, Stop
from epstudy.core.errors import EpstudyError, StoreError
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import Attempt, Cause, Outcome, State
from epstudy.core.retrying import epitaph, given_up, pause_s
from epstudy.pool.folders import make_scratch
from epstudy.pool.ledger.ledger import Lease, Mark
from epstudy.pool.worker.heartbeat import Heartbeat
from epstudy.store import Store

log = logging.getLogger(__name__)

_STORE_AGAIN_S = 1.0  # a finished result waits so long before the store is tried again
_CLEANED_S = 1.0  # what was cleaned away while it ran is begun again after so long
_MARK = ".epstudy-run"  # in a run's folder: without it somebody cleaned there, and nobody knows what else is missing
_TRIES = 5
_STORE_GONE_S = 900.0  # and so long in all for a store that is gone
_ROOM_BYTES = 8_000_000  # with less on the disk of the run folders, whatever is tried there fails


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the ledger is told: a mark, of a failure its cause, and how long a pending variant is not given out."""

    mark: Mark
    cause: str = ""
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Execution:
    """One variant in one slot: who does it, with what, and where.

    `make_run` gives what the simulator needs to know, in a given folder; `runs` is where such folders are made; `block`
    pauses the study, and says why.
    """

    lease: Lease
    manifest: Manifest
    worker: str
    store: Store
    simulator: Callable[[], Simulator]
    make_run: Callable[[Path], Run]
    runs: Path
    heartbeat: Heartbeat
    block: Callable[[str], None]

    def settle(self) -> Verdict:
        """Return what became of the variant. Whatever goes wrong counts as an attempt, so it ends."""
        try:
            return self._known() or self._refused() or self._try()
        except StoreError as error:
            self.block(str(error))
            return Verdict(Mark.PENDING)
        except Exception as error:
            log.exception("variant %s of %s", self.lease.index, self.lease.study)
            return self._unwell(error)

    def _known(self) -> Verdict | None:
        """What the store, or what an earlier run kept, says of the variant."""
        key = self.lease.key
        held = self.store.outcome(key, self.manifest.artifacts)
        if held is not None and held.settles(self.manifest.timeout_s):
            return Verdict(Mark.HELD) if held.state is State.DONE else Verdict(Mark.FAILED, _cause(held))
        done = self.store.outcome(key)
        return Verdict(Mark.HELD) if done is not None and done.state is State.DONE and self._read_again() else None

    def _refused(self) -> Verdict | None:
        """A variant that the engine could not make from its levels fails without an attempt."""
        why = self.manifest.refusal(self.lease.index)
        if not why:
            return None
        self._put(Outcome(State.FAILED, Cause.INPUT, why, engine=str(self.manifest.recipe.get("build", ""))), [])
        return Verdict(Mark.FAILED, Cause.INPUT)

    def _try(self) -> Verdict:
        attempts = self.store.attempts(self.lease.key)
        cause = given_up(attempts, self.manifest.retries)
        if cause is not None:  # it took its worker down each time: nobody was left to say so
            self._put(Outcome(State.FAILED, cause, epitaph(attempts, cause)), attempts)
            return Verdict(Mark.FAILED, cause.value)
        attempts.append(Attempt(self.worker, _now(), token=self.lease.token))
        self.store.begin_attempt(self.lease.key, attempts[-1])
        with self._folder() as folder:
            run, outcome = self._simulate(folder)
            if outcome.message == Stop.CANCELLED and outcome.state is State.CANCELLED:
                self.store.undo_attempt(self.lease.key, self.lease.token)  # on purpose: it does not count
                return Verdict(Mark.CANCELLED)
            if outcome.state is not State.DONE and not (folder / _MARK).exists():
                log.warning("%s: %s was cleaned away while it ran; it is begun again", self._name, folder)
                self.store.undo_attempt(self.lease.key, self.lease.token)
                return Verdict(Mark.PENDING, wait_s=_CLEANED_S)
            if outcome.cause is not Cause.INFRASTRUCTURE or not self._disk_is_full():
                return self._conclude(run, outcome, attempts)
        if self._disk_is_full():  # without what this very run wrote
            self.block(f"{socket.gethostname()}: {outcome.message}")
            self.store.undo_attempt(self.lease.key, self.lease.token)
            return Verdict(Mark.PENDING)
        return self._conclude(None, outcome, attempts)

    def _conclude(self, run: Run | None, outcome: Outcome, attempts: list[Attempt]) -> Verdict:
        """The outcome is stored, or there will be another attempt."""
        if outcome.state is State.CANCELLED or self.heartbeat.now() is Stop.SUPERSEDED:  # it was silent for too long
            log.warning("%s is somebody else's by now: what it gave here is discarded", self._name)
            return Verdict(Mark.PENDING)
        if outcome.state is State.FAILED:
            self.store.confirm()  # it may have failed for want of its files: that is no failure of the variant
        if outcome.cause in (Cause.CRASH, Cause.INFRASTRUCTURE):
            attempts[-1] = replace(attempts[-1], ended=outcome.cause.value)
            if given_up(attempts, self.manifest.retries) is None:
                log.warning("%s, attempt %s: %s", self._name, len(attempts), outcome.message)
                self.store.end_attempt(self.lease.key, outcome.cause, self.lease.token)
                return Verdict(Mark.PENDING, wait_s=pause_s(attempts))
        self._put(outcome, attempts, run)
        return Verdict(Mark.DONE if outcome.state is State.DONE else Mark.FAILED, _cause(outcome))

    def _simulate(self, folder: Path) -> tuple[Run | None, Outcome]:
        """The run, None when it could not be made, and what became of it."""
        run = None
        try:
            run = self.make_run(folder)
            outcome = self.simulator().run(run, self.heartbeat.watch)
        except Exception as error:
            log.exception("%s", self._name)
            return run, Outcome(State.FAILED, Cause.INFRASTRUCTURE, f"{type(error).__name__}: {error}")
        missing = [name for name in run.artifacts if not (run.kept / name).exists()]
        if outcome.state is State.DONE and missing:
            said = f"the run left no {', '.join(missing)}, which the study asks for"
            return run, Outcome(State.FAILED, Cause.INFRASTRUCTURE, said, engine=outcome.engine)
        return run, outcome

    def _put(self, outcome: Outcome, attempts: list[Attempt], run: Run | None = None) -> None:
        """The outcome into the store, with what stands beside it, and the attempts away.

        A store that cannot be written is waited for: the study is paused meanwhile, and nothing is lost.
        """
        key = self.lease.key
        gone_since: float | None = None
        stamped = outcome.stamped(
            worker=self.worker, attempts=len(attempts), finished=_now(), timeout_s=self.manifest.timeout_s
        )
        while True:
            try:
                if run is not None:
                    self._keep(run, failed=outcome.state is State.FAILED)
                self.store.put_outcome(key, stamped)
                self.store.forget_attempts([key])
                return
            except StoreError as error:
                if self.heartbeat.stop is not None:
                    raise  # cancelled, or somebody else's
                self.block(str(error))
                gone_since = None if self._store_is_there() else gone_since or time.monotonic()
                if gone_since is not None and time.monotonic() - gone_since > _STORE_GONE_S:
                    raise  # whoever finds the store again simulates it again
                time.sleep(_STORE_AGAIN_S)

    def _store_is_there(self) -> bool:
        try:
            self.store.confirm()
        except StoreError:
            return False
        return True

    def _unwell(self, error: Exception) -> Verdict:
        """Something that nobody thought of. It counts, or it would come back without end."""
        key = self.lease.key
        attempts = self.store.attempts(key)
        if self.lease.token not in [attempt.token for attempt in attempts]:
            self.store.begin_attempt(key, Attempt(self.worker, _now(), token=self.lease.token))
        self.store.end_attempt(key, Cause.INFRASTRUCTURE, self.lease.token)
        attempts = self.store.attempts(key)
        if given_up(attempts, self.manifest.retries) is None:
            return Verdict(Mark.PENDING, wait_s=pause_s(attempts))
        self._put(Outcome(State.FAILED, Cause.INFRASTRUCTURE, f"{type(error).__name__}: {error}"), attempts)
        return Verdict(Mark.FAILED, Cause.INFRASTRUCTURE)

    def _disk_is_full(self) -> bool:
        """Whether the disk of the run folders has no room: the study waits for it instead of failing on it."""
        with contextlib.suppress(FileNotFoundError):  # cleaned away just now
            return shutil.disk_usage(self.runs).free < _ROOM_BYTES
        return False

    def _read_again(self) -> bool:
        """Whether what this study wants besides the result could be read from the files that an earlier run kept."""
        with self._folder() as folder:
            run = self.make_run(folder)
            try:
                if not self.simulator().read_again(run, self.store.held_beside(self.lease.key)):
                    return False
            except EpstudyError as error:
                log.warning("%s cannot be read again: %s", self._name, error)
                return False  # a damaged file: it is simulated again
            self._keep(run, failed=False)
        return self.store.outcome(self.lease.key, self.manifest.artifacts) is not None

    def _keep(self, run: Run, *, failed: bool) -> None:
        """The files that the run left beside its outcome into the store, before the outcome: then it is whole."""
        if run.kept.is_dir():
            for path in sorted(run.kept.iterdir()):
                self.store.put_artifact(self.lease.key, path.name, path.read_bytes(), failed=failed)

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        """An empty folder for a run, gone afterwards whatever happened."""
        folder = self._make_folder()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _make_folder(self) -> Path:
        for left in reversed(range(_TRIES)):
            make_scratch(self.runs.parent)
            try:
                folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-{self.lease.key[:12]}-", dir=self.runs))
                (folder / _MARK).touch()
                return folder
            except FileNotFoundError:  # somebody cleans just now
                if not left:
                    raise
        raise AssertionError("the last try returns or raises")

    @property
    def _name(self) -> str:
        return f"variant {self.lease.index} of {self.lease.study}"


def _cause(outcome: Outcome) -> str:
    return outcome.cause.value if outcome.cause else ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
