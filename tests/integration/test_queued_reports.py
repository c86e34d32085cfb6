"""`epstudy report --queue`: the pool executes a notebook beside its slots, once, whoever dies meanwhile."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import psutil
import pytest
from click.testing import CliRunner

import epstudy as ep
from epstudy.cli.main import main
from epstudy.pool import private_pool
from epstudy.pool.broker.connection import connect
from epstudy.report.queued.run import execute_request
from epstudy.settings import Settings
from epstudy.store import ReportRequest, Store
from epstudy.store.checksummed import seal
from tests.integration.test_command_line import epstudy, epstudy_process
from tests.integration.test_compose import Group
from tests.integration.test_reports import OFFICE, ROOT, written
from tests.support.offices import alive, fill, processes_of, until

IDENTITY = r"\d{8}-\d{6}-[0-9a-f]{6}"


@pytest.fixture(autouse=True)
def _offices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks know the offices of these tests."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


@pytest.fixture
def counted(tmp_path: Path) -> Path:
    """A file with a line for each time that a notebook of `slow` was begun."""
    return tmp_path / "begun"


def slow(folder: Path, counted: Path, seconds: float = 60.0) -> Path:
    """A notebook that counts itself, waits and then runs two variants."""
    begin = f"from pathlib import Path\nwith Path({str(counted)!r}).open('a') as file:\n    _ = file.write('begun\\n')"
    wait = f"import time\nfor _ in range({int(seconds * 10)}):\n    time.sleep(0.1)"
    return written(folder / "slow.ipynb", begin, wait, OFFICE, "study.wait().results()")


def queued(notebook: Path, page: Path, *more: str, code: int = 0) -> str:
    """The names of the reports as a script reads them, and what is told when they are refused."""
    ended = epstudy_process("report", str(notebook), "-o", str(page), "--queue", *more, code=code)
    return (ended.stdout + (ended.stderr if code else "")).strip()


def begun(counted: Path) -> int:
    return counted.read_text().count("begun") if counted.exists() else 0


def process_of(report: str) -> psutil.Process | None:
    """The process in which a report is executed."""
    for one in psutil.process_iter(["cmdline"]):
        if "epstudy.report.queued.run" in (words := one.info["cmdline"] or []) and report in words:
            return one
    return None


def test_a_queued_report_is_executed_by_the_pool_and_fetched(own_store: str, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "of-2026.txt").write_text("7.5")
    (tmp_path / "data" / "levels.txt").symlink_to("of-2026.txt")
    read = "from pathlib import Path\nlpd = float(Path('data/levels.txt').read_text())"
    notebook = written(tmp_path / "office.ipynb", read, OFFICE, "study.wait().results()")
    page = tmp_path / "out" / "page.html"
    report = queued(notebook, page, "--with", str(tmp_path / "data" / "levels.txt"))
    assert re.fullmatch(IDENTITY, report)
    assert "waiting" in (listed := epstudy("reports")) or "running since" in listed
    said = epstudy("reports", "fetch", report, "--wait")
    assert "office-7.5: 2 of 2 done" in said
    assert sorted(path.name for path in page.parent.iterdir()) == ["page.html", "page.ipynb"]
    text = page.read_text()
    assert "<h1>How much light?</h1>" in text
    assert re.search(r"<th>notebook</th><td>office\.ipynb sha256 [0-9a-f]{64}</td>", text)
    assert "This report is not complete" not in text
    assert re.search(rf"^{report} +office\.ipynb +complete ", epstudy("reports"), flags=re.MULTILINE)

    elsewhere = tmp_path / "elsewhere.html"
    epstudy("reports", "fetch", report, "-o", str(elsewhere))
    assert elsewhere.read_text() == text

    assert "removed" in epstudy("reports", "remove", report)
    assert f'no queued report "{report}"' in epstudy("reports", "fetch", report, code=2)
    assert "no queued reports in" in epstudy("reports")
    until(lambda: not list(Path(own_store).glob("attempts/*/*")))


def test_the_line_about_a_slow_start_is_not_among_the_names_of_reports(
    own_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_pool, "_TOLD_S", -1.0)
    notebook = written(tmp_path / "office.ipynb", "print('here')")
    ran = CliRunner().invoke(main, ["report", str(notebook), "-o", str(tmp_path / "page.html"), "--queue"])
    assert ran.exit_code == 0, ran.output
    assert re.fullmatch(IDENTITY, ran.stdout.strip())
    assert "the private pool is starting" in ran.stderr


def test_a_report_in_a_pool_of_one_slot_gets_its_variants(
    own_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPSTUDY_WORKERS", "1")
    table = tmp_path / "rows.csv"
    table.write_text("lpd\n6\n7\n")
    notebook = written(tmp_path / "office.ipynb", OFFICE, "study.wait().results()")
    reports = queued(notebook, tmp_path / "office-{lpd}.html", "--for", str(table)).splitlines()
    assert len(reports) == 2
    assert reports == sorted(reports), "in the order of the rows"
    said = epstudy("reports", "fetch", *reports, "--wait")
    assert "office-6: 2 of 2 done" in said
    assert "office-7: 2 of 2 done" in said
    assert (tmp_path / "office-6.html").exists()
    assert (tmp_path / "office-7.html").exists()


def test_a_queued_report_that_is_not_complete_says_so(own_store: str, tmp_path: Path) -> None:
    notebook = written(tmp_path / "office.ipynb", OFFICE, "study.wait().results()")
    strict = queued(notebook, tmp_path / "strict.html", "-p", "lpd=-1")
    lenient = queued(notebook, tmp_path / "lenient.html", "-p", "lpd=-1", "--allow-failures")
    reads = written(tmp_path / "reads.ipynb", "open('levels.txt').read()")
    lacking = queued(reads, tmp_path / "lacking.html")
    unmade = written(
        tmp_path / "unmade.ipynb", "from IPython.display import display\ndisplay({'text/latex': 5}, raw=True)"
    )

    said = epstudy("reports", "fetch", strict, "--wait", code=1)
    assert "office--1: 1 of 2 done, 1 failed" in said
    assert re.search(r"^0 +-1\.0 +simulation +\S", said, flags=re.MULTILINE)
    assert "Error: the report is not complete: office--1: " in said
    assert "This report is not complete." in (tmp_path / "strict.html").read_text()
    assert "Error" not in epstudy("reports", "fetch", lenient, "--wait")
    said = epstudy("reports", "fetch", lacking, "--wait", code=1)
    assert "FileNotFoundError" in said
    assert "what --with sent along" in said
    said = epstudy("reports", "fetch", queued(unmade, tmp_path / "page.html"), "--wait", code=1)
    assert "the report is not complete: it cannot be made: " in said
    assert re.search(rf"^{lacking} +reads\.ipynb +not complete ", epstudy("reports"), flags=re.MULTILINE)


def test_a_report_whose_pool_is_killed_is_executed_anew(own_store: str, tmp_path: Path, counted: Path) -> None:
    notebook = slow(tmp_path, counted, seconds=5)
    report = queued(notebook, tmp_path / "page.html")
    until(lambda: begun(counted))
    pool, keeper = processes_of(own_store), private_pool.runtime_for(own_store).keeper()
    assert keeper is not None
    os.kill(keeper, signal.SIGKILL)
    until(lambda: alive(pool) == [], 5)  # the process of the report and its kernel are among them
    assert "has not ended: running since" in epstudy("reports", "fetch", report, code=1)
    epstudy("pool", "start")
    assert "office-8.0: 2 of 2 done" in epstudy("reports", "fetch", report, "--wait")
    assert begun(counted) == 2


def test_a_report_whose_pool_is_stopped_begins_anew_and_that_counts_as_no_try(
    own_store: str, tmp_path: Path, counted: Path
) -> None:
    report = queued(slow(tmp_path, counted, seconds=3), tmp_path / "page.html")
    for count in (1, 2, 3):
        until(lambda count=count: begun(counted) == count)
        pool = processes_of(own_store)
        assert private_pool.stop(Settings.load())
        assert alive(pool) == []
        store = Store(own_store)
        assert store.attempts(store.reports.request(report).key) == []
        epstudy("pool", "start")
    epstudy("reports", "fetch", report, "--wait")
    assert begun(counted) == 4


@pytest.mark.parametrize("removed", ["", "work"], ids=["all", "some"])
def test_a_report_whose_folder_is_cleaned_away_is_begun_again_and_that_counts_as_no_try(
    own_store: str, tmp_path: Path, counted: Path, removed: str
) -> None:
    report = queued(slow(tmp_path, counted, seconds=3), tmp_path / "page.html")
    until(lambda: begun(counted))
    process = process_of(report)
    assert process is not None
    shutil.rmtree(Path(process.cmdline()[-1]) / removed)
    until(lambda: begun(counted) == 2)
    store = Store(own_store)
    assert [attempt.ended for attempt in store.attempts(store.reports.request(report).key)] == [""]
    assert "office-8.0: 2 of 2 done" in epstudy("reports", "fetch", report, "--wait")


def test_a_report_that_kills_its_process_is_tried_twice(own_store: str, tmp_path: Path, counted: Path) -> None:
    kill = (
        f"with open({str(counted)!r}, 'a') as file:\n    file.write('begun')\n"
        "import os\nwith open(f'/proc/{os.getppid()}/fd/2', 'a') as log:\n    log.write('x' * 10_000 + ' alas')\n"
        "os.kill(os.getppid(), 9)"
    )
    report = queued(written(tmp_path / "kills.ipynb", kill), tmp_path / "page.html")
    said = epstudy("reports", "fetch", report, "--wait", code=1)
    assert "Error: the report is not complete: its process crashed 2 times" in said
    assert said.rstrip().endswith("x alas")
    assert len(said) < 1000
    assert begun(counted) == 2
    assert not (tmp_path / "page.html").exists()
    until(lambda: not list(Path(own_store).glob("attempts/*/*")))


def test_a_report_is_cancelled_with_its_kernel_and_not_with_its_study(own_store: str, tmp_path: Path) -> None:
    variants = OFFICE.replace("[lpd, 10.0]", "[5 + i / 8 for i in range(12)]")
    notebook = written(tmp_path / "long.ipynb", variants, "import time\ntime.sleep(100)")
    running = queued(notebook, tmp_path / "running.html")
    waiting = queued(notebook, tmp_path / "waiting.html")
    until(lambda: "office-8.0" in ep.studies().index)
    process = process_of(running)
    assert process is not None
    kernels = process.children(recursive=True)
    assert kernels
    assert "under way" in epstudy("reports", "remove", running, code=1)
    assert "being cancelled" in epstudy("reports", "cancel", running)
    assert "cancelled" in epstudy("reports", "cancel", waiting)
    for report in (running, waiting):
        assert "it was cancelled" in epstudy("reports", "fetch", report, "--wait", code=1)
    assert alive([process, *kernels]) == []
    assert not (tmp_path / "running.html").exists()
    assert ep.Study.open("office-8.0").wait().progress().done == 12


def test_an_idle_pool_stays_for_a_report_and_ends_after_it(own_store: str, tmp_path: Path, counted: Path) -> None:
    report = queued(slow(tmp_path, counted, seconds=8), tmp_path / "page.html")  # it is idle for longer than 2 s
    until(lambda: begun(counted))
    pool = processes_of(own_store)
    store = Store(own_store)
    until(lambda: store.reports.end(report), 60)
    assert begun(counted) == 1
    until(lambda: alive(pool) == [], 30)
    assert "office-8.0: 2 of 2 done" in epstudy("reports", "fetch", report)


@pytest.fixture
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """Two workers that execute code, with a Redis of theirs."""
    started = Group(tmp_path_factory.mktemp("group"), workers=2)
    started.compose["services"]["worker"]["environment"] |= {"EPSTUDY_ALLOW_CODE": "1", "PYTHONPATH": str(ROOT)}
    try:
        started.up()
        yield started
    finally:
        started.kill()


def test_a_group_executes_a_report_once_also_when_redis_forgets_it(
    group: Group, tmp_path: Path, counted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group.configure(monkeypatch)
    monkeypatch.setenv("EPSTUDY_USER", "ann")
    report = queued(slow(tmp_path, counted, seconds=20), tmp_path / "page.html")
    until(lambda: begun(counted))
    url = Settings.load().broker_url()
    assert url is not None
    connect(url).flushall()
    said = epstudy("reports", "fetch", report, "--wait")
    assert "office-8.0: 2 of 2 done" in said
    assert begun(counted) == 1
    assert "<th>user</th><td>ann</td>" in (tmp_path / "page.html").read_text()
    assert ep.Study.open("office-8.0").provenance()["user"] == "ann"


def test_another_worker_of_the_group_executes_the_report_of_one_that_was_killed(
    group: Group, tmp_path: Path, counted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group.configure(monkeypatch)
    report = queued(slow(tmp_path, counted, seconds=5), tmp_path / "page.html")
    until(lambda: begun(counted))
    process = process_of(report)
    assert process is not None
    [worker] = [one for one in process.parents() if "worker" in one.cmdline()]
    below = [worker, *worker.children(recursive=True)]
    worker.kill()
    until(lambda: alive(below) == [], 5)
    assert "office-8.0: 2 of 2 done" in epstudy("reports", "fetch", report, "--wait")
    assert begun(counted) == 2


def test_workers_that_execute_no_code_get_no_report(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = Group(tmp_path_factory.mktemp("group"), workers=1)
    group.configure(monkeypatch)
    notebook = written(tmp_path / "office.ipynb", OFFICE)
    try:
        assert "no Redis answers" in queued(notebook, tmp_path / "page.html", code=1)
        group.up()
        said = queued(notebook, tmp_path / "page.html", code=2)
    finally:
        group.kill()
    assert "the workers of this pool execute no reports, since a notebook is code" in said
    assert not list(group.store.glob("reports/*"))


def test_a_wrong_request_is_one_clear_error(own_store: str, tmp_path: Path) -> None:
    notebook = written(tmp_path / "office.ipynb", OFFICE)
    page = tmp_path / "page.html"
    assert "--with nowhere.csv: there is no such file" in queued(notebook, page, "--with", "nowhere.csv", code=2)
    assert "is a folder; name its files" in queued(notebook, page, "--with", str(tmp_path), code=2)
    assert "is not in the notebook's folder" in queued(notebook, page, "--with", sys.executable, code=2)
    assert "printed where it is fetched" in queued(notebook, page, "--pdf", code=2)
    assert "cannot be queued; expected a finite number" in queued(notebook, page, "-p", "lpd=1e999", code=2)
    assert "--with is for --queue" in epstudy("report", str(notebook), "-o", str(page), "--with", str(notebook), code=2)
    for wrong in ("../../studies", "20261128-221530-a1b2c3"):
        said = epstudy("reports", "fetch", wrong, code=2)
        assert "no queued report" in said
        assert "Traceback" not in said
    assert "no queued report" in epstudy("reports", "remove", "20261128-221530-a1b2c3", code=2)
    assert "no queued report" in epstudy("reports", "cancel", "20261128-221530-a1b2c3", code=2)
    assert "no queued reports" in epstudy("reports")


def test_a_damaged_request_holds_up_no_other(own_store: str, tmp_path: Path) -> None:
    notebook = written(tmp_path / "office.ipynb", "print('here')")
    first = queued(notebook, tmp_path / "first.html")
    epstudy("reports", "fetch", first, "--wait")
    file = Path(own_store) / "reports" / first / "request.json"
    damaged = file.read_text().replace("office.ipynb", "palace.ipynb")
    file.write_text(damaged)
    (Path(own_store) / "asked" / first).write_text(json.loads(damaged.partition("\n")[2])["pool"])
    newer = Path(own_store) / "reports" / "20261128-221530-a1b2c3"
    newer.mkdir()
    said = json.loads(damaged.partition("\n")[2])
    (newer / "request.json").write_bytes(seal({**said, "identity": newer.name, "format": 2, "nice": 7}))
    (Path(own_store) / "asked" / newer.name).write_text(said["pool"])
    (Path(own_store) / "asked" / "20261128-221530-ffffff").mkdir()  # what cannot be read
    second = queued(notebook, tmp_path / "second.html")
    epstudy("reports", "fetch", second, "--wait")
    assert "queued by another version of epstudy" in epstudy("reports", "fetch", newer.name, code=1)
    assert "is damaged; epstudy reports remove" in epstudy("reports", "fetch", first, code=2)
    assert "is damaged" in epstudy("reports")
    epstudy("reports", "remove", first)

    [page] = (Path(own_store) / "reports" / second).glob("*.html")
    page.write_text(page.read_text().replace("here", "there"))
    third = queued(notebook, tmp_path / "third.html")
    epstudy("reports", "fetch", third, "--wait")
    (tmp_path / "third.html").unlink()
    said = epstudy("reports", "fetch", second, third, code=1)
    assert "is damaged or gone; queue the report again" in said
    assert (tmp_path / "third.html").exists(), "what is wrong with one stops no other"
    until(lambda: not Store(own_store).reports.is_asked(third))  # sooner it would just be executed again
    (Path(own_store) / "reports" / third / "end.json").write_text("{}")
    assert "has no end that can be read" in epstudy("reports", "fetch", third, "--wait", code=1)


def test_a_worker_that_stood_still_does_not_spoil_the_page_of_the_one_that_took_over(
    group: Group, tmp_path: Path, counted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    group.configure(monkeypatch)
    report = queued(slow(tmp_path, counted, seconds=20), tmp_path / "page.html")
    until(lambda: begun(counted))
    first = process_of(report)
    assert first is not None
    [worker] = [one for one in first.parents() if "worker" in one.cmdline()]
    worker.suspend()
    until(lambda: begun(counted) == 2, 60)
    until(lambda: not alive([first]), 60)
    until(lambda: process_of(report) is None, 60)
    worker.resume()
    assert "office-8.0: 2 of 2 done" in epstudy("reports", "fetch", report, "--wait")
    assert len(list((group.store / "reports" / report).glob("*.html"))) == 2, "both wrote their own"


def test_a_full_store_takes_a_report_when_it_has_room_again(
    tmp_path: Path, counted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "disk"
    store.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(store)], check=True)
    monkeypatch.setenv("EPSTUDY_STORE", str(store))
    monkeypatch.setenv("EPSTUDY_IDLE_S", "2")
    try:
        report = queued(slow(tmp_path, counted, seconds=3), tmp_path / "page.html")
        until(lambda: "office-8.0" in ep.studies().index and ep.Study.open("office-8.0").progress().done == 2, 60)
        fill(store / "filler")
        process = process_of(report)
        assert process is not None
        log = Path(process.cmdline()[-1]) / "log"
        until(lambda: "it is tried again" in log.read_text(), 60)
        assert "has not ended: running since" in epstudy("reports", "fetch", report, code=1)
        (store / "filler").unlink()
        assert "office-8.0: 2 of 2 done" in epstudy("reports", "fetch", report, "--wait")
        assert begun(counted) == 1
    finally:
        private_pool.stop(Settings.load())
        subprocess.run(["umount", str(store)], check=True)


def test_what_a_notebook_started_goes_with_its_report(own_store: str, tmp_path: Path) -> None:
    start = (
        "import subprocess\nfor own in (False, True):\n    subprocess.Popen(['sleep', '7773'], start_new_session=own)"
    )
    shell = "_ = subprocess.run('sleep 7773 &', shell=True)"
    ended = queued(written(tmp_path / "ends.ipynb", start, shell), tmp_path / "page.html")
    epstudy("reports", "fetch", ended, "--wait")
    until(lambda: sleepers() == [])
    stays = queued(
        written(tmp_path / "stays.ipynb", start, shell, "import time\ntime.sleep(60)"), tmp_path / "page.html"
    )
    until(lambda: len(sleepers()) == 3)
    epstudy("reports", "cancel", stays)
    epstudy("reports", "fetch", stays, "--wait", code=1)
    until(lambda: sleepers() == [])


def sleepers() -> list[psutil.Process]:
    seen = psutil.process_iter(["cmdline"])
    return alive([one for one in seen if one.info["cmdline"] == ["sleep", "7773"]])


def test_a_store_that_is_no_folder_has_reports_too(tmp_path: Path) -> None:
    store = Store(f"memory://{tmp_path.name}", cache=tmp_path / "cache")
    notebook = written(tmp_path / "office.ipynb", "print('here')")
    request = ReportRequest(
        identity="20261128-221530-a1b2c3",
        key="0" * 64,
        notebook="office.ipynb",
        inputs={"office.ipynb": store.put_input(notebook.read_bytes(), ".ipynb")},
        parameters={"lpd": "7.5"},
        page="page.html",
        code=True,
        allow_failures=False,
        user="ann",
        pool="group",
        asked_at="2026-11-28T22:15:30+00:00",
    )
    store.reports.put(request)
    execute_request(store, request, tmp_path / "folder")
    end = store.reports.end(request.identity)
    assert end is not None
    assert end.troubles == ()
    executed = nbformat.reads(store.reports.file(request.identity, end.files["page.ipynb"]).decode(), as_version=4)
    assert any("lpd = 7.5" in cell.source for cell in executed.cells)


def test_a_report_that_nobody_can_execute_is_refused_or_says_so(
    own_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = written(tmp_path / "office.ipynb", "import time\ntime.sleep(60)")
    monkeypatch.setenv("EPSTUDY_ALLOW_CODE", "0")
    assert "has the private pool execute no reports" in queued(notebook, tmp_path / "page.html", code=2)
    private_pool.stop(Settings.load())
    monkeypatch.delenv("EPSTUDY_ALLOW_CODE")
    report = queued(notebook, tmp_path / "page.html")
    private_pool.stop(Settings.load())
    with subprocess.Popen(
        [sys.executable, "-m", "epstudy", "reports", "fetch", report, "--wait"], stderr=subprocess.PIPE, text=True
    ) as waiting:
        assert waiting.stderr is not None
        told = [waiting.stderr.readline(), waiting.stderr.readline()]
        assert any("no worker is there that executes reports; epstudy pool start goes on" in line for line in told)
        assert "cancelled" in epstudy("reports", "cancel", report)
        assert waiting.wait() == 1
