"""The pool as a study sees it: private or the group's, one small interface."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from celery import Celery
from kombu.exceptions import KombuError

from epstudy.core.errors import InputError, PoolError, RefusedError, StoreError
from epstudy.core.glance import Glance
from epstudy.core.manifest import MANIFEST_FORMAT, Manifest
from epstudy.core.outcome import Progress
from epstudy.pool.broker.app import make_app, publish
from epstudy.pool.broker.connection import ANSWER_S, RedisError, connect
from epstudy.pool.ledger.ledger import STATES, Ledger, Mark
from epstudy.pool.origins import another_store, shown
from epstudy.pool.request import asked, begin
from epstudy.pool.supervisor.reconcile import RECONCILE_S, Reconciler, pool_name
from epstudy.pool.supervisor.reporter import is_executed
from epstudy.processes import redis_server
from epstudy.settings import MOST_SLOTS, Settings, mask
from epstudy.store import Store, Wanted

_FIRST_WINDOW = 100  # published before `run()` returns; the reconciliation goes on
_TELLING_S = 60.0  # a private pool does not end for want of work while it is told of a study, which takes less


class Pool:
    """Where the variants of one store run. Opening one starts the private pool, or finds the group's Redis.

    A start of a private pool that takes long is told by `say`. One that is only looked at (`looks`) is neither started
    nor, after an update, replaced, and does not stay any longer for it.

    Raises
    ------
    PoolError
        When the private pool does not start, or no Redis answers at `EPSTUDY_REDIS_URL` within five seconds.
    """

    def __init__(
        self, settings: Settings, store: Store, say: Callable[[str], None] = lambda _: None, *, looks: bool = False
    ) -> None:
        self._settings = settings
        self._store = store
        self._url = ""
        self._ledger: Ledger
        self._app: Celery
        self._reconciler: Reconciler
        self._connect(say, looks=looks)

    @property
    def private(self) -> bool:
        """Whether this is the user's own pool on this machine."""
        return self._settings.broker_url() is None

    def _connect(self, say: Callable[[str], None], *, looks: bool) -> None:
        """Connect; a private pool that is not there is started, unless it is only looked at."""
        private = _there if looks else partial(_private_redis, say=say)
        self._url = self._settings.broker_url() or private(self._settings)
        self._ledger = Ledger(connect(self._url))
        if self.private and not looks and _other_version(self._ledger.workers()):
            stop_private(self._settings)  # of the version before an update; what it ran is asked again
            self._url = _private_redis(self._settings, say)
            self._ledger = Ledger(connect(self._url))
        self._app = make_app(self._url, answer_s=ANSWER_S)
        name = pool_name(private=self.private)
        self._reconciler = Reconciler(self._ledger, self._store, self._publish, name, is_dead=lambda _: False)

    def begin(self, manifest: Manifest, wanted: Wanted) -> None:
        """Begin with what is wanted of a study whose manifest is in the store, and queue the first of it.

        A study that is under way already just goes on.
        """
        self.refuse_another_store()
        with self._ledger.telling(_TELLING_S):  # of 100,000 variants the store is read for seconds
            begin(self._ledger, self._store, manifest, wanted, asked(self._store, manifest, wanted))
            if manifest.study in self._ledger.active() and self._store.wanted_of(manifest.study) is None:
                self._store.want(manifest.study, wanted)  # a reconciliation took it for that of an earlier run
            self._reconciler.top_up(manifest, _FIRST_WINDOW)
            self._ledger.attach(self._settings.idle_s)

    def cancel(self, manifest: Manifest) -> int:
        """Cancel a study; return how many variants were waiting."""
        return self._ledger.cancel(manifest.study, manifest.digest)

    def pause(self, manifest: Manifest, why: str) -> None:
        """Begin nothing more of a study."""
        self._ledger.pause(manifest.study, manifest.digest, why)

    def resume(self, manifest: Manifest) -> None:
        """Go on with a study that was paused, as it stands in the store if the ledger knows nothing of it."""
        self._ledger.attach(self._settings.idle_s)
        self._ledger.pause(manifest.study, manifest.digest, "")
        self._reconciler.reconcile(manifest.study)

    def forget(self, manifest: Manifest) -> None:
        """Forget a study; what it runs is told at its next beat that it is not wanted."""
        self.cancel(manifest)
        self._ledger.drop(manifest.study)

    def progress(self, manifest: Manifest) -> Progress | None:
        """Return how far the study is; None when the ledger does not follow this manifest (any more)."""
        if self._ledger.digest(manifest.study) != manifest.digest:
            return None
        return self._ledger.progress(manifest.study)

    def glance(self, manifest: Manifest, known: str = "", *, stay: bool = False) -> Glance | None:
        """Return what a panel shows of the study; None when the ledger does not follow this manifest (any more).

        `stay` is for whoever follows the study, as `stay()`.
        """
        return self._ledger.glance(manifest.study, manifest.digest, known, self._settings.idle_s if stay else 0.0)

    def states(self, manifest: Manifest) -> list[str]:
        """Return the state of each variant, or nothing when the ledger does not follow this manifest."""
        if self._ledger.digest(manifest.study) != manifest.digest:
            return []
        return [STATES[Mark(mark)].value for mark in self._ledger.states(manifest.study)]

    def why_halted(self, study: str) -> str:
        """Return why nothing more of a study is begun, by the ledger; empty when it goes on."""
        return self._ledger.halt(study).why

    def reconcile(self, study: str) -> None:
        """Reconcile one study, unless somebody just did."""
        if self._ledger.lock(f"reconcile:{study}", RECONCILE_S * 0.9):
            self._reconciler.reconcile(study)

    def workers(self) -> list[dict[str, Any]]:
        """Return what the living workers say of themselves: host, pid, slots, version, store, engines."""
        return self._ledger.workers()

    def set_slots(self, count: int) -> None:
        """Have the private pool run this many simulations at once, within a second or so; what runs is not disturbed.

        A pool that is started anew begins with the number of its settings again.

        Raises
        ------
        InputError
            When this is a group's pool, or `count` is not from 1 to 1024.
        """
        if not self.private:
            raise InputError(
                "how many simulations a group's worker runs at once is said where it is started: epstudy worker --slots"
            )
        if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MOST_SLOTS:
            raise InputError(f"count is {count!r}; expected a whole number from 1 to {MOST_SLOTS}")
        self._ledger.set_slots(count)

    def lines(self) -> list[str]:
        """Return what there is to say: the Redis, each worker, each study that is not finished."""
        workers = [
            f"worker {worker['host']}, process {worker['pid']}: {worker['slots']} slots" for worker in self.workers()
        ]
        studies = [f"study {name}: {self._ledger.progress(name)}" for name in self._ledger.active()]
        asked = self._store.reports.asked(pool_name(private=self.private))
        reports = [f"report {one}: {'running' if is_executed(self._ledger, one) else 'waiting'}" for one in asked]
        return [f"Redis {mask(self._url)}", *(workers or ["no worker answers (yet)"]), *studies, *reports]

    def stay(self, seconds: float = 0.0) -> None:
        """Say that a client is here: a private pool stays for this long at least, and for its idle time."""
        self._ledger.attach(max(self._settings.idle_s, seconds))

    def _publish(self, manifest: Manifest, indices: list[int]) -> None:
        try:
            publish(self._app, manifest, indices)
        except (KombuError, OSError, RedisError) as error:
            raise PoolError(
                f"Redis took no messages: {error}; what is missing is sent again by the next reconciliation"
            ) from error

    def refuse_another_store(self) -> None:
        """Raise RefusedError unless the workers have this store, or say nothing of theirs (yet)."""
        workers = self._ledger.workers()
        other = "" if self.private else _other_version(workers)
        if other:
            raise RefusedError(
                f"the workers of this pool have epstudy {other}, which reads other studies than this version writes; "
                "have both updated to the same"
            )
        stores = {worker["store"] for worker in workers} - {""}
        store = self._store.identity()
        if stores and store not in stores:
            raise RefusedError(
                self._another_store([worker for worker in workers if worker["store"]], there=bool(store))
            )
        if stores and not self.private:
            self._refuse_copy(workers)

    def _another_store(self, workers: list[dict[str, Any]], *, there: bool) -> str:
        """What to tell when the workers have another store than the one that is there for this notebook, or none is."""
        url = self._store.url
        mount = "there is none: is it mounted? Mount it or put it back"
        if there:
            found = f"use another store than {url}, so they would not find the study"
        elif url in [worker["path"] for worker in workers]:
            found = f"have a store in {url}, and here {mount}"
        else:
            theirs = f"{workers[0]['path']} on {workers[0]['host']}"
            found = f"use another store, {theirs}, and in {url} {mount}"
        remedy = "set EPSTUDY_STORE to the folder that the workers see"
        if self.private:
            remedy = "to begin with what is there now: epstudy pool stop, then run() again"
        return f"the workers of this pool {found}; {remedy}"

    def _refuse_copy(self, workers: list[dict[str, Any]]) -> None:
        """Refuse when the store of every worker is seen here under its own path, and is not this one but a copy."""
        store, where = self._store.identity(), self._store.where()
        if not all(worker.get("where") and worker["where"] != where for worker in workers):
            return
        for worker in workers:
            try:
                theirs = Store(worker["path"])
                if (theirs.identity(), theirs.where()) != (store, worker["where"]):
                    return  # seen from here it is another one: the reconciliation of the workers finds out
            except StoreError:
                return
        raise RefusedError(another_store(shown(self._store), f"{workers[0]['path']} on {workers[0]['host']}"))


