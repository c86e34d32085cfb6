"""Makes one report: executes its notebook, looks at its studies, and writes page and notebook, whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from epstudy.report.cells import Facts, add_cells
from epstudy.report.completeness import Ending, look_at
from epstudy.report.execution import execute
from epstudy.report.notebook import Source
from epstudy.report.page import make_page
from epstudy.report.paths import named, put_file
from epstudy.report.pdf import print_page
from epstudy.settings import Settings

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was made: its files, how its studies ended, and the cell that raised, with its error."""

    files: tuple[Path, ...]
    endings: tuple[Ending, ...]
    error: str
    seconds: float

    def troubles(self, *, allow_failures: bool = False) -> list[str]:
        """Return a line for everything because of which the report is not complete."""
        wrong = [one for one in self.endings if not one.complete and not (allow_failures and one.allowed)]
        return [*([self.error] if self.error else []), *map(str, wrong)]


def write_report(
    source: Source,
    page: Path,
    parameters: Mapping[str, Any],
    *,
    log: TextIO,
    code: bool = False,
    chromium: str | None = None,
    scratch: Path | None = None,
) -> Report:
    """Execute a notebook and write `page`, the executed notebook beside it, and with a `chromium` their PDF.

    A notebook that raises is written up to the cell that did; a study that is not complete is told below the title.
    What the notebook prints goes to `log` meanwhile; what lies around during that is in `scratch`.

    Raises
    ------
    EpstudyError
        When a file cannot be written, or the browser does not print the page.
    """
    at = datetime.now(UTC).isoformat(timespec="seconds")
    user = Settings.load().user
    execution = execute(source, parameters, log, scratch)
    endings = look_at(execution.studies)
    facts = Facts(source.path.name, source.digest, parameters, user, at, execution.seconds)
    add_cells(execution.notebook, facts, execution.error, endings)
    title = f"{source.title} ({named(parameters)})" if parameters else source.title
    files = _write(execution.notebook, source, title, page, code, chromium)
    return Report(files, tuple(endings), execution.error, execution.seconds)


def _write(
    notebook: NotebookNode, source: Source, title: str, page: Path, code: bool, chromium: str | None
) -> tuple[Path, ...]:
    import nbformat

    executed = page.with_suffix(".ipynb")
    notebook.metadata.setdefault("papermill", {}).update(input_path=source.path.name, output_path=executed.name)
    put_file(executed, nbformat.writes(notebook).encode())
    put_file(page, make_page(notebook, title, code=code).encode())
    if chromium is None:
        return page, executed
    pdf = page.with_suffix(".pdf")
    put_file(pdf, print_page(chromium, page))
    return page, executed, pdf
