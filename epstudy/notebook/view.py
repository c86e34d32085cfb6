"""What a panel shows, as plain JSON and as text: computed from a glance and from what was read. No I/O, no widget."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epstudy.core.glance import Glance, Mark
from epstudy.core.manifest import Manifest
from epstudy.core.outcome import duration
from epstudy.core.pace import Pace
from epstudy.notebook.readings import Told, shown

LANES = 64  # slots that are shown
ROWS = 6  # of latest and best results
_BINS = (60, 40)  # of a scatter of more points than this
POINTS = 2000
NO_VALUE = 255  # the colour of a variant without a value
_TOP = 254


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader of a panel chose to see: a result, its colour on the map, which end is best, two axes."""

    column: str
    colour: bool = False
    highest: bool = False
    across: str = ""
    up: str = ""


@dataclass(slots=True)
class Lanes:
    """Which slot of its worker each process has: it keeps its number for as long as it is seen."""

    _slots: dict[str, dict[str, int]] = field(default_factory=dict)

    def place(self, supervisor: str, processes: Sequence[str], slots: int) -> dict[str, int]:
        """Return the slot of each of these processes of a worker, from 0; one that was not seen gets the first free.

        So does one whose slot is gone: the worker has `slots` by now.
        """
        known = self._slots.setdefault(supervisor, {})
        most = max(slots, len(processes))
        for gone in [one for one, slot in known.items() if slot >= most]:
            del known[gone]
        taken = {known[one] for one in processes if one in known}
        for one in processes:
            if one not in known:
                slot = next(slot for slot in range(len(processes)) if slot not in taken)
                taken.add(slot)
                for gone in [other for other, had in known.items() if had == slot]:
                    del known[gone]
                known[one] = slot
        return {one: known[one] for one in processes}


def label(manifest: Manifest, index: int) -> str:
    """Return a variant's parameters as a text: "lpd = 6, u_value = 1.2"."""
    row = manifest.rows[index]
    return ", ".join(
        f"{axis.name} = {shown(axis.labels[level])}" for axis, level in zip(manifest.axes, row, strict=True)
    )


def counts(marks: Mapping[Mark, int]) -> dict[str, int]:
    """Return how many variants are in each of the six parts of the bar."""
    return {
        "done": marks.get(Mark.DONE, 0),
        "cached": marks.get(Mark.HELD, 0),
        "running": marks.get(Mark.RUNNING, 0),
        "waiting": marks.get(Mark.PENDING, 0) + marks.get(Mark.QUEUED, 0),
        "failed": marks.get(Mark.FAILED, 0),
        "cancelled": marks.get(Mark.CANCELLED, 0),
    }


def workers(manifest: Manifest, glance: Glance, lanes: Lanes) -> list[dict[str, Any]]:
    """Return the workers, each with its slots and what of this study runs there.

    A slot without one is idle, or has another study's. `beat_s` says how many seconds ago it last was heard of.
    """
    said: list[dict[str, Any]] = []
    left = LANES
    for about in glance.workers:
        name, slots = str(about.get("name", "")), int(about.get("slots", 0))
        mine = [one for one in glance.running if one.supervisor == name]
        places = lanes.place(name, [one.worker for one in mine], slots)
        rows: list[dict[str, Any] | None] = [None] * max(slots, max(places.values(), default=-1) + 1)
        for one in mine:
            rows[places[one.worker]] = _lane(manifest, one.index, one.age_s, one.progress, one.beat_s)
        shown_rows, left = rows[:left], max(left - len(rows), 0)
        said.append(
            {
                "host": str(about.get("host", "")),
                "slots": slots,
                "engines": ", ".join(map(str, about.get("engines", []))),
                "epstudy": str(about.get("epstudy", "")),
                "beat_s": round(float(about["beat_s"]), 1),
                "busy": len(mine),
                "lanes": shown_rows,
            }
        )
    homeless = [one for one in glance.running if one.supervisor not in {str(one.get("name")) for one in glance.workers}]
    if homeless:
        rows = [_lane(manifest, one.index, one.age_s, one.progress, one.beat_s) for one in homeless[:LANES]]
        said.append({"host": "", "slots": 0, "engines": "", "epstudy": "", "beat_s": None, "busy": 0, "lanes": rows})
    return said


