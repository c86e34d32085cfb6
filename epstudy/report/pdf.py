"""The PDF of a report, printed by a Chromium of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from epstudy.core.errors import EpstudyError, InputError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
_LIMIT_S = 600


def find_chromium() -> str:
    """Return the path of a Chromium, or a browser made of it.

    Raises
    ------
    InputError
        When none is on PATH.
    """
    for name in _NAMES:
        path = shutil.which(name)
        if path:
            return path
    raise InputError(
        f"--pdf needs Chromium or Chrome on PATH ({', '.join(_NAMES)}), and none is there; without --pdf the page is "
        "written, and any browser prints it"
    )


def print_page(chromium: str, page: Path) -> bytes:
    """Return a page as PDF, by its print style sheet.

    Raises
    ------
    EpstudyError
        When the browser does not print it.
    """
    with tempfile.TemporaryDirectory(prefix="epstudy-pdf-") as folder:
        pdf = Path(folder) / "page.pdf"
        command = [
            *(chromium, "--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *(["--no-sandbox"] if _is_root() else []),  # as root, in a container, it does not start otherwise
            *(f"--user-data-dir={folder}/profile", f"--print-to-pdf={pdf}", page.absolute().as_uri()),
        ]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise EpstudyError(f"{chromium} did not print {page} within {_LIMIT_S} s") from error
        if not pdf.exists():
            said = ended.stderr.strip().splitlines()[-1:] or ["it says nothing"]
            raise EpstudyError(f"{chromium} did not print {page}: {said[0]}")
        return pdf.read_bytes()


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
