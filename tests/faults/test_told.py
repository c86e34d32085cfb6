"""What stops being true while a study runs is told: once by `wait()`, in the panel, and by `epstudy doctor NAME`."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

import epstudy as ep
from epstudy.cli.main import main
from epstudy.store import Store
from tests.faults.pools import CLOCK, GroupPool, fill
from tests.faults.studies import good
from tests.support.offices import LPD, quick, until

MakeGroup = Callable[..., GroupPool]
Out = pytest.CaptureFixture[str]


@contextmanager
def waiting(study: ep.Study, capsys: Out) -> Iterator[Callable[[], str]]:
    """Inside, somebody waits for the study: what is printed to them so far. At the end the study is cancelled."""
    printed: list[str] = []

    def text() -> str:
        printed.append(capsys.readouterr().out)
        return "".join(printed)

    thread = threading.Thread(target=study.wait, daemon=True)
    thread.start()
    try:
        yield text
    finally:
        study.cancel()
        thread.join()


def told(study: ep.Study, printed: Callable[[], str], said: str) -> None:
    """Check that this is told by all three, and by `wait()` once."""
    until(lambda: re.search(said, printed()))
    panel = study.panel()
    until(lambda: (panel.step(), re.search(said, repr(panel)))[1])
    doctor = CliRunner().invoke(main, ["doctor", study.name])
    assert re.search(said, doctor.output), doctor.output
    assert doctor.exit_code != 0
    assert len(re.findall(said, printed())) == 1, printed()


def test_a_clock_that_is_wrong_is_told(make_group: MakeGroup, capsys: Out) -> None:
    path = os.pathsep.join([str(CLOCK), os.environ["PYTHONPATH"]])
    group = make_group(workers=1, each=[{"PYTHONPATH": path, "WRONG_CLOCK_S": "3600"}])
    study = good(group, "clock", 400, 0.5).run()
    with waiting(study, capsys) as printed:
        told(study, printed, r"the clock of the worker on \S+ is 60 min ahead of that of Redis; set it by NTP")


def test_a_store_that_is_nearly_full_and_then_full_is_told(
    small_store: Path, make_group: MakeGroup, capsys: Out
) -> None:
    group = make_group(workers=1)
    study = good(group, "full", 400, 0.5, keep=("trace",)).run()
    with waiting(study, capsys) as printed:
        told(study, printed, rf"only [\d.]+ [kM]B are left on the disk of the store {small_store}; free some, or set")
        filler = small_store / "filler"
        fill(filler)
        told(study, printed, r"paused: .*No space left on device")
        filler.unlink()
        done = study.progress().done
        until(lambda: study.progress().done > done)


def test_that_no_worker_lives_any_more_is_told(make_group: MakeGroup, capsys: Out) -> None:
    group = make_group(workers=1)
    study = good(group, "alone", 400, 0.5).run()
    until(lambda: study.progress().done)
    with waiting(study, capsys) as printed:
        group.kill_worker(group.workers[0])
        told(study, printed, r"no worker answers; start some with `epstudy worker`")


def test_an_input_file_that_is_damaged_after_it_was_queued_is_told(make_group: MakeGroup, capsys: Out) -> None:
    group = make_group(workers=1)
    study = ep.Study("damaged", quick(), {"lpd": ep.Field(LPD, [round(1 + 0.01 * k, 2) for k in range(400)])}).run()
    until(lambda: study.progress().done)
    with waiting(study, capsys) as printed:
        for name in map(str, (group.store / "inputs").rglob("*.epw")):
            Path(name).write_text("not the weather any more", encoding="utf-8")
        told(study, printed, r"\.epw is not the file that was stored; run the study again to store it anew")
    assert Store(str(group.store)).manifest("damaged")


def test_a_run_in_another_store_than_the_one_that_the_workers_wait_for_is_told(
    make_group: MakeGroup, capsys: Out, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has run a study in the workers' own store yet, so `run()` cannot know that this one is not theirs."""
    group = make_group(workers=1)
    monkeypatch.setenv("EPSTUDY_STORE", str(tmp_path / "elsewhere"))
    study = good(group, "elsewhere", 4, 0.1).run()
    with waiting(study, capsys) as printed:
        said = (
            rf"there is no store in {group.store}: .*; the study was run in {tmp_path / 'elsewhere'} on \S+, which its"
        )
        told(study, printed, said)
        assert study.progress().done == 0
