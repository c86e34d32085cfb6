"""Short tracebacks in IPython: the user's own lines and the message. `%tb` shows all, as plain Python does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

_PACKAGE = __name__.partition(".")[0]
_BETWEEN = ("IPython", "ipykernel", "asyncio", "nest_asyncio", "contextlib")  # what calls a cell, or wraps a method
_FRAMES_AND_LINES = 0, 2  # to leave out; around a line. IPython 8 and 9 name these arguments differently
_HINT = "(%tb shows the whole traceback)"
_SHOWN = "_epstudy_shown"


def render(error: BaseException) -> list[str]:
    """Return the lines that IPython shows of an error: what `_render_traceback_` is for.

    The first time these are the lines of the user's own code that led to epstudy, and the message. Asked again, as
    `%tb` does, or with `%xmode Verbose`, all frames and what the error came from.
    """
    formatter: Any = sys.modules["IPython"].get_ipython().InteractiveTB
    if getattr(error, _SHOWN, False) or formatter.mode == "Verbose":
        lines: list[str] = formatter.structured_traceback(type(error), error, error.__traceback__)
        return lines
    setattr(error, _SHOWN, True)
    own = _own_frames(error.__traceback__)
    if own is None:
        return [f"{type(error).__name__}: {error}", _HINT]
    with _without_origin(error):
        return [*formatter.structured_traceback(type(error), error, own, *_FRAMES_AND_LINES), _HINT]


def shorten(error: BaseException) -> None:
    """Have IPython show an error of Python's own, raised by epstudy or while it worked, as it shows epstudy's."""
    error._render_traceback_ = lambda: render(error)  # type: ignore[attr-defined]


@contextmanager
def brief_interrupts() -> Iterator[None]:
    """Have an interrupt of what is done here shown as short as epstudy's own errors."""
    try:
        yield
    except KeyboardInterrupt as error:
        shorten(error)
        raise


def _own_frames(trace: TracebackType | None) -> TracebackType | None:
    """The frames before epstudy's first one, without those of what runs the cell."""
    frames = []
    while trace is not None and _package(trace) != _PACKAGE:
        frames.append(trace)
        trace = trace.tb_next
    own: TracebackType | None = None
    for one in reversed(frames):
        if _package(one) not in _BETWEEN:
            own = TracebackType(own, one.tb_frame, one.tb_lasti, one.tb_lineno)
    return own


def _package(trace: TracebackType) -> str:
    return str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


@contextmanager
def _without_origin(error: BaseException) -> Iterator[None]:
    """Hide what an error came from."""
    cause, is_suppressed = error.__cause__, error.__suppress_context__
    error.__cause__ = None
    error.__suppress_context__ = True
    try:
        yield
    finally:
        error.__cause__ = cause
        error.__suppress_context__ = is_suppressed