def _other_version(workers: list[dict[str, Any]]) -> str:
    """The version of the workers, when none of them reads our manifests."""
    formats = [worker.get("manifest", 1) for worker in workers]
    return str(workers[0]["epstudy"]) if workers and MANIFEST_FORMAT not in formats else ""


def _private_redis(settings: Settings, say: Callable[[str], None]) -> str:
    _refuse_windows()
    from epstudy.pool import private_pool

    return private_pool.start(settings, say)


def _there(settings: Settings) -> str:
    """The URL of the Redis of a private pool that is there."""
    from epstudy.pool import private_pool

    url = private_pool.url_if_ready(settings)
    if not url:
        raise PoolError("the private pool has just ended")
    return url


def begin_private(settings: Settings, say: Callable[[str], None]) -> Callable[[], bool]:
    """Start the private pool of this store without waiting; return what says, asked again and again, if it is there.

    That raises PoolError when the pool does not come up.
    """
    _refuse_windows()
    from epstudy.pool import private_pool

    start = private_pool.Start(settings, say)
    return lambda: bool(start.look())


def _refuse_windows() -> None:
    if sys.platform == "win32":
        raise PoolError("the private pool needs unix sockets, which Windows lacks; set EPSTUDY_REDIS_URL to a Redis")


def peek(settings: Settings, store: Store) -> Pool | None:
    """Return the pool if there is one that has started; a look starts none, and no pool stays any longer for it.

    Raises
    ------
    PoolError
        When it does not answer.
    """
    return None if settings.broker_url() is None and not is_ready(settings) else Pool(settings, store, looks=True)


