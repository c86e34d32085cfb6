"""How a Progress is shown: a bar for a terminal, plain lines elsewhere, a static table for a notebook."""

from __future__ import annotations

import html
import sys
import time
from types import TracebackType
from typing import TextIO

from epstudy.core.outcome import Progress

_BAR = 30

#: The colours of the states, of Okabe and Ito's palette, which the colour-blind can tell apart; panel.js has the same.
COLOURS = {
    "done": "#0072b2",
    "failed": "#d55e00",
    "cancelled": "#7f7f7f",
    "running": "#e69f00",
    "pending": "#c9c9c9",
}


class ProgressLines:
    """Prints how a study goes on: a bar that is redrawn in a terminal, else one line each ten percent.

    Lines go where they can be read: a terminal's standard error, a notebook's or log's standard output.
    """

    def __init__(self, study: str, stream: TextIO | None = None, *, quiet: bool = False, says_end: bool = True) -> None:
        self._study = study
        self._quiet = quiet  # something else shows how it goes: a line that stays beside it would say what was
        self._says_end = says_end
        self._stream = stream or (sys.stderr if sys.stderr.isatty() else sys.stdout)
        self._bar = self._stream.isatty()
        self._shown = ""
        self._decile = -1
        self._paused = ""
        self._next = 0.0

    def __enter__(self) -> ProgressLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar and self._shown:
            self._write("\n")

    def show(self, progress: Progress) -> None:
        """Print `progress`, if there is something new to say."""
        if self._quiet and not (progress.complete and self._says_end):
            return
        if self._bar:
            self._redraw(progress)
        else:
            self._print(progress)

    def warn(self, text: str) -> None:
        """Print a line that stays above what is printed later; nothing where a panel says the same."""
        if self._quiet:
            return
        self._write(
            f"\r{f'{self._study}: {text}'.ljust(len(self._shown))}\n" if self._bar else f"{self._study}: {text}\n"
        )
        self._shown = ""

    def say(self, text: str) -> None:
        """Print a line besides, if there is a text."""
        if text:
            self._write(f"\n{self._study}: {text}" if self._bar else f"{self._study}: {text}\n")

    def _redraw(self, progress: Progress) -> None:
        if time.monotonic() < self._next and not progress.complete:
            return
        self._next = time.monotonic() + 0.2
        full = _BAR * progress.finished // max(progress.total, 1)
        line = f"{self._study} [{'#' * full}{'.' * (_BAR - full)}] {progress}"
        if line != self._shown:
            self._write("\r" + line.ljust(len(self._shown)))
            self._shown = line

    def _print(self, progress: Progress) -> None:
        decile = 10 * progress.finished // max(progress.total, 1)
        if decile != self._decile or progress.paused != self._paused:
            self._decile, self._paused = decile, progress.paused
            self._write(f"{self._study}: {progress}\n")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def tell(text: str) -> None:
    """Print a line where the lines of `ProgressLines` go."""
    stream = sys.stderr if sys.stderr.isatty() else sys.stdout
    stream.write(f"{text}\n")
    stream.flush()


def progress_html(study: str, progress: Progress) -> str:
    """Return a bar and the counts as HTML that needs no script and no style sheet."""
    counts = {name: getattr(progress, name) for name in COLOURS}
    parts = "".join(
        f"<span style='display:inline-block;height:10px;width:{100 * counts[name] / max(progress.total, 1):.2f}%;"
        f"background:{colour}' title='{counts[name]} {name}'></span>"
        for name, colour in COLOURS.items()
        if counts[name]
    )
    return (
        f"<div><b>{html.escape(study)}</b>: {html.escape(str(progress))}"
        f"<div style='width:100%;max-width:40em;line-height:0;white-space:nowrap'>{parts}</div></div>"
    )
