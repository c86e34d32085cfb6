"""What a saved panel shows where no widget runs: in an untrusted notebook, and in the page that nbconvert makes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
from playwright.sync_api import Browser

from epstudy.store import Store
from tests.browser.conftest import Open
from tests.browser.lab import Lab, until
from tests.browser.notebook import SCREENSHOTS, Notebook
from tests.browser.panels import PanelOf
from tests.browser.test_panel_grid import STUDY, kept

SNAPSHOT = rf"^{STUDY}: 24 of 24 done(.|\n)*24 done in \d+ min, ended (.|\n)*live again with ep\.Study\.open"


def saved(open_notebook: Open, store: str) -> Notebook:
    """A notebook that was saved while it showed a panel."""
    kept(Store(store))
    notebook = open_notebook(f'import epstudy as ep\nep.Study.open("{STUDY}")')
    notebook.run(0)
    PanelOf(notebook, 0).wait("24 of 24 ended")
    notebook.save()
    until(lambda: any("widget-view" in str(out) for out in notebook.saved().cells[0].outputs), "the file has the panel")
    return notebook


def test_an_untrusted_notebook_shows_the_snapshot_and_no_object(
    open_notebook: Open, browser: Browser, lab: Lab, session_store: str
) -> None:
    notebook = saved(open_notebook, session_store)
    untrusted = Notebook(browser, lab, f"{notebook.name}-of-somebody-else", [])
    content = notebook.saved()
    content.cells[0].source += "  # as it came by mail: signed by nobody here"
    nbformat.write(content, untrusted.file)
    untrusted.open()
    text = untrusted.wait_text(0, SNAPSHOT)
    assert "object at 0x" not in text
    assert "widget" not in text.lower()
    assert untrusted.page.evaluate("path => testNotebook.cell(path, 0).model.trusted", untrusted.path) is False
    untrusted.screenshot("untrusted")
    untrusted.close()


def test_the_page_that_nbconvert_makes_shows_the_snapshot_and_no_object(
    open_notebook: Open, browser: Browser, session_store: str, tmp_path: Path
) -> None:
    notebook = saved(open_notebook, session_store)
    page = tmp_path / "page.html"
    command = [sys.executable, "-m", "nbconvert", "--to", "html", str(notebook.file), "--output", str(page)]
    subprocess.run(command, check=True, capture_output=True)
    opened = browser.new_page(viewport={"width": 1280, "height": 900}, offline=True)  # as whoever got it by mail
    opened.goto(page.as_uri())
    shown = opened.locator(".jp-OutputArea")
    text = shown.inner_text()
    assert "24 of 24 done" in text
    assert re.search(r"24 done in \d+ min, ended", text)
    assert "object at 0x" not in opened.content()
    assert "the live panel of" not in text
    opened.screenshot(path=SCREENSHOTS / "nbconvert.png")
    opened.close()
