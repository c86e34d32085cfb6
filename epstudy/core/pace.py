"""How fast a study goes on, and when it will be ready: a range, from what its simulations took and what still runs."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

ENOUGH = 5  # simulations that must have ended before anything is foretold
_RECENT = 50  # ends by which the parallel simulations are counted
_ERRORS = 1.64  # standard errors to either side: nine of ten studies end within
_QUIET_S = 60.0  # nothing is called stalled before
_QUIET_TIMES = 3.0  # ... nor before this many times what the longest of the last simulations took


@dataclass(frozen=True, slots=True)
class Ended:
    """A simulation that has ended, done or failed: which variant, when, and how long it took.

    `at_s` is on the clock of whoever counts, in seconds since the epoch. What came from the store is none.
    """

    index: int
    failed: bool
    at_s: float
    took_s: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a study goes on. Every field is None where too little is known to say.

    `per_minute` counts simulations that ended in the last minute or, when that were few, lately. `soonest_s` and
    `latest_s` are seconds from now until the study is ready: nine of ten end within, fewer where some simulations take
    many times longer than the others. `median_s` is what one simulation
    takes. `quiet_s` says for how long nothing has ended, when that is unusually long.
    """

    per_minute: float | None = None
    soonest_s: float | None = None
    latest_s: float | None = None
    median_s: float | None = None
    quiet_s: float | None = None


def pace(
    ended: Sequence[Ended],
    now_s: float,
    *,
    waiting: int,
    ages_s: Sequence[float],
    slots: int,
    elsewhere_s: Sequence[float] = (),
    sharing: int = 1,
) -> Pace:
    """Return how fast a study goes on.

    Parameters
    ----------
    ended
        The last simulations that ended, the newest first. What came from the store is not among them.
    now_s
        The time on the same clock.
    waiting
        How many variants nobody runs yet.
    ages_s
        For how long each of those that run has been running.
    slots
        How many simulations run at once at the most; with others' studies beside, fewer are this study's.
    elsewhere_s
        What simulations of the pool's other studies took lately: that counts until enough of this one's have ended.
    sharing
        How many studies take turns in the pool, this one included.
    """
    took = [one.took_s for one in ended]
    median_s = statistics.median(took) if took else None
    quiet_s = _quiet(ended, now_s, ages_s)
    if len(ended) < ENOUGH:
        known = [*took, *elsewhere_s]
        if len(known) < ENOUGH or not slots:
            return Pace(median_s=median_s, quiet_s=quiet_s)
        soonest_s, latest_s = _in_turns(known, waiting, ages_s, slots, sharing)
        return Pace(soonest_s=soonest_s, latest_s=latest_s, median_s=median_s, quiet_s=quiet_s)
    lately = _since_the_last_pause(ended[:_RECENT], now_s, ages_s)
    per_minute = _per_minute(lately, now_s) if len(lately) > 1 else None
    if not slots and not ages_s:
        return Pace(per_minute, median_s=median_s, quiet_s=quiet_s)  # nobody is there who would do it
    parallel = _parallel(lately, now_s, ages_s, slots) if len(lately) > 1 else float(max(slots, 1))
    soonest_s, latest_s = _range(took, waiting, ages_s, parallel)
    return Pace(per_minute, soonest_s, latest_s, median_s, quiet_s)


def _in_turns(
    took: Sequence[float], waiting: int, ages_s: Sequence[float], slots: int, sharing: int
) -> tuple[float, float]:
    """The range of a study that has hardly begun: alone at the soonest, with an equal share at the latest.

    Before its first turn, one of the simulations that run in its place has to end.
    """
    soonest_s, _ = _range(took, waiting, ages_s, float(slots))
    _, latest_s = _range(took, waiting, ages_s, slots / max(sharing, 1))
    return soonest_s, latest_s + (max(took) if sharing > 1 and not ages_s else 0.0)


def _since_the_last_pause(ended: Sequence[Ended], now_s: float, ages_s: Sequence[float]) -> Sequence[Ended]:
    """The ends after the last time when nothing ran for long: a pause, no workers, a laptop that slept."""
    long_s = _QUIET_TIMES * max(one.took_s for one in ended)
    begun_s = now_s - max(ages_s, default=0.0)
    for place, one in enumerate(ended):
        if begun_s - one.at_s > long_s:
            return ended[:place]
        begun_s = min(begun_s, one.at_s - one.took_s)
    return ended


def _per_minute(ended: Sequence[Ended], now_s: float) -> float:
    """Ends a minute over the last minute, or over the last five if that were fewer; the pause since counts."""
    recent = [one for one in ended if now_s - one.at_s <= 60.0]
    counted = recent if len(recent) > ENOUGH else ended[: ENOUGH + 1]
    return 60.0 * (len(counted) - 1) / max(now_s - counted[-1].at_s, 1e-3)


def _parallel(ended: Sequence[Ended], now_s: float, ages_s: Sequence[float], slots: int) -> float:
    """How many simulations of this study ran at once lately, on average: its share of the pool."""
    since = ended[-1].at_s
    window = max(now_s - since, 1e-3)
    busy = sum(min(one.took_s, one.at_s - since) for one in ended) + sum(min(age, window) for age in ages_s)
    return min(max(busy / window, 0.1), max(slots, 1))


def _range(took: Sequence[float], waiting: int, ages_s: Sequence[float], parallel: float) -> tuple[float, float]:
    """Seconds until all that waits and runs has ended, at the soonest and at the latest.

    The work is the sum of what is left of each; its error has two parts, the spread of the simulations themselves and
    that of their mean, which is known from a few only.
    """
    mean, spread = statistics.fmean(took), statistics.stdev(took)
    left = [_left_of(age, took) for age in ages_s]
    work = waiting * mean + sum(left)
    error = math.sqrt((waiting + len(left)) * spread**2 + (waiting * spread) ** 2 / len(took))
    soonest = max((work - _ERRORS * error) / (1.1 * parallel), 0.0)
    latest = (work + _ERRORS * error) / (0.9 * parallel)
    if parallel > 1:  # at the end one runs alone, and it may be one of the long ones
        latest += max(took) if waiting else max((max(took) - age for age in ages_s), default=0.0)
    return soonest, max(latest, max(left, default=0.0))


def _left_of(age_s: float, took: Sequence[float]) -> float:
    """What is left of a simulation of this age: by those that took longer; half a mean when none did."""
    longer = [one - age_s for one in took if one > age_s]
    return statistics.fmean(longer) if longer else 0.5 * statistics.fmean(took)


def _quiet(ended: Sequence[Ended], now_s: float, ages_s: Sequence[float]) -> float | None:
    """For how long nothing has ended although something runs; None when that is not unusual."""
    if not ages_s or not ended:
        return None
    quiet = min(now_s - ended[0].at_s, max(ages_s))
    usual = max(one.took_s for one in ended[:_RECENT])
    return quiet if quiet > max(_QUIET_S, _QUIET_TIMES * usual) else None
