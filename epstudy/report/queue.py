"""`epstudy report --queue` and `epstudy reports`: reports that the pool executes, and what came of them."""

from __future__ import annotations

import ast
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from epstudy.core.canonical import digest
from epstudy.core.errors import InputError
from epstudy.live import Live
from epstudy.report.command import ReportPlan
from epstudy.report.outputs import check_page, named, put_file, shown
from epstudy.report.pdf import find_chromium, print_page
from epstudy.settings import Settings
from epstudy.store import ReportEnd, ReportRequest, Store

if TYPE_CHECKING:
    import pandas as pd

_LOOK_S = 1.0
_STAY_S = 10.0  # a supervisor finds what is asked for sooner


def queue_reports(plan: ReportPlan, files: Sequence[str], *, code: bool, allow_failures: bool) -> list[str]:
    """Ask the pool of these settings for the reports of a command line; return their identities.

    `files` are sent along; each must be in the notebook's folder or below it.

    Raises
    ------
    InputError
        When a file cannot be sent along, or the workers of this pool execute no notebooks.
    PoolError
        When the private pool does not start, or no Redis answers; then nothing was queued.
    """
    from epstudy.workers.sweep import pool_name

    settings = Settings.load()
    store = Store(settings.store)
    live = Live(settings, store)
    live.begin(lambda _: None)  # before anything is asked for: a private pool is started
    _refuse_unable(live)
    inputs = _put_inputs(store, plan.source.path, files)
    asked = datetime.now(UTC)
    requests = [
        ReportRequest(
            identity=f"{asked:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
            key="",
            notebook=plan.source.path.name,
            inputs=inputs,
            parameters={name: _written(name, value) for name, value in parameters.items()},
            page=str(page),
            code=code,
            allow_failures=allow_failures,
            user=settings.user,
            pool=pool_name(private=live.private),
            asked_at=asked.isoformat(timespec="seconds"),
        )
        for page, parameters in plan.reports
    ]
    for request in requests:
        store.reports.put(replace(request, key=digest(asdict(request))))
    live.begin(lambda pool: pool.stay(_STAY_S))  # it may have ended since, for want of work
    return [request.identity for request in requests]


def _refuse_unable(live: Live) -> None:
    """A group's workers execute notebooks where they execute code from notebooks at all."""
    workers = [] if live.private else live.workers()
    if workers and not any(worker.get("reports") for worker in workers):
        raise InputError(
            "the workers of this pool execute no reports, since a notebook is code; have one of them set "
            "EPSTUDY_ALLOW_CODE=1, or leave out --queue"
        )


def _written(name: str, value: object) -> str:
    """A value as Python writes it, if that says it all."""
    try:
        if ast.literal_eval(repr(value)) == value:
            return repr(value)
    except ValueError:
        pass
    raise InputError(f"the parameter {name} is {value!r}, which cannot be queued; expected a finite number or a text")


def _put_inputs(store: Store, notebook: Path, files: Sequence[str]) -> dict[str, str]:
    """Keep the notebook and what goes with it; return their names in the store by their paths from its folder."""
    inputs = {notebook.name: store.put_input(notebook.read_bytes(), ".ipynb")}
    for file in files:
        path = Path(file).absolute()
        if not path.is_file():
            raise InputError(f"--with {file}: there is no such file")
        try:
            name = path.resolve().relative_to(notebook.parent.resolve()).as_posix()
        except ValueError:
            raise InputError(
                f"--with {file} is not in the notebook's folder, {notebook.parent}, where the report would look for it"
            ) from None
        if name != notebook.name:
            inputs[name] = store.put_input(path.read_bytes(), path.suffix)
    return inputs


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
    except InputError as error:
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
    return f"{identity}: {state_of(store, request)}"


def remove_report(identity: str) -> str:
    """Remove a report that has ended, or was never begun, with its page; return what to tell."""
    store = Store(Settings.load().store)
    if identity in store.reports.identities() and _is_under_way(store, identity):
        raise InputError(f"report {identity} is under way; epstudy reports cancel {identity} first")
    store.reports.remove(identity)
    return f"{identity}: removed"


def _is_under_way(store: Store, identity: str) -> bool:
    try:
        request = store.reports.request(identity)
    except InputError:
        return False  # it is damaged
    return store.reports.end(identity) is None and bool(store.attempts(request.key))


def fetch_reports(identities: Sequence[str], output: str | None, *, wait: bool, pdf: bool) -> bool:
    """Write page and notebook of each report to where they were asked for, or that of one to `output`.

    Returns whether all are complete.

    Raises
    ------
    InputError
        When there is no such report, one has not ended and nobody wants to `wait`, or a file cannot be written there.
    """
    if output is not None and len(identities) > 1:
        raise InputError(f"-o is the page of one report; {len(identities)} are fetched")
    store = Store(Settings.load().store)
    requests = [store.reports.request(identity) for identity in identities]
    chromium = find_chromium() if pdf else None
    complete = [_fetch(store, request, Path(output or request.page), chromium, wait=wait) for request in requests]
    return all(complete)


def _fetch(store: Store, request: ReportRequest, page: Path, chromium: str | None, *, wait: bool) -> bool:
    """Write what a report wrote, and tell what came of it; return whether it is complete."""
    end = _await_end(store, request) if wait else store.reports.end(request.identity)
    if end is None:
        said = f"report {request.identity} has not ended: {state_of(store, request)}; --wait waits for it"
        raise InputError(said)
    for line in end.lines:
        click.echo(line)
    if end.files:
        files = _write(store, request, end.files, check_page(page, page.with_suffix(".html")), chromium)
        click.echo(f"{', '.join(map(shown, files))}; it took {end.seconds:.0f} s")
    troubles = ["it was cancelled"] if end.state == "cancelled" else end.troubles
    if troubles:
        click.echo(f"Error: the report is not complete: {'; '.join(troubles)}", err=True)
    return not troubles


def _await_end(store: Store, request: ReportRequest) -> ReportEnd:
    said = ""
    while True:
        end = store.reports.end(request.identity)
        if end is not None:
            return end
        state = state_of(store, request)
        if state != said:
            said = state
            click.echo(f"{request.identity}: {state}", err=True)
        time.sleep(_LOOK_S)


def _write(
    store: Store, request: ReportRequest, digests: Mapping[str, str], page: Path, chromium: str | None
) -> list[Path]:
    files = []
    for name, expected in digests.items():
        path = page.with_suffix(Path(name).suffix)
        put_file(path, store.reports.file(request.identity, name, expected))
        files.append(path)
    if chromium is not None:
        pdf = page.with_suffix(".pdf")
        put_file(pdf, print_page(chromium, page))
        files.append(pdf)
    return files
