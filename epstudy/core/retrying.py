"""How often a variant is tried: once, and again only when another try can help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from epstudy.core.outcome import Attempt, Cause

#: How often a variant whose process crashed is tried: a crash is mostly the model's, now and then the machine's.
CRASH_TRIES = 2
_LONGEST_S = 60.0
_LOST = ""  # how an attempt ended that nobody saw end


def given_up(attempts: Sequence[Attempt], retries: int) -> Cause | None:
    """Return why a variant with these attempts is not tried again; None when it may be.

    Each cause counts by itself: what was lost with its worker, and what the machine could not run, may be tried
    `retries` times more.
    """
    ends = Counter(attempt.ended for attempt in attempts)
    if ends[Cause.CRASH] >= CRASH_TRIES:
        return Cause.CRASH
    if ends[_LOST] > retries:
        return Cause.LOST
    return Cause.INFRASTRUCTURE if ends[Cause.INFRASTRUCTURE] > retries else None


def is_last_chance(attempts: Sequence[Attempt], retries: int) -> bool:
    """Say whether a variant was lost so often that one more loss is its end.

    A worker that goes down takes its other variants along, which are not to blame.
    """
    lost = Counter(attempt.ended for attempt in attempts)[_LOST]
    return lost > 0 and lost >= retries


def pause_s(attempts: Sequence[Attempt]) -> float:
    """Return how long to wait before the next try: 1, 2, 4 seconds, to a minute, for a machine that was unwell.

    What was lost, or crashed, is tried again without delay.
    """
    times = Counter(attempt.ended for attempt in attempts)[Cause.INFRASTRUCTURE]
    return min(2.0 ** (times - 1), _LONGEST_S) if times else 0.0


def epitaph(attempts: Sequence[Attempt], cause: Cause) -> str:
    """Return what to say of a variant that is given up without another try."""
    last = attempts[-1].worker if attempts else "nobody"
    if cause is Cause.LOST:
        lost = Counter(attempt.ended for attempt in attempts)[_LOST]
        return f"its worker died under it {lost} times, the last one was {last}; retry() tries it again"
    if cause is Cause.CRASH:
        return f"its process crashed {CRASH_TRIES} times, the last time under {last}"
    unwell = Counter(attempt.ended for attempt in attempts)[Cause.INFRASTRUCTURE]
    return f"it could not be run {unwell} times, the last time by {last}; see that worker's log"
