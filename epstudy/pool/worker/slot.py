"""A slot: what one Celery child does with a message. Claims the variant, has it tried, tells the ledger."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from epstudy import engines
from epstudy.core.contracts import Run, Simulator, Stop
from epstudy.core.errors import EpstudyError, StoreError
from epstudy.core.manifest import Manifest, make_run
from epstudy.core.retrying import is_last_chance
from epstudy.pool.broker.connection import RedisError, connect
from epstudy.pool.ledger.ledger import Lease, Ledger, Mark, Origin
from epstudy.pool.origins import Origins
from epstudy.pool.worker.execution import Execution, Verdict
from epstudy.pool.worker.heartbeat import Heartbeat
from epstudy.processes import worker_name
from epstudy.settings import Settings
from epstudy.store import Store

log = logging.getLogger(__name__)

_NO_STORE_S = 2.0


class Slot:
    """One Celery child's view of the world. Opens nothing before it is used, so it may be made before a fork."""

    def __init__(
        self,
        settings: Settings,
        redis_url: str,
        scratch: Path,
        supervisor: str,
        identity: str = "",
        engines: Sequence[str] = (),
    ) -> None:
        self._settings = settings
        self._engines = tuple(engines)  # that its queues send variants of
        self._redis_url = redis_url
        self._scratch = scratch
        self._supervisor = supervisor
        self._identity = identity  # of the store that the supervisor sees
        self._origins: Origins
        self._store: Store | None = None
        self._ledger: Ledger | None = None
        self._simulators: dict[str, Simulator] = {}
        self._manifests: dict[str, Manifest] = {}
        self.worker = ""

    def warm(self) -> None:
        """Start the simulators of the worker's engines, so that the first variant finds its own warm."""
        self.worker = worker_name(os.getpid())
        for engine in self._engines:
            try:
                self._simulator(engine).warm()
            except EpstudyError as error:
                log.warning("no warm simulator of %s: %s", engine, error)

    def close(self) -> None:
        """End the simulators of this child."""
        for simulator in self._simulators.values():
            simulator.close()

    def simulate(self, study: str, index: int) -> None:
        """Do what a message asks for, if it is still to be done. Raises nothing that another try would not mend."""
        try:
            ledger = self._open_ledger()
            origin = ledger.origin(study)
            if origin is None:
                return  # Redis was emptied; the reconciliation begins anew
            digest = origin.digest
            if not self._has_store_of(study, origin):
                return
            manifest = self._read_manifest(study, digest)
            if not 0 <= index < len(manifest) or manifest.digest != digest:
                return  # a message of yesterday's grid
            lease = Lease(study, digest, index, manifest.keys[index], uuid.uuid4().hex)
            alone = self._has_last_chance(lease, manifest)
            claimed = ledger.claim(lease, self.worker, self._supervisor, alone=alone)
        except (RedisError, EpstudyError) as error:
            log.warning("variant %s of %s not started: %s", index, study, error)
            return  # nothing was lost but the message: the reconciliation sends another one
        if claimed:
            self._hold(lease, manifest)

    def _has_store_of(self, study: str, origin: Origin) -> bool:
        """Whether the store is there, and the one in which the study was run; else the reconciliation tells why not."""
        try:
            store = self._open_store()
            store.confirm()
            self._origins.check(study, origin)
        except StoreError as error:
            log.warning("nothing of %s is started: %s", study, error)
            time.sleep(_NO_STORE_S)  # a worker that lacks the store is not to take all messages from the others
            return False
        return True

    def _has_last_chance(self, lease: Lease, manifest: Manifest) -> bool:
        try:
            return is_last_chance(self._open_store().attempts(lease.key), manifest.retries)
        except StoreError as error:
            self._block(lease, str(error))
            raise

    def _hold(self, lease: Lease, manifest: Manifest) -> None:
        """With the lease in hand: the execution, and its verdict to the ledger."""
        verdict = Verdict(Mark.PENDING)
        try:
            with Heartbeat(lambda progress: self._beat(lease, progress)) as heartbeat:
                verdict = self._execution(lease, manifest, heartbeat).settle()
        finally:
            self._tell(lambda: self._finish(lease, manifest, verdict))

    def _execution(self, lease: Lease, manifest: Manifest, heartbeat: Heartbeat) -> Execution:
        store = self._open_store()

        def run(folder: Path) -> Run:
            allow_code, limits = bool(self._settings.allow_code), self._settings.limits()
            return make_run(manifest, lease.index, folder, store.input_path, allow_code=allow_code, limits=limits)

        return Execution(
            lease=lease,
            manifest=manifest,
            worker=self.worker,
            store=store,
            simulator=lambda: self._simulator(manifest.engine),
            make_run=run,
            runs=self._scratch / "runs",
            heartbeat=heartbeat,
            block=lambda why: self._block(lease, why),
        )

    def _finish(self, lease: Lease, manifest: Manifest, verdict: Verdict) -> None:
        """Give the lease back; stop the study when it has failed so often that the rest would too."""
        same = self._open_ledger().finish(
            lease, verdict.mark, verdict.cause, wait_s=verdict.wait_s, supervisor=self._supervisor
        )
        enough = manifest.stop_after is not None and same >= manifest.stop_after
        if enough and not self._open_store().is_cancelled(lease.study):
            why = f"stopped after {same} failures of the cause {verdict.cause} (stop_after={manifest.stop_after})"
            self._open_store().set_cancelled(lease.study, cancelled=True, why=why)
            self._open_ledger().cancel(lease.study, lease.digest)

    def _block(self, lease: Lease, why: str) -> None:
        log.warning("study %s is paused: %s", lease.study, why)
        self._tell(lambda: self._open_ledger().block(lease.study, lease.digest, f"{why}; it goes on by itself"))

    def _beat(self, lease: Lease, progress: float | None) -> Stop | None:
        try:
            return self._open_ledger().beat(lease, self.worker, self._supervisor, progress)
        except (RedisError, EpstudyError) as error:
            log.warning("the ledger was not told: %s", error)
            return None  # the simulation goes on without Redis: its result is worth having

    def _tell(self, what: Callable[[], object]) -> None:
        """Tell the ledger something that the reconciliation finds out by itself when Redis does not answer now."""
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
            self._store = Store(self._settings.store, cache=self._scratch / "inputs", identity=self._identity)
            self._origins = Origins(self._store)
        return self._store

    def _simulator(self, kind: str) -> Simulator:
        if kind not in self._simulators:
            self._simulators[kind] = engines.simulator(kind)
        return self._simulators[kind]
