"""Pools to break: a private one, and a group's with a Redis and workers that are killed, frozen and started again.

Processes are found from those that were started here, by their ids. Only what nobody has for a child any more, a stray,
is looked for on the whole machine: by the store in its environment, which no other process has.
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from shortengine import MARKER

from epstudy.pool import private_pool
from epstudy.pool.broker.app import PREFIX, queue_of
from epstudy.processes import redis_server
from tests.support.offices import alive, until

CLOCK = Path(__file__).parent / "clock"


class Pool:
    """What both kinds of pool have: a folder, a store, a log of starts, and processes that can be looked at.

    `exposed` counts the variants that may have been simulated once more because of what was killed here.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"
        self.scratch = folder / "scratch"
        self.log = folder / "starts"
        self.exposed = 0
        self._tests = 0
        self.scratch.mkdir(parents=True, exist_ok=True)

    def begin(self) -> None:
        """Begin a test: with a log of its own, so that no variant of it is one of an earlier test."""
        self._tests += 1
        self.log = self.folder / f"starts-{self._tests}"
        self.exposed = 0

    def supervisors(self) -> list[psutil.Process]:
        """The processes under which a Celery worker runs."""
        raise NotImplementedError

    def redis(self) -> Redis:
        """A client of the pool's Redis, with short limits."""
        raise NotImplementedError

    def mains(self) -> list[psutil.Process]:
        """Celery's main processes."""
        return [one for supervisor in self.supervisors() for one in _below(supervisor) if "serve" in _command(one)]

    def children(self) -> list[psutil.Process]:
        """Celery's children: the slots."""
        return [child for main in self.mains() for child in _below(main)]

    def owned(self) -> list[psutil.Process]:
        """Every process on this machine that has this store in its environment, whoever its parent is."""
        return [one for one in psutil.process_iter() if _variable(one, "EPSTUDY_STORE") == str(self.store)]

    def simulations(self) -> list[psutil.Process]:
        """The child processes of the short engine that run, whoever their parent is."""
        return [one for one in alive(self.owned()) if _variable(one, MARKER)]

    def kill_child(self, child: psutil.Process) -> None:
        """SIGKILL for one slot; it is dead when this returns."""
        _kill([child])
        self.exposed += 1

    def kill_main(self, main: psutil.Process) -> None:
        """SIGKILL for a Celery main process; it and its children are dead when this returns."""
        below = _below(main)
        _kill([main])
        self.exposed += len(below)
        until(lambda: not alive(below), 2)


class PrivatePool(Pool):
    """The private pool of a store of its own; `Study.run()` starts it, by the environment of this process."""

    def supervisors(self) -> list[psutil.Process]:
        keeper = self.keeper()
        return [] if keeper is None else [keeper]

    def keeper(self) -> psutil.Process | None:
        pid = private_pool.runtime_for(str(self.store)).keeper()
        return None if pid is None else psutil.Process(pid)

    def redis_process(self) -> psutil.Process | None:
        """The private Redis; None when it does not run."""
        keeper = self.keeper()
        return next((one for one in _below(keeper) if is_redis(one)), None) if keeper else None

    def kill_keeper(self) -> None:
        """SIGKILL for the keeper; all that it started is dead when this returns, within a second."""
        keeper = self.keeper()
        assert keeper is not None
        below = keeper.children(recursive=True)
        _kill([keeper])
        until(lambda: not alive(below), 1)

    def redis(self) -> Redis:
        return _client(f"unix://{private_pool.runtime_for(str(self.store)).socket}")

    def environment(self) -> dict[str, str]:
        """What a notebook sets to use this pool."""
        return {"EPSTUDY_STORE": str(self.store), "EPSTUDY_SCRATCH": str(self.scratch), "EPSTUDY_IDLE_S": "3"}


class Worker:
    """One `epstudy worker` that can be started again under another process id, as systemd would."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._command, self._environment = command, dict(environment)
        self._process: psutil.Popen | None = None

    def start(self, **more: str) -> None:
        """Start it, `more` in its environment."""
        with self.log.open("ab") as log:
            self._process = psutil.Popen(
                self._command,
                env=self._environment | more,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def process(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def tree(self) -> list[psutil.Process]:
        """The worker and all that it started."""
        return [self.process, *self.process.children(recursive=True)] if self.runs else []

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the supervisor alone."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL for the supervisor; all that it started is dead when this returns, within a second."""
        tree = self.tree()
        assert tree, "it ran when it was killed"
        self.signal(signal.SIGKILL)
        self.ended(5)
        until(lambda: not alive(tree), 1)

    def ended(self, limit_s: float) -> int:
        """Wait for its end; return its exit code."""
        assert self._process is not None
        return int(self._process.wait(limit_s))

    def freeze(self) -> list[psutil.Process]:
        """SIGSTOP for the worker and all that it started; they are returned, for `thaw`."""
        tree = self.tree()
        for one in tree:
            with suppress(psutil.NoSuchProcess):
                one.suspend()
        until(lambda: all(one.status() == psutil.STATUS_STOPPED for one in alive(tree)), 5)
        return tree


