"""Engines: one folder each, found by name through the entry points of the group `epstudy.engines`."""

from __future__ import annotations

from importlib.metadata import entry_points

from epstudy.core.contracts import Simulator
from epstudy.core.errors import EngineError

GROUP = "epstudy.engines"


def simulator(kind: str) -> Simulator:
    """Return a new simulator of the engine called `kind`; it starts nothing before it is used.

    Raises
    ------
    EngineError
        When no installed package brings that engine.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if kind not in found:
        raise EngineError(
            f'no engine "{kind}" is installed here; installed are {", ".join(sorted(found)) or "none"}. '
            "Install the package that brings it on the workers too"
        )
    made: Simulator = found[kind].load()()
    return made


def able() -> list[str]:
    """Return the names of the engines that can run something here."""
    return sorted(entry.name for entry in entry_points(group=GROUP) if simulator(entry.name).abilities())


def describe(kind: str) -> str:
    """Return what is installed of the engine called `kind`, such as its version.

    Raises
    ------
    EngineError
        When there is none.
    """
    return simulator(kind).describe()


def installed() -> list[str]:
    """Return the engines that are installed here, each with its version, as people call them."""
    return [one for entry in entry_points(group=GROUP) for one in simulator(entry.name).installed()]


def abilities() -> list[str]:
    """Return what the engines that are installed here can run: see `core.contracts.Prepared.needs`."""
    return sorted(ability for entry in entry_points(group=GROUP) for ability in simulator(entry.name).abilities())
