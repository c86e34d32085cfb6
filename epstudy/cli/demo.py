"""`epstudy demo`: the first notebook, executed, with its table printed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from epstudy.cli.examples import example_folder
from epstudy.core.errors import EpstudyError
from epstudy.pool import pool
from epstudy.report.notebook import read_source
from epstudy.report.paths import check_page
from epstudy.report.writing import write_report
from epstudy.settings import Settings
from epstudy.study import Study

NOTEBOOK = "01-first-study.ipynb"
STUDY = "lighting-and-glazing"


def run_demo(folder: Path) -> None:
    """Execute the notebook into `folder`, print its results and end the pool, if the demo started it."""
    settings = Settings.load()
    was_there = pool.is_running(settings)
    started = time.monotonic()
    source = read_source(example_folder() / NOTEBOOK)
    page = check_page(folder / Path(NOTEBOOK).with_suffix(".html"), source.path)
    made = write_report(source, page, {}, log=sys.stderr, code=True)
    if made.error:
        raise EpstudyError(f"{NOTEBOOK}, {made.error}")
    seconds = time.monotonic() - started
    study = Study.open(STUDY)
    frame = study.results()
    shown = [*frame.columns[: list(frame.columns).index("status") + 1]]
    shown += ["site_eui_kwh_m2", "heating_kwh", "cooling_kwh", "interior_lighting_kwh", "seconds"]
    click.echo(frame[shown].to_string(float_format=lambda number: f"{number:.2f}"))
    click.echo(f"\n{study.progress()}; {seconds:.0f} s with the notebook")
    page, executed = made.files
    click.echo(f"the executed notebook is {executed}, its page {page}; the results are in {settings.store}")
    if not was_there and settings.broker_url() is None:
        pool.stop_private(settings)