def _lane(manifest: Manifest, index: int, age_s: float, progress: float | None, beat_s: float) -> dict[str, Any]:
    return {
        "index": index,
        "label": label(manifest, index),
        "age_s": round(age_s, 1),
        "progress": None if progress is None else round(progress, 3),
        "beat_s": round(beat_s, 1),
    }


def queue(glance: Glance) -> dict[str, Any]:
    """Return what waits in the pool: this study's, others', and how many of the pool's slots are this study's."""
    waiting = [one for one in glance.others if one.waiting]
    return {
        "mine": counts(glance.counts)["waiting"],
        "others": sum(one.waiting for one in waiting),
        "studies": [one.study for one in waiting][:5],
        "my_slots": len(glance.running),
        "theirs": sum(one.running for one in glance.others),
        "slots": sum(int(about.get("slots", 0)) for about in glance.workers),
    }


def failures(told: Sequence[Told]) -> list[dict[str, Any]]:
    """Return the groups of failures."""
    return [
        {
            "cause": one.cause,
            "text": one.text,
            "message": one.message[:2000],
            "count": one.count,
            "example": one.example,
            "levels": one.levels,
        }
        for one in told
    ]


def varying(rows: NDArray[np.int32]) -> list[int]:
    """Return which parameters have more than one level in these rows of a manifest; all of them when none has."""
    found = [place for place in range(rows.shape[1]) if len(rows) and (rows[:, place] != rows[0, place]).any()]
    return found or list(range(rows.shape[1]))


def row(manifest: Manifest, varying: Sequence[int], index: int, value: float) -> dict[str, Any]:
    """Return a line of the latest or best results: its levels are those of the parameters that vary."""
    levels = manifest.rows[index]
    return {
        "index": index,
        "levels": [shown(manifest.axes[place].labels[levels[place]]) for place in varying],
        "value": number(value),
    }


def best(values: NDArray[np.float64], *, highest: bool) -> list[int]:
    """Return the variants with the lowest or highest values, at most six, without those that have none."""
    known = np.flatnonzero(np.isfinite(values))
    rank = -values[known] if highest else values[known]
    if len(known) > ROWS:
        first = np.argpartition(rank, ROWS)[:ROWS]
        known, rank = known[first], rank[first]
    return [int(index) for index in known[np.lexsort((known, rank))]]


def colours(values: NDArray[np.float64]) -> tuple[bytes, float | None, float | None]:
    """Return one byte a variant from 0 (the lowest value) to 254 (the highest), 255 without a value; and both ends."""
    known = np.isfinite(values)
    if not known.any():
        return bytes([NO_VALUE]) * len(values), None, None
    low, high = float(values[known].min()), float(values[known].max())
    scaled = np.full(len(values), NO_VALUE, dtype=np.uint8)
    scaled[known] = np.rint((values[known] - low) / ((high - low) or 1.0) * _TOP).astype(np.uint8)
    return scaled.tobytes(), low, high


