"""The private pool starts by itself, outlives the kernel, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from jupyter_client.manager import KernelManager

import epstudy as ep
from epstudy.cli.main import main
from epstudy.core.manifest import Manifest
from epstudy.pool import private_pool
from epstudy.pool.broker.connection import connect
from epstudy.pool.client import Live
from epstudy.pool.ledger.ledger import Ledger
from epstudy.pool.pool import Pool
from epstudy.pool.record import Noted, take_lock
from epstudy.settings import Settings
from epstudy.store import Store
from tests.support.offices import LPD, PATIENCE_S, alive, processes_of, quick, until, whole

CELL = """
import epstudy as ep
from tests.support.offices import *
study = ep.Study("from-a-kernel", whole(), {"lpd": ep.Field(LPD, [6.0, 7.0, 8.0, 9.0])}).run()
"""


@pytest.fixture
def kernel(own_store: str) -> Iterator[KernelManager]:
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(Path(__file__).parents[2]))
    yield manager
    if manager.has_kernel:
        manager.shutdown_kernel(now=True)


def execute(manager: KernelManager, code: str, *, wait: bool = True) -> None:
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=PATIENCE_S)
    if wait:
        reply = client.execute_interactive(code, timeout=600)
        assert reply["content"]["status"] == "ok", reply["content"]
    else:
        client.execute(code)
    client.stop_channels()


def runtime(store: str) -> private_pool.Runtime:
    return private_pool.runtime_for(store)


def progress(name: str) -> ep.Progress:
    return ep.Study.open(name).progress()


def gone(store: str) -> bool:
    return not runtime(store).folder.exists() and not runtime(store).record.exists()


def test_a_killed_kernel_loses_nothing_and_nothing_runs_twice(kernel: KernelManager, own_store: str) -> None:
    execute(kernel, "import os; os.environ['EPSTUDY_IDLE_S'] = '20'")  # a slow machine takes long to come back to it
    execute(kernel, CELL)
    until(lambda: progress("from-a-kernel").running == 2)
    # keeper, Redis, Celery with two children, two simulators; a variant is "running" a moment before its simulator is
    pool = until(lambda: len(pool := processes_of(own_store)) >= 6 and pool)
    worker_log = runtime(own_store).worker_log.open(encoding="utf-8")  # a busy machine reads it when the pool has ended
    assert kernel.provisioner is not None
    os.kill(kernel.provisioner.pid, signal.SIGKILL)  # type: ignore[attr-defined]

    code = (
        "import epstudy as ep; study = ep.Study.open('from-a-kernel').wait();"
        "df = study.results(strict=True); assert len(df) == 4; assert study.progress().cached == 0;"
        "assert df['site_eui_kwh_m2'].is_monotonic_increasing; print('all there')"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=False)
    assert "all there" in said.stdout, said.stderr

    manifest = Store(own_store).manifest("from-a-kernel")
    outcomes = Store(own_store).outcomes(manifest.keys)
    assert [outcomes[key].attempts for key in manifest.keys] == [1, 1, 1, 1]
    with worker_log:
        assert worker_log.read().count("received") == 4, "one message a variant"
    until(lambda: gone(own_store) and not alive(pool), 30)


def test_an_interrupt_ends_the_waiting_and_not_the_work(kernel: KernelManager, own_store: str) -> None:
    execute(kernel, CELL)
    execute(kernel, "study.wait()", wait=False)
    until(lambda: progress("from-a-kernel").running == 2)
    before = runtime(own_store).keeper()
    kernel.interrupt_kernel()
    execute(kernel, "assert not study.progress().complete")
    assert runtime(own_store).keeper() == before
    execute(kernel, "assert study.wait().progress().done == 4")


def test_a_restart_of_the_kernel_does_not_touch_the_work(kernel: KernelManager, own_store: str) -> None:
    execute(kernel, CELL)
    until(lambda: progress("from-a-kernel").running == 2)
    kernel.restart_kernel(now=True)
    execute(
        kernel,
        "import epstudy as ep; s = ep.Study.open('from-a-kernel').wait(); assert s.progress().done == 4",
    )


def test_an_idle_pool_ends_itself_and_starts_again(own_store: str) -> None:
    def study(level: float) -> ep.Study:
        return ep.Study("idle", quick(), {"lpd": ep.Field(LPD, [level])})

    study(6.0).run().wait()
    pool = processes_of(own_store)
    until(lambda: gone(own_store) and not alive(pool), 30)
    assert study(6.5).run().wait().progress().done == 1
    assert ep.Study.open("idle").results(strict=True)["status"].eq("done").all()


def test_a_client_that_comes_while_an_idle_pool_ends_gets_another_one(own_store: str) -> None:
    private_pool.start(Settings.load())
    pool = processes_of(own_store)
    first = runtime(own_store).keeper()
    while len(alive(pool)) == len(pool):  # without a pause: it ends within a tenth of a second
        pass
    ledger = Ledger(connect(private_pool.start(Settings.load())))
    assert runtime(own_store).keeper() != first
    assert ledger.attached()


def test_two_clients_at_once_start_one_pool(own_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPSTUDY_IDLE_S", "120")
    imports = "from epstudy.settings import Settings; from epstudy.pool.private_pool import start"
    code = f"{imports}; print(start(Settings.load()))"
    clients = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    urls = {client.communicate(timeout=600)[0].strip() for client in clients}
    assert len(urls) == 1
    keepers = [one for one in processes_of(own_store) if "supervisor.keeper" in " ".join(one.cmdline())]
    assert len(keepers) == 1


def test_a_second_run_of_the_cell_while_it_runs_simulates_nothing_twice(
    own_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPSTUDY_IDLE_S", "120")

    def study() -> ep.Study:
        return ep.Study("twice", quick(), {"lpd": ep.Field(LPD, [5.5, 6.5, 7.5, 8.5])})

    first = study().run()
    second = study().run()
    first.wait()
    assert second.wait().progress().done == 4
    log = runtime(own_store).worker_log.read_text()
    assert log.count("received") == 4


def test_the_runtime_folder_is_the_users_alone_and_redis_has_no_port(own_store: str) -> None:
    private_pool.start(Settings.load())
    folder = runtime(own_store).folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    redis = connect(runtime(own_store).url)
    assert redis.config_get("port") == {"port": "0"}
    assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_runtime_folder_that_others_may_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / f"epstudy-{os.getuid()}").mkdir()
    (tmp_path / f"epstudy-{os.getuid()}").chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(ep.PoolError, match="not a folder of yours alone"):
        private_pool.runtime_for("anything")


def test_a_runtime_folder_that_no_socket_fits_into_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 60) / ("y" * 60)
    long.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with pytest.raises(ep.PoolError, match="too long for the path of a unix socket"):
        private_pool.runtime_for("anything")


def test_a_pool_that_is_stopped_while_it_starts_leaves_nothing(own_store: str) -> None:
    for pause_s in (0.0, 0.1, 0.3, 0.6, 1.0):
        private_pool.start(Settings.load())
        time.sleep(pause_s)  # the moment of its start at which it is stopped, not something waited for
        pool = processes_of(own_store)
        private_pool.stop(Settings.load())
        until(lambda pool=pool: alive(pool) == [] and alive(processes_of(own_store)) == [], 5)
        assert gone(own_store)


def test_a_pool_is_stopped_at_once_with_what_it_runs(own_store: str) -> None:
    study = ep.Study("stopped", whole(), {"lpd": ep.Field(LPD, [6.0, 7.0, 8.0])}).run()
    until(lambda: study.progress().running == 2)
    pool = processes_of(own_store)
    assert private_pool.stop(Settings.load())
    until(lambda: alive(pool) == [], 2)
    assert gone(own_store)
    assert not private_pool.stop(Settings.load())
    assert ep.Study.open("stopped").progress().pending == 3
    assert ep.Study.open("stopped").run().wait().progress().done == 3


def test_another_process_with_the_keepers_old_id_is_left_alone(own_store: str) -> None:
    """After a restart of the machine the process id in the record may be anybody's."""

    def write(pid: int) -> None:
        lock = take_lock(own_store)
        assert lock is not None
        lock.write(Noted(pid, 1.0, runtime(own_store).folder, ready=True))
        lock.close()

    with subprocess.Popen(["sleep", "3600"]) as innocent:
        write(innocent.pid)
        assert not private_pool.stop(Settings.load())
        assert innocent.poll() is None
        write(innocent.pid)
        assert ep.Study("s", quick(), {"lpd": ep.Field(LPD, [6.0])}).run().wait().progress().done == 1
        assert innocent.poll() is None
        innocent.kill()


