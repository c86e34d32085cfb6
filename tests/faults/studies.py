"""Studies of the short engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shortengine import Short, levels

import epstudy as ep
from tests.faults.pools import Pool


def good(pool: Pool, name: str, count: int, seconds: float, *, first: int = 0, **options: Any) -> ep.Study:
    """Return a study of so many good variants of so many seconds each; their values count from `first`."""
    return mixed(pool, name, {"good": count}, seconds, first=first, **options)


def mixed(
    pool: Pool, name: str, behaviours: Mapping[str, int], seconds: float, *, first: int = 0, **options: Any
) -> ep.Study:
    """Return a study with so many variants of each behaviour, in this order."""
    said = [behaviour for behaviour, count in behaviours.items() for _ in range(count)]
    variants = [
        {"value": float(first + place), "seconds": seconds, "behaviour": behaviour}
        for place, behaviour in enumerate(said)
    ]
    return ep.Study(name, Short(str(pool.log)), {"number": levels(variants)}, **options)
