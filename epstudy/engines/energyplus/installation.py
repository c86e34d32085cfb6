"""Which EnergyPlus is here: the library of the wheel `pyenergyplus-lbnl`, and what it calls itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec

from epstudy.core.errors import EngineError


@dataclass(frozen=True, slots=True)
class Installation:
    """An EnergyPlus that can be used. `build` is its own version string, such as `25.2.0-cf7368216c`."""

    build: str

    @property
    def version(self) -> tuple[int, int, int]:
        """Major, minor and patch number of the engine, which are not those of the package that carries it."""
        major, minor, patch = re.split(r"[.-]", self.build)[:3]
        return int(major), int(minor), int(patch)


def find_installation() -> Installation:
    """Return the EnergyPlus of this Python environment.

    Raises
    ------
    EngineError
        When there is none.
    """
    if find_spec("pyenergyplus") is None:
        raise EngineError(
            "no EnergyPlus is installed in this Python environment; "
            'install the engine with: pip install "pyenergyplus-lbnl==25.2.0"'
        )
    from pyenergyplus.func import EnergyPlusVersion

    return Installation(read_build(str(EnergyPlusVersion())))


def read_build(text: str) -> str:
    r"""Return version and build of `text`, without the remarks that follow it.

    `25.2.0-cf7368216c\ (No\ OpenGL)` and `EnergyPlus, Version 25.2.0-cf7368216c (No OpenGL)` give
    `25.2.0-cf7368216c`.
    """
    found = re.search(r"\d+\.\d+\.\d+(-[0-9a-f]+)?", text)
    if found is None:
        raise EngineError(f"EnergyPlus calls itself {text!r}, which holds no version such as 25.2.0-cf7368216c")
    return found[0]
