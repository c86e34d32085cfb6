"""The store is full, read-only, cut off in the middle of a write, damaged; a worker's clock is wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import epstudy as ep
from epstudy.store import DamagedFileWarning, Store
from tests.faults.checker import examine, parts_of, read_ends
from tests.faults.notebook import looking_at
from tests.faults.pools import CLOCK, GroupPool, fill
from tests.faults.recorder import Fault
from tests.faults.starts import executions, read_starts
from tests.faults.studies import good
from tests.support.offices import until

Begin = Callable[[str, str], Fault]
MakeGroup = Callable[..., GroupPool]


def _fill(store: Path) -> Callable[[], None]:
    filler = store / "filler"
    fill(filler)
    return filler.unlink


def _make_read_only(store: Path) -> Callable[[], None]:
    def mount(mode: str) -> bool:
        return subprocess.run(["mount", "-o", f"remount,{mode}", str(store)], check=False).returncode == 0

    until(lambda: mount("ro"), 10)  # refused while somebody has a file open to write
    return lambda: until(lambda: mount("rw"), 10)


@pytest.mark.parametrize(
    ("what", "break_it", "said"),
    [
        ("the store is full", _fill, "No space left on device"),
        ("the store is read-only", _make_read_only, "Read-only file system"),
    ],
    ids=["full", "read-only"],
)
def test_the_store_cannot_be_written(
    small_store: Path,
    make_group: MakeGroup,
    fault: Begin,
    what: str,
    break_it: Callable[[Path], Callable[[], None]],
    said: str,
) -> None:
    f14 = fault("F14", what)
    group = make_group()
    study = good(group, "full", 40, 0.3, keep=("trace",)).run()
    until(lambda: study.progress().done >= 10)
    with looking_at("full"):
        mend = break_it(small_store)
        f14.happened()
        until(lambda: said in study.progress().paused, 20)
        until(lambda: not group.simulations(), 10)
        begun = len(read_starts(group.log))
        assert study.progress().failed == 0
        mend()
        at = time.monotonic()
        until(lambda: len(read_starts(group.log)) > begun, 30)
        f14.recovered(time.monotonic() - at)
        study.wait()
        assert study.progress().paused == ""
    f14.ended(examine(study, group))


def test_the_folders_of_results_are_files(group: GroupPool, fault: Begin) -> None:
    f14 = fault("F14", "files stand where the store's folders of results are to be")
    study = good(group, "not-folders", 40, 0.3).run()
    until(lambda: study.progress().done >= 10)
    shards = {group.store / "results" / key[:2] for key in Store(str(group.store)).manifest("not-folders").keys}
    in_the_way = [shard for shard in sorted(shards) if _make_file(shard)]
    f14.happened(len(in_the_way))
    paused = until(lambda: study.progress().paused, 20)
    assert paused.startswith(f"the store {group.store} cannot be ")
    assert "\n" not in paused
    assert any(paused in text for text in study.troubles())
    begun = until(lambda: not group.simulations() and len(read_starts(group.log)), 10)
    shown = study.progress()
    assert (shown.failed, shown.done < 40) == (0, True)
    for file in in_the_way:
        file.unlink()
    at = time.monotonic()
    until(lambda: len(read_starts(group.log)) > begun, 30)
    f14.recovered(time.monotonic() - at)
    study.wait()
    assert study.progress().paused == ""
    f14.ended(examine(study, group))
    assert {end["attempts"] for end in read_ends(study, group)} == {1}


def _make_file(path: Path) -> bool:
    """Make an empty file, where nothing is yet; say whether it was made."""
    try:
        path.open("x").close()
    except FileExistsError:
        return False
    return True


def _parts_of_the_dead(store: Path) -> list[Path]:
    """The unfinished files of processes that were killed; their names have the process' id."""
    return [path for path in parts_of(store) if not psutil.pid_exists(int(path.name.rsplit("-", 2)[1]))]


def test_a_slot_is_killed_at_every_point_of_a_write(make_group: MakeGroup, fault: Begin, tmp_path: Path) -> None:
    f15 = fault("F15", "a worker is killed in the middle of a write: before fsync, link and rename, and after")
    tokens = tmp_path / "tokens"
    (tokens / "taken").mkdir(parents=True)
    points = ("torn", "before-fsync", "before-link", "after-link", "before-replace", "after-replace")
    for point in points:
        (tokens / f"{point}.0").touch()
    group = make_group(variables={"SHORT_FAULTS": str(tokens)})
    study = good(group, "torn", 40, 0.2, keep=("trace",), retries=20).run()
    with looking_at("torn"):
        until(lambda: _parts_of_the_dead(group.store), 60)  # they stay for thirty seconds at most
        study.wait()
    taken = list((tokens / "taken").iterdir())
    assert {path.name.partition(".")[0] for path in taken} == set(points)
    f15.happened(len(taken))
    group.exposed += len(taken)
    worker = group.workers[0]
    worker.signal(signal.SIGTERM)
    assert worker.ended(10) == 0
    worker.start()
    until(lambda: not parts_of(group.store), 15)  # a worker that starts removes them
    f15.ended(examine(study, group))


def test_damaged_results_are_found_by_their_digest_and_computed_again(group: GroupPool, fault: Begin) -> None:
    f15 = fault("F15", "results are cut off, emptied and changed on the disk")
    study = good(group, "damaged", 20, 0.1).run().wait()
    keys = Store(str(group.store)).manifest("damaged").keys
    paths = [group.store / "results" / key[:2] / f"{key}.json" for key in f15.chance.sample(keys, 4)]
    _damage(paths)
    f15.happened(len(paths))
    before = sum(executions(group.log).values())
    with pytest.warns(DamagedFileWarning):
        assert len(Store(str(group.store)).outcomes(keys)) == 16
    with pytest.warns(DamagedFileWarning):
        ep.Study.open("damaged").run().wait()
    assert sum(executions(group.log).values()) == before + 4
    f15.ended(examine(study, group, extra=4))


def _damage(paths: list[Path]) -> None:
    cut, emptied, changed, answer = paths
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    emptied.write_bytes(b"")
    content = bytearray(changed.read_bytes())
    content[-10] ^= 1
    changed.write_bytes(bytes(content))
    text = answer.read_text()
    other = re.sub(r'"answer": [\d.]+', '"answer": 12345.0', text)
    assert other != text
    answer.write_text(other)


def test_the_clocks_of_two_workers_are_an_hour_wrong(make_group: MakeGroup, fault: Begin) -> None:
    f17 = fault("F17", "the clock of a worker is an hour early, that of another one an hour late")
    path = os.pathsep.join([str(CLOCK), os.environ["PYTHONPATH"]])
    group = make_group(each=[{"PYTHONPATH": path, "WRONG_CLOCK_S": off} for off in ("3600", "-3600")])
    study = good(group, "clocks", 50, 0.2).run()
    until(lambda: study.progress().done >= 10)
    offs = [_clock_of(worker.log) for worker in group.workers]
    assert 3000 < offs[0] < 4000
    assert -4000 < offs[1] < -3000
    f17.happened(2)
    with looking_at("clocks"):
        worker = group.workers[0]
        group.kill_worker(worker)  # leases run out all the same
        worker.start()
        study.wait()
    f17.ended(examine(study, group))


def _clock_of(log: Path) -> float:
    """How far the first line of a log is ahead of the clock of the file, in seconds."""
    stamp = until(lambda: re.search(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", log.read_text(), re.M))[1]
    return time.mktime(time.strptime(stamp, "%Y-%m-%d %H:%M:%S")) - log.stat().st_mtime
