"""Ten thousand variants take a few seconds, whatever the figure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from epstudy import plots
from tests.unit.plots.tables import grid, results, series

COUNT = 10_000
#: Measured between 0.2 and 2.5 s; machines differ.
LIMIT_S = 8.0
COLUMNS = ["lpd", "u_value", "weather", "eui"]

FIGURES: dict[str, Callable[[], Any]] = {
    "heatmap": lambda: plots.heatmap(grid(100, 100), "lpd", "u_value", "eui"),
    "heatmap by": lambda: plots.heatmap(grid(50, 50, panels=4), "lpd", "u_value", "eui", by="weather"),
    "line": lambda: plots.line(results(COUNT, failed=9), "lpd", "eui", by="weather"),
    "parallel_coordinates": lambda: plots.parallel_coordinates(results(COUNT, failed=9), COLUMNS, colour="eui"),
    "scatter_matrix": lambda: plots.scatter_matrix(results(COUNT, failed=9), COLUMNS),
    "scatter_matrix in colours": lambda: plots.scatter_matrix(results(COUNT, failed=9), COLUMNS, colour="cost"),
    "pareto": lambda: plots.pareto(results(COUNT, failed=9), "eui", "cost"),
    "tornado": lambda: plots.tornado(grid(100, 100), "eui", baseline=0),
    "load_profile": lambda: plots.load_profile(series(COUNT, days=14), by="weekday"),
    "carpet": lambda: plots.carpet(series(COUNT, days=14), COUNT - 1),
    "band": lambda: plots.band(series(COUNT, days=45)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_it_is_drawn_in_a_few_seconds(name: str) -> None:
    began = time.process_time()
    axes = np.atleast_1d(np.asarray(FIGURES[name](), dtype=object))
    axes.flat[0].figure.canvas.draw()
    assert time.process_time() - began < LIMIT_S
