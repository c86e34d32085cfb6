"""The store is moved, unmounted, replaced or copied while a study runs: nothing goes anywhere else, and it is told."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import epstudy as ep
from epstudy.core.errors import RefusedError, StoreError
from epstudy.pool import private_pool
from epstudy.pool.ledger.ledger import Ledger
from epstudy.settings import Settings
from epstudy.store import Store
from tests.faults.checker import examine
from tests.faults.pools import GroupPool, PrivatePool
from tests.faults.recorder import Fault
from tests.faults.starts import executions, read_starts
from tests.faults.studies import good
from tests.support.offices import until

Begin = Callable[[str, str], Fault]
MakeGroup = Callable[..., GroupPool]


def unmount(store: Path) -> Callable[[], None]:
    """An empty folder stands there now, as behind a mount that is gone."""
    away = store.with_name("away")
    store.rename(away)
    store.mkdir()

    def mount() -> None:
        store.rmdir()  # fails when something was written behind the mount
        away.rename(store)

    return mount


def move(store: Path) -> Callable[[], None]:
    """Nothing stands there now."""
    away = store.with_name("away")
    store.rename(away)

    def back() -> None:
        away.rename(store)  # fails when the folder was made again

    return back


def replace(store: Path) -> Callable[[], None]:
    """Another store stands there now."""
    away = store.with_name("away")
    other = store.with_name("other")
    Store(str(other)).create()
    before = files_in(other)
    store.rename(away)
    other.rename(store)

    def back() -> None:
        assert files_in(store) == before, "nothing was written into the other store"
        store.rename(other)
        away.rename(store)

    return back


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("take_away", "said"),
    [
        (unmount, "is not there any more: it was unmounted, moved or removed"),
        (move, "is not there any more: it was unmounted, moved or removed"),
        (replace, "another store stands in the place of"),
    ],
    ids=["unmounted", "moved", "replaced"],
)
def test_a_store_that_is_taken_away_while_a_study_runs_pauses_it_until_it_is_back(
    make_group: MakeGroup, fault: Begin, take_away: Callable[[Path], Callable[[], None]], said: str
) -> None:
    f14 = fault("F14", f"the store of a running study: {take_away.__name__}")
    group = make_group()
    study = good(group, "away", 30, 0.3, keep=("trace",)).run()
    until(lambda: study.progress().done >= 8)
    until(lambda: all_see_the_store(group))
    bring_back = take_away(group.store)
    f14.happened()
    until(lambda: said in study.progress().paused, 20)
    until(lambda: any(said in str(word) for word in halts(group)), 20)
    until(lambda: not group.simulations(), 10)
    begun = len(read_starts(group.log))
    with pytest.raises(StoreError, match=said):
        study.results()
    with pytest.raises(StoreError, match=said):
        study.run()
    assert said in str(study.panel())
    assert said in told_by_doctor("away")
    bring_back()
    at = time.monotonic()
    until(lambda: len(read_starts(group.log)) > begun, 30)
    f14.recovered(time.monotonic() - at)
    study.wait(timeout=60)
    assert study.progress().paused == ""
    assert study.failures().empty
    f14.ended(examine(study, group))
    assert max(executions(group.log).values()) == 1, "what was being simulated was kept until the store was back"


def told_by_doctor(study: str) -> str:
    """What `epstudy doctor STUDY` prints, in a process that has not seen the store before."""
    command = [sys.executable, "-m", "epstudy", "doctor", study]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def all_see_the_store(group: GroupPool) -> bool:
    """Whether each worker has said that it sees the store: one that was started before the store was made may not."""
    return all(worker["where"] for worker in Ledger(group.redis()).workers())


def halts(group: GroupPool) -> list[str]:
    """Why the ledger gives out nothing, in its own words."""
    words = [group.redis().hget(key, "blocked") for key in group.redis().scan_iter("ep:s:*:about")]
    return [word.decode() for word in words if word is not None]


def test_who_waits_while_the_store_is_away_waits_on_and_is_told_why(
    make_group: MakeGroup, fault: Begin, capsys: pytest.CaptureFixture[str]
) -> None:
    f14 = fault("F14", "the store is moved away and back under wait()")
    group = make_group()
    study = good(group, "waiting", 20, 0.3).run()
    until(lambda: study.progress().done >= 4)
    bring_back = move(group.store)
    f14.happened()
    until(lambda: halts(group), 20)
    mover = threading.Timer(3.0, bring_back)
    waiting = ep.Study("waiting", study.engine, study.parameters)
    mover.start()
    study.wait(timeout=60)
    assert "paused: the store" in capsys.readouterr().out
    assert waiting.results()["status"].eq("done").all()
    f14.ended(examine(study, group))


def test_a_worker_that_is_started_behind_a_missing_mount_makes_no_store_and_drops_no_study(
    make_group: MakeGroup, fault: Begin
) -> None:
    f14 = fault("F14", "all workers are started anew while the store is not mounted")
    group = make_group(workers=1)
    study = good(group, "reboot", 20, 0.2).run()
    until(lambda: study.progress().done >= 4)
    mount = unmount(group.store)
    group.kill_worker(group.workers[0])
    group.workers[0].start()
    f14.happened()
    until(lambda: "there is no store in" in " ".join(halts(group)), 30)
    assert list(group.store.iterdir()) == []
    assert group.redis().smembers("ep:studies") == {b"reboot"}
    mount()
    study.wait(timeout=60)
    f14.ended(examine(study, group))


def test_run_refuses_to_make_a_new_store_where_the_workers_know_one(make_group: MakeGroup, fault: Begin) -> None:
    f14 = fault("F14", "a notebook is opened while its store is not mounted")
    group = make_group(workers=1)
    good(group, "first", 4, 0.1).run().wait(timeout=60)
    until(lambda: b'"where": ""' not in b"".join(group.redis().hvals("ep:workers")), 10)  # else they know none yet
    mount = unmount(group.store)
    f14.happened()
    until(lambda: b'"where": ""' in b"".join(group.redis().hvals("ep:workers")), 10)
    with pytest.raises(RefusedError, match=r"there is none: is it mounted\?") as refused:
        good(group, "second", 4, 0.1, first=10).run()
    assert "set EPSTUDY_STORE" in str(refused.value)
    assert list(group.store.iterdir()) == []
    mount()
    f14.ended(examine(good(group, "second", 4, 0.1, first=10).run().wait(timeout=60), group))


def test_a_store_that_was_renamed_is_gone_on_with_under_its_new_name(
    private: PrivatePool, fault: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    f14 = fault("F14", "the folder of the store is renamed, and the study opened under the new name")
    study = good(private, "renamed", 30, 0.3).run()
    until(lambda: study.progress().done >= 6)
    renamed = private.store.with_name("renamed")
    private.store.rename(renamed)
    f14.happened()
    until(lambda: "is not there any more" in study.progress().paused, 20)
    opened = ep.Study.open("renamed", store=str(renamed))
    try:
        opened.run().wait(timeout=60)
        assert opened.results()["status"].eq("done").all()
        assert opened.verify().ok
        with pytest.raises(TimeoutError, match="is not there any more"):
            study.wait(timeout=10)  # long enough to look for the pool that was ended, and to start no other one
        with pytest.raises(StoreError, match="is not there any more"):
            study.run()
        assert not private.store.exists(), "the old pool did not make the folder again"
        twice = [name for name, times in executions(private.log).items() if times > 1]
        assert len(twice) <= 2, "at most what the two slots were at"
    finally:
        private_pool.stop(Settings.load(store=str(renamed)))
    f14.variants += 30


# a copy of a store beside its original ----------------------------------------------------------------------------


def copy_of(store: Path) -> Path:
    copy = store.with_name("copy")
    subprocess.run(["cp", "-a", str(store), str(copy)], check=True)
    return copy


def test_run_in_a_copy_of_the_store_that_the_workers_have_says_so_at_once(make_group: MakeGroup, fault: Begin) -> None:
    f14 = fault("F14", "a study is run in a copy of the store of its workers")
    group = make_group(workers=1)
    good(group, "first", 4, 0.1).run().wait(timeout=60)
    until(lambda: all_see_the_store(group))
    copy = copy_of(group.store)
    f14.happened()
    with pytest.raises(RefusedError, match="one is a copy of the other; set EPSTUDY_STORE to the store of the workers"):
        good(group, "second", 6, 0.1, first=10, store=str(copy)).run()
    study = good(group, "second", 6, 0.1, first=10).run().wait(timeout=60)
    f14.ended(examine(study, group))


@pytest.mark.parametrize("name", ["first", "second"], ids=["known-to-the-original", "new"])
def test_a_study_of_a_copied_store_that_waits_for_workers_of_the_original_is_told_why(
    make_group: MakeGroup, fault: Begin, name: str
) -> None:
    f14 = fault("F14", f"workers of the original come to a study of a copy of the store: {name}")
    group = make_group(workers=1)
    good(group, "first", 20, 0.1).run()
    good(group, "first", 20, 0.1).cancel()
    copy = copy_of(group.store)
    group.kill_worker(group.workers[0])
    group.redis().flushall()  # nobody says anything of a store
    study = good(group, name, 20, 0.1, store=str(copy)).run()
    group.workers[0].start()
    f14.happened()
    words = until(lambda: study.progress().paused, 60)
    assert f"the study was run in the store {copy} on " in words
    assert f"its workers have the store {group.store} on " in words
    assert "set EPSTUDY_STORE to the store of the workers" in words
    begun = len(read_starts(group.log))
    assert words.split(";")[0] in str(study.panel())
    until(lambda: study.progress().paused and study.progress().pending == study.progress().total - done_in(copy), 10)
    assert len(read_starts(group.log)) == begun, "nothing of it is simulated into the original"
    there = good(group, name, 20, 0.1).run().wait(timeout=60)
    f14.ended(examine(there, group))


def done_in(store: Path) -> int:
    return len([path for path in store.glob("results/*/*.json") if ".failed." not in path.name])