def is_ready(settings: Settings) -> bool:
    """Say whether the private pool of this store runs, and has started."""
    if sys.platform == "win32":
        return False
    from epstudy.pool import private_pool

    return private_pool.is_ready(settings)


def is_running(settings: Settings) -> bool:
    """Say whether the private pool of this store runs."""
    if sys.platform == "win32":
        return False
    from epstudy.pool import private_pool

    return private_pool.runtime_for(settings.store).keeper() is not None


def was_killed(settings: Settings) -> bool:
    """Say whether the private pool of this store was killed, and did not end by itself or by `stop_private`."""
    if sys.platform == "win32":
        return False
    from epstudy.pool import private_pool

    return private_pool.was_killed(settings)


def start_private(settings: Settings, slots: int | None, say: Callable[[str], None]) -> str:
    """Start the private pool of this store, or bring the one that runs to so many slots; return what to tell."""
    was_running = is_running(settings)
    url = _private_redis(settings, say)
    said = f"Redis at {url}; it ends when idle for {settings.idle_s:g} s"
    if not was_running or slots is None:
        return said
    Ledger(connect(url)).set_slots(slots)
    return f"{said}; it was running already, and has {slots} slots from now on"


def stop_private(settings: Settings) -> bool:
    """End the private pool of this store; False when there was none."""
    from epstudy.pool import private_pool

    return private_pool.stop(settings)


def private_server() -> str:
    """Return name, version and path of the server that the private pool starts."""
    path, version = redis_server()
    return f"{Path(path).name} {version} ({path})"


def server_version(url: str) -> str:
    """Return what the Redis at `url` calls itself."""
    info: Any = connect(url).info("server")
    # Valkey tells clients the Redis that it is compatible with, 7.2.4, and its own version beside it.
    return f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {info['redis_version']}"


def describe(settings: Settings) -> list[str]:
    """Return lines about the pool: where it is, its workers, the studies under way."""
    try:
        there = peek(settings, Store(settings.store))
        return ["no private pool is running"] if there is None else there.lines()
    except AWAY as error:
        return [str(error)]


#: The errors of a Redis that is away for now.
AWAY = (RedisError, PoolError)
