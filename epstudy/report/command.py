"""`epstudy report`: one report, or one a row, checked before anything runs, told on the terminal."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from epstudy.core.errors import EpstudyError, InputError
from epstudy.report.cells import failures_text
from epstudy.report.completeness import Ending
from epstudy.report.notebook import Source, read_source
from epstudy.report.parameters import check_names, read_assignments, typed_values
from epstudy.report.paths import check_page, named, page_names, shown
from epstudy.report.pdf import find_chromium
from epstudy.report.rows import read_rows
from epstudy.report.writing import Report, write_report


@dataclass(frozen=True)
class ReportPlan:
    """What a command line asks for: a notebook, and the page and parameters of each report."""

    source: Source
    reports: tuple[tuple[Path, dict[str, Any]], ...]
    chromium: str | None


def plan_reports(
    notebook: Path, assignments: Sequence[str], table: Path | None, output: str, *, pdf: bool
) -> ReportPlan:
    """Return the reports of a command line, with everything checked that can be before one is begun.

    A cell of the table that is empty leaves the notebook's own value.

    Raises
    ------
    InputError
        When an argument is wrong; the message says what was expected.
    """
    source = read_source(notebook)
    texts = read_assignments(assignments)
    check_names(source, texts, "-p")
    chromium = find_chromium() if pdf else None
    if table is None:
        page = check_page(Path(output), source.path)
        return ReportPlan(source, ((page, typed_values(source, texts)),), chromium)
    rows = read_rows(table)
    check_names(source, rows[0], str(table))
    twice = [name for name in rows[0] if name in texts]
    if twice:
        raise InputError(f'parameter "{twice[0]}" is set by -p and is a column of {table}; leave one out')
    pages = [check_page(page, source.path) for page in page_names(output, rows)]
    values = [
        typed_values(source, {**texts, **{name: text for name, text in row.items() if text}}, f"{table}, row {number},")
        for number, row in enumerate(rows, start=1)
    ]
    return ReportPlan(source, tuple(zip(pages, values, strict=True)), chromium)


def run_reports(plan: ReportPlan, *, code: bool, allow_failures: bool) -> bool:
    """Make the reports one after another, telling how it goes; return whether all of them are complete.

    One that fails does not stop the others.
    """
    lines = []
    complete = True
    with _orderly_end():
        for number, (page, parameters) in enumerate(plan.reports, start=1):
            if len(plan.reports) > 1:
                click.echo(f"report {number} of {len(plan.reports)}: {named(parameters)}", err=True)
            wrong, allowed = _run(plan, page, parameters, code, allow_failures)
            complete = complete and not wrong
            said = "; ".join(text.partition("\n")[0] for text in wrong or allowed)
            lines.append(f"{shown(page)}  {said or 'complete'}")
    if len(lines) > 1:
        click.echo("\n".join(lines))
    return complete


@contextmanager
def _orderly_end() -> Iterator[None]:
    """SIGTERM, as from `timeout` or a machine that goes down, ends the kernel too, and leaves no files."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(
    plan: ReportPlan, page: Path, parameters: dict[str, Any], code: bool, allow_failures: bool
) -> tuple[list[str], list[str]]:
    """Make one report and tell what came of it; return what is wrong with it, and what is and was allowed."""
    try:
        report = write_report(plan.source, page, parameters, log=sys.stderr, code=code, chromium=plan.chromium)
    except EpstudyError as error:
        click.echo(f"Error: {error}", err=True)
        return [str(error)], []
    except Exception as error:  # noqa: BLE001  # whatever one report breaks, the others are made
        said = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        click.echo(f"Error: {shown(page)} cannot be made: {said}", err=True)
        return [said], []
    for line in told(report.endings):
        click.echo(line)
    click.echo(f"{', '.join(map(shown, report.files))} in {report.seconds:.0f} s")
    wrong = report.troubles(allow_failures=allow_failures)
    if wrong:
        click.echo(f"Error: the report is not complete: {'; '.join(wrong)}{_hint(report, allow_failures)}", err=True)
    return wrong, [] if wrong else [f"{trouble} (allowed)" for trouble in report.troubles()]


def told(endings: Sequence[Ending]) -> list[str]:
    """Return what a terminal is told of the studies of a report: how far each is, and a table of what failed."""
    return [text for ending in endings for text in (str(ending), failures_text(ending)) if text]


def _hint(report: Report, allow_failures: bool) -> str:
    """What lets failures pass, where that is all there is."""
    passes = not allow_failures and not report.troubles(allow_failures=True)
    return "; --allow-failures accepts that" if passes else ""
