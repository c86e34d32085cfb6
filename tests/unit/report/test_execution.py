"""What papermill takes for success is looked at again: a notebook that ended early."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from epstudy.report.execution import early_end


def cell(count: int | None, *, ename: str = "", tag: str = "", source: str = "study.wait()") -> Any:
    raised = [new_output("error", ename=ename, evalue="0", traceback=[])] if ename else []
    tags = [tag] if tag else []
    return new_code_cell(source, execution_count=count, outputs=raised, metadata={"tags": tags})


def notebook(*cells: Any) -> NotebookNode:
    return new_notebook(cells=list(cells))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([cell(1), cell(2)], ""),
        ([cell(1), cell(None, source=" \n"), cell(None, tag="skip-execution")], ""),
        (
            [cell(1), cell(2, ename="SystemExit"), cell(None)],
            "cell In [2]: SystemExit; the cells after it were not executed",
        ),
        ([cell(1, ename="SystemExit")], "cell In [1]: SystemExit"),
        ([cell(1, ename="SystemExit", tag="raises-exception"), cell(2)], ""),
        ([cell(1), cell(None)], "cell (study.wait()) was not executed"),
    ],
)
def test_a_cell_that_ends_the_notebook_with_sys_exit_is_an_error(cells: list[Any], said: str) -> None:
    assert early_end(notebook(*cells)) == said
