"""Many faults at once, at random, for a minute."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.faults.chaos import run_chaos, table
from tests.faults.pools import PrivatePool
from tests.faults.private_chaos import run_private_chaos
from tests.faults.recorder import Fault


def test_random_faults_for_a_minute(tmp_path: Path, fault: Callable[[str, str], Fault]) -> None:
    l4 = fault("L4", "random faults, several at once (`make chaos SECONDS=600` goes on for longer)")
    chaos = run_chaos(tmp_path, 60, l4.seed, print)
    print(table(chaos))
    l4.happened(chaos.done.total())
    for found in chaos.found:
        l4.ended(found)
    assert not chaos.problems


def test_a_private_pool_is_killed_under_a_waiting_notebook(
    private: PrivatePool, fault: Callable[[str, str], Fault]
) -> None:
    l4 = fault("L4", "the keeper of a private pool, its Redis and its Celery are killed while a notebook waits")
    chaos = run_private_chaos(private, 20, l4.seed, print)
    print(table(chaos))
    l4.happened(chaos.done.total())
    for found in chaos.found:
        l4.ended(found)
    assert not chaos.problems
    assert {"the keeper is killed, and all with it", "the private Redis is killed"} <= set(chaos.done)
