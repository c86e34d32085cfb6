"""Executes the notebook of a report with papermill, in a kernel of this very Python."""

from __future__ import annotations

import contextlib
import copy
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import psutil

from epstudy.core.extras import require
from epstudy.notebook.journal import Noted, noted_studies
from epstudy.report.notebook import Source
from epstudy.settings import report_environment

if TYPE_CHECKING:
    from jupyter_client.manager import KernelManager
    from nbformat import NotebookNode

_START_S = 3600  # a kernel on a busy machine; one that dies is noticed at once


@dataclass(frozen=True)
class Execution:
    """A notebook that was executed, up to the cell that raised: `error` names cell and error, empty without one.

    `studies` are those that it ran or opened; `seconds` is how long it took.
    """

    notebook: NotebookNode
    error: str
    studies: tuple[Noted, ...]
    seconds: float


def execute(source: Source, parameters: Mapping[str, Any], log: TextIO, scratch: Path | None = None) -> Execution:
    """Execute a notebook in its own folder, as JupyterLab would; what it prints goes to `log` meanwhile.

    Its temporary files are in `scratch`; None is the system's folder for such.
    """
    require("ipykernel", "jupyter_client", "nbformat", "papermill")

    import nbformat
    import papermill
    from papermill.exceptions import PapermillExecutionError

    started = time.monotonic()
    error = ""
    with tempfile.TemporaryDirectory(prefix="epstudy-report-", dir=scratch) as folder:
        executed, studies, kernel = (Path(folder) / name for name in ("executed.ipynb", "studies", "kernel.json"))
        try:
            papermill.execute_notebook(
                copy.deepcopy(source.notebook),
                str(executed).replace("{", "{{").replace("}", "}}"),
                parameters=dict(parameters),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                start_timeout=_START_S,
                stdout_file=log,
                stderr_file=log,
                cwd=source.path.parent,
                kernel_manager_class=_kernel_of_this_python(report_environment(studies), kernel),
            )
        except PapermillExecutionError as raised:
            error = f"cell {_cell(raised)}: {raised.ename}: {raised.evalue}"
        except RuntimeError as died:  # nbclient's: the kernel died, or did not start
            error = f"the kernel died: {died}"
        finally:
            _end_kernel(kernel)
        notebook = nbformat.read(executed, as_version=4)
        error = error or early_end(notebook)
        return Execution(notebook, error, tuple(noted_studies(studies)), time.monotonic() - started)


def early_end(notebook: NotebookNode) -> str:
    """Return which cell ended an executed notebook with `sys.exit()`, which papermill takes for success; else nothing.

    Where none did and a cell has not run, return that.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    left = [cell for cell in code if cell.execution_count is None and not _has_tag(cell, "skip-execution")]
    for cell in code:
        ended = any(output.get("ename") == "SystemExit" for output in cell.outputs)
        if ended and not _has_tag(cell, "raises-exception"):
            after = "; the cells after it were not executed" if left else ""
            return f"cell In [{cell.execution_count}]: SystemExit{after}"
    return f"cell ({_first_line(left[0].source)}) was not executed" if left else ""


def _has_tag(cell: NotebookNode, tag: str) -> bool:
    return tag in cell.metadata.get("tags", [])


def _first_line(source: str) -> str:
    return source.strip().partition("\n")[0][:60]


def _cell(raised: Any) -> str:
    """A cell by its number, as a notebook shows it, and its first line."""
    return f"In [{raised.exec_count}] ({_first_line(str(raised.source))})"


def _end_kernel(connection: Path) -> None:
    """End a kernel that is left, as when a report is ended while it starts: it would write its file once more."""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if str(connection) in child.cmdline():
                child.kill()
                child.wait()


def _kernel_of_this_python(environment: Mapping[str, str], connection: Path) -> type[KernelManager]:
    """The manager of a kernel of this Python, whatever kernel "python3" the user has, with variables besides.

    `connection` is the file that says how to reach it, with its key. jupyter_client would put it into the system's
    temporary folder, and leave it there when a report is ended at the wrong moment.
    """
    from ipykernel.kernelspec import RESOURCES, get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import default

    spec = KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())
    spec.argv += ["--log-level=ERROR"]  # it would warn that it listens on this machine, as every kernel does
    spec.env = {name: value.replace("$", "$$") for name, value in environment.items()}  # jupyter_client's templates

    class ThisPython(AsyncKernelManager):
        @default("connection_file")
        def _connection_file_of_the_report(self) -> str:
            return str(connection)

        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

    return ThisPython
