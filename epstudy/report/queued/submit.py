"""`epstudy report --queue`: reports that the pool is to execute."""

from __future__ import annotations

import ast
import os
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from epstudy.core.canonical import digest
from epstudy.core.errors import InputError
from epstudy.pool.client import Live
from epstudy.report.command import ReportPlan
from epstudy.settings import Settings
from epstudy.store import ReportRequest, Store

_STAY_S = 10.0  # a supervisor finds what is asked for sooner


def queue_reports(plan: ReportPlan, files: Sequence[str], *, code: bool, allow_failures: bool) -> Iterator[str]:
    """Ask the pool of these settings for the reports of a command line; yield the identity of each that is queued.

    `files` are sent along; each must be in the notebook's folder or below it.

    Raises
    ------
    InputError
        When a file cannot be sent along, or the workers of this pool execute no notebooks.
    PoolError
        When the private pool does not start, or no Redis answers; then nothing was queued.
    """
    from epstudy.pool.supervisor.reconcile import pool_name

    settings = Settings.load()
    parameters = [{name: _written(name, value) for name, value in one.items()} for _, one in plan.reports]
    named_files = _named_files(plan.source.path, files)
    live = Live(settings, Store(settings.store), say=_note)
    live.begin(lambda _: None)  # before anything is asked for: a private pool is started
    _refuse_unable(live, settings)
    store = Store(settings.store)
    asked = datetime.now(UTC)
    request = ReportRequest(
        identity="",
        key="",
        notebook=plan.source.path.name,
        inputs={name: store.put_input(path.read_bytes(), path.suffix) for name, path in named_files.items()},
        parameters={},
        page="",
        code=code,
        allow_failures=allow_failures,
        user=settings.user,
        pool=pool_name(private=live.private),
        asked_at=asked.isoformat(timespec="seconds"),
    )
    token = secrets.token_hex(3)
    for number, (page, _) in enumerate(plan.reports, start=1):
        one = replace(request, page=str(page), parameters=parameters[number - 1])
        place = f"-{number:0{len(str(len(plan.reports)))}d}" if len(plan.reports) > 1 else ""
        yield _put(store, one, f"{asked:%Y%m%d-%H%M%S}", token, place)
    live.begin(lambda pool: pool.stay(_STAY_S))  # it may have ended since, for want of work


def _put(store: Store, request: ReportRequest, at: str, token: str, place: str) -> str:
    """Queue a report, and return its name: with this token, so that those of one command are in their order."""
    while True:
        named_one = replace(request, identity=f"{at}-{token}{place}")
        if store.reports.put(replace(named_one, key=digest(asdict(named_one)))):
            return named_one.identity
        token = secrets.token_hex(3)  # somebody else's has that name


def _note(text: str) -> None:
    """Print a line where it is not among the names of the reports, which scripts read."""
    click.echo(text, err=True)


def _refuse_unable(live: Live, settings: Settings) -> None:
    """Workers execute notebooks where they execute code from notebooks at all."""
    workers = live.workers()
    if any(worker.get("reports") for worker in workers):
        return
    if live.private and settings.allow_code is False:
        raise InputError("EPSTUDY_ALLOW_CODE=0 has the private pool execute no reports; unset it, or leave out --queue")
    if any("reports" not in worker for worker in workers):
        cure = "epstudy pool stop ends it" if live.private else "have them updated, or leave out --queue"
        raise InputError(f"the workers of this pool have an earlier epstudy, which executes no reports; {cure}")
    if any(worker.get("allow_code") for worker in workers):
        raise InputError(
            "the workers of this pool execute no reports, since they have a plain epstudy; have one of them installed "
            'with pip install "epstudy[lab]", or leave out --queue'
        )
    if workers:
        raise InputError(
            "the workers of this pool execute no reports, since a notebook is code; have one of them set "
            "EPSTUDY_ALLOW_CODE=1, or leave out --queue"
        )
    if not live.private:
        _note("no worker answers in this pool (yet); the report waits for one")


def _written(name: str, value: object) -> str:
    """A value as Python writes it, if that says it all."""
    try:
        if ast.literal_eval(repr(value)) == value:
            return repr(value)
    except ValueError:
        pass
    raise InputError(f"the parameter {name} is {value!r}, which cannot be queued; expected a finite number or a text")


def _named_files(notebook: Path, files: Sequence[str]) -> dict[str, Path]:
    """The notebook and what goes with it, by their paths from its folder."""
    found = {notebook.name: notebook}
    for file in files:
        path = Path(os.path.normpath(Path(file).absolute()))
        if not path.is_file():
            kind = "is a folder; name its files" if path.is_dir() else "there is no such file"
            raise InputError(f"--with {file}: {kind}")
        try:
            name = path.relative_to(os.path.normpath(notebook.parent.absolute())).as_posix()
            name.encode()
        except UnicodeEncodeError:
            raise InputError(f"--with {file!r}: its name is no text") from None
        except ValueError:
            raise InputError(
                f"--with {file} is not in the notebook's folder, {notebook.parent}, where the report would look for it"
            ) from None
        found[name] = path
    return found
