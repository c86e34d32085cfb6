"""The page of a report needs nothing else, shows code when asked, and says below its title what is not complete."""

from __future__ import annotations

import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from epstudy.core.outcome import Progress
from epstudy.report.cells import Facts, add_cells, failures_text
from epstudy.report.completeness import Ending
from epstudy.report.page import make_page

FACTS = Facts("question.ipynb", "0" * 64, {"city": "<chicago>"}, "ann", "2026-11-28T12:00:00+00:00", 3.0)


@pytest.fixture
def notebook() -> NotebookNode:
    printed = [new_output("stream", name="stdout", text="printed\n")]
    return new_notebook(
        cells=[
            new_markdown_cell("# How much?"),
            new_code_cell("secret = 1", outputs=printed),
            new_code_cell("noisy()", outputs=printed, metadata={"tags": ["remove-output"]}),
        ]
    )


def progress(done: int, failed: int = 0, cancelled: int = 0, total: int = 40) -> Progress:
    return Progress(total, total - done - failed - cancelled, 0, done, failed, cancelled, 0)


def failing(count: int) -> Ending:
    frame = pd.DataFrame(
        {"lpd": 6.0, "cause": "simulation", "message": "Severe <b>", "attempts": 1},
        index=pd.RangeIndex(count, name="variant"),
    )
    return Ending("office", "store", progress(40 - count, count), frame)


def test_code_is_hidden_unless_it_is_asked_for(notebook: NotebookNode) -> None:
    hidden, shown = (make_page(notebook, "How much?", code=code) for code in (False, True))
    assert "secret" not in hidden
    assert "secret" in shown
    assert hidden.count("printed") == 1, "an output with the tag remove-output is left out"
    assert "<title>How much?</title>" in hidden


def test_a_page_loads_nothing_but_formulas(notebook: NotebookNode) -> None:
    page = make_page(notebook, "How much?", code=True)
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page
    notebook.cells.append(new_markdown_cell("The Carnot factor is $1 - T_0 / T$."))
    assert "MathJax" in make_page(notebook, "How much?", code=True)


def test_a_page_is_ready_for_print(notebook: NotebookNode) -> None:
    page = make_page(notebook, "How much?", code=False)
    assert "size: A4" in page
    assert "break-inside: avoid" in page


def test_a_complete_report_ends_with_its_provenance(notebook: NotebookNode) -> None:
    facts = pd.Series({"study": "office", "seed": 7, "python": "3"}, dtype=object)
    add_cells(notebook, FACTS, "", [Ending("office", "store", progress(40), provenance=facts)])
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code", "markdown"]
    page = make_page(notebook, "How much?", code=False)
    assert "not complete" not in page
    assert "<th>parameters</th><td>city=&lt;chicago&gt;</td>" in page
    assert "<th>seed</th><td>7</td>" in page
    assert page.count("<th>python</th>") == 1


def test_failures_stand_below_the_title(notebook: NotebookNode) -> None:
    add_cells(notebook, FACTS, "", [failing(35)])
    notice = notebook.cells[1].source
    assert "This report is not complete" in notice
    assert "office: 5 of 40 done, 35 failed" in notice
    assert notice.count("Severe &lt;b&gt;") == 30
    assert "and 5 more; ep.Study.open(&quot;office&quot;).failures() has all" in notice


def test_a_cell_that_raised_is_told_below_the_title(notebook: NotebookNode) -> None:
    add_cells(notebook, FACTS, "cell In [2] (1/0): ZeroDivisionError: division by zero", [])
    assert "ZeroDivisionError" in notebook.cells[1].source
    assert "It ran, opened and read no study." in notebook.cells[-1].source


def test_a_message_of_several_paragraphs_stays_in_its_place(notebook: NotebookNode) -> None:
    add_cells(notebook, FACTS, "cell In [2]: CheckError: 2 problems:\n\n    - $HOME\n    - $PATH", [])
    page = make_page(notebook, "How much?", code=False)
    assert "CheckError: 2 problems:<br/><br/>    - $HOME<br/>    - $PATH</a>" in page
    assert "MathJax" not in page


@pytest.mark.parametrize("end", ["\r\r", "\r\n\r\n", "\u2028\n", "\x0b\x0c"])
def test_a_message_with_carriage_returns_does_not_become_markdown(notebook: NotebookNode, end: str) -> None:
    add_cells(notebook, FACTS, f"cell In [2]: Error: first{end}# second", [])
    page = make_page(notebook, "How much?", code=False)
    assert "Error: first<br/><br/># second</a>" in page.replace("<br>", "<br/>")


def test_a_table_of_failures_for_a_terminal_is_short() -> None:
    said = failures_text(failing(31))
    assert len(said.splitlines()) == 1 + 1 + 30 + 1  # columns, name of the index, rows, what is left out
    assert said.endswith('and 1 more; ep.Study.open("office").failures() has all')
    assert failures_text(Ending("office", "store", progress(40))) == ""


@pytest.mark.parametrize(
    ("ending", "complete", "allowed"),
    [
        (Ending("a", "s", progress(40)), True, True),
        (failing(2), False, True),
        (Ending("a", "s", progress(39, cancelled=1)), False, True),
        (Ending("a", "s", progress(39)), False, False),
        (Ending("a", "s", trouble="gone"), False, False),
    ],
)
def test_failures_can_be_allowed_and_what_has_not_ended_cannot(ending: Ending, complete: bool, allowed: bool) -> None:
    assert (ending.complete, ending.allowed) == (complete, allowed)
    assert ("did not wait()" in str(ending)) is (not allowed and not ending.trouble)
