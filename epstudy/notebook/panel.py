"""The panel: the live view of one study. Stepped by the ticker, shown as a snapshot and, where a page can, a widget."""

from __future__ import annotations

import logging
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from epstudy.core.glance import Mark
from epstudy.core.manifest import Manifest
from epstudy.notebook import view as views
from epstudy.notebook.answers import answer
from epstudy.notebook.frontend import FrontEnd, front_end, trouble_with_kernel
from epstudy.notebook.picture import BEAT_S, Picture, is_numeric
from epstudy.notebook.readings import shown
from epstudy.notebook.snapshot import broken, snapshot
from epstudy.notebook.source import Source
from epstudy.notebook.ticker import TICKER
from epstudy.results.rows import baseline_added
from epstudy.settings import Settings

if TYPE_CHECKING:
    from IPython.display import DisplayHandle

    from epstudy.notebook.widget import PanelWidget

log = logging.getLogger(__name__)

TICK_S = 0.5
_SLOWEST_S = 5.0
_SLOWER_AFTER_S = 20.0  # without a change; then ever slower
_SNAPSHOT_S = 10.0
_REBASED = 20_000  # bytes of changes after which all marks are sent again
_HEAVY_S = 2.0  # how often colours and points are sent at most
_LABELS = 20_000  # labels that are sent to the page; with more it asks for each variant that it shows
_HANDLES = 5  # snapshots that are kept up to date: those of the last cells that showed it
_COMES_UP_S = 5.0  # a page needs a moment to say that it shows it
_FINISH_S = 3.0  # how long the last look may read what it has not read yet
_FLEETING = ("age_s", "beat_s")


#: The panels of this kernel, by what they show: a cell that is run again finds the one that is there.
_PANELS: WeakValueDictionary[tuple[str, ...], Panel] = WeakValueDictionary()


def panel_of(settings: Settings, manifest: Manifest) -> Panel:
    """Return the panel of a study: the one that this kernel has of it, or a new one."""
    panel = known_panel(settings, manifest)
    if panel is None:
        panel = _PANELS[_which(settings, manifest)] = Panel(Source(settings, manifest), front_end(settings.ui))
    return panel


def known_panel(settings: Settings, manifest: Manifest) -> Panel | None:
    """Return the panel that this kernel has of a study; None when it has none."""
    return _PANELS.get(_which(settings, manifest))


def _which(settings: Settings, manifest: Manifest) -> tuple[str, ...]:
    return settings.store, settings.redis_url or "", manifest.study, manifest.digest


