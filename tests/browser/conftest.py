"""Fixtures of the browser suite: one JupyterLab and one Chromium for all, a notebook for each test."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import running_browser
from tests.browser.lab import Lab, running_lab
from tests.browser.notebook import SCREENSHOTS, Notebook

ROOT = Path(__file__).parents[2]

_FAILED = pytest.StashKey[bool]()

Open = Callable[..., Notebook]
"""`open_notebook("source of a cell", "source of the next", ...)`: a Notebook whose kernel is idle."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Leave with the test whether it failed, for a last screenshot."""
    report = yield
    if call.when == "call":
        item.stash[_FAILED] = call.excinfo is not None
    return report


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium; each notebook gets a profile of its own in it."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with running_browser() as running:
        yield running


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, session_store: str) -> Iterator[Lab]:
    """JupyterLab; its kernels have the session's store, and find `tests` for the helpers of other suites."""
    environment = {
        "EPSTUDY_STORE": session_store,
        "EPSTUDY_IDLE_S": "600",  # one pool for all tests; it ends with the session
        "EPSTUDY_WORKERS": "2",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }
    with running_lab(tmp_path_factory.mktemp("lab") / "lab", environment) as running:
        yield running


@pytest.fixture
def open_notebook(request: pytest.FixtureRequest, browser: Browser, lab: Lab) -> Iterator[Open]:
    """Write a notebook of these cells and open it; it closes and its kernel ends with the test."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")
    opened: list[Notebook] = []

    def make(*cells: str) -> Notebook:
        suffix = f"-{chr(ord('a') + len(opened))}" if opened else ""
        opened.append(Notebook(browser, lab, name + suffix, cells))
        return opened[-1].open()

    yield make
    for notebook in opened:
        if request.node.stash.get(_FAILED, False):
            notebook.screenshot("failed")
        notebook.close()
