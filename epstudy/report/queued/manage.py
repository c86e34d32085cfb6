"""`epstudy reports`: what became of the reports that a pool executes; each is fetched, cancelled or removed."""

from __future__ import annotations

import ast
import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from epstudy.core.errors import EpstudyError, InputError, StoreError
from epstudy.pool.client import Live
from epstudy.report.paths import check_page, named, put_file, shown
from epstudy.report.pdf import find_chromium, print_page
from epstudy.settings import Settings
from epstudy.store import ReportEnd, ReportRequest, Store

if TYPE_CHECKING:
    import pandas as pd

_LOOK_S = 1.0
_ASK_EVERY = 5  # looks


def list_reports() -> pd.DataFrame:
    """Return the queued reports of the store, one row each, the oldest first."""
    import pandas as pd

    store = Store(Settings.load().store)
    rows = [_row(store, identity) for identity in store.reports.identities()]
    columns = ["report", "notebook", "parameters", "state", "user", "asked"]
    return pd.DataFrame(rows, columns=columns).set_index("report")


def _row(store: Store, identity: str) -> dict[str, Any]:
    try:
        request = store.reports.request(identity)
    except (InputError, StoreError) as error:
        return {"report": identity, "state": str(error)}
    return {
        "report": identity,
        "notebook": request.notebook,
        "parameters": named(parameters_of(request)),
        "state": state_of(store, request),
        "user": request.user,
        "asked": request.asked_at,
    }


def parameters_of(request: ReportRequest) -> dict[str, Any]:
    """Return the parameters that were given."""
    return {name: ast.literal_eval(written) for name, written in request.parameters.items()}


def state_of(store: Store, request: ReportRequest) -> str:
    """Return how far a report is, in a few words."""
    end = store.reports.end(request.identity)
    if end is not None:
        return "cancelled" if end.state == "cancelled" else "not complete" if end.troubles else "complete"
    if not store.reports.is_asked(request.identity):
        return "its end is gone or damaged"
    attempts = store.attempts(request.key)
    begun = bool(attempts) and not attempts[-1].ended
    if store.reports.is_cancelled(request.identity):
        return "being cancelled"
    return f"running since {attempts[-1].started}" if begun else "waiting"


def cancel_report(identity: str) -> str:
    """Have a report that has not ended be ended; return what to tell. Its studies go on."""
    store = Store(Settings.load().store)
    request = store.reports.request(identity)
    if store.reports.end(identity) is None:
        store.reports.cancel(identity)
        if not store.attempts(request.key):  # nobody has begun, and perhaps nobody is there to end it
            store.reports.put_end(identity, ReportEnd("cancelled"))
    return f"{identity}: {state_of(store, request)}"


def remove_report(identity: str) -> str:
    """Remove a report that has ended, was cancelled or never begun, with its page; return what to tell."""
    store = Store(Settings.load().store)
    if not store.reports.is_there(identity):
        store.reports.request(identity)  # says which there are
    with contextlib.suppress(InputError, StoreError):  # of one that cannot be read, what there is goes
        request = store.reports.request(identity)
        unended = store.reports.end(identity) is None and not store.reports.is_cancelled(identity)
        if unended and store.attempts(request.key):
            raise EpstudyError(f"report {identity} is under way; epstudy reports cancel {identity} first")
        store.forget_attempts([request.key])
    store.reports.remove(identity)
    return f"{identity}: removed"


def fetch_reports(identities: Sequence[str], output: str | None, *, wait: bool, pdf: bool) -> bool:
    """Write page and notebook of each report to where they were asked for, or that of one to `output`.

    Returns whether all are complete; what is wrong with one is told, and stops no other.

    Raises
    ------
    InputError
        When there is no such report, or its page cannot be written there.
    """
    if output is not None and len(identities) > 1:
        raise InputError(f"-o is the page of one report; {len(identities)} are fetched")
    store = Store(Settings.load().store)
    requests = [store.reports.request(identity) for identity in identities]
    pages = [_checked_page(output or request.page) for request in requests]
    chromium = find_chromium() if pdf else None
    complete = True
    for request, page in zip(requests, pages, strict=True):
        try:
            complete = _fetch(store, request, page, chromium, wait=wait) and complete
        except EpstudyError as error:
            click.echo(f"Error: {error}", err=True)
            complete = False
    return complete


def _checked_page(page: str) -> Path:
    """A page that may be written, beside whatever notebook but one that is no report: none is executed here."""
    return check_page(Path(page), Path(page).with_suffix(".html"))


def _fetch(store: Store, request: ReportRequest, page: Path, chromium: str | None, *, wait: bool) -> bool:
    """Write what a report wrote, and tell what came of it; return whether it is complete."""
    end = _await_end(store, request) if wait else store.reports.end(request.identity)
    if end is None:
        raise EpstudyError(f"report {request.identity} has not ended: {state_of(store, request)}; --wait waits for it")
    for line in end.lines:
        click.echo(line)
    if end.files:
        files = _write(store, request, end.files, page, chromium)
        click.echo(f"{', '.join(map(shown, files))}; it took {end.seconds:.0f} s")
    troubles = ["it was cancelled"] if end.state == "cancelled" else end.troubles
    if troubles:
        click.echo(f"Error: the report is not complete: {'; '.join(troubles)}", err=True)
    return not troubles


def _await_end(store: Store, request: ReportRequest) -> ReportEnd:
    """Return what came of a report when it has ended; tell meanwhile how far it is, and when nobody is there for it."""
    live = Live(Settings.load(), store)
    said: set[str] = set()
    looks = 0
    while True:
        end = store.reports.end(request.identity)
        if end is not None:
            return end
        if not store.reports.is_asked(request.identity) and store.reports.end(request.identity) is None:
            raise EpstudyError(
                f"report {request.identity} has no end that can be read, and nobody executes it; "
                f"epstudy reports remove {request.identity}, and queue it again"
            )
        lines = {f"{request.identity}: {state_of(store, request)}"}
        looks += 1
        if looks % _ASK_EVERY == 0 and not any(worker.get("reports") for worker in live.workers()):
            cure = "epstudy pool start goes on" if live.private else "it waits for one with EPSTUDY_ALLOW_CODE=1"
            lines.add(f"no worker is there that executes reports; {cure}")
        for line in lines - said:
            click.echo(line, err=True)
        said |= lines
        time.sleep(_LOOK_S)


def _write(
    store: Store, request: ReportRequest, names: Mapping[str, str], page: Path, chromium: str | None
) -> list[Path]:
    files = []
    for kept in names.values():
        path = page.with_suffix(Path(kept).suffix)
        put_file(path, store.reports.file(request.identity, kept))
        files.append(path)
    if chromium is not None:
        pdf = page.with_suffix(".pdf")
        put_file(pdf, print_page(chromium, page))
        files.append(pdf)
    return files