def points(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[bytes, bool]:
    """Return the points of a scatter as float32 triples, and whether they are binned.

    Up to 2,000 points are (x, y, variant); more are the centres of 60 by 40 bins, (x, y, how many): none is left out.
    """
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if len(known) <= POINTS:
        return np.column_stack([x[known], y[known], known]).astype("<f4").tobytes(), False
    across, up = _bin(x[known], _BINS[0]), _bin(y[known], _BINS[1])
    counts = np.bincount(across.index * _BINS[1] + up.index, minlength=_BINS[0] * _BINS[1])
    full = np.flatnonzero(counts)
    i, j = np.divmod(full, _BINS[1])
    return np.column_stack([across.centre(i), up.centre(j), counts[full]]).astype("<f4").tobytes(), True


@dataclass(frozen=True, slots=True)
class _Binned:
    """In which of several equal bins each of some values is."""

    index: NDArray[np.int64]
    low: float
    width: float

    def centre(self, index: NDArray[np.int64]) -> NDArray[np.float64]:
        """The middle of bins."""
        return np.asarray(self.low + (index + 0.5) * self.width, dtype=np.float64)


def _bin(values: NDArray[np.float64], bins: int) -> _Binned:
    low, high = float(values.min()), float(values.max())
    width = (high - low) / bins or 1.0
    return _Binned(np.minimum((values - low) / width, bins - 1).astype(np.int64), low, width)


def number(value: float) -> float | None:
    """Return a number as JSON can say it: None for one that is not known."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def pace_fields(pace: Pace) -> dict[str, float | None]:
    """Return a pace as plain JSON, rounded to what it is worth."""
    return {
        "per_minute": None if pace.per_minute is None else float(f"{pace.per_minute:.2g}"),
        "soonest_s": None if pace.soonest_s is None else round(pace.soonest_s),
        "latest_s": None if pace.latest_s is None else round(pace.latest_s),
        "median_s": None if pace.median_s is None else float(f"{pace.median_s:.3g}"),
        "quiet_s": None if pace.quiet_s is None else round(pace.quiet_s),
    }


def when_ready(pace: Mapping[str, float | None], now: datetime) -> str:
    """Return when a study will be ready, as a range with a time of day; empty where that is not known."""
    soonest, latest = pace["soonest_s"], pace["latest_s"]
    if soonest is None or latest is None:
        return ""
    first, last = (datetime.fromtimestamp(now.timestamp() + s, now.tzinfo) for s in (soonest, latest))
    form = "%H:%M" if last.date() == now.date() else "%a %H:%M"
    times = f"{first:{form}}" if f"{first:{form}}" == f"{last:{form}}" else f"{first:{form}} to {last:{form}}"
    spans = duration(latest) if duration(soonest) == duration(latest) else f"{duration(soonest)} to {duration(latest)}"
    return f"ready at {times}, in {spans}"


def how_long(view: Mapping[str, Any], now: datetime) -> str:
    """Return how long a study took that has ended, "9 done in 14 min, ended 13:27"; empty where that is not known."""
    elapsed_s, ended_s, counts = view["pace"]["elapsed_s"], view["pace"]["ended_s"], view["counts"]
    if elapsed_s is None or ended_s is None:
        return ""
    ends = {"done": counts["done"] + counts["cached"], "failed": counts["failed"]}
    parts = [f"{count} {end}" for end, count in ends.items() if count]
    at = datetime.fromtimestamp(ended_s, now.tzinfo)
    form = "%H:%M" if at.date() == now.date() else "%Y-%m-%d %H:%M"
    return f"{', '.join(parts)} in {duration(elapsed_s)}, ended {at:{form}}"


def lines(name: str, view: Mapping[str, Any], now: datetime, attach: str) -> list[str]:
    """Return the four lines of text that stand for the panel where nothing else can."""
    said = view["counts"]
    finished = said["done"] + said["cached"]
    parts = [f"{finished} of {view['total']} done" + (f" ({said['cached']} from the store)" if said["cached"] else "")]
    parts += [f"{said[part]} {part}" for part in ("running", "waiting", "failed", "cancelled") if said[part]]
    return [
        f"{name}: {', '.join(parts)}",
        _how_it_goes(view, now),
        _what_failed(view),
        f"as of {now:%Y-%m-%d %H:%M:%S %Z}; live again with {attach}",
    ]


def _how_it_goes(view: Mapping[str, Any], now: datetime) -> str:
    if view["note"]:
        return str(view["note"])
    if view["ended"]:
        return how_long(view, now) or "ended"
    pace, slots = view["pace"], view["queue"]["slots"]
    rate = "" if pace["per_minute"] is None else f"{pace['per_minute']:g} a minute"
    quiet = "" if pace["quiet_s"] is None else f"nothing has finished for {duration(pace['quiet_s'])}"
    busy = f"{view['queue']['my_slots']} of {slots} slots" if slots else "no worker answers (yet)"
    return "; ".join(filter(None, [busy, rate, when_ready(pace, now), quiet]))


def _what_failed(view: Mapping[str, Any]) -> str:
    told = view["failures"]
    if not told:
        return "no failures" if not view["counts"]["failed"] else f"{view['counts']['failed']} failed"
    text = told[0]["text"] or told[0]["cause"]
    more = f"; and {view['groups'] - 1} other messages" if view["groups"] > 1 else ""
    return f"failed: {told[0]['count']} × {text[:160]}{more}"
