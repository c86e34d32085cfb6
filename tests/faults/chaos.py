"""Random faults at random moments: `python -m tests.faults.chaos --seconds 600 [--seed N] [--private]`.

A group's pool runs one study after the other. Processes are killed, frozen and told to end, Redis is killed, frozen and
emptied, messages and leases are lost, the store is full, the study is cancelled, paused and run by a second notebook:
all of it while it runs, several at once; in a run of five minutes and more Redis is once frozen for a minute. After
each study the checker looks; the exit code is 1 when it found anything. The same seed gives the same faults in the same
order, not at the same instants. `--private` kills a private pool under a waiting notebook instead: `private_chaos`.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from redis.exceptions import RedisError

import epstudy as ep
from epstudy.pool import private_pool
from epstudy.settings import Settings
from tests.faults import SHORT
from tests.faults.checker import Found, examine
from tests.faults.messages import CHANGES
from tests.faults.notebook import looking_at
from tests.faults.pools import GroupPool, PrivatePool, Worker, fill, running_group, thaw
from tests.faults.private_chaos import SLOTS, PrivateChaos, run_private_chaos
from tests.faults.studies import mixed

BROKEN_S = 20.0  # a study is hit for so long, then left alone
HEALED_S = 90.0  # in which it must end
FROZEN_S = 60.0  # longer than every lease, every limit of a call and every retry
LONG_RUN_S = 300.0  # a run of so long has that once
BACK_S = 1.0  # what died is started again after so long, as systemd would
STORE_MB = 64

FROZEN = f"Redis is frozen for {FROZEN_S:g} s"

Say = Callable[[str], None]
Fault = Callable[["Chaos", ep.Study], str]


@dataclass
class Chaos:
    """A pool, what is broken in it now, and what was done to it."""

    pool: GroupPool
    chance: random.Random
    say: Say
    done: Counter[str] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _mending: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    _frozen: list[Worker] = field(default_factory=list)
    _ending: list[Worker] = field(default_factory=list)
    _gone: dict[Path, float] = field(default_factory=dict)

    def study(self, number: int, first: Fault | None = None) -> None:
        """Run one study through its faults, perhaps with this one first, and look what became of it."""
        self.pool.begin()
        study = self._make(number)
        self.say(f"study {number}: {len(study.variants)} variants")
        study.run()
        with looking_at(study.name):
            self._break(study, first)
            self._heal(study)
            study.wait(timeout=HEALED_S)
        found = examine(study, self.pool)
        self.found.append(found)
        self.problems += [f"study {number}: {problem}" for problem in found.problems]
        self.say(f"study {number}: {study.progress()}; {found.simulations} simulations, problems: {found.problems}")

    def _make(self, number: int) -> ep.Study:
        count = self.chance.randrange(60, 160)
        behaviours = {"good": count, "segfault": 2, "wrong": 2, "hang": 1, "unwell": 1}
        keep = ("trace",) if self.chance.random() < 0.5 else ()
        seconds = self.chance.uniform(0.1, 0.5)
        # Random kills are the machine's fault, and no limit of tries must end a good variant.
        return mixed(self.pool, f"chaos-{number}", behaviours, seconds, timeout=2.0, retries=1000, keep=keep)

    def _break(self, study: ep.Study, first: Fault | None) -> None:
        until = time.monotonic() + BROKEN_S + (FROZEN_S if first is Chaos.freeze_redis_for_long else 0)
        next_at = time.monotonic() + 1.0
        while time.monotonic() < until and not _ended(study.progress()):
            self._tick()
            if time.monotonic() >= next_at:
                what, first = first or self.chance.choice(FAULTS), None
                happened = what(self, study)
                if happened:
                    self.done[happened] += 1
                    self.say(f"  {happened}")
                next_at = time.monotonic() + self.chance.uniform(0.1, 1.5)
            time.sleep(0.05)

    def _heal(self, study: ep.Study) -> None:
        """Mend everything at once; then the study must come to its end."""
        for _, mend in self._mending:
            mend()
        self._mending.clear()
        for worker in self._ending:
            worker.ended(60)
        self._ending.clear()
        self._gone.clear()
        self.pool.heal()
        self._run_again(study)  # cancelled or paused, it goes on

    def _tick(self) -> None:
        """Mend what is due; start again what has ended."""
        now = time.monotonic()
        for one in [one for one in self._mending if one[0] <= now]:
            self._mending.remove(one)
            one[1]()
        for worker in self.pool.workers:
            if worker.runs:
                continue
            if worker in self._ending:
                self._ending.remove(worker)
            since = self._gone.setdefault(worker.log, now)
            if now - since > BACK_S:
                self._gone.pop(worker.log)
                worker.start()

    def later(self, least_s: float, most_s: float, mend: Callable[[], object]) -> None:
        """Mend something after a while."""
        self._mending.append((time.monotonic() + self.chance.uniform(least_s, most_s), mend))

    def well(self) -> list[Worker]:
        """The workers that run."""
        return [one for one in self.pool.workers if one.runs and one not in [*self._frozen, *self._ending]]

    # faults: each says what it did, and nothing when there was nothing to do --------------------------------------

    def kill_child(self, _: ep.Study) -> str:
        children = [child for worker in self.well() for child in self.pool.children_of(worker)]
        if not children:
            return ""
        self.pool.kill_child(self.chance.choice(children))
        return "a Celery child is killed"

    def kill_main(self, _: ep.Study) -> str:
        mains = [one for one in self.pool.mains() if one.ppid() in {worker.process.pid for worker in self.well()}]
        if not mains:
            return ""
        self.pool.kill_main(self.chance.choice(mains))
        return "Celery's main process is killed"

    def kill_worker(self, _: ep.Study) -> str:
        if not self.well():
            return ""
        self.pool.kill_worker(self.chance.choice(self.well()))
        return "a worker is killed"

    def freeze_worker(self, _: ep.Study) -> str:
        if len(self.well()) < 2:
            return ""
        worker = self.chance.choice(self.well())
        frozen = worker.freeze()
        self.pool.exposed += self.pool.slots
        self._frozen.append(worker)

        def go_on() -> None:
            thaw(frozen)
            self._frozen.remove(worker)

        self.later(1, 18, go_on)
        return "a worker is frozen for a while"

    def end_worker(self, _: ep.Study) -> str:
        if not self.well():
            return ""
        worker = self.chance.choice(self.well())
        gently = self.chance.random() < 0.5
        self._ending.append(worker)
        worker.signal(signal.SIGTERM if gently else signal.SIGQUIT)
        self.pool.exposed += 0 if gently else self.pool.slots
        return f"a worker is told to end ({'SIGTERM' if gently else 'SIGQUIT'})"

    def kill_redis(self, _: ep.Study) -> str:
        if not self.pool.redis_answers():
            return ""
        self.pool.kill_redis()
        self._suspect_all()
        self.later(0.2, 4, self._start_redis)
        return "Redis is killed, and comes back empty"

    def _start_redis(self) -> None:
        if not self.pool.redis_answers():
            self.pool.start_redis()

    def freeze_redis(self, _: ep.Study) -> str:
        if not self.pool.redis_answers():
            return ""
        redis = self.pool.redis_process
        redis.suspend()
        self.later(1, 8, redis.resume)
        return "Redis is frozen for a while"

    def freeze_redis_for_long(self, _: ep.Study) -> str:
        redis = self.pool.redis_process
        redis.suspend()
        self.later(FROZEN_S, FROZEN_S, redis.resume)
        return FROZEN

    def empty_redis(self, _: ep.Study) -> str:
        self._suspect_all()
        return self._in_redis("Redis is emptied", lambda redis: redis.flushall())

    def delete_queue(self, _: ep.Study) -> str:
        return self._in_redis("the queue is deleted", lambda redis: redis.delete(self.pool.queue))

    def delete_leases(self, _: ep.Study) -> str:
        self._suspect_all()
        return self._in_redis("all leases are deleted", lambda redis: redis.delete("-", *redis.keys("ep:lease:*")) + 1)

    def change_messages(self, _: ep.Study) -> str:
        change = self.chance.choice(sorted(CHANGES))
        number = self.chance.randrange(1_000_000)
        return self._in_redis(
            f"messages are {change}", lambda redis: redis.eval(CHANGES[change], 1, self.pool.queue, number)
        )

    def fill_store(self, _: ep.Study) -> str:
        if self._store_is_full():
            return ""
        fill(self._filler)
        self.later(0.5, 5, self._make_room)
        return "the store is full for a while"

    def cancel(self, study: ep.Study) -> str:
        if self._store_is_full():
            return ""
        study.cancel()
        self._suspect_all()
        self.later(0, 3, lambda: self._run_again(study))
        return "the study is cancelled, and run again"

    def pause(self, study: ep.Study) -> str:
        if self._store_is_full():
            return ""
        study.pause()
        self.later(0, 3, lambda: self._run_again(study))
        return "the study is paused for a while"

    def second_notebook(self, study: ep.Study) -> str:
        if self._store_is_full():
            return ""
        try:
            ep.Study.open(study.name).run()
        except ep.PoolError:
            return ""  # Redis is away: a notebook that never saw it does not wait for it
        return "a second notebook runs the study"

    @property
    def _filler(self) -> Path:
        return self.pool.store / "filler"

    def _store_is_full(self) -> bool:
        """Whether it is: then it takes no word of a notebook either, and says so."""
        return self._filler.exists()

    def _make_room(self) -> None:
        self._filler.unlink(missing_ok=True)

    def _run_again(self, study: ep.Study) -> None:
        self._make_room()
        study.run()

    def _suspect_all(self) -> None:
        """Whatever runs now may be begun once more."""
        self.pool.exposed += self.pool.slots * len(self.pool.workers)

    def _in_redis(self, what: str, do: Callable[..., object]) -> str:
        try:
            return what if do(self.pool.redis()) else ""
        except RedisError:
            return ""  # it is away just now


FAULTS: tuple[Fault, ...] = (
    Chaos.kill_child,
    Chaos.kill_main,
    Chaos.kill_worker,
    Chaos.freeze_worker,
    Chaos.end_worker,
    Chaos.kill_redis,
    Chaos.freeze_redis,
    Chaos.empty_redis,
    Chaos.delete_queue,
    Chaos.delete_leases,
    Chaos.change_messages,
    Chaos.fill_store,
    Chaos.cancel,
    Chaos.pause,
    Chaos.second_notebook,
)


def _ended(progress: ep.Progress) -> bool:
    """Whether all variants have ended by themselves."""
    return progress.done + progress.failed == progress.total


def run_chaos(folder: Path, seconds: float, seed: int, say: Say) -> Chaos:
    """Run studies through random faults for so long, in a pool in this folder; return what was done and found."""
    with _small_store(folder), _its_notebook(), running_group(GroupPool(folder)) as pool:
        os.environ.update(pool.environment())
        chaos = Chaos(pool, random.Random(seed), say)
        until = time.monotonic() + seconds
        number = 0
        while time.monotonic() < until and not chaos.problems:
            number += 1
            due = seconds >= LONG_RUN_S and until - time.monotonic() < seconds / 2 and not chaos.done[FROZEN]
            chaos.study(number, Chaos.freeze_redis_for_long if due else None)
    return chaos


def _run_private(folder: Path, seconds: float, seed: int, say: Say) -> PrivateChaos:
    """Run studies through random kills of a private pool in this folder; return what was done and found."""
    pool = PrivatePool(folder)
    with _its_notebook():
        os.environ.update({**pool.environment(), "EPSTUDY_WORKERS": str(SLOTS)})
        try:
            return run_private_chaos(pool, seconds, seed, say)
        finally:
            private_pool.stop(Settings.load())


@contextmanager
def _small_store(folder: Path) -> Iterator[None]:
    """The store as a file system of its own, which can be filled."""
    store = folder / "store"
    store.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={STORE_MB}m", "epstudy-chaos", str(store)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(store)], check=True)


@contextmanager
def _its_notebook() -> Iterator[None]:
    """This process as a notebook of the pool, and its workers with the short engine."""
    before = dict(os.environ)
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [SHORT, before.get("PYTHONPATH")]))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def table(chaos: Chaos | PrivateChaos) -> str:
    """Return what was done and what came of it, for people."""
    lines = [f"{times:5} times {what}" for what, times in sorted(chaos.done.items())]
    variants, simulations = (sum(getattr(one, name) for one in chaos.found) for name in ("variants", "simulations"))
    lost, doubled, repeated = (
        sum(getattr(one, name) for one in chaos.found) for name in ("lost", "doubled", "repeated")
    )
    counted = f"{len(chaos.found)} studies, {variants} variants, {simulations} simulations"
    return "\n".join([*lines, f"{counted}; lost {lost}, doubled {doubled}, repeated {repeated}", *chaos.problems])


def main() -> None:
    """Run from the command line; the exit code is 1 when the promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--private", action="store_true", help="kill a private pool under a waiting notebook")
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("EPSTUDY_")]:
        del os.environ[name]  # of whoever runs this
    folder = Path(tempfile.mkdtemp(prefix="epstudy-chaos-"))
    print(f"chaos for {given.seconds:g} s, seed {given.seed}, in {folder}", flush=True)
    run = _run_private if given.private else run_chaos
    chaos = run(folder, given.seconds, given.seed, lambda text: print(text, flush=True))
    print(table(chaos))
    if chaos.problems:
        sys.exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
