"""What looks at this process: a page that runs widgets, something that only keeps outputs, or nobody."""

from __future__ import annotations

import sys
from enum import StrEnum

import psutil

#: Programs that execute a notebook without a page: what they keep is HTML and text.
_HEADLESS = ("papermill", "nbconvert", "jupyter-nbconvert", "jupyter-execute", "jupyter-run", "pytest", "epstudy")


class FrontEnd(StrEnum):
    """Who sees what is displayed."""

    WIDGETS = "widgets"
    STATIC = "text"
    NONE = "none"


def front_end(wanted: str | None = None) -> FrontEnd:
    """Return who sees what is displayed; `wanted`, "widgets" or "text", is what the user said of a kernel.

    A kernel cannot see its front end. One that papermill, nbconvert or a test started has none that runs widgets; any
    other one is taken to have, and keeps a static snapshot beside in case it has not.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return FrontEnd.NONE
    if wanted:
        return FrontEnd(wanted)
    return FrontEnd.STATIC if _is_headless(_starter()) else FrontEnd.WIDGETS


def trouble_with_kernel() -> str:
    """Return why a panel would stand still in this kernel, and what to do; empty when it moves.

    ipykernel 7.0 keeps back whatever a thread sends to a widget.
    """
    ipykernel = sys.modules.get("ipykernel")
    version = str(getattr(ipykernel, "__version__", ""))
    if not version.startswith("7.0."):
        return ""
    return (
        f'ipykernel {version} does not show what moves: pip install --upgrade "ipykernel!=7.0.*" and restart the kernel'
    )


def _starter() -> list[str]:
    """The command line of the process that started this kernel."""
    try:
        parent = psutil.Process().parent()
        return [] if parent is None else parent.cmdline()
    except psutil.Error:
        return []


def _is_headless(command: list[str]) -> bool:
    """Whether a command is one of those that execute notebooks: by its program, script, or the module after -m."""
    words = [word.replace("\\", "/").rpartition("/")[2].removesuffix(".exe") for word in command[:3]]
    if words and words[0].startswith("python"):
        words = words[2:3] if words[1:2] == ["-m"] else words[1:2]
    return bool(words) and words[0] in _HEADLESS
