"""The front of several objectives: what no other one beats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_PAIR = 2


def not_dominated(costs: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which rows no other one beats: at least as low in every column, and lower in one; shape (rows,)."""
    order = np.lexsort(costs.T[::-1])
    ordered = costs[order]
    firsts = np.r_[True, (ordered[1:] != ordered[:-1]).any(axis=1)][: len(order)]
    distinct = ordered[firsts]
    front = np.zeros(len(costs), dtype=bool)
    found = _lowest_so_far(distinct) if costs.shape[1] == _PAIR else _one_by_one(distinct)
    front[order] = found[np.cumsum(firsts) - 1]
    return front


def _lowest_so_far(distinct: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The front of two objectives: sorted by the first, each that is lower in the second than all before."""
    before = np.minimum.accumulate(np.r_[np.inf, distinct[:-1, 1]])[: len(distinct)]
    return distinct[:, 1] < before


def _one_by_one(distinct: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The front of any number of objectives: each round settles the first that is left, and drops what it beats."""
    front = np.zeros(len(distinct), dtype=bool)
    left = np.arange(len(distinct))
    while left.size:
        first, rest = left[0], left[1:]
        front[first] = True
        left = rest[(distinct[rest] < distinct[first]).any(axis=1)]
    return front
