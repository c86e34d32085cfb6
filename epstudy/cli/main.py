"""The command line.

`epstudy demo | notebooks | report | reports | doctor | worker | pool | studies | status | cancel | pause | resume |
clean`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

import epstudy
from epstudy.core.errors import EpstudyError, InputError
from epstudy.settings import MOST_SLOTS, Settings

_CLEAN_AFTER_DAYS = 30.0


class _ArgumentError(click.ClickException):
    """An argument is wrong, and nothing was begun."""

    exit_code = 2


@contextmanager
def _told(
    kind: type[click.ClickException] = click.ClickException, errors: type[EpstudyError] = EpstudyError
) -> Iterator[None]:
    """Our own errors are told in one line, without a traceback."""
    try:
        yield
    except errors as error:
        raise kind(str(error)) from error


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(epstudy.__version__)
def main() -> None:
    """Parametric studies of building-energy models."""


@main.command()
@click.option("-o", "--output", "folder", default="build/demo", show_default=True, help="Folder of notebook and HTML.")
def demo(folder: str) -> None:
    """Run the first study: nine annual variants of a small office in Chicago."""
    from epstudy.cli.demo import run_demo

    with _told():
        run_demo(Path(folder))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--overwrite", is_flag=True, help="Replace files that are there and differ.")
def notebooks(folder: Path, overwrite: bool) -> None:
    """Copy the notebooks that come with epstudy into FOLDER, to read, run and change."""
    from epstudy.cli.examples import copy_examples

    with _told(_ArgumentError):
        for line in copy_examples(folder, overwrite=overwrite):
            click.echo(line)


@main.command()
@click.argument("notebook")
@click.option("-p", "--parameter", "assignments", multiple=True, metavar="NAME=VALUE", help="Set a parameter; repeat.")
@click.option("--for", "table", metavar="CSV", help="One report a row; the columns are parameters.")
@click.option("-o", "--output", required=True, metavar="HTML", help='The page; with --for as "build/{column}.html".')
@click.option("--code", is_flag=True, help="Show the code, too.")
@click.option("--pdf", is_flag=True, help="Print the page to a PDF beside it, with a Chromium on PATH.")
@click.option("--allow-failures", is_flag=True, help="Exit with 0 also when variants failed or were cancelled.")
@click.option("--queue", is_flag=True, help="Have the pool execute it; `epstudy reports` says what came of it.")
@click.option("--with", "files", multiple=True, metavar="FILE", help="A file that the notebook reads; with --queue.")
def report(  # one argument each
    notebook: str,
    assignments: tuple[str, ...],
    table: str | None,
    output: str,
    code: bool,
    pdf: bool,
    allow_failures: bool,
    queue: bool,
    files: tuple[str, ...],
) -> None:
    """Execute NOTEBOOK and write its page, and the executed notebook beside it.

    Exits with 1 when a cell raises or a study of the report is not complete, with 2 when nothing was begun because an
    argument is wrong.
    """
    from epstudy.report.command import plan_reports, run_reports

    with _told(_ArgumentError):
        if queue and pdf:
            raise InputError("--pdf is for `epstudy reports fetch`: a queued report is printed where it is fetched")
        if files and not queue:
            raise InputError("--with is for --queue: without it the notebook has all files that it has in JupyterLab")
        plan = plan_reports(Path(notebook), assignments, None if table is None else Path(table), output, pdf=pdf)
    if queue:
        from epstudy.report.queued.submit import queue_reports

        with _told(), _told(_ArgumentError, InputError):
            for identity in queue_reports(plan, files, code=code, allow_failures=allow_failures):
                click.echo(identity)
        return
    with _told():
        if not run_reports(plan, code=code, allow_failures=allow_failures):
            sys.exit(1)


@main.group(invoke_without_command=True)
@click.pass_context
def reports(context: click.Context) -> None:
    """List the queued reports of the store; fetch, cancel or remove one."""
    if context.invoked_subcommand is None:
        from epstudy.report.queued.manage import list_reports

        with _told():
            frame = list_reports()
            click.echo(frame.to_string() if len(frame) else f"no queued reports in {Settings.load().store}")


@reports.command()
@click.argument("identities", nargs=-1, required=True, metavar="REPORT...")
@click.option("-o", "--output", metavar="HTML", help="The page; default: as when it was queued.")
@click.option("--wait", is_flag=True, help="Wait until it has ended.")
@click.option("--pdf", is_flag=True, help="Print the page to a PDF beside it, with a Chromium on PATH.")
def fetch(identities: tuple[str, ...], output: str | None, wait: bool, pdf: bool) -> None:
    """Write page and notebook of queued reports; exits with 1 when one is not complete, or has not ended."""
    from epstudy.report.queued.manage import fetch_reports

    with _told(), _told(_ArgumentError, InputError):
        if not fetch_reports(identities, output, wait=wait, pdf=pdf):
            sys.exit(1)


@reports.command("cancel")
@click.argument("identity", metavar="REPORT")
def cancel_queued(identity: str) -> None:
    """End a queued report; its studies go on."""
    from epstudy.report.queued.manage import cancel_report

    with _told(), _told(_ArgumentError, InputError):
        click.echo(cancel_report(identity))


@reports.command("remove")
@click.argument("identity", metavar="REPORT")
def remove_queued(identity: str) -> None:
    """Remove a queued report that is not under way, and its page, from the store."""
    from epstudy.report.queued.manage import remove_report

    with _told(), _told(_ArgumentError, InputError):
        click.echo(remove_report(identity))


@main.command()
@click.argument("name", required=False)
def doctor(name: str | None) -> None:
    """Say what was found, and what to do about what was not; with NAME, whether this study is whole."""
    from epstudy.cli.doctor import findings, study_findings

    with _told():
        found = findings(Settings.load()) if name is None else study_findings(name)
    for finding in found:
        click.echo(f"{finding.mark:4} {finding.what:12} {finding.text}")
        if finding.remedy:
            click.echo(f"{'':17} -> {finding.remedy}")
    if any(finding.mark == "no" for finding in found):
        sys.exit(1)


@main.command()
@click.option("--slots", type=click.IntRange(1, MOST_SLOTS), help="Simulations at once; default: the physical cores.")
def worker(slots: int | None) -> None:
    """Be a worker of the group's pool (EPSTUDY_REDIS_URL, EPSTUDY_STORE) until Ctrl-C or SIGTERM."""
    from epstudy.pool.supervisor.supervisor import run_worker

    with _told():
        run_worker(Settings.load(workers=slots))