class Panel:
    """The live view of a study: what a study shows as the last line of a cell.

    `step` brings it up to date, `ask` has it do what its buttons do. It holds nothing that is not in store or pool.
    """

    def __init__(self, source: Source, front_end: FrontEnd) -> None:
        self._picture = Picture(source)
        self._manifest = source.manifest
        self._front_end = front_end
        self._asked: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._view: dict[str, Any] = {}
        self._base: NDArray[np.uint8] = self._picture.marks
        self._changed_at = self._told_at = time.monotonic()
        self._heavy_at = self._snapshot_at = self._displayed_at = -1e9
        self._is_behind = False  # whether colours and points are older than the view
        self._handles: deque[DisplayHandle] = deque(maxlen=_HANDLES)
        self._cell: int | None = None  # the run of a cell that showed it last
        self._broken = ""
        self._widget: PanelWidget | None = None
        self._one_at_a_time = threading.RLock()  # the ticker's thread, and that of a cell

    # what a cell shows ------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        return self._snapshot()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        with self._one_at_a_time:
            cell = _cell()
            if cell is not None and cell == self._cell:
                return  # this cell shows it already: `study.run().wait()`
            self._cell = cell
            self.step()
            if self._front_end is FrontEnd.NONE:
                print(repr(self))  # noqa: T201 - a terminal
                return
            handle = display(self._bundle(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
            if handle is not None:
                self._handles.append(handle)
            if self._front_end is FrontEnd.WIDGETS and trouble_with_kernel():
                print(trouble_with_kernel())  # noqa: T201 - a notebook
            elif self._front_end is FrontEnd.WIDGETS and not self._broken:
                self._displayed_at = time.monotonic()
                display(self.widget)  # type: ignore[no-untyped-call]
        self.wake()

    @property
    def is_live(self) -> bool:
        """Whether a page shows it live: it was just displayed, or the page says that it has it on view."""
        if self._widget is None or not self._handles:
            return False
        return time.monotonic() - self._displayed_at < _COMES_UP_S or bool(self._widget._view_count)

    @property
    def is_in_this_cell(self) -> bool:
        """Whether the cell that runs shows it."""
        return self._cell is not None and self._cell == _cell()

    @property
    def widget(self) -> PanelWidget:
        """The live half, made when it is first asked for."""
        with self._one_at_a_time:
            if self._widget is None:
                from epstudy.notebook.widget import PanelWidget

                view = self._seen()
                self._base = self._picture.marks
                self._widget = PanelWidget(
                    about=self._about(), levels=self._levels(), view=view, marks=self._base.tobytes(), _view_count=0
                )
                self._widget.hear_while_busy()
                self._widget.on_msg(lambda _widget, message, _buffers: self.ask(message))
            return self._widget

    # the steps --------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Have it followed (again) until the study ends."""
        self._changed_at = time.monotonic()
        TICKER.wake(self)

    def ask(self, message: Mapping[str, Any]) -> None:
        """Have the panel do what a button asks for, at its next step. Whoever calls it is not kept waiting."""
        self._asked.put(message)
        self.wake()

    def step(self) -> float | None:
        """Do what was asked, look, and show what has changed; return when to look again in seconds, None at the end."""
        with self._one_at_a_time:
            try:
                answered = self._answer()
                self._picture.look()
                self._broken = ""
                self._show(self._picture.view(), answered)
            except Exception as error:  # the other panels of the thread go on
                log.exception("the panel of study %s", self._manifest.study)
                self._break(error)
                return None
            return self._delay()

    def finish(self) -> None:
        """Bring it up to date now, the snapshot included: a report keeps what stands when its last cell has ended."""
        until = time.monotonic() + _FINISH_S
        self.step()
        while self._picture.readings.unread and time.monotonic() < until:
            self.step()
        with self._one_at_a_time:
            self._update(self._bundle())

    def _answer(self) -> bool:
        """Do all that was asked; whether there was anything."""
        found = False
        while not self._asked.empty():
            said = answer(self._picture, self._asked.get())
            found, self._heavy_at = True, -1e9  # whoever chose a column wants it now
            if self._widget is not None:
                self._widget.told = said
        return found

    def _delay(self) -> float | None:
        if self._picture.readings.unread or (self._is_behind and self._widget is not None):
            return TICK_S / 2
        if self._picture.ended:
            return None
        quiet_s = time.monotonic() - self._changed_at
        return min(max(TICK_S, TICK_S * quiet_s / _SLOWER_AFTER_S), _SLOWEST_S)

    def _show(self, view: dict[str, Any], answered: bool) -> None:
        """Show a view if it says something new, or the page has not heard of the kernel for a while."""
        now = time.monotonic()
        is_new = answered or _essence(view) != _essence(self._view)
        if is_new:
            self._changed_at = now
            self._is_behind = True
        elif now - self._told_at < BEAT_S:
            if self._widget is not None:
                self._send_heavy(self._widget)
            return
        self._told_at, self._view = now, view
        if self._widget is not None:
            self._send(self._widget, view)
        if self._handles and (view["ended"] or now - self._snapshot_at >= _SNAPSHOT_S):
            self._snapshot_at = now
            self._update(self._bundle())

    def _send(self, widget: PanelWidget, view: dict[str, Any]) -> None:
        """One message: the view, and of what is long only what has changed."""
        with widget.hold_sync():
            widget.view = view
            widget.beat += 1
            if not self._send_marks(widget):
                self._send_heavy(widget)

    def _send_marks(self, widget: PanelWidget) -> bool:
        """Send which marks differ from those that the page has, or all of them when those are many."""
        marks = self._picture.marks
        if len(self._base) == len(marks):
            differ = np.flatnonzero(self._base != marks)
            if 5 * len(differ) <= min(_REBASED, len(marks)):
                packed = np.zeros(len(differ), dtype=[("index", "<u4"), ("mark", "u1")])
                packed["index"], packed["mark"] = differ, marks[differ]
                widget.changes = packed.tobytes()
                return False
        self._base = marks
        widget.marks, widget.changes = marks.tobytes(), b""
        return True

    def _send_heavy(self, widget: PanelWidget) -> None:
        """Colours and points: not at every step, and not beside all marks."""
        if not self._is_behind or time.monotonic() - self._heavy_at < _HEAVY_S:
            return
        self._heavy_at, self._is_behind = time.monotonic(), False
        choice, readings = self._picture.chosen(), self._picture.readings
        with widget.hold_sync():
            widget.colours = views.colours(readings.column(choice.column))[0] if choice.colour else b""
            if choice.across and choice.up:
                x, y = self._picture.axis_values(choice.across), self._picture.axis_values(choice.up)
                widget.points, widget.binned = views.points(x, y)

    # what is shown ----------------------------------------------------------------------------------------------

    def _seen(self) -> dict[str, Any]:
        """The view, looked at once at least."""
        with self._one_at_a_time:
            if not self._view:
                self.step()
            return self._view

    def _about(self) -> dict[str, Any]:
        manifest = self._manifest
        few = sum(len(axis.labels) for axis in manifest.axes) <= _LABELS
        return {
            "study": manifest.study,
            "engine": manifest.engine,
            "build": str(manifest.recipe.get("build", "")),
            "parameters": [
                {
                    "name": axis.name,
                    "labels": [shown(one) for one in axis.labels] if few else [],
                    "numeric": is_numeric(axis.labels),
                }
                for axis in manifest.axes
            ],
            "varying": [manifest.axes[place].name for place in self._picture.varying],
            "grid": manifest.sampling == "grid",
            "baseline": manifest.baseline if manifest.baseline is not None and baseline_added(manifest) else -1,
            "units": dict(manifest.metrics),
            "private": self._picture.source.private,
            "attach": self._picture.source.attach,
            "command": self._picture.source.command,
            "marks": "".join(Mark),
        }

    def _levels(self) -> bytes:
        """For each parameter, which of its levels each variant has, as uint16; nothing where labels are not sent."""
        if sum(len(axis.labels) for axis in self._manifest.axes) > _LABELS:
            return b""
        return np.array(self._manifest.rows, dtype="<u2").T.tobytes()

    def _lines(self) -> list[str]:
        return views.lines(self._manifest.study, self._seen(), _now(), self._picture.source.attach)

    def _snapshot(self) -> str:
        above_a_live_one = self._front_end is FrontEnd.WIDGETS
        attach = self._picture.source.attach
        return snapshot(self._manifest.study, self._seen(), _now(), attach, hides_error=above_a_live_one)

    def _bundle(self) -> dict[str, str]:
        if self._broken:
            return {"text/html": broken(self._manifest.study, self._broken), "text/plain": self._broken}
        return {"text/html": self._snapshot(), "text/plain": "\n".join(self._lines())}

    def _update(self, bundle: dict[str, str]) -> None:
        for handle in self._handles:
            handle.update(bundle, raw=True)  # type: ignore[no-untyped-call]

    def _break(self, error: Exception) -> None:
        """Say that the panel is broken, where it is seen; the study is not concerned."""
        said = f"this panel stopped at an error of its own ({type(error).__name__}: {error}); the study goes on"
        self._broken = said
        if self._widget is not None:
            self._widget.view = {**self._widget.view, "note": said, "ended": True}
        self._update(self._bundle())


def _essence(view: Mapping[str, Any]) -> Any:
    """A view without what changes by the mere passing of time: the page counts that on by itself."""
    if not view:
        return None
    workers = [
        {
            **{name: value for name, value in one.items() if name != "beat_s"},
            "lanes": [lane and {k: v for k, v in lane.items() if k not in _FLEETING} for lane in one["lanes"]],
        }
        for one in view["workers"]
    ]
    pace = {
        **{name: view["pace"][name] for name in ("median_s", "ended_s")},
        "quiet": view["pace"]["quiet_s"] is not None,
    }
    return {**view, "workers": workers, "pace": pace, "curve": None}


def _cell() -> int | None:
    """Which run of a cell this is; None outside of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return None if shell is None else int(shell.execution_count)


def _now() -> datetime:
    return datetime.now().astimezone()