def thaw(frozen: list[psutil.Process]) -> None:
    """SIGCONT for what was frozen, as far as it is still there."""
    for one in frozen:
        with suppress(psutil.NoSuchProcess):
            one.resume()


class GroupPool(Pool):
    """A Redis on loopback and workers with some slots each.

    All workers have `variables` in their environment, and `each` what stands in its place of `each`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 2,
        slots: int = 2,
        append_only: bool = False,
        redis_options: Mapping[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        each: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(folder)
        self.slots = slots
        self.port = _free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._append_only = append_only
        self._options = dict(redis_options or {})
        self._redis: psutil.Popen | None = None
        (folder / "redis").mkdir(exist_ok=True)
        command = [sys.executable, "-m", "epstudy", "worker", "--slots", str(slots)]
        environment = {**os.environ, **self.environment(), "EPSTUDY_SCRATCH": str(self.scratch), **(variables or {})}
        own = [*each, *[{}] * (workers - len(each))]
        self.workers = [
            Worker(command, {**environment, **own[number]}, folder / f"worker-{number}.log")
            for number in range(workers)
        ]

    def up(self) -> None:
        """Start Redis and all workers; return when the pool knows each of them."""
        self.start_redis()
        for worker in self.workers:
            worker.start()
        self.known(len(self.workers))

    def known(self, workers: int, limit_s: float = 120) -> None:
        """Wait until so many workers have announced themselves, with all their slots there."""
        until(lambda: len(self.mains()) == workers and len(self.children()) >= workers * self.slots, limit_s)
        until(lambda: self.redis().hlen("ep:workers") >= workers, limit_s)

    def heal(self) -> None:
        """Start again what a test left dead."""
        if not self.redis_answers():
            self.start_redis()
        for worker in self.workers:
            if not worker.runs:
                worker.start()
        self.known(len(self.workers))

    def environment(self) -> dict[str, str]:
        """What a notebook sets to use this pool."""
        return {"EPSTUDY_REDIS_URL": self.url, "EPSTUDY_STORE": str(self.store)}

    def supervisors(self) -> list[psutil.Process]:
        return [worker.process for worker in self.workers if worker.runs]

    def children_of(self, worker: Worker) -> list[psutil.Process]:
        """The slots of one worker."""
        return [child for main in self.mains() if main.ppid() == worker.process.pid for child in _below(main)]

    def kill_worker(self, worker: Worker) -> None:
        """SIGKILL for a whole worker."""
        worker.kill()
        self.exposed += self.slots

    # Redis --------------------------------------------------------------------------------------------------------

    def start_redis(self) -> None:
        """Start Redis on the port that it had before; return when it answers."""
        options = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.folder / "redis"),
            "save": "",
            "appendonly": "yes" if self._append_only else "no",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            **self._options,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        with (self.folder / "redis.log").open("ab") as log:
            self._redis = psutil.Popen(
                [redis_server()[0], *words],
                env={**os.environ, **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(self.redis_answers, 10)

    @property
    def redis_process(self) -> psutil.Process:
        assert self._redis is not None
        return psutil.Process(self._redis.pid)

    def kill_redis(self) -> None:
        """SIGKILL for Redis; it is dead when this returns."""
        assert self._redis is not None
        _kill([self.redis_process])
        self._redis.wait(5)

    def redis(self) -> Redis:
        return _client(self.url)

    @property
    def queue(self) -> str:
        """The key of the list in which the messages of short studies wait."""
        return f"{PREFIX}{queue_of('')}"

    def redis_answers(self) -> bool:
        try:
            return bool(self.redis().ping())
        except RedisError:
            return False

    # the end ------------------------------------------------------------------------------------------------------

    def end(self) -> None:
        """Kill everything; nothing may be left of it a second later."""
        for worker in self.workers:
            if worker.runs:
                thaw(worker.tree())
                worker.kill()
        if self._redis is not None and self._redis.poll() is None:
            self.redis_process.resume()
            self.kill_redis()
        until(lambda: not alive(self.owned()), 2)


def fill(path: Path) -> None:
    """Write a file until its disk is full; fail when it never is."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for _ in range(100_000):
            os.write(descriptor, b"x" * 4096)
        raise AssertionError(f"{path} takes more than 400 MB: it is not on a small disk")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    finally:
        os.close(descriptor)


@contextmanager
def running_group(pool: GroupPool) -> Iterator[GroupPool]:
    """Inside, the pool runs; it ends with the block."""
    try:
        pool.up()
        yield pool
    finally:
        pool.end()


def _kill(processes: list[psutil.Process]) -> None:
    for one in processes:
        assert alive([one]), f"{one} was dead before it was killed"
        one.kill()
    until(lambda: not alive(processes), 5)


def is_redis(process: psutil.Process) -> bool:
    """Say whether this is a Redis or Valkey server."""
    with suppress(psutil.Error):
        return "redis" in process.name() or "valkey" in process.name()
    return False


def _client(url: str) -> Redis:
    client: Redis = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))
    return client


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _below(process: psutil.Process) -> list[psutil.Process]:
    try:
        return alive(process.children())
    except psutil.NoSuchProcess:
        return []


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _variable(process: psutil.Process, name: str) -> str:
    try:
        return process.environ().get(name, "")
    except (psutil.Error, OSError):
        return ""
