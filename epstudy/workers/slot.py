"""A slot: what one Celery child does with a message. Claims the variant, simulates it, stores the outcome."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import socket
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from epstudy import engines
from epstudy.core.contracts import Run, Simulator, Stop
from epstudy.core.errors import EpstudyError
from epstudy.core.manifest import Manifest, make_run
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.settings import Settings
from epstudy.store import Store
from epstudy.workers.connection import RedisError, connect
from epstudy.workers.ledger import BEAT_S, Lease, Ledger, Mark

log = logging.getLogger(__name__)

#: How often a variant whose process crashed is tried: a crash is mostly the model's, now and then the machine's.
CRASH_TRIES = 2


class Slot:
    """One Celery child's view of the world. Opens nothing before it is used, so it may be made before a fork."""

    def __init__(self, settings: Settings, redis_url: str, scratch: Path) -> None:
        self._settings = settings
        self._redis_url = redis_url
        self._scratch = scratch
        self._store: Store | None = None
        self._ledger: Ledger | None = None
        self._simulators: dict[str, Simulator] = {}
        self._manifests: dict[str, Manifest] = {}
        self.worker = ""

    def warm(self) -> None:
        """Start the simulator of the first engine, so that the first variant finds it warm."""
        self.worker = f"{socket.gethostname()}:{os.getpid()}"
        try:
            self._simulator("energyplus").warm()
        except EpstudyError as error:
            log.warning("no warm simulator: %s", error)

    def close(self) -> None:
        """End the simulators of this child."""
        for simulator in self._simulators.values():
            simulator.close()

    def simulate(self, study: str, index: int) -> None:
        """Do what a message asks for, if it is still to be done. Raises nothing that another try would not mend."""
        try:
            ledger = self._open_ledger()
            digest = ledger.digest(study)
            if digest is None:
                return  # Redis was emptied; the sweep begins anew
            manifest = self._read_manifest(study, digest)
            if not 0 <= index < len(manifest) or manifest.digest != digest:
                return  # a message of yesterday's grid
            key = manifest.keys[index]
            lease = ledger.claim(study, digest, index, key, uuid.uuid4().hex, self.worker)
        except (RedisError, EpstudyError) as error:
            log.warning("variant %s of %s not started: %s", index, study, error)
            return  # nothing was lost but the message: the sweep sends another one
        if lease is not None:
            self._hold(lease, manifest)

    def _hold(self, lease: Lease, manifest: Manifest) -> None:
        """With the lease in hand: the store's outcome, or a simulation and its outcome in the store."""
        mark, cause = Mark.PENDING, ""
        try:
            mark, cause = self._settle(lease, manifest)
        except Exception:  # whatever went wrong must not come back without end: after some tries the row says so
            log.exception("variant %s of %s, try %s", lease.index, lease.study, lease.tries)
            mark = Mark.PENDING if lease.tries <= manifest.retries else Mark.FAILED
        finally:
            self._tell(lambda: self._finish(lease, manifest, mark, cause))

    def _finish(self, lease: Lease, manifest: Manifest, mark: Mark, cause: str) -> None:
        """Give the lease back; stop the study when it has failed so often that the rest would too."""
        same = self._open_ledger().finish(lease, mark, cause)
        enough = manifest.stop_after is not None and same >= manifest.stop_after
        if enough and not self._open_store().is_cancelled(lease.study):
            why = f"stopped after {same} failures of the cause {cause} (stop_after={manifest.stop_after})"
            self._open_store().set_cancelled(lease.study, cancelled=True, why=why)
            self._open_ledger().cancel(lease.study)

    def _settle(self, lease: Lease, manifest: Manifest) -> tuple[Mark, str]:
        """The variant's mark, and of a failure its cause."""
        store = self._open_store()
        held = store.outcome(lease.key, manifest.artifacts)
        if held is not None and held.settles(manifest.timeout_s):
            return (Mark.HELD, "") if held.state is State.DONE else (Mark.FAILED, _cause(held))
        if self._read_again(lease, manifest):
            return Mark.HELD, ""
        tries = lease.tries
        outcome = self._simulate(lease, manifest)
        while outcome.cause is Cause.CRASH and tries < CRASH_TRIES:
            tries += 1
            outcome = self._simulate(lease, manifest)
        if outcome.state is State.CANCELLED:
            return (Mark.PENDING if outcome.message == Stop.SUPERSEDED else Mark.CANCELLED), ""
        if outcome.cause is Cause.INFRASTRUCTURE and tries <= manifest.retries:
            log.warning("variant %s of %s, try %s: %s", lease.index, lease.study, tries, outcome.message)
            return Mark.PENDING, ""
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        store.put_outcome(
            lease.key,
            outcome.stamped(worker=self.worker, attempts=tries, finished=finished, timeout_s=manifest.timeout_s),
        )
        return (Mark.DONE, "") if outcome.state is State.DONE else (Mark.FAILED, _cause(outcome))

    def _simulate(self, lease: Lease, manifest: Manifest) -> Outcome:
        with self._folder(lease) as folder:
            try:
                run = self._run(lease, manifest, folder)
                outcome = self._simulator(manifest.engine).run(run, self._watch(lease))
                return self._keep(lease, manifest, run, outcome)
            except Exception as error:
                log.exception("variant %s of %s", lease.index, lease.study)
                return Outcome(State.FAILED, Cause.INFRASTRUCTURE, f"{type(error).__name__}: {error}")

    def _read_again(self, lease: Lease, manifest: Manifest) -> bool:
        """Whether the result is there and what this study wants besides could be read from the files it kept."""
        store = self._open_store()
        done = store.outcome(lease.key)
        if done is None or done.state is not State.DONE:
            return False
        with self._folder(lease) as folder:
            run = self._run(lease, manifest, folder)
            try:
                if not self._simulator(manifest.engine).read_again(run, store.held_beside(lease.key)):
                    return False
            except EpstudyError as error:
                log.warning("variant %s of %s cannot be read again: %s", lease.index, lease.study, error)
                return False  # a damaged file: it is simulated again
            self._keep(lease, manifest, run, done)
        return store.outcome(lease.key, manifest.artifacts) is not None

    def _run(self, lease: Lease, manifest: Manifest, folder: Path) -> Run:
        paths = self._open_store().input_path
        return make_run(manifest, lease.index, folder, paths, allow_code=bool(self._settings.allow_code))

    def _keep(self, lease: Lease, manifest: Manifest, run: Run, outcome: Outcome) -> Outcome:
        """The files that the run left beside its outcome into the store, before the outcome: then it is whole."""
        if outcome.state is State.CANCELLED or not run.kept.is_dir():
            return outcome
        failed = outcome.state is State.FAILED
        store = self._open_store()
        for path in sorted(run.kept.iterdir()):
            store.put_artifact(lease.key, path.name, path.read_bytes(), failed=failed)
        missing = [] if failed else [name for name in manifest.artifacts if store.artifact(lease.key, name) is None]
        if missing:
            said = f"the run left no {', '.join(missing)}, which the study asks for"
            return Outcome(State.FAILED, Cause.INFRASTRUCTURE, said, engine=outcome.engine)
        return outcome

    @contextlib.contextmanager
    def _folder(self, lease: Lease) -> Iterator[Path]:
        """An empty folder for a run, gone afterwards whatever happened."""
        folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-{lease.key[:12]}-", dir=self._scratch / "runs"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _watch(self, lease: Lease) -> Callable[[float | None], Stop | None]:
        """Renews the lease while a simulation runs, which goes on without Redis: its result is worth having."""
        next_beat = time.monotonic() + BEAT_S

        def watch(progress: float | None) -> Stop | None:
            nonlocal next_beat
            if time.monotonic() < next_beat:
                return None
            stop: list[Stop | None] = [None]

            def beat() -> None:
                stop[0] = self._open_ledger().beat(lease, self.worker, progress)

            self._tell(beat)
            next_beat = time.monotonic() + BEAT_S
            return stop[0]

        return watch

    def _tell(self, what: Callable[[], None]) -> None:
        """Tell the ledger something that the sweep finds out by itself when Redis does not answer now."""
        try:
            what()
        except (RedisError, EpstudyError) as error:
            log.warning("the ledger was not told: %s", error)

    def _read_manifest(self, study: str, digest: str) -> Manifest:
        """The manifest in the store; the caller looks whether it is the one that the ledger follows."""
        kept = self._manifests.get(digest)
        if kept is None or kept.study != study:
            kept = self._open_store().manifest(study)
            self._manifests = {**dict(list(self._manifests.items())[-3:]), kept.digest: kept}
        return kept

    def _open_ledger(self) -> Ledger:
        if self._ledger is None:
            self._ledger = Ledger(connect(self._redis_url))
        return self._ledger

    def _open_store(self) -> Store:
        if self._store is None:
            self._store = Store(self._settings.store, cache=self._scratch / "inputs")
        return self._store

    def _simulator(self, kind: str) -> Simulator:
        if kind not in self._simulators:
            self._simulators[kind] = engines.simulator(kind)
        return self._simulators[kind]


def _cause(outcome: Outcome) -> str:
    return outcome.cause.value if outcome.cause else ""
