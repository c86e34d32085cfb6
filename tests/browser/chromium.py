"""The Chromium of this machine, without a window and without a word to the outside."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-color-profile=srgb",
)


def find() -> str:
    """Return the path of an installed Chromium or Chrome."""
    for name in _NAMES:
        path = shutil.which(name)
        if path:
            return path
    raise RuntimeError(f"none of {', '.join(_NAMES)} is on PATH; on Debian: apt-get install chromium fonts-dejavu-core")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Start Chromium with an empty profile; it ends with the block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find(),
            headless=True,
            chromium_sandbox=False,  # it does not start as root, as in CI, otherwise
            args=list(_OPTIONS),
        )
        try:
            yield browser
        finally:
            browser.close()
