"""A notebook is killed at any point of `run()`, or two run one study at once: nothing lost, nothing twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import epstudy as ep
from epstudy.core.errors import StudyNotFoundError
from tests.faults.checker import examine
from tests.faults.pools import GroupPool
from tests.faults.recorder import Fault
from tests.faults.starts import executions
from tests.faults.studies import good
from tests.support.offices import until

Begin = Callable[[str, str], Fault]
VARIANTS = 60

#: A cell in a process of its own. `{die}` makes it kill itself at some point of `run()`.
CELL = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{root!r}, {short!r}]
from epstudy.store import Store
from epstudy.pool import pool
from tests.faults.pools import Pool
from tests.faults.studies import good

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

def then_die(call):
    def called(*arguments, **options):
        call(*arguments, **options)
        die()
    return called

{die}
group = Pool(Path({folder!r}))
group.log = Path({log!r})
study = good(group, {name!r}, {variants}, 0.05)
print("ready", flush=True)
sys.stdin.readline()
study.run()
die()
"""

POINTS = {
    "before the manifest": "Store.put_manifest = die",
    "while the manifest is written": "os.fsync = die",
    "after the manifest": "Store.put_manifest = then_die(Store.put_manifest)",
    "before the first message": "pool.publish = die",
    "between two messages": "publish = pool.publish\n"
    "pool.publish = lambda app, manifest, indices: (publish(app, manifest, list(indices)[:30]), die())",
    "after the last message": "",
}


def cell(group: GroupPool, name: str, die: str) -> subprocess.Popen[str]:
    """Start the process of a cell; it waits for a line."""
    root = Path(__file__).parents[2]
    code = CELL.format(
        root=str(root),
        short=str(root / "tests" / "faults" / "short"),
        die=die,
        folder=str(group.folder),
        log=str(group.log),
        name=name,
        variants=VARIANTS,
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.parametrize("point", POINTS)
def test_a_kernel_is_killed_while_it_runs_a_study(group: GroupPool, fault: Begin, point: str) -> None:
    f8 = fault("F8", "the notebook's kernel is killed in run()")
    name = point.replace(" ", "-")
    killed = cell(group, name, POINTS[point])
    go(killed)
    assert killed.wait(30) == -signal.SIGKILL
    at = time.monotonic()
    f8.happened()
    if point in ("before the manifest", "while the manifest is written"):
        with pytest.raises(StudyNotFoundError):
            ep.Study.open(name)
        assert name not in ep.studies().index
    if point == "after the last message":
        until(lambda: executions(group.log), 20)  # nobody is needed for it to go on
    study = good(group, name, VARIANTS, 0.05).run()  # the cell again
    until(lambda: executions(group.log), 20)
    f8.recovered(time.monotonic() - at)
    study.wait()
    f8.ended(examine(study, group))


def test_two_kernels_run_one_study_at_the_same_moment(group: GroupPool, fault: Begin) -> None:
    f9 = fault("F9", "two notebooks run one study at the same moment, and reconcile it with three others")
    cells = [cell(group, "both", "") for _ in range(2)]
    for one in cells:
        go(one)
    for one in cells:
        assert one.wait(30) == -signal.SIGKILL
    f9.happened(2)
    study = good(group, "both", VARIANTS, 0.05).run().wait()
    f9.ended(examine(study, group))
