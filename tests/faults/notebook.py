"""A notebook that looks at a study all the time: no call may raise, none may take longer than five seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import epstudy as ep
from tests.faults.machine import slowness

LONGEST_S = 5.0  # on a quiet machine
_EVERY_S = 0.2


@contextmanager
def looking_at(name: str) -> Iterator[None]:
    """Inside, another thread asks again and again for the progress, the results and the failures of a study."""
    ended = threading.Event()
    problems: list[str] = []
    calls = 0

    def look() -> None:
        nonlocal calls
        study = ep.Study.open(name)
        asked: tuple[Callable[[], object], ...] = (study.progress, study.results, study.failures, study.__repr__)
        while not ended.wait(_EVERY_S):
            for ask in asked:
                started = time.monotonic()
                try:
                    ask()
                except Exception as error:  # noqa: BLE001 - whatever it is, the user would see it
                    problems.append(f"{ask.__name__}() raised {type(error).__name__}: {error}")
                took = time.monotonic() - started
                if took > LONGEST_S and took > LONGEST_S * slowness():
                    problems.append(f"{ask.__name__}() took {took:.1f} s")
                calls += 1

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(60)
    assert calls > 0, "the notebook never looked"
    assert not problems, "\n".join(dict.fromkeys(problems))
