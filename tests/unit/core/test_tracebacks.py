"""What a notebook shows of an error, executed as nbconvert and papermill execute one."""

from __future__ import annotations

import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

SETUP = """
import epstudy as ep
from epstudy.core.errors import InputError

def mine():
    return ep.Study("no good name", None, {})
"""
DAMAGED = """
from epstudy.settings import Settings
import epstudy.core.arguments as arguments
arguments.checked_causes("no such cause")
"""
INTERRUPTED = """
import _thread
import threading
threading.Timer(0.3, _thread.interrupt_main).start()
study = ep.Study("waited-for", ep.Function(slow), {"x": [1.0]})
study.run().wait()
"""


@pytest.fixture(scope="module")
def shown() -> list[str]:
    """What each of the cells shows as its error, without colours."""
    cells = [
        SETUP,
        "mine()",
        "%tb",
        "%xmode Verbose",
        "mine()",
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    mine()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one.strip()) for one in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    return [_text(cell) for cell in notebook.cells]


def _text(cell: NotebookNode) -> str:
    lines = [line for output in cell.outputs for line in [*output.get("traceback", ()), output.get("text", "")]]
    return re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(lines))


def test_an_error_of_epstudy_shows_the_users_lines_and_the_message(shown: list[str]) -> None:
    error = shown[1]
    assert "mine()" in error
    assert 'return ep.Study("no good name", None, {})' in error
    assert "InputError: " in error
    assert "site-packages" not in error
    assert "epstudy/" not in error
    assert len(error.splitlines()) <= 14


def test_the_whole_traceback_is_there_on_request(shown: list[str]) -> None:
    for asked in (shown[2], shown[4]):
        assert "make_plan" in asked
        assert len(asked.splitlines()) > 20


def test_plain_python_shows_its_own_traceback() -> None:
    command = [sys.executable, "-c", 'import epstudy as ep\nep.Study("no good name", None, {})']
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert said.startswith("Traceback (most recent call last):")
    assert "make_plan" in said
