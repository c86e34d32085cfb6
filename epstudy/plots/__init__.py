"""Figures: a table in, axes out. Units come from the table's `attrs["units"]`.

A figure takes what `study.results()`, `study.timeseries()` or `ep.analysis` returned and gives its Axes: one where it
has one panel, a list or an array where it has several. Variants without a value are left out, and the figure says how
many. Importing this loads nothing; each name brings its module, and matplotlib, when it is first used. No figure
changes matplotlib's settings or shows itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from epstudy.core.extras import require

#: Which module has which figure. A module of a figure's own name would hide the figure once it is imported.
_HOMES = {
    "axis_label": "labels",
    "band": "bands",
    "carpet": "carpets",
    "convergence": "indices",
    "heatmap": "heatmaps",
    "line": "lines",
    "load_profile": "carpets",
    "monthly_end_uses": "months",
    "parallel_coordinates": "parallel",
    "pareto": "pareto_fronts",
    "pareto_front": "pareto_fronts",
    "scatter_matrix": "scatter_matrices",
    "sensitivity": "indices",
    "tornado": "tornados",
}

__all__ = list(_HOMES)

if TYPE_CHECKING:
    from epstudy.plots.bands import band as band
    from epstudy.plots.carpets import carpet as carpet
    from epstudy.plots.carpets import load_profile as load_profile
    from epstudy.plots.heatmaps import heatmap as heatmap
    from epstudy.plots.indices import convergence as convergence
    from epstudy.plots.indices import sensitivity as sensitivity
    from epstudy.plots.labels import axis_label as axis_label
    from epstudy.plots.lines import line as line
    from epstudy.plots.months import monthly_end_uses as monthly_end_uses
    from epstudy.plots.parallel import parallel_coordinates as parallel_coordinates
    from epstudy.plots.pareto_fronts import pareto as pareto
    from epstudy.plots.pareto_fronts import pareto_front as pareto_front
    from epstudy.plots.scatter_matrices import scatter_matrix as scatter_matrix
    from epstudy.plots.tornados import tornado as tornado


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        require("matplotlib")
        return getattr(import_module(f"epstudy.plots.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'epstudy.plots' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
