"""EnergyPlus, and everything that knows it: models, edits, outputs, the warm process, the reading of its errors."""

from __future__ import annotations

from epstudy.core.contracts import Simulator


def make_simulator() -> Simulator:
    """Return the worker's side of the engine (the entry point `epstudy.engines`)."""
    from epstudy.engines.energyplus.run.simulator import EnergyPlusSimulator

    return EnergyPlusSimulator()
