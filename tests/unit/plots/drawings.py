"""One drawing of each figure, without letters, so that other fonts and versions of matplotlib draw the same.

`python -m tests.unit.plots.drawings` draws the pictures in baseline/ again: do that when a figure is to look different,
and look at what git says has changed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.testing.decorators import remove_ticks_and_titles
from matplotlib.text import Text

from epstudy import plots
from tests.unit.plots.tables import (
    changed_alone,
    design_days,
    grid,
    growing_sample,
    indices,
    results,
    series,
    temperatures,
)

BASELINE = Path(__file__).parent / "baseline"
_DPI = 40
_ACROSS, _UP, _MARGIN = 180, 120, 5  # pixels of one Axes

DRAWINGS: dict[str, Callable[[], Any]] = {
    "band": lambda: plots.band(series(40, days=7)),
    "band_few": lambda: plots.band(design_days(3)),
    "carpet": lambda: plots.carpet(temperatures(120)),
    "convergence": lambda: plots.convergence(growing_sample()),
    "heatmap": lambda: plots.heatmap(grid(3, 4), "lpd", "u_value", "eui"),
    "heatmap_panels": lambda: plots.heatmap(grid(30, 20, panels=3), "lpd", "u_value", "eui", by="weather"),
    "line": lambda: plots.line(grid(4, 3, panels=3), "lpd", "eui", by="u_value"),
    "line_bins": lambda: plots.line(results(2000), "lpd", "eui"),
    "load_profile": lambda: plots.load_profile(series(3), by="weekday"),
    "monthly_end_uses": lambda: plots.monthly_end_uses(
        {use: series(1, days=365) * share for use, share in (("fans", 1.0), ("lights", 2.5), ("solar", -1.5))}
    ),
    "parallel_coordinates": lambda: plots.parallel_coordinates(
        results(60), ["lpd", "weather", "glazing", "eui"], colour="eui", highlight="eui < 65"
    ),
    "pareto": lambda: plots.pareto(results(200), "eui", "cost"),
    "scatter_matrix": lambda: plots.scatter_matrix(results(150), ["lpd", "glazing", "eui"], colour="weather"),
    "scatter_matrix_many": lambda: plots.scatter_matrix(results(3000), ["lpd", "weather", "eui"]),
    "sensitivity": lambda: plots.sensitivity(indices("sobol", 5)),
    "sensitivity_morris": lambda: plots.sensitivity(indices("morris", 5)),
    "tornado": lambda: plots.tornado(changed_alone(), "eui"),
}


def draw(name: str, folder: Path) -> Path:
    """Draw a figure without its letters, its Axes side by side, and return the picture."""
    axes = DRAWINGS[name]()
    figure: Figure = np.atleast_1d(np.asarray(axes, dtype=object)).flat[0].figure
    remove_ticks_and_titles(figure)
    for found in (*figure.findobj(Text), *figure.findobj(Legend)):
        found.set_visible(False)
    _put_side_by_side(figure)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.png"
    figure.savefig(path, dpi=_DPI, metadata={"Software": None})
    return path


def _put_side_by_side(figure: Figure) -> None:
    """Where a layout puts the Axes depends on the letters, too: each gets the same size, with edges on whole pixels."""
    figure.set_layout_engine("none")
    columns = math.ceil(len(figure.axes) ** 0.5)
    rows = math.ceil(len(figure.axes) / columns)
    width, height = columns * (_ACROSS + 2 * _MARGIN), rows * (_UP + 2 * _MARGIN)
    figure.set_size_inches(width / _DPI, height / _DPI)
    for place, ax in enumerate(figure.axes):
        left = place % columns * (_ACROSS + 2 * _MARGIN) + _MARGIN
        bottom = height - (place // columns + 1) * (_UP + 2 * _MARGIN) + _MARGIN
        ax.set_position((left / width, bottom / height, _ACROSS / width, _UP / height))


if __name__ == "__main__":
    mpl.use("agg")
    for each in DRAWINGS:
        print(draw(each, BASELINE).relative_to(Path.cwd()))
