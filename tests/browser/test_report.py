"""The page of a report in Chromium: it asks for nothing, fits the window and the sheet, and becomes a PDF."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser, Page

from epstudy.core.outcome import Progress
from epstudy.report.cells import Facts, add_cells
from epstudy.report.completeness import Ending
from epstudy.report.page import make_page
from epstudy.report.pdf import find_chromium, print_page
from tests.browser.notebook import SCREENSHOTS

SHEET = (673, 950)  # the inside of an A4 page with our margins, in the pixels of CSS
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
CUT = """
[...document.querySelectorAll('table, img, pre')]
  .filter(one => one.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
  .map(one => one.outerHTML.slice(0, 80))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A report with a figure, a table of twelve columns, one of eighty rows, failures and long digests."""
    notebook = new_notebook(cells=[new_markdown_cell("# How much light?"), *map(shown, (figure(), wide(), long()))])
    message = "** Severe ** Lights=" + "A_VERY_LONG_NAME_OF_AN_OBJECT" * 4 + ", is below zero"
    failures = pd.DataFrame(
        {"lpd": -1.0, "cause": "simulation", "message": message}, index=pd.Index([3], name="variant")
    )
    ending = Ending("office", "/srv/studies", Progress(9, 0, 0, 8, 1, 0, 0), failures, pd.Series({"keys": "f" * 64}))
    add_cells(notebook, Facts("office.ipynb", "0" * 64, {"lpd": 8.0}, "ann", "2026-11-28", 3.0), "", [ending])
    path = tmp_path / "report.html"
    path.write_text(make_page(notebook, "How much light?", code=False), encoding="utf-8")
    return path


def shown(data: dict[str, str]) -> NotebookNode:
    return new_code_cell("...", outputs=[new_output("display_data", data=data)])


def figure() -> dict[str, str]:
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    picture = io.BytesIO()
    plt.subplots(figsize=(12, 4))[0].savefig(picture, format="png")
    plt.close("all")
    return {"image/png": base64.b64encode(picture.getvalue()).decode()}


def wide() -> dict[str, str]:
    names = [f"interior_lighting_{number}_kwh" for number in range(12)]
    return {"text/html": pd.DataFrame(np.full((9, 12), 12345.678901), columns=names).to_html()}


def long() -> dict[str, str]:
    return {"text/html": pd.DataFrame({"value": range(80)}).to_html()}


@pytest.fixture
def page(browser: Browser, path: Path) -> Iterator[Page]:
    """The report, open; it must have asked for nothing but itself."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(path.as_uri())
    yield opened
    opened.close()
    assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]


@pytest.mark.parametrize("width", [1280, 800, 400])
def test_a_report_fits_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.screenshot(path=SCREENSHOTS / f"report-{width}.png", full_page=True)
    assert page.evaluate(OVERFLOW) <= 0


def test_nothing_of_a_report_is_cut_on_a_sheet(page: Page) -> None:
    page.emulate_media(media="print")
    page.set_viewport_size({"width": SHEET[0], "height": SHEET[1]})
    page.screenshot(path=SCREENSHOTS / "report-print.png", full_page=True)
    assert page.evaluate(CUT) == []


def test_a_report_becomes_a_pdf_of_some_sheets(path: Path) -> None:
    pdf = print_page(find_chromium(), path)
    (SCREENSHOTS / "report.pdf").write_bytes(pdf)
    assert pdf.startswith(b"%PDF-")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 8
