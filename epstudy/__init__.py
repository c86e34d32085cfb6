"""epstudy: parametric studies of building-energy models, from a notebook.

`import epstudy as ep` loads nothing heavy; each name brings its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from epstudy.core.version import VERSION

__version__ = VERSION

_HOMES = {
    "EnergyPlus": "epstudy.engines.energyplus.engine",
    "Weather": "epstudy.engines.energyplus.parameters",
    "Construction": "epstudy.engines.energyplus.parameters",
    "Measure": "epstudy.engines.energyplus.parameters",
    "EndUses": "epstudy.engines.energyplus.outputs.requests",
    "Meter": "epstudy.engines.energyplus.outputs.requests",
    "Variable": "epstudy.engines.energyplus.outputs.requests",
    "ComponentSizes": "epstudy.engines.energyplus.outputs.requests",
    "Field": "epstudy.core.parameter",
    "Scale": "epstudy.core.parameter",
    "Grid": "epstudy.core.sampling.grid",
    "Paired": "epstudy.core.sampling.grid",
    "Table": "epstudy.engines.energyplus.table",
    "LatinHypercube": "epstudy.core.sampling.draws",
    "Sobol": "epstudy.core.sampling.draws",
    "Saltelli": "epstudy.core.sampling.sensitivity_samples",
    "Morris": "epstudy.core.sampling.sensitivity_samples",
    "day_types": "epstudy.results.day_types",
    "Study": "epstudy.study",
    "studies": "epstudy.results.listing",
    "Check": "epstudy.core.check",
    "Progress": "epstudy.core.outcome",
    "Outcome": "epstudy.core.outcome",
    "State": "epstudy.core.outcome",
    "Cause": "epstudy.core.outcome",
    "EpstudyError": "epstudy.core.errors",
    "InputError": "epstudy.core.errors",
    "CheckError": "epstudy.core.errors",
    "IncompleteError": "epstudy.core.errors",
    "StudyNotFoundError": "epstudy.core.errors",
    "EngineError": "epstudy.core.errors",
    "MissingExtraError": "epstudy.core.errors",
    "StoreError": "epstudy.core.errors",
    "PoolError": "epstudy.core.errors",
}
_MODULES = ("analysis", "plots")

__all__ = ["__version__", *_HOMES, *_MODULES]

if TYPE_CHECKING:
    from epstudy import analysis as analysis
    from epstudy import plots as plots
    from epstudy.core.check import Check as Check
    from epstudy.core.errors import CheckError as CheckError
    from epstudy.core.errors import EngineError as EngineError
    from epstudy.core.errors import EpstudyError as EpstudyError
    from epstudy.core.errors import IncompleteError as IncompleteError
    from epstudy.core.errors import InputError as InputError
    from epstudy.core.errors import MissingExtraError as MissingExtraError
    from epstudy.core.errors import PoolError as PoolError
    from epstudy.core.errors import StoreError as StoreError
    from epstudy.core.errors import StudyNotFoundError as StudyNotFoundError
    from epstudy.core.outcome import Cause as Cause
    from epstudy.core.outcome import Outcome as Outcome
    from epstudy.core.outcome import Progress as Progress
    from epstudy.core.outcome import State as State
    from epstudy.core.parameter import Field as Field
    from epstudy.core.parameter import Scale as Scale
    from epstudy.core.sampling.draws import LatinHypercube as LatinHypercube
    from epstudy.core.sampling.draws import Sobol as Sobol
    from epstudy.core.sampling.grid import Grid as Grid
    from epstudy.core.sampling.grid import Paired as Paired
    from epstudy.core.sampling.sensitivity_samples import Morris as Morris
    from epstudy.core.sampling.sensitivity_samples import Saltelli as Saltelli
    from epstudy.engines.energyplus.engine import EnergyPlus as EnergyPlus
    from epstudy.engines.energyplus.outputs.requests import ComponentSizes as ComponentSizes
    from epstudy.engines.energyplus.outputs.requests import EndUses as EndUses
    from epstudy.engines.energyplus.outputs.requests import Meter as Meter
    from epstudy.engines.energyplus.outputs.requests import Variable as Variable
    from epstudy.engines.energyplus.parameters import Construction as Construction
    from epstudy.engines.energyplus.parameters import Measure as Measure
    from epstudy.engines.energyplus.parameters import Weather as Weather
    from epstudy.engines.energyplus.table import Table as Table
    from epstudy.results.day_types import day_types as day_types
    from epstudy.results.listing import studies as studies
    from epstudy.study import Study as Study


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(f"epstudy.{name}")
    raise AttributeError(f"module 'epstudy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