def test_a_study_that_lost_its_manifest_does_not_hold_up_the_others(own_store: str) -> None:
    lost = ep.Study("lost", whole(), {"lpd": ep.Field(LPD, [6.0, 7.0, 8.0])}).run()
    until(lambda: lost.progress().running == 2)
    shutil.rmtree(Path(own_store) / "studies" / "lost")
    url = private_pool.start(Settings.load())
    levels = [1 + step / 256 for step in range(110)]
    ep.Study("many", quick(), {"lpd": ep.Field(LPD, levels)}).run()
    ledger = Ledger(connect(url))
    until(lambda: "q" in ledger.states("many")[100:], 20)
    until(lambda: ledger.active() == ["many"], 20)


def test_another_grid_of_that_name_neither_cancels_nor_retries_what_runs(own_store: str) -> None:
    running = ep.Study("name", whole(), {"lpd": ep.Field(LPD, [6.0, 7.0])}).run()
    other = ep.Study("name", whole(), {"lpd": ep.Field(LPD, [8.0])})
    for act in (other.cancel, other.retry):
        with pytest.raises(ep.InputError, match="stands for another grid"):
            act()
    assert running.progress().cancelled == 0
    running.cancel().wait()


def test_workers_of_another_store_are_refused(own_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPSTUDY_IDLE_S", "60")  # nobody who uses that pool is attached to it
    Store(own_store).create()
    url = private_pool.start(Settings.load())
    until(lambda: Ledger(connect(url)).workers())
    other = tmp_path / "other"
    study = ep.Study("elsewhere", quick(), {"lpd": ep.Field(LPD, [6.0])}, pool=url, store=str(other))
    with pytest.raises(ep.PoolError, match=f"use another store, {own_store} on .*, and in {other} there is none"):
        study.run()
    assert not (other / "store.json").exists()
    Store(str(other)).create()
    with pytest.raises(ep.PoolError, match=f"use another store than {other}"):
        study.run()


def test_two_grids_under_one_name_at_the_same_moment_end_with_the_stores(store: str) -> None:
    """Notebook A wrote its manifest last, notebook B opened the ledger last: A is run, B is told."""
    one = ep.Study("twins", quick(), {"lpd": ep.Field(LPD, [2.51, 2.52])}).run().wait()
    other = ep.Study("twins", quick(), {"lpd": ep.Field(LPD, [2.53, 2.54, 2.55])}).run()
    kept = Store(store)
    kept.put_manifest(one._own_manifest())
    with pytest.raises(ep.InputError, match="stands for another grid"):
        other.wait()
    assert one.wait().progress().done == 2
    assert len(ep.Study.open("twins").results(strict=True)) == 2


def test_a_look_at_a_pool_makes_its_life_neither_longer_nor_shorter(
    own_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPSTUDY_IDLE_S", "500")
    study = ep.Study("looked-at", quick(), {"lpd": ep.Field(LPD, [2.5])}).run().wait()
    redis = connect(private_pool.start(Settings.load()))
    ends_ms = redis.pexpiretime("ep:attached")
    for idle_s in ("2", "5000"):
        monkeypatch.setenv("EPSTUDY_IDLE_S", idle_s)
        for words in (["pool", "status"], ["status", "looked-at"], ["doctor"], ["doctor", "looked-at"]):
            CliRunner().invoke(main, words)
        assert ep.Study.open("looked-at").progress().complete
        assert ep.Study.open("looked-at").troubles() == []
        assert redis.pexpiretime("ep:attached") == ends_ms, idle_s
    assert study.progress().complete
    assert redis.pexpiretime("ep:attached") == ends_ms


def test_a_pool_of_the_version_before_an_update_is_replaced(own_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load()
    ep.Study("before", quick(), {"lpd": ep.Field(LPD, [2.56])}).run().wait()
    keeper = private_pool.runtime_for(own_store).keeper()
    monkeypatch.setattr("epstudy.pool.pool.MANIFEST_FORMAT", 99)
    Pool(settings, Store(own_store))
    assert private_pool.runtime_for(own_store).keeper() not in (None, keeper)


def test_a_manifest_of_a_later_version_is_told(store: str) -> None:
    study = ep.Study("later", quick(), {"lpd": ep.Field(LPD, [2.57])}).run().wait()
    said = study._own_manifest().to_json() | {"manifest": 99, "surprise": 1}
    with pytest.raises(ep.StoreError, match="written by a later version of epstudy"):
        Manifest.from_json(said)


def test_one_damaged_manifest_does_not_hide_the_other_studies(own_store: str) -> None:
    for name in ("good", "bad"):
        ep.Study(name, quick(), {"lpd": ep.Field(LPD, [2.58])}).run().wait()
    path = Path(own_store) / "studies" / "bad" / "manifest.json"
    path.write_bytes(path.read_bytes()[:-100])
    frame = ep.studies()
    assert list(frame.index) == ["bad", "good"]
    assert frame.loc["good", "done"] == 1
    assert "damaged" in frame.loc["bad", "engine"]


def test_a_pool_that_ends_while_it_is_told_of_a_study_is_started_again(own_store: str) -> None:
    """A study of 100,001 variants never began: its idle pool had ended while the study was being written."""
    live = Live(Settings.load(), Store(own_store))
    live.begin(lambda pool: pool)
    told = []

    def tell(pool: Pool) -> None:
        told.append(pool)
        if len(told) == 1:
            private_pool.stop(Settings.load())
        pool.workers()

    live.begin(tell)
    assert len(told) == 2
    assert live.trouble == ""
    assert live.peek() is not None
