"""What an EnergyPlus here can run, as the words by which studies are routed; and which one runs a study."""

from __future__ import annotations

from collections.abc import Mapping

from epstudy.core.errors import EngineError
from epstudy.engines.energyplus.installation import Installation, find_installation, find_installations


def abilities_of(installation: Installation) -> list[str]:
    """Return what studies may need that this EnergyPlus has."""
    return [needed(installation.build), *([needed(installation.build, True)] if installation.python_plugins else [])]


def needed(build: str, plugins: bool = False) -> str:
    """Return what a study needs that was made for this build, and whether for Python plugins too."""
    return f"energyplus-{build}{'-python' if plugins else ''}"


def choose(build: str, hints: Mapping[str, str], around: Mapping[str, str]) -> Installation:
    """Return the EnergyPlus of this machine that has this build: the one that the study names, else the first.

    Raises
    ------
    EngineError
        When there is none, or none with what the study needs; the message says what to install.
    """
    named = hints.get("installation")
    if named is not None:
        try:
            return find_installation(build, wanted=named)
        except EngineError:
            pass  # a folder of the notebook's machine: this one may have the same build somewhere else
    plugins = bool(hints.get("plugins"))
    here = find_installations(environment=around)
    found = [one for one in here if one.build == build and (one.python_plugins or not plugins)]
    if found:
        return found[0]
    have = ", ".join(map(str, here)) or "none"
    wanted = f"{build}{' that runs Python plugins' if plugins else ''}"
    raise EngineError(
        f"the study was made for EnergyPlus {wanted}, this worker has {have}; install the same on both sides"
    )
