"""The command line: demo, doctor, pool, studies, status, cancel, clean."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import epstudy as ep
from epstudy.store import DamagedFileWarning, Store
from tests.support.offices import LPD, alive, processes_of, quick, until, whole

README = Path(__file__).parents[2] / "README.md"


def quietly(folder: Path) -> dict[str, Any]:
    """How a user's script is run in a folder, without a window for its figures."""
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    return {"capture_output": True, "text": True, "cwd": folder, "env": environment, "check": False}


def epstudy(*arguments: str, cwd: Path | None = None, code: int = 0, **environment: str) -> str:
    """What `epstudy` prints; it must end with `code`."""
    ended = epstudy_process(*arguments, cwd=cwd, code=code, **environment)
    return ended.stdout + ended.stderr


def epstudy_process(
    *arguments: str, cwd: Path | None = None, code: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The process of `epstudy`, with what goes to a script apart from what is told; it must end with `code`."""
    ended = subprocess.run(
        [sys.executable, "-m", "epstudy", *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=cwd,
        env={**os.environ, **environment},
        check=False,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended


def test_the_demo_prints_nine_rows_and_a_second_one_simulates_nothing(
    own_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPSTUDY_IDLE_S", "30")  # the pool tells how many came from the store: it is to be there still
    first = epstudy("demo", "-o", str(tmp_path / "demo"))
    rows = re.findall(r"^\d+ +(\d+\.\d+) +(\d\.\d+) +done +(\d+\.\d+)", first, flags=re.MULTILINE)
    assert len(rows) == 9
    assert all(100 < float(eui) < 250 for _, _, eui in rows)
    assert "9 of 9 done;" in first
    page = (tmp_path / "demo" / "01-first-study.html").read_text()
    assert "How much do lighting and glazing matter?" in page
    assert "data:image/png;base64," in page or "image/png" in page
    executed = json.loads((tmp_path / "demo" / "01-first-study.ipynb").read_text())
    outputs = [out for cell in executed["cells"] for out in cell.get("outputs", [])]
    assert not [out for out in outputs if out["output_type"] == "error"]
    [snapshot] = [
        out["data"] for out in outputs if "epstudy-static" in "".join(out.get("data", {}).get("text/html", ""))
    ]
    assert "".join(snapshot["text/plain"]).startswith("lighting-and-glazing: 9 of 9 done")
    assert "lighting-and-glazing: 9 of 9 done" in page
    assert "application/vnd.jupyter.widget-view+json" not in json.dumps(executed), "nobody there runs widgets"
    printed = "".join("".join(out["text"]) for out in outputs if out["output_type"] == "stream")
    assert "lighting-and-glazing: 9 of 9 done" in printed
    assert "\r" not in printed
    assert "\x1b" not in printed
    assert alive(processes_of(own_store)) == [], "the demo ends the pool that it started"

    snippet = README.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    script = f"{snippet}\nprint(len(df), (df['status'] == 'done').all())"
    ran = subprocess.run([sys.executable, "-c", script], **quietly(tmp_path))
    assert (ran.returncode, ran.stdout.splitlines()[-1:]) == (0, ["9 True"]), ran.stdout + ran.stderr
    assert "9 of 9 done (9 from the store)" in ran.stdout, "README's first lines run as they stand: they are the demo"

    second = epstudy("demo", "-o", str(tmp_path / "demo"))
    assert "9 of 9 done (9 from the store)" in second
    seconds = re.search(r"; (\d+) s with the notebook", second)
    assert seconds is not None
    assert table(first) == table(second)


def table(said: str) -> list[str]:
    return said.partition("9 of 9 done")[0].strip().splitlines()[-9:]


def test_the_notebooks_are_copied_and_what_a_user_changed_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "my notebooks"
    said = epstudy("notebooks", str(folder))
    own = README.parent / "notebooks"
    names = sorted(path.name for path in own.iterdir() if path.suffix in (".ipynb", ".csv"))
    assert {"report.ipynb", "cities.csv", "01-first-study.ipynb"} <= set(names)
    assert sorted(path.name for path in folder.iterdir()) == names
    assert said.splitlines() == [str(folder / name) for name in names]

    changed, missing = folder / "report.ipynb", folder / "cities.csv"
    changed.write_text("my own")
    missing.unlink()
    said = epstudy("notebooks", str(folder))
    assert f"{changed} is there already and differs: it was left as it is; --overwrite replaces it" in said
    assert said.count("is there already") == len(names) - 1
    assert changed.read_text() == "my own"
    assert missing.exists()

    assert str(changed) in epstudy("notebooks", str(folder), "--overwrite").splitlines()
    assert changed.read_bytes() == (own / "report.ipynb").read_bytes()


def test_notebooks_are_not_copied_where_no_folder_can_be(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    said = epstudy("notebooks", str(blocked / "folder"), code=2)
    assert "cannot be written: Not a directory; name another folder" in said


def test_the_doctor_finds_everything(own_store: str) -> None:
    said = epstudy("doctor")
    assert "25.2.0-cf7368216c" in said
    assert re.search(r"ok +Redis +private, (redis|valkey)-server \d", said)
    assert f"ok   store        {own_store}" in said
    assert "study.run() starts it" in said
    assert not Path(own_store).exists(), "looking makes nothing"


def test_the_doctor_says_what_to_do_about_what_is_missing(own_store: str) -> None:
    said = epstudy("doctor", code=1, EPSTUDY_REDIS_URL="redis://:secret@127.0.0.1:1/0", EPSTUDY_STORE="/proc/nowhere")
    assert "no   Redis        no Redis answers at redis://:***@127.0.0.1:1/0" in said
    assert "secret" not in said
    assert "no   store        /proc/nowhere cannot be written" in said
    assert "-> set EPSTUDY_STORE to a folder that you may write" in said


def test_the_pool_is_started_shown_and_stopped(own_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPSTUDY_IDLE_S", "300")  # of each command: a busy machine takes long from one to the next
    assert "no private pool is running" in epstudy("pool", "status")
    assert "ends when idle for 300 s" in epstudy("pool", "start", "--workers", "1")
    until(lambda: "1 slots" in epstudy("pool", "status"))
    assert "was running already, and has 2 slots from now on" in epstudy("pool", "start", "--workers", "2")
    until(lambda: "2 slots" in epstudy("pool", "status"))
    assert "slots" not in epstudy("pool", "start"), "nobody asked for another number"
    assert "slots, epstudy" in epstudy("doctor")
    pool = processes_of(own_store)
    assert "ended" in epstudy("pool", "stop")
    until(lambda: alive(pool) == [], 5)
    assert "there was none" in epstudy("pool", "stop")


def test_studies_are_listed_shown_and_cancelled(own_store: str) -> None:
    assert "no studies" in epstudy("studies")
    ep.Study("office", quick(), {"lpd": ep.Field(LPD, [6.0, -1.0])}).run(check=False).wait()
    assert re.search(r"office +2 +1 +1 +energyplus", epstudy("studies"))
    said = epstudy("status", "office")
    assert "office: 1 of 2 done" in said
    assert "1 failed (simulation): " in said
    long = ep.Study("long", whole(), {"lpd": ep.Field(LPD, [6.0, 7.0, 8.0])}).run()
    until(lambda: long.progress().running == 2)
    assert "long: 0 of 3 done" in epstudy("cancel", "long")
    assert long.wait().progress().cancelled == 3


def test_a_study_is_paused_resumed_and_looked_at(own_store: str) -> None:
    levels = [6 + step / 16 for step in range(24)]
    study = ep.Study("office", quick(), {"lpd": ep.Field(LPD, levels)}).run()
    assert "paused: by pause()" in epstudy("pause", "office")
    until(lambda: study.progress().running == 0)
    assert study.progress().pending > 0
    assert "office: paused: by pause()" in epstudy("doctor", "office")
    assert "paused" not in epstudy("resume", "office")
    study.wait()
    assert "ok   study        office: 24 done of 24" in epstudy("doctor", "office")
    damaged = next(Path(own_store).glob("results/*/*.json"))
    damaged.write_bytes(damaged.read_bytes()[:-20])
    said = epstudy("doctor", "office", code=1)
    assert re.search(r"no   study        office: variant \d+: results/.*json is damaged .*run\(\) makes it again", said)
    with pytest.warns(DamagedFileWarning, match="counts as absent"):
        study.run()
    assert study.wait().verify().ok


@pytest.mark.parametrize("command", ["status", "cancel", "pause", "resume", "doctor"])
def test_a_study_that_is_not_there_is_one_line(own_store: str, command: str) -> None:
    said = epstudy(command, "nowhere", code=1)
    assert 'Error: no study "nowhere" in the store' in said
    assert "Traceback" not in said


def test_a_worker_without_a_redis_says_what_to_set(own_store: str) -> None:
    assert "set EPSTUDY_REDIS_URL" in epstudy("worker", code=1)
    said = epstudy("worker", code=1, EPSTUDY_REDIS_URL="redis://127.0.0.1:1/0")
    assert "no Redis answers" in said


def of_two_hours_ago(store: str) -> None:
    """A clean leaves alone what is young."""
    for file in Path(store).rglob("*"):
        if file.is_file():
            os.utime(file, (time.time() - 7200, time.time() - 7200))


def office(*levels: float) -> ep.Study:
    return ep.Study("office", quick(), {"lpd": ep.Field(LPD, list(levels))})


def test_a_changed_grid_is_cleaned_up_after_and_the_results_of_now_stay(own_store: str) -> None:
    office(6.0, 7.0, -1.0).run(check=False).wait()
    study = office(6.0, 8.0).run().wait()
    of_two_hours_ago(own_store)
    assert "1 result and 1 failure of no study (" in epstudy("clean", "--after", "0", "--dry-run")
    said = epstudy("clean")
    assert re.search(r"\n1 result and 1 failure of no study \(\d.* kB\): noted, to be removed from \d{4}-", said)
    assert office(6.0, 7.0).run().wait().progress().cached == 2, "as if nothing had been"
    study.run()
    assert "): noted, " in epstudy("clean", EPSTUDY_CLEAN_AFTER_DAYS="0.5")
    of_two_hours_ago(own_store)
    said = epstudy("clean", EPSTUDY_CLEAN_AFTER_DAYS="0")
    assert re.search(r"^1 study looked at\n1 result and 1 failure of no study \(.* kB\): removed\n$", said)
    assert epstudy("clean") == "1 study looked at\nnothing to remove: every result and every input is a study's\n"

    assert study.verify().ok
    assert len(study.results(strict=True)) == 2
    assert study.run().wait().progress().cached == 2
    again = office(6.0, 7.0).run().wait()
    assert (again.progress().done, again.progress().cached) == (2, 1)


def test_a_study_is_forgotten_and_its_name_stands_for_another_one(
    own_store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPSTUDY_IDLE_S", "30")  # what Redis knows of the name is to be there still

    def swept() -> bool:
        return Store(own_store).wanted() == {}

    before = office(6.0, 7.0).run().wait()
    until(swept)
    assert "\nforgotten: office\n" in epstudy("clean", "--forget", "office")
    with pytest.raises(ep.StudyNotFoundError):
        ep.Study.open("office")
    assert "no studies in" in epstudy("studies")
    assert len(before.results(strict=True)) == 2, "the notebook that ran it has it still"
    same = office(6.0, 7.0).run().wait()
    assert (same.progress().done, same.progress().cached) == (2, 2)
    until(swept)
    assert "\nforgotten: office\n" in epstudy("clean", "--forget-older", "0")
    other = office(8.0).run().wait()
    assert (other.progress().done, other.progress().cached) == (1, 0)


def test_a_study_that_is_under_way_is_not_forgotten(own_store: str) -> None:
    study = ep.Study("long", whole(), {"lpd": ep.Field(LPD, [6.0, 7.0, 8.0])}).run()
    said = epstudy("clean", "--forget", "long", "--forget-older", "0", code=1)
    assert said == 'Error: study "long" is under way, or ended just now; wait, or epstudy cancel long first\n'
    assert "forgotten" not in epstudy("clean", "--forget-older", "0")
    epstudy("cancel", "long")
    assert "\nforgotten: long\n" in epstudy("clean", "--forget", "long")
    until(lambda: study.progress().running == 0, 10)


def test_what_cannot_be_cleaned_is_one_line(own_store: str) -> None:
    assert epstudy("clean", code=1).startswith(f"Error: there is no store in {own_store}; set EPSTUDY_STORE")
    office(6.0).run().wait()
    assert epstudy("clean", "--forget", "nowhere", code=1).startswith('Error: no study "nowhere" in the store')
    assert epstudy("clean", "--after", "-1", code=1).startswith("Error: -1.0 is no number of days")
    Path(own_store, "studies", "office", "manifest.json").write_bytes(b"not what was written")
    said = epstudy("clean", "--after", "0", code=1)
    assert said.count("\n") == 1
    assert "it is damaged; run it again, or forget it: epstudy clean --forget office" in said
