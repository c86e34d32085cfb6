"""What is known of a study at this moment: looks at the pool and into the store, and composes the view of it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epstudy.core.errors import StoreError
from epstudy.core.glance import Glance, Mark
from epstudy.core.pace import Pace, pace
from epstudy.notebook import view as views
from epstudy.notebook.readings import Readings
from epstudy.notebook.source import Source

BEAT_S = 5.0  # how often the page is told that the kernel lives, at least
_STORED_S = 5.0  # how often the names in the store are read while no pool says how the study is
_READ_S = 0.02  # of a look, for what ends meanwhile
_CATCH_UP_S = 0.1  # when there is much to be read: a study that is opened, or a column of a large one
_MUCH = 100
_CURVE = 40  # points of the curve
_CURVE_S = 3.0  # seconds between two

_TELLING = ("site_eui_kwh_m2", "site_energy_kwh", "peak_electricity_w")  # the results that say most
_TELLING_NOTHING = ("seconds",)  # of the machine, not of the building
_TELLING_LITTLE = (
    "warnings",
    "severe_errors",
    "warmup_converged",
    "floor_area_m2",
)  # taken only when there is nothing else
_LEFT = (Mark.PENDING, Mark.QUEUED, Mark.RUNNING)
_CLOCKS_S = 2.0  # between the clock of a worker and that of the store
_NO_QUEUE = {"mine": 0, "others": 0, "studies": [], "my_slots": 0, "theirs": 0, "slots": 0}


class Picture:
    """A study as a panel sees it: `look` brings it up to date, `view` says it. Nothing is shown here."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.manifest = source.manifest
        self.readings = Readings(self.manifest, source.outcome)
        self.marks: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)
        self.ended = False
        self.varying = views.varying(self.readings.rows)
        self._note = ""
        self._is_another = False  # whether the study's name stands for another grid by now
        self._choice = views.Choice(column="")
        self._lanes = views.Lanes()
        self._glance: Glance | None = None
        self._stored_at = -1e9
        self._manifest_mark = source.mark()
        self._begun_s: float | None = None
        self._begun_of = ""  # the counts for which that was asked
        self._curve: deque[tuple[float, float]] = deque(maxlen=_CURVE)

    def look(self) -> None:
        """Ask the pool, and read a little in the store. One that cannot be read now is told, and read later."""
        try:
            self._look()
            self._note = self._with_troubles(self._why_not())
        except StoreError as error:
            self._note = str(error)

    def _look(self) -> None:
        known = "" if self._glance is None else self._glance.known
        glance = self.source.glance(known)
        marks = self.marks
        if glance is not None:
            self._is_another = False  # run again
            if glance.marks is not None and len(glance.marks) == len(self.manifest):
                marks = np.frombuffer(glance.marks, dtype=np.uint8)
        elif time.monotonic() - self._stored_at > _STORED_S or not len(marks):
            self._stored_at = time.monotonic()
            mark = self.source.mark()
            self._is_another = mark != self._manifest_mark and self.source.is_another()
            if not self._is_another:
                self.source.mend()
            marks = np.frombuffer(self.source.stored_marks(), dtype=np.uint8)
        self._glance = glance
        self._mind_begin()
        if marks is not self.marks:
            self.marks = marks
            self.readings.follow(marks)
        newest = [] if glance is None else [one.index for one in glance.ended[: views.ROWS] if not one.failed]
        budget_s = _CATCH_UP_S if self.readings.unread > _MUCH else _READ_S
        self.readings.read(budget_s, first=newest)

    def view(self) -> dict[str, Any]:
        """Return what a panel shows, as plain JSON."""
        glance, readings, choice = self._glance, self.readings, self.chosen()
        counts = self._counts()
        left = counts["waiting"] + counts["running"]
        self.ended = not left or self._is_another
        halted = bool(glance is None or glance.halt or glance.cancelled or self.source.trouble)
        how = Pace() if glance is None or not left or halted else _pace_of(glance, counts["waiting"])
        self._mind_curve(how)
        values = readings.column(choice.column)
        known = values[np.isfinite(values)]
        newest = [] if glance is None else [one.index for one in glance.ended if not one.failed][: views.ROWS]
        return {
            "counts": counts,
            "total": len(self.manifest),
            "ended": self.ended,
            "note": self._note,
            "paused": bool(glance is not None and glance.halt and left),
            "another": self._is_another,
            "away": glance is None and bool(left),
            "pace": {**views.pace_fields(how), **self._times(counts)},
            "curve": [rate for _, rate in self._curve],
            "workers": [] if glance is None else views.workers(self.manifest, glance, self._lanes),
            "queue": views.queue(glance) if glance is not None else _NO_QUEUE,
            "failures": views.failures(readings.failures()),
            "groups": readings.group_count,
            "read": {"done": readings.results_read, "failed": readings.failures_read, "unread": readings.unread},
            "choice": {
                "column": choice.column,
                "unit": self.manifest.metrics.get(choice.column, ""),
                "colour": choice.colour,
                "highest": choice.highest,
                "across": choice.across,
                "up": choice.up,
                "without": self._without(choice),
                "low": None if not len(known) else views.number(float(known.min())),
                "high": None if not len(known) else views.number(float(known.max())),
            },
            "columns": self._columns(),
            "varying": [self.manifest.axes[place].name for place in self.varying],
            "latest": [views.row(self.manifest, self.varying, index, float(values[index])) for index in newest],
            "best": [
                views.row(self.manifest, self.varying, index, float(values[index]))
                for index in (views.best(values, highest=choice.highest) if readings.wanted else [])
            ],
            "beat_s": BEAT_S,
        }

    def _times(self, counts: Mapping[str, int]) -> dict[str, float | None]:
        """How long the study has taken, in seconds, and when it ended (since 1970); None where that is not known.

        By what the store says, so it is the same in another kernel. Where all came from the store, nothing took time.
        """
        if self._begun_s is None or not counts["done"] + counts["failed"] + counts["cached"] + counts["running"]:
            return {"elapsed_s": None, "ended_s": None}
        newest = self._glance.ended[0].at_s if self._glance is not None and self._glance.ended else 0.0
        if not self.ended:
            return {"elapsed_s": round(max(time.time() - self._begun_s, 0.0), 1), "ended_s": None}
        last_s = max(self.readings.last_end_s, newest)
        if last_s < self._begun_s - _CLOCKS_S:
            return {"elapsed_s": None, "ended_s": None}
        return {"elapsed_s": round(max(last_s - self._begun_s, 0.0), 1), "ended_s": round(last_s, 1)}

    def _why_not(self) -> str:
        """What keeps the study from going on, in words; empty when nothing does."""
        counts = self._counts()
        left = counts["waiting"] + counts["running"]
        if self.source.trouble and left:
            return self.source.trouble
        if self._is_another:
            return "the name of this study stands for another grid by now"
        if self._glance is None:
            if left:
                return "no pool works on this study; run() goes on"
        elif self._glance.halt and left:
            return f"paused: {self._glance.halt}"
        if counts["cancelled"] and (not left or (self._glance is not None and self._glance.cancelled)):
            return self.source.why_halted() or "cancelled; run() goes on with what is left"
        return ""

    def _with_troubles(self, note: str) -> str:
        """A note and, while the study is under way, what else has stopped being true; each once."""
        counts = self._counts()
        if not counts["waiting"] + counts["running"]:
            return note
        troubles = self.source.troubles(self._glance, sorted(self.readings.gone))
        return "; besides, ".join(
            dict.fromkeys([*filter(None, [note]), *(text for text in troubles if text not in note)])
        )

    def _counts(self) -> dict[str, int]:
        if self._glance is not None:
            return views.counts(self._glance.counts)
        there = np.bincount(self.marks, minlength=128)
        unknown = len(self.manifest) - len(self.marks)
        return views.counts({mark: int(there[ord(mark)]) + unknown * (mark is Mark.PENDING) for mark in Mark})

    def _mind_begin(self) -> None:
        """Ask when the study was begun, once for as long as it runs, and once more when it has ended."""
        is_under_way = self._glance is not None and any(self._glance.counts.get(mark) for mark in _LEFT)
        if self._begun_of != (now := f"{is_under_way} {self.source.mark()}"):
            self._begun_s, self._begun_of = self.source.begun_s() or self._begun_s, now

    def _mind_curve(self, how: Pace) -> None:
        now = time.monotonic()
        if how.per_minute is not None and (not self._curve or now - self._curve[-1][0] >= _CURVE_S):
            self._curve.append((now, views.number(how.per_minute) or 0.0))

    def _columns(self) -> list[str]:
        """The results that can be shown: those of which some variant has a value, the usual ones first."""
        valued = self._valued()
        there = [name for name in self.manifest.metrics if name in valued]
        more = [name for name in valued if name not in self.manifest.metrics]
        usual = [name for name in self.manifest.metrics if name not in _TELLING_NOTHING]
        return [*there, *more] or ([] if self.readings.metrics else usual)

    def _valued(self) -> list[str]:
        """The results of which some variant has a value."""
        metrics = self.readings.metrics
        return [name for name in metrics if name not in _TELLING_NOTHING and np.isfinite(metrics[name]).any()]

    def _differs(self, name: str) -> bool:
        """Whether the variants that are read differ in a result."""
        values = self.readings.metrics[name]
        known = values[np.isfinite(values)]
        return bool(len(known)) and bool((known != known[0]).any())

    def _without(self, choice: views.Choice) -> int:
        """How many variants whose results are read have no place in the scatter."""
        if not choice.across or not choice.up:
            return 0
        x, y = self.axis_values(choice.across), self.axis_values(choice.up)
        return int((self.readings.has_result & ~(np.isfinite(x) & np.isfinite(y))).sum())

    def chosen(self) -> views.Choice:
        """What the reader chose, else what says most: a result that is known, over the first parameter."""
        choice = self._choice
        if not choice.column:
            valued = self._valued()
            others = [name for name in valued if name not in _TELLING_LITTLE]
            by_worth = [*_TELLING, *(name for name in others if self._differs(name)), *others, *_TELLING_LITTLE]
            choice = replace(choice, column=next((name for name in by_worth if name in valued), ""))
        if choice.column and self.readings.wanted and self.manifest.axes:
            across, up = choice.across or self.manifest.axes[0].name, choice.up or choice.column
            choice = replace(choice, across=across, up=up)
        return choice

    def axis_values(self, name: str) -> NDArray[np.float64]:
        """The values of a parameter or of a result for a scatter; of labels that are no numbers their place."""
        for place, axis in enumerate(self.manifest.axes):
            if axis.name == name:
                labels = axis.labels if is_numeric(axis.labels) else range(len(axis.labels))
                levels = np.array([np.nan if one is None else one for one in labels], dtype=float)
                return levels[self.readings.rows[:, place]]
        return self.readings.column(name)

    def choose(self, message: Mapping[str, Any]) -> None:
        """Take what the reader of a panel chose to see; all results are read for it."""
        now = self._choice
        self._choice = views.Choice(
            column=str(message.get("column", now.column)),
            colour=bool(message.get("colour", now.colour)),
            highest=bool(message.get("highest", now.highest)),
            across=str(message.get("across", now.across)),
            up=str(message.get("up", now.up)),
        )
        self.readings.want()


def is_numeric(labels: Sequence[Any]) -> bool:
    """Whether these labels are numbers; None, the model as it is, may be among them."""
    return all(one is None or (isinstance(one, int | float) and not isinstance(one, bool)) for one in labels)


def _pace_of(glance: Glance, waiting: int) -> Pace:
    slots = sum(int(about.get("slots", 0)) for about in glance.workers)
    return pace(
        glance.ended,
        glance.at_s,
        waiting=waiting,
        ages_s=[one.age_s for one in glance.running],
        slots=slots,
        elsewhere_s=glance.elsewhere_s,
        sharing=glance.sharing,
    )
