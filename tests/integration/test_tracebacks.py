"""What a notebook shows when waiting for a study is interrupted, or comes to its limit: the user's line, no more."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
from nbclient import NotebookClient

import epstudy as ep

ROOT = Path(__file__).parents[2]

STUDY = """
import _thread
import threading
import epstudy as ep
from tests.support.offices import LPD, whole
study = ep.Study("waited-for", whole(), {"lpd": ep.Field(LPD, [6.0, 7.0, 8.0, 9.0])}).run()
"""
LIMITED = "study.wait(timeout=0.5)"
INTERRUPTED = """
threading.Timer(1.0, _thread.interrupt_main).start()
study.wait()
"""
PROBED = 'ep.Study("probed", whole(), {"lpd": ep.Field(LPD, [-6.0, -7.0])}).check(probe=True)'


def test_an_interrupt_and_a_limit_show_the_users_line_and_the_study_goes_on(own_store: str) -> None:
    cells = [nbformat.v4.new_code_cell(one.strip()) for one in (STUDY, LIMITED, INTERRUPTED, PROBED)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EPSTUDY_UI": "widgets"}
    NotebookClient(notebook, timeout=250, kernel_name="python3", allow_errors=True).execute(env=environment)
    limited, interrupted, probed = notebook.cells[1:]

    for cell, name, line in ((limited, "TimeoutError", LIMITED), (interrupted, "KeyboardInterrupt", "study.wait()")):
        [error] = [output for output in cell.outputs if output.output_type == "error"]
        shown = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(error.traceback)).splitlines()
        assert error.ename == name
        assert any(one.startswith("---->") and one.endswith(line) for one in shown)
        assert len(shown) <= 9, "\n".join(shown)
    lines = "".join(output.get("text", "") for output in interrupted.outputs)
    assert lines.splitlines() == ["waited-for: not waited for any more; it goes on, and wait() follows it again"]

    shown_by_the_probe = "".join(str(output.get("data", "")) for output in probed.outputs)
    assert "problems" in shown_by_the_probe
    assert "Study.open" not in shown_by_the_probe, "a probe is no study that can be opened"
    assert not ep.Study.open("waited-for", store=own_store).cancel().progress().failed
