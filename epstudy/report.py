"""Reports: a notebook executed by papermill, and its HTML."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from epstudy.core.errors import EpstudyError, InputError


def execute(notebook: Path, folder: Path, parameters: dict[str, Any] | None = None) -> tuple[Path, Path]:
    """Execute `notebook` with papermill; return the executed notebook and its HTML, both in `folder`.

    Raises
    ------
    InputError
        When there is no such notebook.
    EpstudyError
        When a cell raises; the executed notebook is there, up to that cell.
    """
    import papermill
    from nbconvert import HTMLExporter
    from papermill.exceptions import PapermillExecutionError

    if not notebook.exists():
        raise InputError(f"there is no notebook {notebook}")
    folder.mkdir(parents=True, exist_ok=True)
    executed = folder / notebook.name
    try:
        papermill.execute_notebook(
            notebook,
            executed,
            parameters=parameters or {},
            kernel_name="python3",
            progress_bar=sys.stderr.isatty(),
        )
    except PapermillExecutionError as error:
        raise EpstudyError(f"{notebook.name}, cell {error.cell_index}: {error.ename}: {error.evalue}") from error
    page = executed.with_suffix(".html")
    page.write_text(HTMLExporter().from_filename(str(executed))[0], encoding="utf-8")
    return executed, page