@main.group()
def pool() -> None:
    """The private pool of this user and store."""


@pool.command()
@click.option("--workers", type=click.IntRange(1, MOST_SLOTS), help="Simulations at once; default: the physical cores.")
def start(workers: int | None) -> None:
    """Start the private pool; `study.run()` does it by itself. One that runs gets the number of workers."""
    from epstudy.pool.pool import start_private

    with _told():
        click.echo(start_private(Settings.load(workers=workers), workers, lambda text: click.echo(text, err=True)))


@pool.command()
def stop() -> None:
    """End the private pool, running simulations included; what is stored stays."""
    from epstudy.pool import private_pool

    with _told():
        click.echo("ended" if private_pool.stop(Settings.load()) else "there was none")


@pool.command("status")
def pool_status() -> None:
    """Show the pool: workers, and the studies that are not finished."""
    from epstudy.pool.pool import describe

    with _told():
        for line in describe(Settings.load()):
            click.echo(line)


@main.command()
def studies() -> None:
    """List the studies of the store."""
    with _told():
        frame = epstudy.studies()
        click.echo(frame.to_string() if len(frame) else f"no studies in {Settings.load().store}")


@main.command()
@click.argument("name")
def status(name: str) -> None:
    """Show how far a study is, and why variants failed."""
    with _told():
        study = epstudy.Study.open(name)
        click.echo(f"{name}: {study.progress()}")
        for group in study.failures(by="message").to_dict("records"):
            click.echo(f"{group['variants']} failed ({group['cause']}): {group['message']}")


@main.command()
@click.argument("name")
def cancel(name: str) -> None:
    """Stop a study: what is done stays."""
    with _told():
        click.echo(f"{name}: {epstudy.Study.open(name).cancel().progress()}")


@main.command()
@click.argument("name")
def pause(name: str) -> None:
    """Begin nothing more of a study; what runs is finished."""
    with _told():
        click.echo(f"{name}: {epstudy.Study.open(name).pause().progress()}")


@main.command()
@click.argument("name")
def resume(name: str) -> None:
    """Go on with a study that was paused."""
    with _told():
        click.echo(f"{name}: {epstudy.Study.open(name).resume().progress()}")


@main.command()
@click.option("--after", type=float, metavar="DAYS", help="[default: EPSTUDY_CLEAN_AFTER_DAYS, else 30]")
@click.option(
    "--forget", multiple=True, metavar="NAME", help="Forget a study, then its results are no study's; repeat."
)
@click.option("--forget-older", type=float, metavar="DAYS", help="Forget each study that was not run for so long.")
@click.option("--dry-run", is_flag=True, help="Change nothing, tell what would be done.")
def clean(after: float | None, forget: tuple[str, ...], forget_older: float | None, dry_run: bool) -> None:
    """Remove results and inputs that no study of the store refers to.

    They are noted when they are first seen, and removed by a clean that finds them still so DAYS later.
    """
    from epstudy.store import Store

    with _told():
        settings = Settings.load(clean_after_days=after)
        after_days = _CLEAN_AFTER_DAYS if settings.clean_after_days is None else settings.clean_after_days
        store = Store(settings.store)
        cleaned = store.clean(after_days=after_days, forget=forget, forget_older_days=forget_older, dry=dry_run)
    for line in cleaned.lines():
        click.echo(line)


if __name__ == "__main__":
    main()
