"""Random kills in a private pool while a notebook waits: `python -m tests.faults.chaos --private --seconds 60`.

The keeper, its Redis, Celery's main process and its children are killed; nobody but the waiting notebook starts another
keeper. After each study the checker looks.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import epstudy as ep
from tests.faults.checker import Found, examine
from tests.faults.notebook import looking_at
from tests.faults.pools import PrivatePool
from tests.faults.studies import good
from tests.support.offices import alive, until

BROKEN_S = 20.0  # a study is hit for so long, and by each kind of kill, then left alone
HEALED_S = 300.0  # in which it must end, on a slow machine, too
SLOTS = 2
_POSSIBLE_S = 120.0  # so long until there is something again to kill: a pool has started

Kill = Callable[["PrivateChaos"], str]


@dataclass
class PrivateChaos:
    """A private pool, what was done to it, and what was found."""

    pool: PrivatePool
    chance: random.Random
    say: Callable[[str], None]
    done: Counter[str] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def study(self, number: int) -> None:
        """Run one study through its kills, while a notebook waits for it; look what became of it."""
        self.pool.begin()
        study = good(self.pool, f"private-{number}", self.chance.randrange(100, 140), 0.2, retries=1000).run()
        with looking_at(study.name), self._waiting(study, number):
            self._break(study)
        found = examine(study, self.pool)
        self.found.append(found)
        self.problems += [f"study {number}: {problem}" for problem in found.problems]
        self.say(f"study {number}: {study.progress()}; {found.simulations} simulations, problems: {found.problems}")

    @contextmanager
    def _waiting(self, study: ep.Study, number: int) -> Iterator[None]:
        """Inside, another notebook waits; after it, its `wait()` must come to its end."""

        def wait() -> None:
            try:
                ep.Study.open(study.name).wait(timeout=10 * HEALED_S)
            except Exception as error:  # noqa: BLE001 - whatever it is, the user would see it
                self.problems.append(f"study {number}: wait() raised {type(error).__name__}: {error}")

        thread = threading.Thread(target=wait, daemon=True)
        thread.start()
        yield
        thread.join(HEALED_S)
        if thread.is_alive():
            self.problems.append(f"study {number}: {HEALED_S:g} s after the last kill wait() still waits")

    def _break(self, study: ep.Study) -> None:
        """Each kind of kill once, in some order, and again until the time is over; about half while something runs."""
        deadline = time.monotonic() + BROKEN_S
        to_come = self._in_some_order()
        while to_come or time.monotonic() < deadline:
            to_come = to_come or self._in_some_order()
            time.sleep(self.chance.uniform(0, 1))
            happened = self._once_possible(to_come.pop(), study, running=self.chance.random() < 0.5)
            if not happened:
                return
            self.done[happened] += 1
            self.say(f"  {happened}")

    def _in_some_order(self) -> list[Kill]:
        return self.chance.sample(KILLS, len(KILLS))

    def _once_possible(self, kill: Kill, study: ep.Study, *, running: bool) -> str:
        """Kill as soon as there is something to kill; return what happened, nothing when the study is done before."""
        deadline = time.monotonic() + _POSSIBLE_S
        while not study.progress().complete:
            happened = "" if running and not self.pool.simulations() else kill(self)
            if happened:
                return happened
            if time.monotonic() > deadline:
                self.problems.append(f"nothing to kill within {_POSSIBLE_S:g} s: the pool did not come back")
                return ""
            time.sleep(0.05)
        return ""

    # kills: each says what it did, and nothing when there was nothing to kill -------------------------------------

    def kill_keeper(self) -> str:
        if not self.pool.mains():
            return ""
        self.pool.kill_keeper()
        self.pool.exposed += SLOTS
        return "the keeper is killed, and all with it"

    def kill_redis(self) -> str:
        redis = self.pool.redis_process()
        if redis is None:
            return ""
        redis.kill()
        until(lambda: not alive([redis]), 5)
        self.pool.exposed += SLOTS  # what runs may be begun once more
        return "the private Redis is killed"

    def kill_main(self) -> str:
        mains = self.pool.mains()
        if not mains:
            return ""
        self.pool.kill_main(mains[0])
        return "Celery's main process is killed"

    def kill_child(self) -> str:
        children = self.pool.children()
        if not children:
            return ""
        self.pool.kill_child(self.chance.choice(children))
        return "a Celery child is killed"


KILLS: tuple[Kill, ...] = (
    PrivateChaos.kill_keeper,
    PrivateChaos.kill_redis,
    PrivateChaos.kill_main,
    PrivateChaos.kill_child,
)


def run_private_chaos(pool: PrivatePool, seconds: float, seed: int, say: Callable[[str], None]) -> PrivateChaos:
    """Run studies through random kills for so long, by the environment of this process; return what was found."""
    chaos = PrivateChaos(pool, random.Random(seed), say)
    deadline = time.monotonic() + seconds
    number = 0
    while time.monotonic() < deadline and not chaos.problems:
        number += 1
        chaos.study(number)
    return chaos
