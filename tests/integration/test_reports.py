"""`epstudy report`: a notebook becomes a page, and says with its exit code whether its studies are complete."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import epstudy as ep
from epstudy.core.manifest import Axis, Manifest
from epstudy.core.outcome import Cause, Outcome, State
from epstudy.store import Store
from tests.integration.test_command_line import epstudy
from tests.support.offices import alive, processes_of, until

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "notebooks" / "report.ipynb"

OFFICE = """
from tests.support.offices import LPD, quick
import epstudy as ep
study = ep.Study(f"office-{lpd}", quick(), {"lpd": ep.Field(LPD, [lpd, 10.0])})
study.run(check=False)
"""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A notebook of two variants, of which one has the parameter `lpd`; it is waited for."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return written(tmp_path / "office.ipynb", OFFICE, "study.wait().results()")


def written(path: Path, *code: str, parameters: str = "lpd = 8.0") -> Path:
    cells: list[Any] = [new_markdown_cell("# How much light?")]
    cells += [new_code_cell(parameters, metadata={"tags": ["parameters"]}), *map(new_code_cell, code)]
    spec = {"name": "python3", "language": "python", "display_name": "Python 3 (ipykernel)"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), path)
    return path


def test_a_report_from_the_template_has_heading_figure_and_provenance(own_store: str, tmp_path: Path) -> None:
    page = tmp_path / "build" / "miami.html"
    said = epstudy("report", str(TEMPLATE), "-p", "city=miami", "-o", str(page))
    study = "cooling-of-small_office-in-miami-design-days"
    assert f"{study}: 9 of 9 done\n" in said
    assert len(re.findall(rf"^{study}: \d of 9 done, ", said, flags=re.MULTILINE)) > 3, "progress while it runs"
    text = page.read_text()
    assert "<h1>How much cooling do glass and lighting ask for?</h1>" in text
    assert "<strong>Miami</strong>" in text
    assert "data:image/png;base64," in text
    assert "25.2.0-cf7368216c" in text
    assert re.search(r"<th>weather</th><td>USA_FL_Miami\S*\.epw sha256 [0-9a-f]{64}</td>", text)
    assert "ep.Field(" not in text, "code is hidden"
    assert "application/vnd.jupyter.widget-view+json" not in text
    assert "https://" not in text.partition("</head>")[0], "the page needs nothing else"
    executed = json.loads(page.with_suffix(".ipynb").read_text())
    assert "Provenance" in "".join(executed["cells"][-1]["source"])
    assert sorted(path.name for path in page.parent.iterdir()) == ["miami.html", "miami.ipynb"]
    facts = ep.Study.open(study).provenance()
    assert facts["model"].startswith("RefBldgSmallOfficeNew2004_Chicago.idf sha256 ")
    assert (facts["variants"], facts["done"], facts["failed"], facts["from_earlier_runs"]) == (9, 9, 0, 0)
    assert 0 < facts["cpu_hours"] < 0.1


def test_a_study_that_is_not_complete_is_an_error_unless_failures_are_allowed(
    own_store: str, office: Path, tmp_path: Path
) -> None:
    command = ["report", str(office), "-p", "lpd=-1", "-o", str(tmp_path / "out.html")]
    said = epstudy(*command, code=1)
    assert "office--1: 1 of 2 done, 1 failed" in said
    assert re.search(r"^0 +-1\.0 +simulation +\S", said, flags=re.MULTILINE)
    assert "Error: the report is not complete: office--1: " in said
    assert "--allow-failures accepts that" in said
    page = (tmp_path / "out.html").read_text()
    assert "This report is not complete." in page
    assert "<td>0</td><td>-1.0</td><td>simulation</td>" in page

    allowed = epstudy(*command, "--allow-failures")
    assert "Error" not in allowed
    assert "This report is not complete." in (tmp_path / "out.html").read_text()

    opener = written(tmp_path / "opener.ipynb", 'import epstudy as ep\nep.Study.open("office--1").results()')
    said = epstudy("report", str(opener), "-o", str(tmp_path / "opened.html"), code=1)
    assert re.search(r"Error: .* office--1: 1 of 2 done.*, 1 failed", said), "a study that is only opened counts, too"


def test_a_report_a_row_shares_the_store_and_a_failing_one_stops_no_other(
    own_store: str, office: Path, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("lpd\n6\n-1\n7\n")
    out = str(tmp_path / "out" / "office-{lpd}.html")
    said = epstudy("report", str(office), "--for", str(tmp_path / "rows.csv"), "-o", out, code=1)
    summary = said[said.rindex("office-6.html  ") :].splitlines()
    assert summary[0] == "office-6.html  complete"
    assert re.search(r"office--1\.html  office--1: 1 of 2 done .*1 failed", summary[1])
    assert summary[2].endswith("office-7.html  complete")
    assert "office-7: 2 of 2 done (1 from the store)" in said
    names = [f"office-{lpd}.{kind}" for lpd in ("-1", "6", "7") for kind in ("html", "ipynb")]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    assert ep.Study.open("office-7").provenance()["from_earlier_runs"] == 1


def test_a_cell_that_raises_is_told_and_what_there_is_is_kept(own_store: str, tmp_path: Path) -> None:
    notebook = written(tmp_path / "broken.ipynb", "print('printed before')", "1 / 0", "print('printed after')")
    said = epstudy("report", str(notebook), "-o", str(tmp_path / "out.html"), code=1)
    assert "Error: the report is not complete: cell In [3] (1 / 0): ZeroDivisionError: division by zero" in said
    assert "Traceback" not in said
    page = (tmp_path / "out.html").read_text()
    assert "printed before" in page
    assert "printed after" not in page
    assert "ZeroDivisionError" in page
    assert "In [3] (1 / 0)" in page
    assert "It ran, opened and read no study." in page


def test_a_report_runs_in_this_python_and_in_the_folder_of_its_notebook(
    own_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "jupyter" / "kernels" / "python3"  # the user's own kernel of this name, of a Python that is gone
    other.mkdir(parents=True)
    (other / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "gone", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.setenv("EPSTUDY_STORE", "a-store")
    (tmp_path / "notebooks").mkdir()
    where = "print(sys.executable, os.getcwd(), Settings.load().store)"
    imports = "import os, sys; from epstudy.settings import Settings"
    written(tmp_path / "notebooks" / "where.ipynb", imports, where)
    said = epstudy("report", "notebooks/where.ipynb", "-o", "out.html", cwd=tmp_path)
    assert f"{sys.executable} {tmp_path / 'notebooks'} {tmp_path / 'a-store'}" in said
    assert (tmp_path / "out.html").exists()


def test_a_kernel_that_dies_is_told(own_store: str, tmp_path: Path) -> None:
    notebook = written(tmp_path / "dying.ipynb", "print('before')", "import os; os._exit(3)")
    said = epstudy("report", str(notebook), "-o", str(tmp_path / "out.html"), code=1)
    assert "the kernel died" in said
    assert "Traceback" not in said
    assert "before" in (tmp_path / "out.html").read_text()


def test_a_study_that_was_not_waited_for_is_not_complete(
    own_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    code = OFFICE.replace("run(check=False)", "run(); study.pause()")
    notebook = written(tmp_path / "hasty.ipynb", code)
    said = epstudy("report", str(notebook), "-o", str(tmp_path / "out.html"), "--allow-failures", code=1)
    assert "the notebook did not wait() for it" in said


def test_an_unknown_parameter_is_told_before_anything_runs(own_store: str, office: Path, tmp_path: Path) -> None:
    said = epstudy("report", str(office), "-p", "ldp=3", "-o", str(tmp_path / "out.html"), code=2)
    assert 'Error: -p sets "ldp" (did you mean "lpd"?); the parameters of office.ipynb are lpd = 8.0' in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == [office]
    assert alive(processes_of(own_store)) == []


def test_a_report_that_is_ended_leaves_no_kernel_and_no_files(
    own_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = written(
        tmp_path / "long.ipynb", "import os; print('kernel', os.getpid(), flush=True)", "import time; time.sleep(60)"
    )
    command = [sys.executable, "-m", "epstudy", "report", str(notebook), "-o", str(tmp_path / "out.html")]
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        kernel = int(next(line for line in process.stderr if line.startswith("kernel")).split()[1])
        process.terminate()
        process.wait()
    assert process.returncode != 0
    until(lambda: not psutil.pid_exists(kernel), 10)
    assert [path.name for path in tmp_path.iterdir()] == ["long.ipynb"], "neither a page nor a temporary file"


def test_a_notebook_that_ends_early_with_sys_exit_is_an_error(own_store: str, tmp_path: Path) -> None:
    notebook = written(tmp_path / "early.ipynb", "import sys; sys.exit()", "print('after')")
    said = epstudy("report", str(notebook), "-o", str(tmp_path / "out.html"), code=1)
    assert "Error: the report is not complete: cell In [2]: SystemExit; the cells after it were not executed" in said
    assert "SystemExit" in (tmp_path / "out.html").read_text()


def test_a_row_whose_failures_are_allowed_is_not_called_complete(own_store: str, tmp_path: Path) -> None:
    store = Store(own_store)
    store.put_outcome("a" * 64, Outcome(State.DONE))
    store.put_outcome("b" * 64, Outcome(State.FAILED, Cause.SIMULATION, "severe"))
    lpd = Axis(name="lpd", kind="field", targets=(), labels=(6, 8), values=(6, 8), edits=((), ()))
    store.put_manifest(Manifest("office", "energyplus", {}, (lpd,), ((0,), (1,)), ("a" * 64, "b" * 64), {}))
    notebook = written(tmp_path / "opener.ipynb", 'import epstudy as ep\nstudy = ep.Study.open("office")')
    (tmp_path / "rows.csv").write_text("lpd\n6\n7\n")
    command = ["report", str(notebook), "--for", str(tmp_path / "rows.csv"), "-o", str(tmp_path / "{lpd}.html")]
    said = epstudy(*command, "--allow-failures")
    assert re.search(r"^\S*6\.html  office: 1 of 2 done.*, 1 failed \(allowed\)$", said, flags=re.MULTILINE)
    assert ".html  complete" not in said


def test_what_breaks_one_report_is_told_in_one_line_and_stops_no_other(own_store: str, tmp_path: Path) -> None:
    notebook = written(tmp_path / os.fsdecode(b"M\xfcnchen.ipynb"), "print('here')")
    (tmp_path / "rows.csv").write_text("lpd\n6\n7\n")
    command = ["report", str(notebook), "--for", str(tmp_path / "rows.csv"), "-o", str(tmp_path / "{lpd}.html")]
    said = epstudy(*command, code=1)
    assert len(re.findall(r"^Error: .*\d\.html cannot be made: UnicodeEncodeError: .+$", said, flags=re.MULTILINE)) == 2
    assert "Traceback" not in said
