"""A time limit counts what the simulation had, not what its machine slept."""

from __future__ import annotations

from itertools import accumulate

import pytest

from epstudy.engines.elapsed import Elapsed


def test_time_in_which_the_worker_stood_still_is_not_counted() -> None:
    looks = iter(accumulate([100.0, 0.2, 0.2, 30.0, 0.2]))
    elapsed = Elapsed(lambda: next(looks))
    assert [elapsed.look() for _ in range(4)] == pytest.approx([0.2, 0.4, 1.4, 1.6])
