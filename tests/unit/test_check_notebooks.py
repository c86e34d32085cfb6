"""A notebook that holds results of a run is refused, and the cell is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import check_notebooks


def _code(source: str, *, outputs: Any = (), execution_count: int | None = None) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "source": source.splitlines(keepends=True),
        "outputs": list(outputs),
        "execution_count": execution_count,
    }


TITLE = {"cell_type": "markdown", "source": ["# How much?"]}
PRINTED = {"output_type": "stream", "name": "stdout", "text": ["9\n"]}


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    return tmp_path / "question.ipynb"


def _write(path: Path, *cells: dict[str, Any]) -> None:
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")


def test_a_notebook_without_results_passes(notebook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(notebook, TITLE, _code("study.run()"))
    assert check_notebooks.main([str(notebook)]) == 0
    assert capsys.readouterr() == ("", "")


def test_outputs_are_refused_with_notebook_and_cell(notebook: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _write(notebook, TITLE, _code("study.run()"), _code("print(9)\n", outputs=[PRINTED]))
    assert check_notebooks.main([str(notebook)]) == 1
    assert f"{notebook}: cell 3 (print(9)) has outputs\n" in capsys.readouterr().err


def test_an_execution_count_alone_is_refused(notebook: Path) -> None:
    _write(notebook, _code("x = 1\ny = 2", execution_count=7))
    assert check_notebooks.find_results(notebook) == [f"{notebook}: cell 1 (x = 1) has execution_count 7"]


def test_every_cell_with_results_is_named(notebook: Path) -> None:
    _write(notebook, _code("", outputs=[PRINTED], execution_count=1), TITLE, _code("x", execution_count=2))
    assert check_notebooks.find_results(notebook) == [
        f"{notebook}: cell 1 (empty) has outputs and execution_count 1",
        f"{notebook}: cell 3 (x) has execution_count 2",
    ]


@pytest.mark.parametrize("text", ["{", "[]", '{"worksheets": []}'])
def test_a_file_that_is_no_notebook_is_refused(notebook: Path, text: str) -> None:
    notebook.write_text(text, encoding="utf-8")
    assert check_notebooks.main([str(notebook)]) == 1


def test_an_executed_report_in_the_folder_is_left_alone_and_refused_in_a_commit(notebook: Path) -> None:
    _write(notebook, _code("study.run()"))
    said = json.loads(notebook.read_text(encoding="utf-8"))
    report = notebook.with_name("report.ipynb")
    cells = [_code("print(9)", outputs=[PRINTED])]
    report.write_text(json.dumps({**said, "cells": cells, "metadata": {"papermill": {}}}), encoding="utf-8")
    assert check_notebooks.committed_notebooks(notebook.parent) == [notebook]
    assert check_notebooks.main([str(report)]) == 1


def test_the_committed_notebooks_have_no_results() -> None:
    assert check_notebooks.committed_notebooks()
    assert check_notebooks.main([]) == 0
