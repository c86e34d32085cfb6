"""The live view of a study in a notebook. The one room that knows widgets; it loads them when a panel is shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from epstudy.core.manifest import Manifest
from epstudy.core.tracebacks import shorten
from epstudy.notebook.frontend import FrontEnd, front_end
from epstudy.pool.progress import ProgressLines
from epstudy.settings import Settings

if TYPE_CHECKING:
    from epstudy.notebook.panel import Panel


def moved(settings: Settings, manifest: Manifest) -> None:
    """Have the panel of a study look at once, if this kernel shows one: something was asked of the study."""
    panel = _shown(settings, manifest)
    if panel is not None:
        panel.wake()


@contextmanager
def watched(settings: Settings, manifest: Manifest, *, silent: bool = False) -> Iterator[ProgressLines]:
    """While a study is waited for: lines to print to, and a panel where a page runs widgets, which makes them few.

    At the end, however it comes, the panel is brought up to date: what a report or a saved notebook keeps is the end.
    """
    panel = _shown(settings, manifest)
    if front_end(settings.ui) is FrontEnd.WIDGETS and not silent:
        from epstudy.notebook.panel import panel_of

        panel = panel_of(settings, manifest)
        if not panel.is_live:
            panel._ipython_display_()
    if panel is not None:
        panel.wake()
    try:
        is_live = panel is not None and panel.is_live
        says_end = panel is None or not panel.is_in_this_cell
        with ProgressLines(manifest.study, quiet=is_live, says_end=says_end) as lines:
            try:
                yield lines
            except KeyboardInterrupt as error:
                shorten(error)
                lines.say("not waited for any more; it goes on, and wait() follows it again")
                raise
    finally:
        if panel is not None:
            panel.finish()


def _shown(settings: Settings, manifest: Manifest) -> Panel | None:
    """The panel of a study, if this process has one."""
    if f"{__name__}.panel" not in sys.modules:
        return None
    from epstudy.notebook.panel import known_panel

    return known_panel(settings, manifest)
